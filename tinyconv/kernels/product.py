"""The one product behind convolution, its two gradients, and matrix multiplication.

    c[out[m] + o] = Σ_r a[row[m] + off[r]] · b[r, o]

Read `a[row[m] + off[r]]` as element (m, r) of a matrix that is never made. For a convolution m runs
over output pixels and r over (tap, channel): the matrix would be im2col's patch matrix, K² times
the size of the image, and the two tables say where in the image each of its elements lies. Other
tables give the other products; see `convolution.py` and `matrix.py`.

The columns of b are taken in *panels* as wide as a tile; b must have whole panels, filled up with
zeros. Row tables are filled up to whole tiles by repeating the last row: the tile then computes,
and stores, the same numbers twice, and no loop has a special end.
"""
from functools import cache

import numpy as np

from . import memory
from .compile import part
from .memory import CACHE_LINE
from .tile import (NARROW, ONE, SHAPES, SLIM, WIDE, accumulate, add_outer, height, load,
                   prefetch, repeat, save, store, width, zeros)

CHUNK = 256                            # so many products in one sum; these sums are then added up
LINE = 16                              # numbers of four bytes in a line of the cache
AHEAD = 16                             # rows of weights that are asked for before they are needed
ONCE = 0, 0, 0, 0                      # steps of a product that is made once
TASKS = 16                             # pieces of work: a matter of the data, not of the threads


