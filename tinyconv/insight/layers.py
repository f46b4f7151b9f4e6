"""Layers by their names, what they answer, and what they have learned."""
from contextlib import contextmanager

import numpy as np

from ..core import Tensor, no_grad
from ..nn import Conv1d, Conv2d, Conv3d
from .asking import as_images, undisturbed

CONVOLUTIONS = Conv1d, Conv2d, Conv3d


def layer_named(who, model, layer):
    """The name and the module that `layer` means: "layer1.0.conv2", or the module itself.

    Raises ValueError that names the layers to choose from.
    """
    names = {path: module for path, module in model.named_modules()}
    path = layer if isinstance(layer, str) else next(
        (path for path, module in names.items() if module is layer), None)
    if path not in names:
        raise ValueError(f"{who}: there is no layer {layer!r:.80}; there are "
                         f"{', '.join(name for name in names if name)}")
    return path, names[path]


@contextmanager
def recorded(who, model, layers):
    """Within it a dictionary is filled: {name: output of that layer}, of its last call.

    What a layer answers that is no tensor is left out.
    """
    found, handles = {}, []
    try:
        for path, module in dict(layer_named(who, model, layer) for layer in layers).items():
            def keep(module, args, y, path=path):
                if isinstance(y, Tensor):
                    found[path] = y
            handles.append(module.register_forward_hook(keep))
        yield found
    finally:
        for handle in handles:
            handle.remove()


def answer_of(who, model, layer, x):
    """What `layer` answers, a tensor, while the model runs on the tensor x; and the model's answer.

    Raises ValueError for a layer there is none of, that is not called, or answers no tensor.
    """
    path, _ = layer_named(who, model, layer)
    with recorded(who, model, [layer]) as found:
        y = model(x)
    if path not in found:
        raise ValueError(f"{who}: the model does not call {path!r}, or it answers no tensor")
    return found[path], y


def feature_maps(model, x, layer):
    """What `layer` answers to the images x (N, C, H, W): an array (N, O, H′, W′), or (N, O).

    `layer` is a name such as "layer1.0.conv2", or the module. What follows as a function in the
    model's `forward`, such as `F.relu`, is not in it; of a layer that is called several times it
    is the last answer.
    """
    with undisturbed(model), no_grad():
        return answer_of("feature_maps", model, layer, as_images("feature_maps", model, x))[0].data


def filters(model, layer=None):
    """The weights of a convolution, an array (O, C, *kernel): by default of the first one.

    Those of the first layer are images themselves, since they are multiplied with pixels.
    """
    if layer is None:
        layer = next((m for m in model.modules() if isinstance(m, CONVOLUTIONS)), None)
        if layer is None:
            raise ValueError(f"filters: {type(model).__name__} has no convolution")
    path, module = layer_named("filters", model, layer)
    if not isinstance(module, CONVOLUTIONS):
        raise ValueError(f"filters: {path!r} is a {type(module).__name__}; the convolutions are "
                         f"{', '.join(convolutions(model)) or 'none'}")
    return module.weight.data.copy()


def convolutions(model):
    """The names of the convolutions, in order."""
    return [path for path, module in model.named_modules() if isinstance(module, CONVOLUTIONS)]


def last_map(who, model, x):
    """The name of the layer that is the last to answer with maps (N, O, H′, W′) of several pixels.

    That is where a convolutional network has understood most and still knows where.
    """
    last, handles = [], []
    paths = {module: path for path, module in model.named_modules() if path}

    def look(module, args, y):
        if isinstance(y, Tensor) and y.ndim == 4 and np.prod(y.shape[2:]) > 1:
            last[:] = [paths[module]]
    try:
        handles += [module.register_forward_hook(look) for module in paths]
        with undisturbed(model), no_grad():
            model(as_images(who, model, x[:1]))
    finally:
        for handle in handles:
            handle.remove()
    if not last:
        raise ValueError(f"{who}: no layer of {type(model).__name__} answers with maps "
                         "(N, O, H, W) of several pixels")
    return last[0]
