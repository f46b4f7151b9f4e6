"""Sums over some dimensions of an array, wherever these lie side by side in memory.

Such an array is (A, R, B) as memory has it, and what is wanted is Σ over R: with A the images, R
the pixels and B the channels the mean over the image, with A = 1 the gradient of a bias, with B = 1
the sum of everything.
"""
import math
from functools import lru_cache

import numpy as np
from numba import prange

from .compile import FLOATS, kernel, part
from .geometry import KEPT

LINE = 256                                       # numbers that are added to as many sums at a time
LINES = 32                                       # of a block, so many numbers meet in each sum
FEW = 1 << 10                                    # numbers for which NumPy is as quick


@part
def _block_sums(x, line, y):
    """y[b] = Σ x[b + iB]: along lines of several B side by side, as a B alone may be too short."""
    sums = np.zeros(line, x.dtype)
    for start in range(0, x.size, line):
        row = x[start:start + line]
        for j in range(row.size):
            sums[j] += row[j]
    y[:] = 0
    for start in range(0, line, y.size):
        for b in range(y.size):
            y[b] += sums[start + b]


@kernel(parallel=True)
def _middle_sums(x, line, parts, y):
    A, blocks, B = parts.shape
    block = line * LINES
    for i in prange(A * blocks):
        a, k = i // blocks, i % blocks
        _block_sums(x[a, k * block:min((k + 1) * block, x.shape[1])], line, parts[a, k])
    for a in range(A):
        for b in range(B):
            total = 0.0
            for k in range(blocks):
                total += parts[a, k, b]
            y[a, b] = total


def middle_sums(x):
    """y[a, b] = Σ_r x[a, r, b] for a contiguous x:  (A, R, B) → (A, B)

    Blocks of a few lines are added in the dtype of x, their sums in float64 and in order: so no
    digits are lost in a long sum, and the bits are the same for any number of threads.
    """
    A, R, B = x.shape
    line = max(1, B * min(R, max(1, LINE // max(B, 1))))
    y = np.empty((A, B), x.dtype)
    _middle_sums(x.reshape(A, R * B), line, np.empty((A, -(-R * B // (line * LINES)), B)), y)
    return y


def sums(x, dims, keepdim=False):
    """Σ x over the dimensions `dims`; float32 is not added up in float32 alone.

    NumPy adds what lies scattered in memory, what is few, and dtypes the kernel is not made for.
    """
    order, back, sides, kept = _as_memory_has_them(x.shape, x.strides, tuple(dims))
    turned = x.transpose(order)
    if sides is None or x.dtype not in FLOATS or not turned.flags.c_contiguous:
        total = np.add.reduce(x, tuple(dims), np.float64, keepdims=keepdim)
        return total.astype(x.dtype, copy=False)
    y = middle_sums(turned.reshape(sides)).reshape(kept).transpose(back)
    return y if keepdim else y.squeeze(dims)


@lru_cache(maxsize=KEPT)
def _as_memory_has_them(shape, strides, dims):
    """The dimensions in the order of memory, and back; what lies before, within and behind those
    to be summed over, (A, R, B), None where they do not lie side by side or are few; and the shape
    of the sums, in the order of memory, with ones."""
    order = sorted(range(len(shape)), key=lambda d: -strides[d])
    back = sorted(range(len(shape)), key=order.__getitem__)
    first = min((order.index(d) for d in dims), default=0)
    last = first + len(dims)
    sizes = [shape[d] for d in order]
    A, R, B = (math.prod(part) for part in (sizes[:first], sizes[first:last], sizes[last:]))
    scattered = R * B < FEW or sorted(order[first:last]) != sorted(dims)
    kept = (*sizes[:first], *[1] * len(dims), *sizes[last:])
    return order, back, None if scattered else (A, R, B), kept
