"""The gradient of an image with few channels: products first, then added where they belong.

∂L/∂x[i] = Σ g[p] w[k] over all i + before = p + dilation k. With few channels C the sums of
`convolution.py`, whose columns are the C channels of one pixel, leave most lanes of a register
empty. Here one row of taps k and all their channels make the columns,

    row[p, (k, c)] = Σ_o g[p, o] w[o, c, k],

kernel-width · C of them. What is one line of the matrix that im2col would have made of x is added
to x where im2col would have read it: hence the name. Without dilation along the row that is one
run of memory. The lines of neighbours along a row overlap, and a tile adds all its lines at once;
so pixels are taken column by column, and a tile has none but pixels of different rows.

Lines are filled up to whole vectors with products by zero, which go to the next pixels. The price:
where g is infinite or NaN they are NaN, and reach pixels that do not see it.
"""
import math
from functools import lru_cache

import numpy as np
from numba import prange

from .compile import kernel, part
from .geometry import KEPT, places, whole_tiles
from .layout import channels_first, channels_last
from .product import ONCE, TASKS, best_shape, multiply_as, panels, scratch
from .tile import ONE, WIDE


def fits(geometry, C, groups, dtype):
    """Whether `conv_input` can do this, and fills registers better than the sums per pixel.

    (With a stride those leave out products that this would make.)
    """
    rows = math.prod(geometry.output[:2])
    return (groups == 1 and 2 * C < ONE.width(np.dtype(dtype).itemsize) and geometry.kernel[2] > 1
            and geometry.stride == (1, 1, 1) and geometry.dilation[2] == 1 and rows >= WIDE.rows)


# ---- the kernels ---------------------------------------------------------------------------------

@kernel(parallel=True)
def _spread(kind, width, g, b, lines, taps, size, before, row, out, x):
    """x[n, p + dilation k − before] += Σ_o g[n, p, o] b[k, o], image by image.

    row and out say where in g and in the padded x pixel p begins, `taps` what a row of taps k adds.
    """
    N = len(x)
    tasks = min(N, TASKS)
    for task in prange(tasks):
        _spread_images(task * N // tasks, (task + 1) * N // tasks, kind, width, g, b, lines, taps,
                       size, before, row, out, x)


@part
def _spread_images(start, stop, kind, width, g, b, lines, taps, size, before, row, out, x):
    """g (N, P, O), b (a row of taps, panels), x (N, D, H, W, C)

    A line of products is filled up to whole vectors, whose zeros are added to what follows.
    """
    O, C, columns = g.shape[2], x.shape[4], (lines + width - 1) // width * width
    padded = scratch(size[0] * size[1] * size[2] * C, x)
    off, none = np.arange(O), np.zeros(columns, x.dtype)
    for n in range(start, stop):
        padded[:] = 0
        for k in range(taps.size):
            multiply_as(kind, 1, ONCE, g[n].reshape(-1), row, off, b[k * columns * O:], width,
                        width * O, none, padded[taps[k]:], out, lines, True)
        for d in range(x.shape[1]):
            for h in range(x.shape[2]):
                i = (((d + before[0]) * size[1] + h + before[1]) * size[2] + before[2]) * C
                to, line = x[n, d, h].reshape(-1), padded[i:]
                for c in range(to.size):
                    to[c] = line[c]


# ---- the operation -------------------------------------------------------------------------------

def conv_input(g, w, geometry, x):
    """∂L/∂x for y = x ∗ w:  g (N, O, …output), w (O, C, kd, kh, kw) → (N, C, D, H, W), made in x
    (N, D, H, W, C)"""
    O, C, kd, kh, kw = w.shape
    if not g.size:
        x[...] = 0
    else:
        (kind, width), *tables = _tables(geometry, C, O, g.itemsize)
        weights = w.transpose(2, 3, 0, 4, 1).reshape(kd * kh, O, kw * C)
        _spread(kind, width, channels_last(g).reshape(len(g), -1, O), panels([weights], width),
                *tables, x)
    return channels_first(x)


@lru_cache(maxsize=KEPT)
def _tables(geometry, C, O, itemsize):
    """The tile, and what `_spread` takes: lines, taps, size, before, row, out."""
    pixels, kernel = geometry.output, geometry.kernel
    columns = kernel[2] * C
    kind, rows, width = best_shape(columns, itemsize)
    if rows > pixels[0] * pixels[1]:
        kind, rows, width = 0, WIDE.rows, WIDE.width(itemsize)
    lanes = min(width, ONE.width(itemsize))
    lines = -(-columns // lanes) * lanes
    # the padded image, as far as any tap reaches, its rows as far as any line
    size = [max(n + b, m + d * (k - 1)) for n, b, m, d, k in zip(
        geometry.size, geometry.before, pixels, geometry.dilation, kernel)]
    size[2] = max(size[2], pixels[2] - 1 + -(-lines // C))
    taps = places((*kernel[:2], 1), geometry.dilation, size, C)
    row, out = (whole_tiles(_by_columns(pixels, size, channels), rows)
                for size, channels in ((pixels, O), (size, C)))
    return (kind, width), lines, taps, np.array(size), np.array(geometry.before), row, out


def _by_columns(pixels, size, C):
    """The positions of so many pixels in an image of this size, column after column."""
    return places(pixels, (1, 1, 1), size, C).reshape(-1, pixels[2]).T.reshape(-1)
