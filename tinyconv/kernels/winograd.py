"""3×3 convolution of stride 1 with 36 products where there were 144: Winograd's F(4×4, 3×3).

A filter with taps w over inputs x is a product of polynomials with some coefficients unused. A
polynomial of degree five is known by its values at six points, and values are multiplied one by
one: so four neighbouring outputs, twelve products, take only six, y = Aᵀ[(G w) ⊙ (Bᵀ x)]. G and A
evaluate at the points 0, ±¾, ±1½ and ∞, B interpolates; `reference/winograd.py` makes them. Applied
to rows and columns that gives a *tile* of 4 × 4 outputs from 6 × 6 inputs,
Y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ x B)]A. The products at each of the 36 places, summed over channels, are a
matrix product: (tiles × C) · (C × O). The form Σ (G w) (Bᵀ x) (A g) is linear in each of w, x and
g, so the gradient of the weights is Gᵀ[(Bᵀ x B) ⊙ (A g Aᵀ)]G.

The price is rounding, and that whole numbers give fractions on the way. With |·| of every
matrix, M = |A|ᵀ[(|G| |w| |G|ᵀ) ⊙ (|B|ᵀ |x| |B|)]|A| bounds the error as Σ |x| |w| bounds that of
a plain sum of K products: |error| ≤ (10 + log₂ K) u M for errors of random sign. On average it is
about three times that of the plain sum; with the usual points, 0, ±1, ±2 and ∞, it would be six
times. A number far larger than its neighbours leaves its rounding errors in all outputs of its
tile, also in those that do not see it; an infinity anywhere in a tile makes all of it NaN.

Below the normal numbers rounding is absolute: there the bound holds with the least of them, λ,
added to every |x| and |w| in M, and to every product. Transformed numbers are up to 33 times as
large as x, and 66 times as large as g: where a number is above a 70th of the largest that there is
(5e36 in float32), or M above a sixth of it, ∞ or NaN may come of what has a finite plain sum.

Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR 2016,
https://arxiv.org/abs/1509.09308. Points and errors: Barabasz et al., "Error analysis and improving
the accuracy of Winograd convolution", TOMS 2020, https://arxiv.org/abs/1803.10986. Arrays are
channels-last; channels must fill whole tiles.
"""
from functools import lru_cache

import numpy as np
from numba import prange

from .compile import in_python, kernel, part
from .geometry import KEPT, whole_tiles
from .layout import as_it_lies, channels_last, outputs_first
from .memory import empty
from .product import TASKS, best_shape, multiply_as, scratch
from .shapes import NARROW, ONE, SHAPES, VECTOR_BYTES
from .winograd_transforms import (PAD, PLACES, SIDE, from_gradient, from_input, from_weights,
                                  tile_count, to_output, to_weights)

TILES = 32                             # in a block, at most: what they become stays in cache
WEIGHTS = 1024                         # products that take as long as to transform one kernel
CHANNELS = 16                          # whose weights are transformed at once
SUMS_BYTES = 1 << 19                   # of a weight gradient, for one task: they stay in cache


