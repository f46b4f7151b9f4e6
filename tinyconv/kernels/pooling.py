"""Pooling: the largest element of every window and where it was, and weighted sums of windows.

A window is a list of pixels, so strided, dilated, padded and adaptive pooling in one, two or three
dimensions are one kernel with different lists. Arrays are channels-last: an image is a matrix of
pixels by channels (P, C). Sums run over channels in their inner loop, which is turned into vector
instructions, because its indices are plain loop counters. (Computed into a flat array they might be
negative for all the compiler knows, and it would go one by one: 20 times slower at 64 channels.)
They take four pixels at a time, or they would spend themselves on reading and writing what they
have so far. Maxima and their places stay in vectors until the window is done (`vectors.py`).

Where many large windows overlap, the list of all their pixels would be far longer than the image. A
window is a product of ranges, so it can be taken along one dimension after the other, each with a
short list: what comes before that dimension counts as images, what comes after it as channels.
"""
import functools
import math
from typing import NamedTuple

import numpy as np
from numba import prange

from .compile import kernel, part
from .layout import channels_first, channels_last
from .memory import empty
from .shapes import HALF, ONE
from .tile import rectify, width
from .vectors import at_place, everywhere, larger, load_some, past_relu, save_some

TOGETHER = 4                                     # pixels that the inner loop takes at a time
FEW = 4                                          # channels that hardly fill a vector
MOST = 1 << 20                                   # pixels in the list of all windows, or …
TIMES = 4                                        # … so many times those of the image


class Range(NamedTuple):
    """The windows of one dimension: output o sees start[o], start[o] + step, … below stop[o]."""
    start: np.ndarray
    stop: np.ndarray
    step: int


class Windows(NamedTuple):
    """The windows of an image, products of ranges.

    pixels (O, T)   row o has the places of window o in the flattened image, in order, and then the
                    last one again until the row is full; None where that would be too long
    counts (O)      how many different ones there are
    along           the windows of each dimension alone, where there is no list of all pixels
    sliding         (kernel, stride, padding, dilation) of each dimension, where one window slides
    """
    pixels: np.ndarray | None
    counts: np.ndarray
    size: tuple                                  # of the image
    outputs: tuple                               # how many windows along each dimension
    disjoint: bool                               # whether it is known that no two of them meet
    along: tuple = ()
    sliding: tuple = ()


