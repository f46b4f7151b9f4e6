"""Pooling: the largest element of every window and where it was, and weighted sums of windows.

A window is a product of ranges, one per dimension, `start[o] : stop[o] : step` clipped to the image, so that strided,
dilated, padded and adaptive pooling are one kernel with different ranges. Arrays are channels-last, (N, D, H, W, C), and the
inner loop runs over channels.
"""
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from .compile import kernel
from .layout import channels_first, channels_last


class Windows(NamedTuple):
    """The windows of one dimension: output o sees start[o], start[o] + step, … below stop[o]."""
    start: np.ndarray
    stop: np.ndarray
    step: int


# ---- the largest element -------------------------------------------------------------------------

@njit(nogil=True)
def _keep_larger(x, i, y, where, o, C, pixel):
    """y[o : o + C] = max(y, x[i : i + C]), noting the pixel; the first of equals wins, and NaN wins over all."""
    for c in range(C):
        larger = x[i + c] > y[o + c] or x[i + c] != x[i + c]
        y[o + c] = x[i + c] if larger else y[o + c]
        where[o + c] = pixel if larger else where[o + c]


@kernel(parallel=True)
def _window_max(x, start0, stop0, step0, start1, stop1, step1, start2, stop2, step2, y, where):
    N, D, H, W, C = x.shape
    image, result = D * H * W * C, start0.size * start1.size * start2.size * C
    source, target, places = x.reshape(-1), y.reshape(-1), where.reshape(-1)
    for n in prange(N):
        o = n * result
        for d in range(start0.size):
            for h in range(start1.size):
                for w in range(start2.size):
                    first = (start0[d] * H + start1[h]) * W + start2[w]
                    target[o:o + C] = -np.inf
                    places[o:o + C] = first
                    for i in range(start0[d], stop0[d], step0):
                        for j in range(start1[h], stop1[h], step1):
                            for k in range(start2[w], stop2[w], step2):
                                pixel = (i * H + j) * W + k
                                _keep_larger(source, n * image + pixel * C, target, places, o, C, np.int32(pixel))
                    o += C


def window_max(x, windows):
    """x (N, C, D, H, W) → the maxima (N, C, …) and, as int32, the flat positions they have within D × H × W."""
    source = channels_last(x)
    shape = (len(x), *(len(w.start) for w in windows), x.shape[1])
    y, where = np.empty(shape, x.dtype), np.empty(shape, np.int32)
    _window_max(source, *(part for w in windows for part in w), y, where)
    return channels_first(y), channels_first(where)


# ---- elements by position within the image -------------------------------------------------------

@kernel(parallel=True)
def _take(x, where, y):
    N, P, C = where.shape
    for n in prange(N):
        for p in range(P):
            for c in range(C):
                y[n, p, c] = x[n, where[n, p, c], c]


@kernel(parallel=True)
def _put(g, where, x):
    N, P, C = where.shape
    for n in prange(N):
        for p in range(P):
            for c in range(C):
                x[n, where[n, p, c], c] += g[n, p, c]


def _flat_pixels(x):
    x = channels_last(x)
    return x.reshape(len(x), int(np.prod(x.shape[1:-1])), x.shape[-1])


def take(x, where):
    """y[n, c, p] = x[n, c, where[n, c, p]]"""
    y = np.empty((len(where), *where.shape[2:], where.shape[1]), x.dtype)
    _take(_flat_pixels(x), _flat_pixels(where), y.reshape(len(y), int(np.prod(y.shape[1:-1])), y.shape[-1]))
    return channels_first(y)


def put(g, where, size):
    """x[n, c, where[n, c, p]] += g[n, c, p], from zeros of `size` (D, H, W): the adjoint of `take`"""
    x = np.zeros((len(g), *size, g.shape[1]), g.dtype)
    _put(_flat_pixels(g), _flat_pixels(where), x.reshape(len(x), int(np.prod(size)), x.shape[-1]))
    return channels_first(x)


# ---- weighted sums -------------------------------------------------------------------------------

@njit(nogil=True)
def _add_scaled(x, i, scale, y, o, C):
    for c in range(C):
        y[o + c] += scale * x[i + c]


@kernel(parallel=True)
def _window_sum(x, start0, stop0, start1, stop1, start2, stop2, scale0, scale1, scale2, y, back):
    """Gather window sums of x into y, or with `back` hand x (then y) back to the windows: the adjoint."""
    N, D, H, W, C = x.shape
    image, result = D * H * W * C, start0.size * start1.size * start2.size * C
    inside, outside = x.reshape(-1), y.reshape(-1)
    for n in prange(N):
        o = n * result
        for d in range(start0.size):
            for h in range(start1.size):
                for w in range(start2.size):
                    scale = scale0[d] * scale1[h] * scale2[w]
                    for i in range(start0[d], stop0[d]):
                        for j in range(start1[h], stop1[h]):
                            for k in range(start2[w], stop2[w]):
                                at = n * image + ((i * H + j) * W + k) * C
                                if back:
                                    _add_scaled(outside, o, scale, inside, at, C)
                                else:
                                    _add_scaled(inside, at, scale, outside, o, C)
                    o += C


def window_sum(x, windows, scales):
    """y[o] = Π scales[o] · Σ over the window of o:  (N, C, D, H, W) → (N, C, …)"""
    y = np.zeros((len(x), *(len(w.start) for w in windows), x.shape[1]), x.dtype)
    _window_sum(channels_last(x), *(part for w in windows for part in w[:2]),
                *(s.astype(x.dtype) for s in scales), y, False)
    return channels_first(y)


def window_spread(g, windows, scales, size):
    """x[i] = Σ over the windows that see i of Π scales[o] · g[o]: the adjoint of `window_sum`"""
    x = np.zeros((len(g), *size, g.shape[1]), g.dtype)
    _window_sum(x, *(part for w in windows for part in w[:2]), *(s.astype(g.dtype) for s in scales),
                channels_last(g), True)
    return channels_first(x)
