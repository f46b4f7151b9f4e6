"""Pooling: the largest element of every window and where it was, and weighted sums of windows.

A window is a product of ranges, one per dimension, `start[o] : stop[o] : step` clipped to the
image, so that strided, dilated, padded and adaptive pooling are one kernel with different ranges.
Arrays are channels-last, (N, D, H, W, C); the inner loop runs over channels and is turned into
vector instructions, because its indices are plain loop counters. (Computed into a flat array they
might be negative for all the compiler knows, and it would go one by one: 20 times slower at 64
channels.)
"""
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from .compile import kernel
from .layout import channels_first, channels_last
from .memory import empty, zeros


class Windows(NamedTuple):
    """The windows of one dimension: output o sees start[o], start[o] + step, … below stop[o]."""
    start: np.ndarray
    stop: np.ndarray
    step: int


# ---- the largest element -------------------------------------------------------------------------

@njit(nogil=True)
def _image_max(x, start0, stop0, step0, start1, stop1, step1, start2, stop2, step2, y, where):
    """y[o] = max over the window of o of x, where[o] the first place of it; NaN wins over all."""
    _, H, W, C = x.shape
    for d in range(start0.size):
        for h in range(start1.size):
            for w in range(start2.size):
                i, j, k = start0[d], start1[h], start2[w]
                pixel = np.int32((i * H + j) * W + k)
                for c in range(C):
                    y[d, h, w, c] = x[i, j, k, c]
                    where[d, h, w, c] = pixel
                for i in range(start0[d], stop0[d], step0):
                    for j in range(start1[h], stop1[h], step1):
                        for k in range(start2[w], stop2[w], step2):
                            pixel = np.int32((i * H + j) * W + k)
                            for c in range(C):
                                v, best = x[i, j, k, c], y[d, h, w, c]
                                larger = (v > best) | (v != v)
                                y[d, h, w, c] = v if larger else best
                                where[d, h, w, c] = pixel if larger else where[d, h, w, c]


@kernel(parallel=True)
def _window_max(x, start0, stop0, step0, start1, stop1, step1, start2, stop2, step2, y, where):
    for n in prange(x.shape[0]):
        _image_max(x[n], start0, stop0, step0, start1, stop1, step1, start2, stop2, step2,
                   y[n], where[n])


def window_max(x, windows):
    """x (N, C, D, H, W) → the maxima (N, C, …), and their flat positions in D × H × W as int32."""
    source = channels_last(x)
    shape = (len(x), *(len(w.start) for w in windows), x.shape[1])
    y, where = empty(shape, x.dtype), empty(shape, np.int32)
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
    places = _flat_pixels(where)
    y = empty(places.shape, x.dtype)
    _take(_flat_pixels(x), places, y)
    return channels_first(y.reshape(len(where), *where.shape[2:], where.shape[1]))


def put(g, where, size):
    """x[n, c, where[n, c, p]] += g[n, c, p], x zeros of `size` (D, H, W): the adjoint of `take`"""
    x = zeros((len(g), int(np.prod(size)), g.shape[1]), g.dtype)
    _put(_flat_pixels(g), _flat_pixels(where), x)
    return channels_first(x.reshape(len(g), *size, g.shape[1]))


# ---- weighted sums -------------------------------------------------------------------------------

@njit(nogil=True)
def _image_sum(x, start0, stop0, start1, stop1, start2, stop2, scale0, scale1, scale2, y, back):
    """y[o] += scale[o] · x[i] for i in the window of o, or `back`: x[i] += scale[o] · y[o]."""
    C = x.shape[3]
    for d in range(start0.size):
        for h in range(start1.size):
            for w in range(start2.size):
                scale = scale0[d] * scale1[h] * scale2[w]
                for i in range(start0[d], stop0[d]):
                    for j in range(start1[h], stop1[h]):
                        for k in range(start2[w], stop2[w]):
                            if back:
                                for c in range(C):
                                    x[i, j, k, c] += scale * y[d, h, w, c]
                            else:
                                for c in range(C):
                                    y[d, h, w, c] += scale * x[i, j, k, c]


@kernel(parallel=True)
def _window_sum(x, start0, stop0, start1, stop1, start2, stop2, scale0, scale1, scale2, y, back):
    for n in prange(x.shape[0]):
        _image_sum(x[n], start0, stop0, start1, stop1, start2, stop2, scale0, scale1, scale2,
                   y[n], back)


def window_sum(x, windows, scales):
    """y[o] = Π scales[o] · Σ over the window of o:  (N, C, D, H, W) → (N, C, …)"""
    y = zeros((len(x), *(len(w.start) for w in windows), x.shape[1]), x.dtype)
    _window_sum(channels_last(x), *(part for w in windows for part in w[:2]),
                *(s.astype(x.dtype) for s in scales), y, False)
    return channels_first(y)


def window_spread(g, windows, scales, size):
    """x[i] = Σ over the windows that see i of Π scales[o] · g[o]: the adjoint of `window_sum`"""
    x = zeros((len(g), *size, g.shape[1]), g.dtype)
    _window_sum(x, *(part for w in windows for part in w[:2]), *(s.astype(g.dtype) for s in scales),
                channels_last(g), True)
    return channels_first(x)
