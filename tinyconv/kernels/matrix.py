"""The matrix product, c = a b + bias: the product of `product.py` whose tables are straight lines.

Row m of a begins at m · (distance of rows), and column r lies r · (distance of columns) further on;
a transposed matrix only has other distances. b is packed into panels, each as wide as a tile and
with its rows one after another, so that the tile reads memory in order. That costs as much as
multiplying it with a dozen rows. Where a has only a few and b comes transposed, their rows are
multiplied as they lie, one with one (`_dots`).
"""
import numpy as np
from numba import njit, prange

from .compile import FLOATS, kernel, part
from .product import CHUNK, ONCE, best_shape, multiply_as, scratch

ROWS, COLUMNS = 256, 128               # of the block of the result that one task computes, at most
SMALL = 1 << 18                        # so many products are done before a second thread has begun
FEW = 4                                # rows of a for which packing b would cost more than it saves
SUM = 1 << 12                          # products in one sum of `_dots`; these are then added up


# ---- packing -------------------------------------------------------------------------------------

@part
def _pack(b, k, j, panel):
    """panel[i, :] = b[k + i, j : j + width], and zero beyond the last column of b"""
    columns = min(panel.shape[1], b.shape[1] - j)
    if columns < panel.shape[1]:
        panel[:] = 0
    for i in range(len(panel)):
        source, to = b[k + i][j:j + columns], panel[i]
        for o in range(columns):
            to[o] = source[o]


@part
def _pack_turned(b, k, j, panel):
    """panel[:, o] = b[j + o, k : k + height], and zero beyond the last row of b

    Of each row 16 numbers are read, a cache line of float32, while the rows they go to are at hand.
    """
    columns = min(panel.shape[1], len(b) - j)
    if columns < panel.shape[1]:
        panel[:] = 0
    for start in range(0, len(panel), 16):
        square = panel[start:start + 16]
        for o in range(columns):
            source = b[j + o][k + start:k + start + 16]
            for i in range(len(square)):
                square[i, o] = source[i]


# ---- the kernel ----------------------------------------------------------------------------------

