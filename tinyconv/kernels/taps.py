"""Convolution of small images with many channels: one matrix product for each tap.

Through tap t of the kernel output p sees one pixel q of the image, or none where that falls into
the padding. With the pairs (p, q) of every tap listed,

    y[n, p] += w[t] x[n, q]        ∂L/∂x[n, q] += w[t]ᵀ g[n, p]        ∂L/∂w[t] += g[n, p] x[n, q]ᵀ

over all images n are three matrix products whose rows lie scattered, and padding is neither copied
nor multiplied: of the 36 products of a 3 × 3 kernel and 2 × 2 outputs 16 are left. Where weights
are more than images, their way through the caches counts most: so a task makes all there is to make
with one panel of columns, whose weights are packed while in cache.

Vasudevan, Anderson & Gregg, "Parallel multi channel convolution using general matrix
multiplication", ASAP 2017, https://arxiv.org/abs/1704.04428, call it kn2row.
"""
import math
from functools import lru_cache

import numpy as np
from numba import prange

from .compile import kernel, part
from .geometry import KEPT, flat
from .layout import as_it_lies, channels_last, outputs_first
from .memory import empty
from .product import CHUNK, ONCE, best_shape, finish_rows, multiply_as, pack, scratch
from .shapes import WIDE

PANELS = 8                             # pieces of work at the least
IMAGES = 2                             # times as many numbers in the images as in the weights


@lru_cache(maxsize=KEPT)
def fits(geometry, N, S, O, groups, dtype):
    """Whether the functions below can do this, summing S channels for each of O columns, and faster
    than the others: with panels enough for all cores, and weights that outweigh the images."""
    pixels = S * math.prod(geometry.size) + O * math.prod(geometry.output)
    weights = S * O * math.prod(geometry.kernel)
    return (groups == 1 and O >= PANELS * WIDE.width(np.dtype(dtype).itemsize)
            and 0 < N * pixels <= IMAGES * weights)


# ---- the kernels ---------------------------------------------------------------------------------

