"""The first layer of a network, the only one whose weights can be looked at as images."""
import numpy as np

from .. import nn


def first_layer(model):
    """The name and the array of the weights that meet the image first: (O, C, h, w) of a
    convolution, (O, I) of a linear layer; None if the model has neither."""
    for path, module in model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            return f"{path}.weight".lstrip("."), module.weight.data
    return None


def as_filters(weights, shape):
    """Weights of a first layer as images (O, C, h, w), for a model that sees images of `shape`
    (C, H, W); None if they are of something else, such as features worked out before."""
    if weights.ndim == 4:
        return weights
    if weights.ndim == 2 and weights.shape[1] == np.prod(shape):
        return weights.reshape(-1, *shape)
    return None
