"""Batch normalisation: statistics per channel, and passes that do several things to memory at once.

Normalising is cheap arithmetic on large arrays, so what counts is how often memory is read and
written. Arrays come as matrices (M, C), channels last: M = N·H·W rows. A row may be as short as
three numbers, and a loop over it would hardly begin before it ends. So kernels run along *lines* of
several rows side by side, and vectors (C) are repeated to the length of a line: number j of a line
belongs to channel j % C.

Sums are taken block by block and line by line, in the arrays' dtype, so that only a few numbers
meet in each; the sums of a block's rows and of the blocks are added in float64 and in order. So
many threads or few, the bits are the same.
"""
import numpy as np
from numba import prange

from .compile import kernel, part
from .memory import empty

LINE = 512                                       # numbers of a line, about
BLOCK = 1 << 16                                  # numbers of a block, about
FIRST = 4                                        # lines of a block that say where its numbers lie


def _sizes(x):
    """The numbers in a line of whole rows, and in a block of whole lines, and how many blocks."""
    C = max(x.shape[1], 1)
    line = C * max(1, LINE // C)
    block = line * max(1, BLOCK // line)
    return line, block, -(-x.size // block)


@part
def _repeated(v, line):
    """The vector v over and over, to the length of a line."""
    wide = np.empty(line, v.dtype)
    for start in range(0, line, max(v.size, 1)):
        for c in range(v.size):
            wide[start + c] = v[c]
    return wide


# ---- statistics ----------------------------------------------------------------------------------

@part
def _moments_about(origin, x, line, mean, square):
    """Mean of each column of x, and sum of squared deviations from it, by Σ d and Σ d² where
    d = x − origin."""
    wide = _repeated(origin, line)
    sums, squares = np.zeros(line, x.dtype), np.zeros(line, x.dtype)
    for start in range(0, x.size, line):
        row = x[start:start + line]
        for j in range(row.size):
            d = row[j] - wide[j]
            sums[j] += d
            squares[j] += d * d
    C, M = mean.size, x.size // mean.size
    mean[:] = 0
    square[:] = 0
    for start in range(0, line, C):
        for c in range(C):
            mean[c] += sums[start + c]
            square[c] += squares[start + c]
    for c in range(C):
        total = mean[c]
        mean[c] = origin[c] + total / M
        square[c] -= total * (total / M)


@part
def _block_moments(x, line, mean, square):
    """Mean of each column of a block, and sum of squared deviations from it.

    Σ (x − μ)² = Σ d² − M (o − μ)² with d = x − o, and digits are lost where the origin o lies far
    from the mean μ. A single row may lie far off. The mean of R rows of M cannot, for

        (o − μ)² ≤ (M / R) σ²

    whatever the numbers are, and FIRST lines are a 32nd of a block, more of one that is shorter.
    With sums of 128 numbers in the dtype of x, rounded as if at random, the error of σ² stays below
    20 u (σ² + (o − μ)²): below 180 u σ² if one row lies far off, 660 u σ² at the very worst.
    """
    _moments_about(x[:mean.size], x[:FIRST * line], line, mean, square)
    _moments_about(mean.astype(x.dtype), x, line, mean, square)


@part
def _merge(means, squares, counts, mean, var):
    """Mean and biased variance of every column, in float64, from those of blocks of rows.

    means and squares (blocks, C) are the mean μ_b of each column of a block and the sum S_b of its
    squared deviations from it, counts (blocks) the rows n_b. Chan's formula,
    Σ(x − μ)² = Σ_b [S_b + n_b (μ_b − μ)²]: no square of a large mean appears.
    """
    M = 0
    for n in counts:
        M += n
    for c in range(mean.size):
        shift, total = 0.0, 0.0
        for b in range(counts.size):
            shift += counts[b] * (means[b, c] - means[0, c])
        mean[c] = means[0, c] + shift / M
        for b in range(counts.size):
            d = means[b, c] - mean[c]
            total += squares[b, c] + counts[b] * (d * d)
        var[c] = 0.0 if total < 0 else total / M     # less than nothing by rounding only


@kernel(parallel=True)
def _moments(x, line, block, means, squares, mean, var):
    counts = np.empty(len(means))
    for b in prange(len(means)):
        piece = x[b * block:min((b + 1) * block, x.size)]
        counts[b] = piece.size // mean.size
        _block_moments(piece, line, means[b], squares[b])
    _merge(means, squares, counts, mean, var)


def moments(x):
    """Mean and biased variance of every column of x (M, C), as float64: merged from blocks"""
    line, block, blocks = _sizes(x)
    means, squares = np.empty((2, blocks, x.shape[1]))
    mean, var = np.empty((2, x.shape[1]))
    _moments(x.reshape(-1), line, block, means, squares, mean, var)
    return mean, var


# ---- forward -------------------------------------------------------------------------------------

@part
def _normalize_block(x, mean, scale, bias, addend, y, relu, adding):
    zero, line = x.dtype.type(0), mean.size
    for start in range(0, x.size, line):
        row, out = x[start:start + line], y[start:start + line]
        added = addend[start:start + line]
        for j in range(row.size):
            v = (row[j] - mean[j]) * scale[j] + bias[j]
            if adding:
                v += added[j]
            out[j] = zero if relu and v <= zero else v


@kernel(parallel=True)
def _normalize(x, line, block, mean, scale, bias, addend, y, relu, adding):
    mean, scale, bias = _repeated(mean, line), _repeated(scale, line), _repeated(bias, line)
    for b in prange((x.size + block - 1) // block):
        piece = slice(b * block, min((b + 1) * block, x.size))
        _normalize_block(x[piece], mean, scale, bias, addend[piece], y[piece], relu, adding)


def normalize(x, mean, scale, bias, addend, relu):
    """y = relu((x − mean) · scale + bias + addend), the last two if asked for: (M, C) → (M, C)"""
    y, (line, block, _) = empty(x.shape, x.dtype), _sizes(x)
    flat = x.reshape(-1)
    _normalize(flat, line, block, mean, scale, bias, flat if addend is None else addend.reshape(-1),
               y.reshape(-1), relu, addend is not None)
    return y


# ---- backward ------------------------------------------------------------------------------------

@part
def _line_sums(x, g, mean, scale, bias, by_x, sums, products):
    zero = x.dtype.type(0)
    for j in range(x.size):
        d = x[j] - mean[j]
        v = zero if by_x and d * scale[j] + bias[j] <= zero else g[j]
        sums[j] += v
        products[j] += v * d


@part
def _masked_line_sums(x, g, mean, y, masked, sums, products):
    zero = x.dtype.type(0)
    for j in range(x.size):
        v = zero if y[j] <= zero else g[j]
        masked[j] = v
        sums[j] += v
        products[j] += v * (x[j] - mean[j])


@part
def _block_sums(g, y, x, mean, scale, bias, masked, by_x, by_y, sum_g, sum_gd):
    """Σ G and Σ G d of each column, d = x − mean, and masked = G, if by y."""
    line, C = mean.size, sum_g.size
    sums, products = np.zeros(line, x.dtype), np.zeros(line, x.dtype)
    for start in range(0, x.size, line):
        row, row_g = x[start:start + line], g[start:start + line]
        if by_y:
            _masked_line_sums(row, row_g, mean, y[start:start + line], masked[start:start + line],
                              sums, products)
        else:
            _line_sums(row, row_g, mean, scale, bias, by_x, sums, products)
    sum_g[:] = 0
    sum_gd[:] = 0
    for start in range(0, line, C):
        for c in range(C):
            sum_g[c] += sums[start + c]
            sum_gd[c] += products[start + c]


@part
def _add_blocks(blocks, sums):
    for k in range(2):
        for c in range(sums.shape[1]):
            total = 0.0
            for b in range(len(blocks)):
                total += blocks[b, k, c]
            sums[k, c] = total


@kernel(parallel=True)
def _sums(g, y, x, line, block, mean, scale, bias, masked, by_x, by_y, blocks, sums):
    mean, scale, bias = _repeated(mean, line), _repeated(scale, line), _repeated(bias, line)
    for b in prange(blocks.shape[0]):
        piece = slice(b * block, min((b + 1) * block, x.size))
        _block_sums(g[piece], y[piece], x[piece], mean, scale, bias, masked[piece], by_x, by_y,
                    blocks[b, 0], blocks[b, 1])
    _add_blocks(blocks, sums)


def _column_sums_and_products(g, y, x, mean, r, scale, bias, masked):
    line, block, blocks = _sizes(x)
    sums = np.empty((2, x.shape[1]))
    flat = g.reshape(-1)
    _sums(flat, flat if y is None else y.reshape(-1), x.reshape(-1), line, block,
          mean, mean if scale is None else scale, mean if bias is None else bias,
          flat if masked is None else masked.reshape(-1), scale is not None, y is not None,
          np.empty((blocks, 2, x.shape[1])), sums)
    sums[1] *= r
    sum_g, sum_gx = sums.astype(x.dtype)
    return sum_g, sum_gx


def sums(g, x, mean, r, scale=None, bias=None):
    """Σ G and Σ G x̂ of every column, x̂ = (x − mean) r:  (M, C) → (C), (C)

    G is g; or, where scale and bias are given, g where (x − mean) scale + bias > 0 (or is NaN).
    """
    return _column_sums_and_products(g, None, x, mean, r, scale, bias, None)


def masked_sums(g, y, x, mean, r):
    """G = g where y > 0 (or is NaN), and Σ G and Σ G x̂ of every column: (M, C), (C), (C)"""
    masked = empty(g.shape, g.dtype)
    return masked, *_column_sums_and_products(g, y, x, mean, r, None, None, masked)


@part
def _pull_block(g, x, mean, scale, bias, mean_g, slope, gx, by_x):
    zero, line = x.dtype.type(0), mean.size
    for start in range(0, x.size, line):
        row, row_g, out = x[start:start + line], g[start:start + line], gx[start:start + line]
        for j in range(row.size):
            d, v = row[j] - mean[j], row_g[j]
            if by_x:
                v = zero if d * scale[j] + bias[j] <= zero else v
            out[j] = scale[j] * (v - mean_g[j] - d * slope[j])


@kernel(parallel=True)
def _pull(g, x, line, block, mean, scale, bias, mean_g, slope, gx, by_x):
    mean, scale, bias = _repeated(mean, line), _repeated(scale, line), _repeated(bias, line)
    mean_g, slope = _repeated(mean_g, line), _repeated(slope, line)
    for b in prange((x.size + block - 1) // block):
        piece = slice(b * block, min((b + 1) * block, x.size))
        _pull_block(g[piece], x[piece], mean, scale, bias, mean_g, slope, gx[piece], by_x)


def pull(g, x, mean, r, scale, mean_g, mean_gx, bias=None):
    """scale (G − ⟨G⟩ − x̂ ⟨G x̂⟩), x̂ = (x − mean) r: (M, C) → (M, C), with the means given

    G is g; or, where bias is given, g where (x − mean) scale + bias > 0 (or is NaN).
    """
    gx, (line, block, _) = empty(x.shape, x.dtype), _sizes(x)
    _pull(g.reshape(-1), x.reshape(-1), line, block, mean, scale, mean if bias is None else bias,
          mean_g, r * mean_gx, gx.reshape(-1), bias is not None)
    return gx
