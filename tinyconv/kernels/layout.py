"""How an array lies in memory, and views of it in that order.

Kernels that treat all elements alike run along memory, whatever the dimensions are called.
"""
import math
from functools import lru_cache

import numpy as np

from .geometry import KEPT
from .turning import turned

# The dimensions of (N, C, …) in the order (N, …, C), and back: for each number of them a tuple.
LAST = [(), (0,), *((0, *range(2, n), 1) for n in range(2, 65))]
FIRST = [(), (0,), *((0, n - 1, *range(1, n - 1)) for n in range(2, 65))]


def in_memory_order(x):
    """A one-dimensional view of a dense array in the order of its memory, else None.

    Dense is an array that has no gaps and repeats no elements.
    """
    if x.flags.c_contiguous:
        return x.reshape(-1)
    dense = x.transpose(LAST[x.ndim]) if x.ndim > 2 else x.T                      # channels last?
    if not dense.flags.c_contiguous:
        dense = x.transpose(sorted(range(x.ndim), key=lambda d: -x.strides[d]))
    return dense.reshape(-1) if dense.flags.c_contiguous else None


def same_layout(*arrays):
    """The first array, and all as one-dimensional views that run through equal places together.

    An array that lies otherwise than the first is copied, and so is the first if it is not dense.
    """
    first, *others = arrays
    flat = in_memory_order(first)
    if flat is None:
        first = first.copy()
        flat = first.reshape(-1)
    flats = [flat]
    for x in others:
        if x.strides != first.strides or x.shape != first.shape:
            aligned = np.empty_like(first, dtype=x.dtype)
            aligned[...] = x
            x = aligned
        flats.append(in_memory_order(x))
    return first, flats


def full(shape, value, like):
    """An array filled with a value, whose dimensions lie in memory in the order in which those of
    the array `like` do."""
    order, back = _order(like.strides)
    return np.full([shape[d] for d in order], value, like.dtype).transpose(back)


@lru_cache(maxsize=KEPT)
def _order(strides):
    """The dimensions in the order in which memory has them, and the way back."""
    order = sorted(range(len(strides)), key=lambda d: -strides[d])
    return order, [order.index(d) for d in range(len(strides))]


def channels_last(x):
    """(N, C, …) → (N, …, C), contiguous and writeable; no copy if x already lies so in memory."""
    last = x.transpose(LAST[x.ndim])
    if last.flags.c_contiguous:
        return last if last.flags.writeable else last.copy()
    if x.flags.c_contiguous:
        return turned(x.reshape(*x.shape[:2], -1)).reshape(last.shape)
    return np.ascontiguousarray(last)


def images_in_order(x):
    """x (N, C, …), or a copy of it in C order if it lies channels-last."""
    last = x.transpose(LAST[x.ndim])
    if x.flags.c_contiguous or not last.flags.c_contiguous:
        return x
    return turned(last.reshape(len(x), -1, x.shape[1])).reshape(x.shape)


def channels_first(y):
    """(N, …, C) → (N, C, …), a view."""
    return y.transpose(FIRST[y.ndim])


def outputs_last(w):
    """(O, C, *kernel) → (*kernel, C, O), a view: how the weights of layers lie in memory.

    Kernels make several outputs at once, and read weights of several that lie side by side.
    """
    return w.transpose(*range(2, w.ndim), 1, 0)


def outputs_first(w):
    """(*kernel, C, O) → (O, C, *kernel), a view."""
    return w.transpose(w.ndim - 1, w.ndim - 2, *range(w.ndim - 2))


def as_it_lies(w):
    """The weights (O, C, *kernel) in one row, and how far apart in it outputs, channels and taps
    lie.

    No copy where they lie as (*kernel, C, O), as (O, C, *kernel) or as (O, *kernel, C).
    """
    (O, C), K = w.shape[:2], math.prod(w.shape[2:])
    if w.flags.writeable:                        # (a kernel would be compiled anew for others)
        if (last := outputs_last(w)).flags.c_contiguous:
            return last.reshape(-1), (1, O, C * O)
        if w.flags.c_contiguous:
            return w.reshape(-1), (C * K, K, 1)
        if (last := w.transpose(0, *range(2, w.ndim), 1)).flags.c_contiguous:
            return last.reshape(-1), (K * C, 1, C)
    return outputs_last(w).copy().reshape(-1), (1, O, C * O)


def as_rows(x):
    """(N, C, …) → (M, C), a row for each pixel of each image; a view if x lies channels-last."""
    x = channels_last(x)
    return x.reshape(x.size // max(x.shape[-1], 1), x.shape[-1])


def from_rows(y, shape):
    """(M, C) → `shape` (N, C, …), a view: what `as_rows` did is undone."""
    N, C, *size = shape
    return channels_first(y.reshape(N, *size, C))


def as_volume(x):
    """(N, C, …) with dimensions of length one put in, so that there are three spatial ones."""
    return x[:, :, None] if x.ndim == 4 else x if x.ndim == 5 else x[:, :, None, None]


def from_volume(y, ndim):
    """What `as_volume` put in is taken out again: a view with `ndim` dimensions."""
    return y.reshape(y.shape[:2] + y.shape[7 - ndim:])
