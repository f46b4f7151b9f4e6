"""Resampling along a dimension: every output is a weighted sum of a few inputs.

    y[o] = Σ_t weights[o, t] · x[places[o, t]]

That is a product with a sparse matrix, so its adjoint is `resample` again, with the transpose:
the family is closed under differentiation with a single operation. An image is resampled along one
dimension after the other. Bicubic weights: Keys 1981, with a = −0.75 (−0.5 when antialiasing).
"""
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..core import defvjp, primitive


class Taps(NamedTuple):
    """Which inputs each output is made of, (outputs, taps) both, and the number of inputs.

    A tap of weight 0 counts nothing, whatever is at its place.
    """
    places: np.ndarray
    weights: np.ndarray
    inputs: int


@primitive
def resample(x, dim, taps):
    """y[…, o, …] = Σ_t weights[o, t] · x[…, places[o, t], …] along `dim`"""
    shape = (-1,) + (1,) * (x.ndim - 1 - dim)
    y = 0
    for places, weights in zip(taps.places.T, taps.weights.T.astype(x.dtype)):
        part = x.take(places, dim) * weights.reshape(shape)
        np.copyto(part, 0, where=weights.reshape(shape) == 0)          # 0 · NaN is nothing, too
        y = y + part
    return y
defvjp(resample, lambda g, y, x, dim, taps: resample(g, dim, transposed(taps)))


def transposed(taps):
    """The taps of the adjoint: which outputs each input went to."""
    outputs, inputs = np.nonzero(taps.weights)[0], taps.places[taps.weights != 0]
    weights, order = taps.weights[taps.weights != 0], np.argsort(inputs, kind="stable")
    counts = np.bincount(inputs, minlength=taps.inputs)
    rank = np.arange(len(inputs)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = taps.inputs, max(counts.max(initial=0), 1)
    there = np.zeros(shape, int), np.zeros(shape)
    for table, values in zip(there, (outputs, weights)):
        table[inputs[order], rank] = values[order]
    return Taps(*there, len(taps.places))


# ---- weights -------------------------------------------------------------------------------------

@lru_cache(256)
def interpolation_taps(mode, inputs, outputs, scale, align_corners):
    """How PyTorch's `mode` makes `outputs` positions from `inputs`.

    `scale` is the number of input positions per output (None: inputs/outputs). Centres of pixels
    lie at half-integers; with `align_corners` the first and the last centre stay where they are.
    """
    scale = inputs / outputs if scale is None else scale
    o = np.arange(outputs)
    if mode.startswith("nearest"):
        shift = np.float32(0.5 if mode == "nearest-exact" else 0)
        places = ((o.astype(np.float32) + shift) * np.float32(scale)).astype(int)
        return Taps(np.minimum(places, inputs - 1)[:, None], np.ones((outputs, 1)), inputs)
    if align_corners:
        source = o * ((inputs - 1) / (outputs - 1) if outputs > 1 else 0)
    else:
        source = (o + 0.5) * scale - 0.5
    if mode == "cubic":
        first = np.floor(source)
        reach = np.arange(-1, 3)
        weights = cubic((source - first)[:, None] - reach, -0.75)
    else:
        source = np.clip(source, 0, inputs - 1)
        first, reach = np.floor(source), np.arange(2)
        weights = 1 - np.abs((source - first)[:, None] - reach)
    return Taps(np.clip(first[:, None].astype(int) + reach, 0, inputs - 1), weights, inputs)


@lru_cache(256)
def antialiased_taps(mode, inputs, outputs, scale, align_corners):
    """As `interpolation_taps`, for modes "linear" and "cubic" with a filter as wide as an output.

    So that when an image shrinks every pixel counts.
    """
    scale = inputs / outputs if scale is None else scale
    if align_corners:
        scale = (inputs - 1) / (outputs - 1) if outputs > 1 else 0
    wide = max(scale, 1)
    support = (2 if mode == "cubic" else 1) * wide
    centre = scale * (np.arange(outputs) + 0.5)
    first = np.maximum((centre - support + 0.5).astype(int), 0)
    stop = np.minimum((centre + support + 0.5).astype(int), inputs)
    places = first[:, None] + np.arange(max((stop - first).max(initial=0), 1))
    distance = (places - centre[:, None] + 0.5) / wide
    weights = cubic(distance, -0.5) if mode == "cubic" else np.maximum(1 - np.abs(distance), 0)
    weights = np.where(places < stop[:, None], weights, 0)
    weights /= weights.sum(1, keepdims=True)
    return Taps(np.minimum(places, inputs - 1), weights, inputs)


def cubic(x, a):
    """Keys' piecewise cubic of width 4, which is 1 at 0 and 0 at the other whole numbers."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))
