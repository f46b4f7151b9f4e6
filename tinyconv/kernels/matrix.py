"""The matrix product, as a convolution whose tables are straight lines: row[m] = m · (row length), off[r] = r."""
import numpy as np
from numba import prange

from .compile import kernel
from .product import filled_up, is_narrow, multiply_any, panels, tile_size, whole_tiles

BLOCK = 64                                       # rows of the result that one task computes


@kernel(parallel=True)
def _multiply_blocks(narrow, rows, width, a, row, off, b, bias, c, out, columns):
    M = row.size
    for block in prange((M + BLOCK - 1) // BLOCK):
        multiply_any(narrow, rows, width, a, row, block * BLOCK, min((block + 1) * BLOCK, M), off, b, 0,
                     width, off.size * width, bias,
                     c, out, columns, False)


def matmul(a, b):
    """(…, M, K) @ (…, K, N) → (…, M, N) with NumPy's broadcasting of the leading dimensions.

    float32 and float64 take the tile kernel, whose sums do not depend on the number of threads; other dtypes NumPy's.
    """
    if a.dtype != b.dtype or a.dtype not in (np.float32, np.float64):
        return np.matmul(a, b)
    if a.ndim > 2 and b.ndim == 2 and a.size:    # one matrix for the whole batch: the batch is just more rows
        return matmul(a.reshape(-1, a.shape[-1]), b).reshape(a.shape[:-1] + b.shape[-1:])
    front = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = np.empty(front + (a.shape[-2], b.shape[-1]), a.dtype)
    a, b = np.broadcast_to(a, front + a.shape[-2:]), np.broadcast_to(b, front + b.shape[-2:])
    for i in np.ndindex(front):
        _matmul(a[i], b[i], y[i])
    return y


def _matmul(a, b, y):
    (M, K), N = a.shape, b.shape[1]
    if y.size == 0:
        return
    a = np.require(a if a.flags.c_contiguous else _either_order(a), requirements="W")
    step = [s // a.itemsize for s in a.strides]
    narrow = is_narrow(N, a.itemsize)
    rows, width = tile_size(narrow, a.itemsize)
    m = whole_tiles(np.arange(M), rows)
    _multiply_blocks(narrow, rows, width, a.ravel("K"), m * step[0], np.arange(K) * step[1],
                     panels(b, width).reshape(-1), filled_up(None, N, width, y.dtype),
                     y.reshape(-1), m * N, N)


def _either_order(a):
    """a itself if its rows or its columns are contiguous, else a copy."""
    return a if a.flags.f_contiguous else np.ascontiguousarray(a)