@part
def _block(i, across, kind, rows, width, a, a_turned, b, b_turned, bias, c):
    """Block i of c = a b + bias, of which `across` lie side by side: ROWS rows, and whole panels.

    They share the panels out as evenly as can be, for they are done at the same time.

    Of b so much is packed at a time as stays in the cache while all the rows are multiplied by it.
    """
    first, q, panels = i // across * ROWS, i % across, (c.shape[1] + width - 1) // width
    j, end = q * panels // across * width, (q + 1) * panels // across * width
    M, columns = min(ROWS, c.shape[0] - first), min(end, c.shape[1]) - j
    K, down, right = (len(a), 1, a.shape[1]) if a_turned else (a.shape[1], a.shape[1], 1)
    m = first + np.minimum(np.arange((M + rows - 1) // rows * rows), M - 1)   # in whole tiles
    row, out, off = m * down, m * c.shape[1] + j, np.arange(min(K, CHUNK)) * right
    panels = (columns + width - 1) // width
    start, packed = np.zeros(panels * width, c.dtype), scratch(panels * width * off.size, c)
    for o in range(min(bias.size, columns)):
        start[o] = bias[j + o]
    for k in range(0, max(K, 1), CHUNK):
        some = off[:K - k]
        size = some.size * width
        for p in range(panels):
            panel = packed[p * size:(p + 1) * size].reshape(some.size, width)
            if b_turned:
                _pack_turned(b, k, j + p * width, panel)
            else:
                _pack(b, k, j + p * width, panel)
        multiply_as(kind, 1, ONCE, a.reshape(-1), row + k * right, some, packed, width, size,
                    start, c.reshape(-1), out, columns, k > 0)
        start[:] = 0


@kernel(parallel=True)
def _multiply(kind, rows, width, a, a_turned, b, b_turned, bias, c):
    """c = a b + bias, where a and b are given transposed if they are `turned`; no bias is empty."""
    M, N = c.shape
    columns = COLUMNS if N > 2 * COLUMNS else COLUMNS // 2
    across = (N + columns - 1) // columns
    blocks = (M + ROWS - 1) // ROWS * across
    if a.size * N <= SMALL:
        for i in range(blocks):
            _block(i, across, kind, rows, width, a, a_turned, b, b_turned, bias, c)
    else:
        for i in prange(blocks):
            _block(i, across, kind, rows, width, a, a_turned, b, b_turned, bias, c)


# ---- few rows ------------------------------------------------------------------------------------

@njit(nogil=True, fastmath={"contract", "reassoc", "nsz"})
def _dot(x, y):
    total = x.dtype.type(0)
    for k in range(x.size):
        total += x[k] * y[k]
    return total


@part
def _some_dots(a, b, bias, c, first, last):
    for n in range(first, last):
        for m in range(len(a)):
            total = bias[n] if bias.size else a.dtype.type(0)
            for k in range(0, a.shape[1], SUM):
                total += _dot(a[m][k:k + SUM], b[n][k:k + SUM])
            c[m, n] = total


@kernel(parallel=True)
def _dots(a, b, bias, c):
    """c = a bᵀ + bias: c[m, n] = ⟨a[m], b[n]⟩ + bias[n]"""
    if a.size * len(b) <= SMALL:
        _some_dots(a, b, bias, c, 0, len(b))
    else:
        for block in prange((len(b) + COLUMNS - 1) // COLUMNS):
            _some_dots(a, b, bias, c, block * COLUMNS, min((block + 1) * COLUMNS, len(b)))


# ---- any number of dimensions --------------------------------------------------------------------

def matmul(a, b, bias=None):
    """(…, M, K) @ (…, K, N) → (…, M, N) with NumPy's broadcasting of the leading dimensions.

    To every row a bias (N) is added, if there is one. float32 and float64 take the kernels, whose
    sums do not depend on the number of threads; other dtypes take NumPy's.
    """
    if a.dtype != b.dtype or a.dtype not in FLOATS:
        return np.matmul(a, b) if bias is None else np.matmul(a, b) + bias
    if a.ndim == b.ndim == 2:
        return _matmul(a, b, bias)
    if b.ndim == 2 and a.size:                             # one b for all: only more rows
        return _matmul(a.reshape(-1, a.shape[-1]), b, bias).reshape(a.shape[:-1] + b.shape[-1:])
    front = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = np.empty(front + (a.shape[-2], b.shape[-1]), a.dtype)
    a, b = np.broadcast_to(a, front + a.shape[-2:]), np.broadcast_to(b, front + b.shape[-2:])
    for i in np.ndindex(front):
        y[i] = _matmul(a[i], b[i], bias)
    return y


def _matmul(a, b, bias):
    """Two matrices: the way that reads, packs and writes least."""
    (M, K), N, nothing = a.shape, b.shape[1], np.empty(0, a.dtype)
    c, bias = np.empty((M, N), a.dtype), nothing if bias is None else bias
    if not c.size:
        return c
    a, a_turned = _as_it_lies(a)
    b, b_turned = _as_it_lies(b)
    if M <= FEW and b_turned and not a_turned:
        _dots(a, b, bias, c)
    elif b_turned and not a_turned and M * (K + N) < N * K // 2:
        turned = np.empty((N, M), c.dtype)       # cᵀ = bᵀ aᵀ: the smaller of the two is packed
        _multiply(*best_shape(M, c.itemsize), b, False, a, True, nothing, turned)
        np.add(turned.T, bias if bias.size else 0, out=c)
    else:
        _multiply(*best_shape(N, c.itemsize), a, a_turned, b, b_turned, bias, c)
    return c


def _as_it_lies(a):
    """A matrix whose rows lie one after another in memory, and whether it is a transposed."""
    turned = a.flags.f_contiguous and not a.flags.c_contiguous
    a = a.T if turned else a
    return (a if a.flags.c_contiguous and a.flags.writeable else a.copy()), turned
