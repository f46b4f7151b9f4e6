"""Batch normalisation: statistics per channel, and passes that do several things to memory at once.

Normalising is cheap arithmetic on large arrays, so what counts is how often memory is read and
written. Arrays come as matrices (M, C), channels last: M = N·H·W rows. Sums over rows are taken
block by block, each block's in float32 where it is short enough to be exact to a few digits, the
blocks' in float64 and in order: so many threads or few, the bits are the same.
"""
import numpy as np
from numba import njit, prange

from .compile import kernel
from .memory import empty

VECTORS = 64                                     # numbers that are worth a loop in vectors
ROWS = 128                                       # of a block, summed in one accumulator per channel


def _blocks(M):
    return -(-M // ROWS)


# ---- statistics ----------------------------------------------------------------------------------

@njit(nogil=True)
def _block_moments(x, mean, square):
    """Mean of each column of a block, and sum of squared deviations from it, in two passes."""
    M, C = x.shape
    mean[:] = 0
    for m in range(M):
        for c in range(C):
            mean[c] += x[m, c] - x[0, c]         # less the first row: small, whatever the mean
    for c in range(C):
        mean[c] = x[0, c] + mean[c] / x.dtype.type(M)
    square[:] = 0
    for m in range(M):
        for c in range(C):
            d = x[m, c] - mean[c]
            square[c] += d * d


@kernel(parallel=True)
def _moments(x, means, squares):
    M = x.shape[0]
    for block in prange(means.shape[0]):
        _block_moments(x[block * ROWS:min((block + 1) * ROWS, M)], means[block], squares[block])


def moments(x):
    """Mean and biased variance of every column of x (M, C), as float64.

    Blocks are merged by Chan's formula, Σ(x − μ)² = Σ_b [S_b + n_b (μ_b − μ)²]: no square of a
    large mean appears, and nothing cancels.
    """
    M, C = x.shape
    means, squares = np.empty((2, _blocks(M), C), x.dtype)
    _moments(x, means, squares)
    counts = np.minimum(ROWS, M - ROWS * np.arange(len(means)))[:, None]
    means, squares = means.astype(np.float64), squares.astype(np.float64)
    mean = (counts * means).sum(0) / M
    return mean, (squares + counts * (means - mean) ** 2).sum(0) / M


# ---- forward -------------------------------------------------------------------------------------

@njit(nogil=True)
def _normalize_block(x, mean, scale, bias, extra, y, relu, adding):
    zero = x.dtype.type(0)
    M, C = x.shape
    for m in range(M):
        for c in range(C):
            v = (x[m, c] - mean[c]) * scale[c] + bias[c]
            if adding:
                v += extra[m, c]
            y[m, c] = zero if relu and v <= zero else v


@kernel(parallel=True)
def _normalize(x, mean, scale, bias, extra, y, relu, adding):
    M = x.shape[0]
    for block in prange((M + ROWS - 1) // ROWS):
        piece = slice(block * ROWS, min((block + 1) * ROWS, M))
        _normalize_block(x[piece], mean, scale, bias, extra[piece], y[piece], relu, adding)


def normalize(x, mean, scale, bias, extra, relu):
    """y = relu((x − mean) · scale + bias + extra), relu and extra if asked for: (M, C) → (M, C)"""
    y = empty(x.shape, x.dtype)
    _normalize(x, mean, scale, bias, x if extra is None else extra, y, relu, extra is not None)
    return y


# ---- backward ------------------------------------------------------------------------------------

@njit(nogil=True)
def _block_sums(g, y, x, mean, r, masked, relu, sum_g, sum_gx):
    """masked = g where y > 0; by column Σ masked and Σ masked · x̂, x̂ = (x − mean) r.

    Without relu, g takes the place of masked, which is not touched.
    """
    zero = x.dtype.type(0)
    M, C = x.shape
    sum_g[:] = 0
    sum_gx[:] = 0
    for m in range(M):
        for c in range(C):
            v = zero if relu and y[m, c] <= zero else g[m, c]
            if relu:
                masked[m, c] = v
            sum_g[c] += v
            sum_gx[c] += v * ((x[m, c] - mean[c]) * r[c])


@kernel(parallel=True)
def _sums(g, y, x, mean, r, masked, relu, sums):
    M = x.shape[0]
    for block in prange(sums.shape[1]):
        piece = slice(block * ROWS, min((block + 1) * ROWS, M))
        _block_sums(g[piece], y[piece], x[piece], mean, r, masked[piece], relu,
                    sums[0, block], sums[1, block])


def masked_sums(g, y, x, mean, r, relu):
    """g masked by y > 0 (if relu), its column sums and column products with x̂: (M, C), (C), (C)"""
    masked = empty(g.shape, g.dtype) if relu else g
    sums = np.empty((2, _blocks(len(x)), x.shape[1]), x.dtype)
    _sums(g, y, x, mean, r, masked, relu, sums)
    sum_g, sum_gx = sums.sum(1, dtype=np.float64).astype(x.dtype)
    return masked, sum_g, sum_gx


@njit(nogil=True)
def _pull_block(g, x, mean, r, scale, mean_g, mean_gx, gx):
    M, C = x.shape
    for m in range(M):
        for c in range(C):
            gx[m, c] = scale[c] * (g[m, c] - mean_g[c] - (x[m, c] - mean[c]) * r[c] * mean_gx[c])


@kernel(parallel=True)
def _pull(g, x, mean, r, scale, mean_g, mean_gx, gx):
    M = x.shape[0]
    for block in prange((M + ROWS - 1) // ROWS):
        piece = slice(block * ROWS, min((block + 1) * ROWS, M))
        _pull_block(g[piece], x[piece], mean, r, scale, mean_g, mean_gx, gx[piece])


def pull(g, x, mean, r, scale, mean_g, mean_gx):
    """scale (g − ⟨g⟩ − x̂ ⟨g x̂⟩), x̂ = (x − mean) r: (M, C) → (M, C)"""
    gx = empty(x.shape, x.dtype)
    _pull(g, x, mean, r, scale, mean_g, mean_gx, gx)
    return gx


@njit(nogil=True)
def _add_rows(g, total):
    M, C = g.shape
    total[:] = 0
    for m in range(M):
        for c in range(C):
            total[c] += g[m, c]


@kernel(parallel=True)
def _column_sums(g, sums):
    M = g.shape[0]
    if sums.shape[0] == 1:
        _add_rows(g, sums[0])
    else:
        for block in prange(sums.shape[0]):
            _add_rows(g[block * ROWS:min((block + 1) * ROWS, M)], sums[block])


def column_sums(g):
    """Σ over the rows: (M, C) → (C)

    Rows that are shorter than a few vectors are added several at a time, end to end as one row.
    """
    M, C = g.shape
    several = max(1, min(VECTORS // max(C, 1), M // ROWS))
    if several > 1:
        whole = M - M % several
        long = column_sums(g[:whole].reshape(-1, several * C)).reshape(several, C)
        g = np.concatenate([long, g[whole:]])
    sums = np.empty((_blocks(len(g)), C), g.dtype)
    _column_sums(g, sums)
    return sums[0] if len(sums) == 1 else sums.sum(0, dtype=np.float64).astype(g.dtype)
