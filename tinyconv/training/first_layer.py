"""The first layer of a network, the only one whose weights can be looked at as images."""
from .. import nn


def first_layer(model):
    """The name and the array of the weights that meet the image first: (O, C, h, w) of a
    convolution, (O, I) of a linear layer; None if the model has neither."""
    for path, module in model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            return f"{path}.weight".lstrip("."), module.weight.data
    return None