@lru_cache(maxsize=KEPT)
def fits(geometry, N, C, O, groups, dtype):
    """Whether the functions below can do this convolution, and faster than the plain sum."""
    unit = max(ONE.width(np.dtype(dtype).itemsize), NARROW.rows)
    _, H, W = geometry.output
    spared = N * (9 * H * W - PLACES * -(-H // SIDE) * -(-W // SIDE))    # for two channels
    return (geometry.kernel == (1, 3, 3) and geometry.stride == geometry.dilation == (1, 1, 1)
            and geometry.output[0] == 1 and groups == 1 and C % unit == 0 and O % unit == 0
            and spared >= WEIGHTS)


# ---- the kernels ---------------------------------------------------------------------------------
# What a parallel loop does stands in a function of its own: Numba compiles that in half the time.

@kernel(parallel=True)
def _convolve(tasks, tiles, kind, width, parts, x, before, w, steps, turned, u, tables, y, finish):
    """y = Aᵀ[u ⊙ (Bᵀ x B)]A, finished as `to_output` says, a block of `tiles` after the other.

    u[panel, place, c, o] = G w[o, c] Gᵀ, `turned`: by half a turn; see `from_weights`.
    A block may be shared out in `parts`: each makes the same Bᵀ x B and some of the columns.
    """
    P, C = u.shape[0], u.shape[2]
    several = (C + CHANNELS - 1) // CHANNELS
    for task in prange(P * several):
        c = task % several * CHANNELS
        from_weights(w, steps, turned, y.shape[3], c, min(CHANNELS, C - c), task // several, u)
    blocks = (tile_count(y) + tiles - 1) // tiles
    for task in prange(tasks * parts):
        i = task // parts
        _convolve_blocks(i * blocks // tasks, (i + 1) * blocks // tasks, tiles, task % parts, kind,
                         width, parts, x, before, u, tables, y, finish)


@part
def _convolve_blocks(start, stop, tiles, part, kind, width, parts, x, before, u, tables, y,
                     finish):
    C, P, (row, off, out, none), (scale, shift, addend, relu) = (x.shape[3], u.shape[0], tables,
                                                                 finish)
    weights = u.reshape(-1)
    v, m, patch, lines = _scratch(C, width, x)
    for first in range(start * tiles, stop * tiles, tiles):
        count = min(tiles, tile_count(y) - first)
        from_input(x, first, count, y, before, v, patch, lines)
        for p in range(part * P // parts, (part + 1) * P // parts):
            multiply_as(kind, PLACES, (C, C * width, 0, width), v, row[:count], off,
                        weights[p * PLACES * C * width:], width, width, none, m, out, width, False)
            to_output(m, width, y, first, count, p * width, scale, shift, addend, relu, lines)


@kernel(parallel=True)
def _correlate(kind, width, parts, x, before, g, tables, sums, gw):
    """gw[:, c, o] = Gᵀ S G with S = Σ_group sums[group], gw (9, C, O), where by groups of blocks

    sums[group, place, c, o] = Σ (Bᵀ x B)[place, c] (A g Aᵀ)[place, o].
    """
    for task in prange(len(sums) * parts):
        _correlate_group(task // parts, task % parts, kind, width, parts, x, before, g, tables,
                         sums)
    for c in prange(gw.shape[1]):
        to_weights(sums, c, np.empty((PLACES, gw.shape[2]), gw.dtype), gw)


@part
def _correlate_group(group, part, kind, width, parts, x, before, g, tables, sums):
    C, O, row, off, out, none = x.shape[3], g.shape[3], *tables
    P, blocks, groups = (O + width - 1) // width, (tile_count(g) + TILES - 1) // TILES, len(sums)
    v, m, patch, lines = _scratch(C, width, x)
    begin, total = group * blocks // groups, sums[group].reshape(-1)
    for block in range(begin, (group + 1) * blocks // groups):
        first = block * TILES
        count = min(TILES, tile_count(g) - first)
        from_input(x, first, count, g, before, v, patch, lines)
        for p in range(part * P // parts, (part + 1) * P // parts):
            from_gradient(g, first, count, p * width, m, width, patch, lines)
            multiply_as(kind, PLACES, (C, width, 0, C * O), v, row, off[:count], m, PLACES * width,
                        width, none, total[p * width:], out, min(width, O - p * width),
                        block > begin)


@part
def _scratch(C, width, x):
    """For a block of tiles: what they become, their products; one window; lines of one tile."""
    return (scratch(TILES * (PLACES * C + PAD), x), scratch(TILES * PLACES * width, x),
            scratch(PLACES * max(C, width), x),
            scratch(PLACES * VECTOR_BYTES // x.itemsize, x))


# ---- the three operations ------------------------------------------------------------------------

def conv(x, w, bias, before, y, finish=None):
    """y = x ∗ w + bias, or what a `convolution.Finish` makes of it

    x (N, H, W, C), w (O, C, 3, 3), bias (O) or None; y (N, H′, W′, O)
    """
    _run(x, w, False, before, y, bias, *finish or (None, None, False))


def conv_input(g, w, before, x, addend=None):
    """∂L/∂x for y = x ∗ w, itself a convolution: of g with the weights given half a turn."""
    _run(g, w, True, (2 - before[0], 2 - before[1]), x, None, None, addend, False)


def _run(x, w, turned, before, y, shift, scale, addend, relu):
    C, O = x.shape[3], y.shape[3]
    if not y.size:
        return
    tasks, tiles, kind, columns, parts, panels, tables, before = _division(y.shape, C, before,
                                                                           x.dtype)
    u = empty((panels, PLACES, C, columns), x.dtype)
    scale = np.ones(O, x.dtype) if scale is None else np.ascontiguousarray(scale)
    shift = np.zeros(O, x.dtype) if shift is None else np.ascontiguousarray(shift)
    addend = y[:0] if addend is None else channels_last(addend)
    w, (to_o, to_c, to_t) = as_it_lies(w)
    _convolve(tasks, tiles, kind, columns, parts, x, before, w,
              (to_c, to_o, to_t) if turned else (to_o, to_c, to_t), turned, u, tables, y,
              (scale, shift, addend.reshape(-1), relu))


def conv_weight(x, g, before):
    """∂L/∂w for y = x ∗ w:  x (N, H, W, C), g (N, H′, W′, O) → (O, C, 3, 3)"""
    C, O = x.shape[3], g.shape[3]
    kind, columns, panels, tables = _weight_tables(C, O, x.dtype)
    blocks = -(-in_python(tile_count)(g) // TILES)
    parts = min(panels, -(-PLACES * C * O * x.itemsize // SUMS_BYTES))
    groups = max(1, min(blocks, TASKS // parts))
    sums = np.empty((groups, PLACES, C, O), x.dtype)
    gw = empty((3, 3, C, O), x.dtype)
    _correlate(kind, columns, parts, x, np.array(before), g, tables, sums, gw.reshape(9, C, O))
    return outputs_first(gw)


# ---- what depends on sizes only, once for all calls ----------------------------------------------

@lru_cache(maxsize=KEPT)
def _division(shape, C, before, dtype):
    """(tasks, tiles in a block, kind, columns, parts, panels, tables, before) for y so shaped."""
    kind, columns, panels, tables = _forward_tables(C, shape[3], dtype)
    count, rows = in_python(tile_count)(np.empty(shape, np.bool_)), SHAPES[kind].rows
    tiles = min(TILES, -(-count // (TASKS * rows)) * rows)           # so that no task has none
    tasks = min(-(-count // tiles), TASKS)
    parts = min(panels, TASKS // tasks)
    return tasks, tiles, kind, columns, parts, panels, tables, np.array(before)


@lru_cache(maxsize=KEPT)
def _forward_tables(C, O, dtype):
    """The tile (kind, columns, panels), and tables (row, off, out, none) for `multiply`: rows are
    tiles, sums run over channels."""
    kind, rows, columns = best_shape(O, dtype.itemsize)
    block = whole_tiles(np.arange(TILES), rows)
    return (kind, columns, -(-O // columns),
            (block * (PLACES * C + PAD), np.arange(C), block * PLACES * columns,
             np.zeros(columns, dtype)))


@lru_cache(maxsize=KEPT)
def _weight_tables(C, O, dtype):
    """The same for the gradient of the weights: rows are channels, sums run over tiles."""
    kind, rows, columns = best_shape(O, dtype.itemsize)
    channels = whole_tiles(np.arange(C), rows)
    return (kind, columns, -(-O // columns),
            (channels, np.arange(TILES) * (PLACES * C + PAD), channels * O,
             np.zeros(columns, dtype)))
