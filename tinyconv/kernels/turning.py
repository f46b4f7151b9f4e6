"""Two dimensions of an array exchanged in memory, image by image: (N, A, B) → (N, B, A).

With pixels and channels for A and B it is the way between channels-last and C order. NumPy copies
number after number, on one core: it takes two to six times as long.
"""
import numpy as np
from numba import prange

from .compile import FLOATS, kernel, part

FEW = 1 << 13                                    # numbers that NumPy has copied as soon


@part
def _turn(x, y):
    """y[b, a] = x[a, b], the longer dimension in the inner loop"""
    A, B = x.shape
    if A < B:
        for a in range(A):
            for b in range(B):
                y[b, a] = x[a, b]
    else:
        for b in range(B):
            for a in range(A):
                y[b, a] = x[a, b]


@kernel(parallel=True)
def _turn_all(x, y):
    for n in prange(len(x)):
        _turn(x[n], y[n])


def turned(x):
    """x (N, A, B), in C order → its transpose (N, B, A), in C order as well

    It may be a view where A or B is 1.
    """
    N, A, B = x.shape
    if N < 2 or x.size < FEW or x.dtype not in FLOATS or not x.flags.carray:
        return np.ascontiguousarray(x.transpose(0, 2, 1))
    y = np.empty((N, B, A), x.dtype)
    _turn_all(x, y)
    return y
