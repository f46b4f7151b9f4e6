"""Element by element, for the functions whose NumPy form would make several passes over memory.

Each kernel is a serial loop over a block, which the compiler turns into vector instructions; the
blocks run in parallel. (A loop written inside the `prange` itself often stays scalar.) A single
block is done at once: starting threads takes longer. Kernels are made for float32 and float64;
arrays of other dtypes go through NumPy and keep their dtype.
"""
import numpy as np
from numba import prange

from .compile import FLOATS, kernel, part
from .layout import same_layout

# Elements of a block: enough to hide the start of a task, few enough to keep threads in balance.
BLOCK = 1 << 15


@part
def _relu_block(x, y):
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] <= zero else x[i]    # written so that NaN, which is not ≤ 0, stays NaN


@kernel(parallel=True)
def _relu(x, y):
    if x.size <= BLOCK:
        _relu_block(x, y)
    else:
        for block in prange((x.size + BLOCK - 1) // BLOCK):
            piece = slice(block * BLOCK, (block + 1) * BLOCK)
            _relu_block(x[piece], y[piece])


@part
def _relu_pull_block(g, y, gx):
    zero = g.dtype.type(0)
    for i in range(g.size):
        gx[i] = zero if y[i] <= zero else g[i]


@kernel(parallel=True)
def _relu_pull(g, y, gx):
    if g.size <= BLOCK:
        _relu_pull_block(g, y, gx)
    else:
        for block in prange((g.size + BLOCK - 1) // BLOCK):
            piece = slice(block * BLOCK, (block + 1) * BLOCK)
            _relu_pull_block(g[piece], y[piece], gx[piece])


def relu(x):
    """max(x, 0), NaN staying NaN"""
    if x.dtype not in FLOATS:
        return np.maximum(x, x.dtype.type(0))
    x, (flat,) = same_layout(x)
    y = np.empty_like(x)
    _relu(flat, same_layout(y)[1][0])
    return y


def relu_pull(g, y):
    """g where y > 0 (or is NaN), else 0"""
    if g.dtype not in FLOATS or y.dtype not in FLOATS:
        return np.where(y <= 0, g.dtype.type(0), g)
    y, (flat_y, flat_g) = same_layout(y, g)
    gx = np.empty_like(y, dtype=g.dtype)
    _relu_pull(flat_g, flat_y, same_layout(gx)[1][0])
    return gx
