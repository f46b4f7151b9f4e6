"""The two roofs of a machine: multiply-adds a second, and bytes a second."""
import numpy as np
from numba import njit, prange

from ...kernels.compile import kernel
from ...kernels.tile import WIDE, add_outer, store, width, zeros
from .work import Work

TASKS, REPEATS = 16, 2_000
DEPTH = 128                            # 8 + 16 KiB at 8×32 numbers a tile: the first-level cache


@njit(nogil=True)
def _products(a, row, b, c, out, repeats):
    """One tile, `repeats` times: the sum of DEPTH outer products of what stays in the cache."""
    columns = width(WIDE, c)
    for _ in range(repeats):
        tile = zeros(WIDE, c)
        for r in range(b.size // columns):
            tile = add_outer(tile, a, row, 0, r, b, r * columns)
        store(tile, c, out, 0, 0, columns)


@kernel(parallel=True)
def _all_products(row, out, columns, repeats, sums):
    for task in prange(sums.shape[0]):
        a, b = np.ones(row.size * DEPTH, np.float32), np.ones(DEPTH * columns, np.float32)
        _products(a, row, b, sums[task], out, repeats)


def multiply_add(lib):
    """As many multiply-adds as the registers allow, on numbers that are in the nearest cache."""
    rows, columns = WIDE.rows, WIDE.width(4)
    row, out = np.arange(rows) * DEPTH, np.arange(rows) * columns
    sums = np.zeros((TASKS, rows * columns), np.float32)
    return Work({"step": lambda: _all_products(row, out, columns, REPEATS, sums)},
                lambda: [float(sums.mean())])


def operations():
    """The floating point operations of one `multiply_add`: two each."""
    return 2 * TASKS * REPEATS * DEPTH * WIDE.rows * WIDE.width(4)


@njit(nogil=True)
def _copy_block(x, y):
    for i in range(x.size):
        y[i] = x[i]


@kernel(parallel=True)
def _copy(x, y):
    for task in prange(TASKS):
        piece = slice(task * x.size // TASKS, (task + 1) * x.size // TASKS)
        _copy_block(x[piece], y[piece])


def copy(lib, nbytes):
    """Read and write an array: `nbytes` is the size of both together."""
    x, y = np.ones(nbytes // 8, np.float32), np.zeros(nbytes // 8, np.float32)
    return Work({"step": lambda: _copy(x, y)}, lambda: [float(y.mean())])
