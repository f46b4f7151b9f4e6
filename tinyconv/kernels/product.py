"""The one product behind convolution, its two gradients, and matrix multiplication.

    c[out[m] + o] = Σ_r a[row[m] + off[r]] · b[r, o]

Read `a[row[m] + off[r]]` as element (m, r) of a matrix that is never made. For a convolution m runs over output pixels
and r over (tap, channel): the matrix would be im2col's patch matrix, K² times the size of the image, and the two tables say
where in the image each of its elements lies. Other tables give the other products; see `convolution.py` and `matrix.py`.

The columns of b are taken in *panels* as wide as a tile; b must have whole panels, filled up with
zeros. Row tables are filled up to whole tiles by repeating the last row: the tile then computes,
and stores, the same numbers twice, and no loop has a special end.
"""
import numpy as np
from numba import njit

from . import memory
from .tile import NARROW, WIDE, accumulate, add_outer, repeat, store, zeros

CHUNK = 256                                      # so many products in one running sum; the sums are then added up


@njit(nogil=True)
def multiply(shape, rows, width, a, row, first, last, off, b, start, line, panel, bias, c, out, columns, adding):
    """c[out[m] + o] = (or += if `adding`) bias[o] + Σ_r a[row[m] + off[r]] · b[r, o] for m in first … last − 1.

    b begins at b[start], its rows are `line` apart and its panels `panel`; `columns` is the number
    of real ones; bias is filled up to whole panels. Summing in chunks keeps the rounding error near
    √CHUNK + √(R/CHUNK) instead of √R units in the last place.
    """
    for p in range((columns + width - 1) // width):
        for chunk in range(0, max(off.size, 1), CHUNK):    # an empty sum is stored, too
            some, j = off[chunk:chunk + CHUNK], start + p * panel + chunk * line
            for m in range(first, last, rows):
                tile = zeros(shape, c) if chunk else repeat(shape, bias, p * width)
                for r in range(some.size):
                    tile = add_outer(tile, a, row, m, some[r], b, j + r * line)
                if chunk or adding:
                    accumulate(tile, c, out, m, p * width, columns - p * width)
                else:
                    store(tile, c, out, m, p * width, columns - p * width)


@njit(nogil=True)
def multiply_any(narrow, rows, width, a, row, first, last, off, b, start, line, panel, bias, c, out, columns, adding):
    """`multiply` with the tile that suits the number of columns."""
    if narrow:
        multiply(NARROW, rows, width, a, row, first, last, off, b, start, line, panel, bias, c, out, columns, adding)
    else:
        multiply(WIDE, rows, width, a, row, first, last, off, b, start, line, panel, bias, c, out, columns, adding)


def is_narrow(columns, itemsize):
    """Whether the narrow tile wastes so much less of its width on `columns` that it is the faster one."""
    def cost(shape):
        return -(-columns // shape.width(itemsize)) * shape.width(itemsize)
    return cost(NARROW) * 1.1 < cost(WIDE)


def tile_size(narrow, itemsize):
    """(rows, width) of the narrow or the wide tile."""
    shape = NARROW if narrow else WIDE
    return shape.rows, shape.width(itemsize)


def whole_tiles(table, rows):
    """A row table repeated at its end up to a multiple of `rows`."""
    return np.concatenate([table, np.repeat(table[-1:], -len(table) % rows)]).astype(np.intp)


def panels(b, width):
    """(…, R, O) → (…, panels, R, width), contiguous, filled up with zeros."""
    *front, R, O = b.shape
    P = -(-O // width)
    packed = memory.zeros((*front, P, R, width), b.dtype)
    for p in range(P):
        piece = b[..., p * width:(p + 1) * width]
        packed[..., p, :, :piece.shape[-1]] = piece
    return packed


def filled_up(bias, columns, width, dtype, groups=1):
    """(groups · columns) → (groups · panels · width): a bias (None: zero) filled up to whole panels."""
    full = np.zeros((groups, -(-columns // width) * width), dtype)
    if bias is not None:
        full[:, :columns] = bias.reshape(groups, columns)
    return full.reshape(-1)