@part
def multiply(shape, count, steps, a, row, off, b, line, panel, bias, c, out, columns, adding):
    """c[out[m] + o] = (or += if `adding`) bias[o] + Σ_r a[row[m] + off[r]] · b[r, o] for every m.

    Row r of panel p of b begins at b[p · panel + r · line]; `columns` is the number of real ones;
    bias is filled up to whole panels. That is done `count` times, each so many `steps` further on
    in a, b, bias and c: a call costs as much as some hundred products.
    Where the errors of a sum of R products are as good as random, they add up to about √R units in
    the last place; in chunks it is √CHUNK + √(R/CHUNK).
    """
    for i in range(count):
        in_a, in_b, in_bias, in_c = i * steps[0], i * steps[1], i * steps[2], i * steps[3]
        for p in range((columns + width(shape, c) - 1) // width(shape, c)):
            column = p * width(shape, c)
            for chunk in range(0, max(off.size, 1), CHUNK):    # an empty sum is stored, too
                some, start = off[chunk:chunk + CHUNK], in_b + p * panel + chunk * line
                for m in range(0, row.size, height(shape)):
                    tile = zeros(shape, c) if chunk else repeat(shape, bias, in_bias + column)
                    for r in range(some.size):
                        tile = add_outer(tile, a, row, m, in_a + some[r], b, start + r * line)
                    if chunk or adding:
                        accumulate(tile, c, out, m, in_c + column, columns - column)
                    else:
                        store(tile, c, out, m, in_c + column, columns - column)


@part
def multiply_as(kind, count, steps, a, row, off, b, line, panel, bias, c, out, columns, adding):
    """`multiply` with tiles of one of the three shapes."""
    adding = adding or columns < 0               # for Numba True is a type; so it is any boolean
    if kind == 0:
        multiply(WIDE, count, steps, a, row, off, b, line, panel, bias, c, out, columns, adding)
    elif kind == 1:
        multiply(NARROW, count, steps, a, row, off, b, line, panel, bias, c, out, columns, adding)
    else:
        multiply(SLIM, count, steps, a, row, off, b, line, panel, bias, c, out, columns, adding)


@part
def finish_rows(y, scale, shift, addend, relu):
    """y ← y · scale + shift + addend, then ReLU if asked for; addend may be empty.  y (M, O)"""
    zero = y.dtype.type(0)
    M, O = y.shape
    for m in range(M):
        for o in range(O):
            v = y[m, o] * scale[o] + shift[o]
            if addend.size:
                v += addend[m, o]
            y[m, o] = zero if relu and v <= zero else v


@part
def gather(x, first, step, line):
    """line[i] = x[first + i · step]"""
    column = x[first:]
    for i in range(line.size):
        line[i] = column[i * step]


@part
def pack(w, steps, taps, S, columns, width, b):
    """b[(t, s), o] = w at the steps (o, s, taps[t]), for s < S and o < columns, then zeros.

    Whichever of o and s lie side by side are read in a row; else all taps at a time, for as many s
    as are likely to lie in the same lines of the cache. A core reads ahead along straight lines
    only, and would wait for nearly every row of weights that come from memory, unless asked.
    """
    step_o, step_s, step_t = steps
    if step_o == 1:
        for t in range(taps.size):
            for s in range(S):
                i = s * step_s + taps[t] * step_t
                for line in range(0, columns, CACHE_LINE // w.itemsize):
                    prefetch(w, i + AHEAD * step_s + line)
                _copy_row(w, i, columns, b, (t * S + s) * width, width)
        return
    for start in range(0, S, LINE):
        count = min(LINE, S - start)
        for t in range(taps.size):
            first, rows = start * step_s + taps[t] * step_t, b[(t * S + start) * width:]
            if step_s == 1:
                for o in range(columns):
                    prefetch(w, first + o * step_o + LINE)
                    line, to = w[first + o * step_o:], rows[o:]
                    for s in range(count):
                        to[s * width] = line[s]
            else:
                for s in range(count):
                    gather(w, first + s * step_s, step_o, rows[s * width:][:columns])
            if columns < width:
                for s in range(count):
                    rows[s * width:][columns:width] = 0


@part
def _copy_row(w, i, columns, b, k, size):
    """b[k : k + size] = w[i : i + columns], then zeros."""
    lanes = width(ONE, w)
    if columns == size and size % lanes == 0:
        for o in range(0, size, lanes):
            save(load(w, i + o), b, k + o)
    else:
        row = b[k:k + size]
        for o in range(columns):
            row[o] = w[i + o]
        row[columns:] = 0


@part
def scratch(size, like):
    """An uninitialised array that begins at a cache line; see `memory.empty`."""
    room = np.empty(size + CACHE_LINE // like.itemsize, like.dtype)
    start = -room.ctypes.data % CACHE_LINE // like.itemsize
    return room[start:start + size]


# ---- preparing it --------------------------------------------------------------------------------

@cache
def best_shape(columns, itemsize):
    """(kind, rows, width) of the tile that wastes least on so many columns.

    The narrow tile does a tenth less per column than the wide one, the slim one a fifth.
    """
    def cost(kind):
        width = SHAPES[kind].width(itemsize)
        return -(-columns // width) * width * (1.0, 1.1, 1.2)[kind]
    kind = min(range(len(SHAPES)), key=cost)
    return kind, SHAPES[kind].rows, SHAPES[kind].width(itemsize)


def panels(matrices, width):
    """Matrices (…, R, O) one after another, each as (…, panels, R, width) filled up with zeros."""
    count = [-(-b.shape[-1] // width) for b in matrices]
    flat = memory.zeros((sum(b[..., 0].size * P * width for b, P in zip(matrices, count)),),
                        matrices[0].dtype)
    start = 0
    for b, P in zip(matrices, count):
        end = start + b[..., 0].size * P * width
        packed = flat[start:end].reshape(*b.shape[:-2], P, b.shape[-2], width)
        for p in range(P):
            piece = b[..., p * width:(p + 1) * width]
            packed[..., p, :, :piece.shape[-1]] = piece
        start = end
    return flat


def filled_up(bias, columns, width, dtype, groups=1):
    """A bias (None: zeros) in whole panels: (groups · columns) → (groups · panels · width)"""
    whole = -(-columns // width) * width
    if bias is None:
        return _no_bias(groups * whole, dtype)
    full = memory.zeros((groups, whole), dtype)
    full[:, :columns] = bias.reshape(groups, columns)
    return full.reshape(-1)


@cache
def _no_bias(size, dtype):
    """Zeros that everybody reads and nobody writes to."""
    return memory.zeros((size,), dtype)
