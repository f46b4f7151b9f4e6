"""The effective receptive field: which pixels an output depends on, and how much.

Luo, Li, Urtasun & Zemel, "Understanding the effective receptive field in deep convolutional neural
networks", NIPS 2016, https://arxiv.org/abs/1701.04128. The theoretical field (`receptive.py`) is a
window outside of which nothing has an influence. Within it most pixels have little: many more
ways lead to those in the middle, and the whole is like a bell whose width grows with the square
root of the depth.
"""
from typing import NamedTuple

import numpy as np

from ..core import Tensor, grad
from .asking import as_images, undisturbed
from .layers import answer_of
from .receptive import receptive_field, usual_shape

WHO = "effective_field"


class EffectiveField(NamedTuple):
    """What `effective_field` found.

    influence    (H, W): root mean square of the gradient, its greatest value made 1
    place        (row, column) of the output whose field it is
    window       two slices: the theoretical field of that output, as far as it is in the image
    """
    influence: np.ndarray
    place: tuple
    window: tuple

    def within(self, share):
        """The side of the least square around the middle of the window that holds `share`.

        Of the sum of squares of the influence: `within(0.95)` is the effective size in pixels.
        """
        energy = self.influence.astype(float) ** 2
        centre = [(s.start + s.stop - 1) / 2 for s in self.window]
        far = np.maximum(*(np.abs(i - c) for i, c in zip(np.indices(energy.shape), centre)))
        order = np.argsort(far, axis=None, kind="stable")
        held = np.cumsum(energy.reshape(-1)[order])
        last = order[min(np.searchsorted(held, share * held[-1]), len(order) - 1)]
        return int(2 * far.reshape(-1)[last] + 1)        # the middle may lie between pixels


def effective_field(model, layer, x=None, place=None, samples=16, seed=0):
    """How much each pixel of the images has an influence on one output of `layer`.

    The output is the one at `place`, by default in the middle of the maps of `layer`. Each of the
    images x (N, C, H, W) gives a gradient of a random mix of its channels, with the same `seed` the
    same; they are put together as root mean squares over images and colours. By default the
    images are `samples` of normal noise of the usual size. Returns an `EffectiveField`. The model
    is left as it was; a layer that does not answer with maps (N, O, H, W) is a ValueError.
    """
    generator = np.random.default_rng(seed)
    if x is None:
        x = generator.standard_normal((samples, *usual_shape(model))).astype(np.float32)
    with undisturbed(model):
        x = as_images(WHO, model, x)
        y, _ = answer_of(WHO, model, layer, x)
        if x.ndim != 4 or y.ndim != 4:
            raise ValueError(f"{WHO}: {layer!r:.80} answers {y.shape} to images {x.shape}, and not "
                             "with maps (N, O, H, W)")
        place = tuple(n // 2 for n in y.shape[2:]) if place is None else tuple(place)
        seed = np.zeros(y.shape, y.dtype)
        seed[(slice(None), slice(None), *place)] = generator.standard_normal(y.shape[:2])
        (g,) = grad(y, [x], Tensor(seed))
    influence = np.sqrt((g.data.astype(float) ** 2).mean((0, 1)))
    influence /= influence.max() or 1
    field = receptive_field(model, layer, x.shape[1:])
    return EffectiveField(influence, place, field.pixels(place, x.shape[2:]))
