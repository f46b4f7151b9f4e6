"""The matrix product: the product of `product.py` whose tables are straight lines.

Row m of a begins at m · (distance of rows), and column r lies r · (distance of columns) further on;
a transposed matrix only has other distances.
"""
import numpy as np
from numba import prange

from . import memory
from .compile import kernel
from .geometry import whole_tiles
from .product import best_shape, filled_up, multiply_as, panels

BLOCK = 96                             # rows of the result that one task computes: whole tiles


@kernel(parallel=True)
def _multiply_blocks(kind, width, a, row, off, b, bias, c, out, columns):
    for block in prange((row.size + BLOCK - 1) // BLOCK):
        piece = slice(block * BLOCK, min((block + 1) * BLOCK, row.size))
        multiply_as(kind, a, row[piece], off, b, width, off.size * width, bias, c, out[piece],
                    columns, False)


def matmul(a, b):
    """(…, M, K) @ (…, K, N) → (…, M, N) with NumPy's broadcasting of the leading dimensions.

    float32 and float64 take the tile kernel, whose sums do not depend on the number of threads;
    other dtypes take NumPy's.
    """
    if a.dtype != b.dtype or a.dtype not in (np.float32, np.float64):
        return np.matmul(a, b)
    if a.ndim > 2 and b.ndim == 2 and a.size:              # one b for all: only more rows
        return matmul(a.reshape(-1, a.shape[-1]), b).reshape(a.shape[:-1] + b.shape[-1:])
    front = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = memory.empty(front + (a.shape[-2], b.shape[-1]), a.dtype)
    a, b = np.broadcast_to(a, front + a.shape[-2:]), np.broadcast_to(b, front + b.shape[-2:])
    for i in np.ndindex(front):
        _matmul(a[i], b[i], y[i])
    return y


def _matmul(a, b, y):
    (M, K), N = a.shape, b.shape[1]
    if y.size == 0:
        return
    if not (a.flags.c_contiguous or a.flags.f_contiguous):
        a = np.ascontiguousarray(a)
    a = np.require(a, requirements="W")
    down, right = (s // a.itemsize for s in a.strides)
    kind, rows, width = best_shape(N, a.itemsize)
    m = whole_tiles(np.arange(M), rows)
    _multiply_blocks(kind, width, a.ravel("K"), m * down, np.arange(K) * right,
                     panels([b], width), filled_up(None, N, width, y.dtype),
                     y.reshape(-1), m * N, N)