@kernel(parallel=True)
def _products(tile, x, w, steps, starts, p, q, y, finish):
    """y[n, p] = Σ_t w[t] x[n, q] over the pairs of every tap t, finished by `finish_rows`.

    x (N, Q, S), y (N, P, O); in w outputs, summed channels and taps lie so many `steps` apart.
    """
    for panel in prange((y.shape[2] + tile[2] - 1) // tile[2]):
        _products_of(panel, tile, x, w, steps, starts, p, q, y, finish)


@part
def _products_of(panel, tile, x, w, steps, starts, p, q, y, finish):
    """The columns of one panel."""
    (kind, rows, width), (scale, shift, addend, relu) = tile, finish
    (N, Q, S), (_, P, O), taps = x.shape, y.shape, starts.size - 1
    first, columns = panel * width, min(width, O - panel * width)
    b, off, none = scratch(taps * S * width, x), np.arange(S), np.zeros(width, x.dtype)
    pack(w[first * steps[0]:], steps, np.arange(taps), S, columns, width, b)
    lines = y.reshape(N * P, O)[:, first:first + columns]
    lines[:] = 0
    for t in range(taps):
        row, out = _rows(N, starts[t], starts[t + 1], rows, q, Q * S, S, p, P * O, O)
        multiply_as(kind, 1, ONCE, x.reshape(-1), row, off, b[t * S * width:], width, 0, none,
                    y.reshape(-1)[first:], out, columns, True)
    finish_rows(lines, scale[first:], shift[first:], addend[:, first:], relu)


@part
def _rows(N, start, stop, rows, q, image_q, line_q, p, image_p, line_p):
    """Where in memory pixels q and p of the pairs from start to stop lie, for all N images.

    Filled up to whole tiles with the last one.
    """
    count = stop - start
    M = N * count
    row = np.empty((M + rows - 1) // rows * rows, np.intp)
    out = np.empty_like(row)
    for m in range(row.size):
        n, i = min(m, M - 1) // count, start + min(m, M - 1) % count
        row[m], out[m] = n * image_q + q[i] * line_q, n * image_p + p[i] * line_p
    return row, out


@kernel(parallel=True)
def _gradient(tile, x, g, starts, p, q, gw):
    """gw[t, c, o] = Σ g[n, p, o] x[n, q, c] over the pairs of tap t.  x (N, Q, C), g (N, P, O)"""
    for panel in prange((g.shape[2] + tile[2] - 1) // tile[2]):
        _gradient_of(panel, tile, x, g, starts, p, q, gw)


@part
def _gradient_of(panel, tile, x, g, starts, p, q, gw):
    """The columns of gw that one panel makes."""
    (kind, rows, width), (N, Q, C), (_, P, O), taps = tile, x.shape, g.shape, gw.shape[0]
    first = panel * width
    columns = min(width, O - first)
    sums, b = scratch(C * width, x), scratch(CHUNK * width, x)
    none = np.zeros(width, x.dtype)
    if columns < width:
        b[:] = 0
    channel = np.minimum(np.arange((C + rows - 1) // rows * rows), C - 1)
    for t in range(taps):
        off, line = _rows(N, starts[t], starts[t + 1], 1, q, Q * C, C, p, P * O, O)
        for chunk in range(0, max(off.size, 1), CHUNK):
            some = off[chunk:chunk + CHUNK]
            for r in range(some.size):
                source, to = g.reshape(-1)[line[chunk + r] + first:], b[r * width:][:columns]
                for o in range(columns):
                    to[o] = source[o]
            multiply_as(kind, 1, ONCE, x.reshape(-1), channel, some, b, width, 0, none,
                        sums, channel * width, width, chunk > 0)
        for c in range(C):
            line, to = sums[c * width:], gw[t, c, first:first + columns]
            for o in range(columns):
                to[o] = line[o]


# ---- the three operations ------------------------------------------------------------------------

def conv(x, w, bias, geometry, y, finish=None):
    """y = x ∗ w + bias, or what a `convolution.Finish` makes of it

    x (N, C, D, H, W), w (O, C, kd, kh, kw), bias (O) or None; y (N, D′, H′, W′, O)
    """
    _run(x, w, True, *pairs(geometry), y, bias, *finish or (None, None, False))


def conv_input(g, w, geometry, x, addend=None):
    """∂L/∂x for y = x ∗ w: the pairs exchanged.  g (N, O, …output) → x (N, D, H, W, C)"""
    starts, p, q = pairs(geometry)
    _run(g, w, False, starts, q, p, x, None, None, addend, False)


def _run(x, w, turned, starts, p, q, y, shift, scale, addend, relu):
    N, O = len(x), y.shape[-1]
    if not y.size:
        return
    scale = np.ones(O, x.dtype) if scale is None else np.ascontiguousarray(scale)
    shift = np.zeros(O, x.dtype) if shift is None else np.ascontiguousarray(shift)
    addend = np.empty((0, O), x.dtype) if addend is None else channels_last(addend).reshape(-1, O)
    w, (to_o, to_c, to_t) = as_it_lies(w)
    _products(best_shape(O, x.itemsize), _pixels(x), w,
              (to_o, to_c, to_t) if turned else (to_c, to_o, to_t), starts, p, q,
              y.reshape(N, -1, O), (scale, shift, addend, relu))


def conv_weight(x, g, geometry):
    """∂L/∂w for y = x ∗ w:  x (N, C, D, H, W), g (N, O, …output) → (O, C, kd, kh, kw)"""
    C, O = x.shape[1], g.shape[1]
    gw = empty((*geometry.kernel, C, O), x.dtype)
    _gradient(best_shape(O, x.itemsize), _pixels(x), _pixels(g), *pairs(geometry),
              gw.reshape(-1, C, O))
    return outputs_first(gw)


def _pixels(x):
    """(N, C, D, H, W) → (N, pixels, C)"""
    return channels_last(x).reshape(len(x), math.prod(x.shape[2:]), x.shape[1])


@lru_cache(maxsize=KEPT)
def pairs(geometry):
    """(starts, p, q): through tap t outputs p[i] see pixels q[i], starts[t] ≤ i < starts[t + 1]"""
    p, q = [], []
    for tap in np.ndindex(*geometry.kernel):
        outputs, seen = [], []
        for k, size, output, stride, before, dilation in zip(
                tap, geometry.size, geometry.output, geometry.stride, geometry.before,
                geometry.dilation):
            at = np.arange(output) * stride + k * dilation - before
            inside = (at >= 0) & (at < size)
            outputs.append(np.flatnonzero(inside))
            seen.append(at[inside])
        p.append(flat(*outputs, geometry.output, 1))
        q.append(flat(*seen, geometry.size, 1))
    starts = np.cumsum([0, *map(len, p)])
    return starts, np.concatenate(p), np.concatenate(q)