def windows(size, ranges):
    """The `Windows` of an image of this size, given the `Range` of each dimension.

    One dimension alone always has a list.
    """
    lengths = [-((r.start - r.stop) // r.step) for r in ranges]
    outputs = tuple(len(r.start) for r in ranges)
    if len(size) > 1 and math.prod(len(n) * n.max(initial=0) for n in lengths) > max(
            MOST, TIMES * math.prod(size)):
        counts = functools.reduce(np.multiply.outer, lengths).reshape(-1)
        along = tuple(windows((n,), (r,)) for n, r in zip(size, ranges))
        counts.flags.writeable = False
        return Windows(None, counts, tuple(size), outputs, False, along)
    pixels, seen = np.zeros((1, 1), np.int32), np.ones((1, 1), bool)
    for n, length, (start, stop, step) in zip(size, lengths, ranges):
        places = start[:, None] + step * np.arange(max(1, length.max(initial=0)))
        shape = len(pixels) * len(places), pixels.shape[1] * places.shape[1]
        pixels = (pixels[:, None, :, None] * n + places[:, None]).reshape(shape)
        seen = (seen[:, None, :, None] & (places < stop[:, None])[:, None]).reshape(shape)
    order = np.argsort(~seen, 1, kind="stable")              # what is in the window comes first
    counts = seen.sum(1)
    places = np.minimum(np.arange(order.shape[1]), counts[:, None] - 1)
    pixels = np.take_along_axis(np.take_along_axis(pixels, order, 1), places, 1)
    disjoint = len(np.unique(pixels)) == counts.sum()
    pixels = pixels.astype(np.int32)
    pixels.flags.writeable = counts.flags.writeable = False         # one table for many calls
    return Windows(pixels, counts, tuple(size), outputs, disjoint)


def _pixels(x):
    """(N, C, …) → (N, P, C)"""
    x = channels_last(x)
    return x.reshape(len(x), math.prod(x.shape[1:-1]), x.shape[-1])


def _image(y, size):
    """(N, P, C) → (N, C, *size)"""
    return channels_first(y.reshape(len(y), *size, y.shape[-1]))


def _along(x, d):
    """(N, C, …, n, …) → (N′, C′, n), a view: all that comes before or after spatial dimension d"""
    x = channels_last(x)
    before, n, after = x.shape[:d + 1], x.shape[d + 1], x.shape[d + 2:]
    return channels_first(x.reshape(math.prod(before), n, math.prod(after)))


def _back(y, x, d):
    """What was made of `_along(x, d)` in the shape of x, but for dimension d."""
    N, C, *size = x.shape
    size[d] = y.shape[2]
    return channels_first(channels_last(y).reshape(N, *size, C))


# ---- the largest element -------------------------------------------------------------------------

@part
def _image_max(shape, x, pixels, counts, relu, y, where):
    """y[o] = max over the window of o of x, where[o] the first place of it; NaN wins over all.

    With `relu` y[o] is 0 where the maximum is negative.
    """
    C, inputs, maxima, places = x.shape[1], x.reshape(-1), y.reshape(-1), where.reshape(-1)
    for o in range(pixels.shape[0]):
        for c in range(0, C, width(shape, x)):
            first = pixels[o, 0]
            best = load_some(shape, inputs, first * C + c, C - c, x)
            at = everywhere(first, best)
            for t in range(1, counts[o]):
                pixel = pixels[o, t]
                new = load_some(shape, inputs, pixel * C + c, C - c, x)
                best, at = larger(new, everywhere(pixel, new), best, at)
            save_some(rectify(best) if relu else best, maxima, o * C + c, C - c)
            save_some(at, places, o * C + c, C - c)


@kernel(parallel=True)
def _window_max(x, pixels, counts, relu, y, where):
    for n in prange(len(x)):
        if x.shape[2] <= width(HALF, x):         # a narrower vector is quicker, if it is enough
            _image_max(HALF, x[n], pixels, counts, relu, y[n], where[n])
        else:
            _image_max(ONE, x[n], pixels, counts, relu, y[n], where[n])


def window_max(x, windows, relu=False):
    """x (N, C, *size) → the maxima (N, C, *outputs), and their places in the flattened image

    With `relu` max(maximum, 0) and the place of the maximum, whatever its sign.
    """
    if windows.along:
        return _max_along_dimensions(x, windows, relu)
    shape = len(x), len(windows.pixels), x.shape[1]
    y, where = empty(shape, x.dtype), empty(shape, np.int32)
    _window_max(_pixels(x), windows.pixels, windows.counts, relu, y, where)
    return _image(y, windows.outputs), _image(where, windows.outputs)


def _max_along_dimensions(x, windows, relu):
    """Maxima of rows, then of columns of these, … : so the first of equals is found, as in a list.
    """
    where, inside = None, 1                      # how many pixels lie behind one of this dimension
    for d in reversed(range(len(windows.along))):
        best, place = window_max(_along(x, d), windows.along[d], relu and d == 0)
        among = 0 if where is None else take(_along(where, d), place)
        where = _back(place * np.int32(inside) + among, x, d)
        x, inside = _back(best, x, d), inside * windows.size[d]
    return x, where


# ---- elements by position within the image -------------------------------------------------------

@kernel(parallel=True)
def _take(x, where, y):
    N, P, C = where.shape
    for n in prange(N):
        for p in range(P):
            for c in range(C):
                y[n, p, c] = x[n, where[n, p, c], c]


@part
def _put_image(g, where, y, x):
    """x[where[p]] += g[p], where y > 0; all of it if y is empty."""
    zero = g.dtype.type(0)
    x[:] = 0                                     # now, so that it is in the cache
    P, C = where.shape
    for p in range(P):
        for c in range(C):
            x[where[p, c], c] += zero if y.size and y[p, c] <= 0 else g[p, c]


@kernel(parallel=True)
def _put(g, where, y, x):
    for n in prange(len(x)):
        _put_image(g[n], where[n], y[n], x[n])


@part
def _fill_image(shape, g, where, y, pixels, counts, x):
    """x[i] = g[o] at the place i in window o, and 0 at its other pixels; no two windows meet."""
    C, gradient, results = x.shape[1], g.reshape(-1), y.reshape(-1)
    image, places = x.reshape(-1), where.reshape(-1)
    if counts.sum() < len(x):
        x[:] = 0
    for o in range(len(pixels)):
        for c in range(0, C, width(shape, x)):
            v = load_some(shape, gradient, o * C + c, C - c, x)
            if results.size:
                v = past_relu(v, load_some(shape, results, o * C + c, C - c, x))
            at = load_some(shape, places, o * C + c, C - c, x)
            for t in range(counts[o]):
                pixel = pixels[o, t]
                save_some(at_place(v, at, everywhere(pixel, v)), image, pixel * C + c, C - c)


@kernel(parallel=True)
def _fill(g, where, y, pixels, counts, x):
    for n in prange(len(x)):
        if x.shape[2] <= width(HALF, x):
            _fill_image(HALF, g[n], where[n], y[n], pixels, counts, x[n])
        else:
            _fill_image(ONE, g[n], where[n], y[n], pixels, counts, x[n])


def take(x, where):
    """y[n, c, p] = x[n, c, where[n, c, p]]"""
    places = _pixels(where)
    y = empty(places.shape, x.dtype)
    _take(_pixels(x), places, y)
    return _image(y, where.shape[2:])


def put(g, where, size, windows=None, y=None):
    """x[n, c, where[n, c, p]] += g[n, c, p], x zeros (N, C, *size): the adjoint of `take`

    With y, an array like g, only where y > 0 (or is NaN): g has come through ReLU before. The
    places may be known to lie one in each of these windows. If they do not overlap, every pixel is
    written once, and by vectors, unless the channels would hardly fill one.
    """
    x = empty((len(g), math.prod(size), g.shape[1]), g.dtype)
    y = np.empty((len(g), 0, 0), g.dtype) if y is None else _pixels(y)
    if windows is not None and windows.disjoint and g.shape[1] >= FEW:
        _fill(_pixels(g), _pixels(where), y, windows.pixels, windows.counts, x)
    else:
        _put(_pixels(g), _pixels(where), y, x)
    return _image(x, size)


# ---- weighted sums -------------------------------------------------------------------------------

@part
def _image_sum(x, pixels, counts, scale, y):
    """y[o] = scale[o] · Σ x over the window of o"""
    for o in range(len(pixels)):
        first, a = counts[o] % TOGETHER, scale[o]
        for c in range(x.shape[1]):
            y[o, c] = 0
        for t in range(first):
            p = pixels[o, t]
            for c in range(x.shape[1]):
                y[o, c] += a * x[p, c]
        for t in range(first, counts[o], TOGETHER):
            p, q, r, s = pixels[o, t], pixels[o, t + 1], pixels[o, t + 2], pixels[o, t + 3]
            for c in range(x.shape[1]):
                y[o, c] += a * ((x[p, c] + x[q, c]) + (x[r, c] + x[s, c]))


@kernel(parallel=True)
def _window_sum(x, pixels, counts, scale, y):
    for n in prange(len(x)):
        _image_sum(x[n], pixels, counts, scale, y[n])


def window_sum(x, windows, scale):
    """y[o] = scale[o] · Σ over the window of o:  (N, C, *size) → (N, C, *outputs)"""
    if windows.along:
        for d, row in enumerate(windows.along):
            x = _back(window_sum(_along(x, d), row, np.ones(len(row.counts))), x, d)
        return x * scale.astype(x.dtype).reshape(windows.outputs)
    y = empty((len(x), len(scale), x.shape[1]), x.dtype)
    _window_sum(_pixels(x), windows.pixels, windows.counts, scale.astype(x.dtype), y)
    return _image(y, windows.outputs)


@part
def _image_spread(g, pixels, counts, scale, x):
    """x[i] += scale[o] · g[o] for every i in the window of o"""
    x[:] = 0                                     # now, so that it is in the cache
    for o in range(len(pixels)):
        a = scale[o]
        for t in range(counts[o]):
            p = pixels[o, t]
            for c in range(x.shape[1]):
                x[p, c] += a * g[o, c]


@kernel(parallel=True)
def _window_spread(g, pixels, counts, scale, x):
    for n in prange(len(x)):
        _image_spread(g[n], pixels, counts, scale, x[n])


def window_spread(g, windows, scale):
    """x[i] = Σ over the windows o that see i of scale[o] · g[o]: the adjoint of `window_sum`"""
    if windows.along:
        g = g * scale.astype(g.dtype).reshape(windows.outputs)
        for d, row in enumerate(windows.along):
            g = _back(window_spread(_along(g, d), row, np.ones(len(row.counts))), g, d)
        return g
    x = empty((len(g), math.prod(windows.size), g.shape[1]), g.dtype)
    _window_spread(_pixels(g), windows.pixels, windows.counts, scale.astype(g.dtype), x)
    return _image(x, windows.size)
