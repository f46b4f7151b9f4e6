"""How numbers fare on their way through a network: outputs and gradients, layer by layer.

Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks",
drew them: where outputs or gradients shrink or grow from layer to layer, training is slow or fails.
"""
import copy
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from .. import nn, random
from ..core import Tensor, enable_grad, grad, no_grad
from ..nn import functional as F
from .asking import as_images, undisturbed
from .layers import layer_named, recorded

WEIGHING = nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear


class Spread(NamedTuple):
    """Histograms of several arrays over the same bins.

    names    of the L arrays
    edges    (B + 1,): the ends of the bins, of the values or of log₁₀ of their sizes
    share    (L, B): the part of the values of an array that lies in each bin; what lies beyond the
             first or the last one is counted there
    std      (L,): of the values
    zero     (L,): the part of the values that is zero; these are in no bin of log₁₀
    log      whether it is log₁₀
    """
    names: tuple
    edges: np.ndarray
    share: np.ndarray
    std: np.ndarray
    zero: np.ndarray
    log: bool


def outputs_by_depth(model, x, layers=None, training=False):
    """{name: array}: what each layer answers to the images x (N, C, H, W), in the order of calls.

    By default the layers that weigh: convolutions and linear ones, before normalisation and ReLU.
    Of a layer that is called several times it is the last answer. With `training` the model is
    as in training: batch norm by the statistics of x, dropout.
    """
    who = "outputs_by_depth"
    with _ready(who, model, x, layers, training) as (model, x, layers), no_grad():
        with recorded(who, model, layers) as found:
            model(x)
    return {name: y.data for name, y in found.items()}


def gradients_by_depth(model, x, labels, layers=None, training=False):
    """{name: array}: the gradient of the mean cross-entropy with respect to what each layer answers
    to the images x (N, C, H, W) of the classes `labels` (N,); otherwise as `outputs_by_depth`."""
    who = "gradients_by_depth"
    with _ready(who, model, x, layers, training) as (model, x, layers), enable_grad():
        with recorded(who, model, layers) as found:
            loss = F.cross_entropy(model(x), Tensor(np.asarray(labels)))
        gradients = grad(loss, list(found.values()), allow_unused=True)
    return {name: g.data for name, g in zip(found, gradients) if g is not None}


@contextmanager
def _ready(who, model, x, layers, training):
    """Within it: the model as it is to run, x as a tensor, and the names of layers. Afterwards the
    model, and the default generator, are as they were."""
    paths = ([path for path, module in model.named_modules() if isinstance(module, WEIGHING)]
             if layers is None else [layer_named(who, model, layer)[0] for layer in layers])
    x, before = as_images(who, model, x), random.get_rng_state()
    try:
        if training:                     # batch norm would take note of x: that happens to a copy
            yield copy.deepcopy(model).train(), x, paths
        else:
            with undisturbed(model):
                yield model, x, paths
    finally:
        random.set_rng_state(before)


def spread(arrays, bins=80, log=False):
    """The histograms of {name: array} over the same bins, as `Spread`.

    Of values, from −m to m, where m is the size that 999 of 1 000 of all values do not exceed; or,
    with `log`, of log₁₀ of their sizes over all decades there are. Raises ValueError for no values.
    """
    flat = {name: np.ravel(array).astype(np.float64) for name, array in arrays.items()}
    sizes = np.abs(np.concatenate([*flat.values(), np.zeros(0)]))
    if not sizes.size or not np.isfinite(sizes).all():
        raise ValueError("spread: expected arrays of finite numbers, got "
                         + ("none" if not sizes.size else "some that are not finite"))
    if log:
        sizes = sizes[sizes > 0]
        ends = ((np.floor(np.log10(np.percentile(sizes, 0.1))), np.ceil(np.log10(sizes.max())))
                if sizes.size else (-1.0, 0.0))
        edges = np.linspace(ends[0], max(ends[1], ends[0] + 1), bins + 1)
    else:
        most = np.percentile(sizes, 99.9) or sizes.max() or 1.0
        edges = np.linspace(-most, most, bins + 1)
    share, std, zero = [], [], []
    for values in flat.values():
        std.append(values.std() if values.size else 0.0)
        zero.append((values == 0).mean() if values.size else 0.0)
        shown = np.log10(np.abs(values[values != 0])) if log else values
        counts, _ = np.histogram(np.clip(shown, edges[0], edges[-1]), edges)
        share.append(counts / max(values.size, 1))
    return Spread(tuple(flat), edges, np.array(share), np.array(std), np.array(zero), log)
