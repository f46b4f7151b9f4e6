"""Where arrays lie in memory, and what becomes of them.

A training step makes and drops the same few hundred megabytes of arrays over and over. The C
library's allocator gives each large one back to the operating system at once and gets it again page
by page, zeroed: a fifth of the time of a ResNet-20 step. It can be told to keep what it has.
"""
import ctypes
import math
import os

import numpy as np

CACHE_LINE = 64                                  # bytes; also the longest vector register
SMALL = 1 << 14                                  # bytes that are read sooner than they are aligned
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3      # from glibc's malloc.h
KEPT = 1 << 30                                   # bytes


def keep_freed_memory():
    """Let freed memory stay with the process, for the next array of that size.

    Works where the C library is glibc (most of Linux) and does nothing elsewhere. The environment
    variables MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_, if set, are left to rule.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):           # another C library
        return
    for name, option in (("MALLOC_TRIM_THRESHOLD_", M_TRIM_THRESHOLD),
                         ("MALLOC_MMAP_THRESHOLD_", M_MMAP_THRESHOLD)):
        if name not in os.environ:
            mallopt(option, KEPT)


def empty(shape, dtype):
    """An uninitialised array; a large one begins at a cache line: no vector of it lies across two.

    (A register tile reads one or two vectors for eight or sixteen products; where each read takes
    two lines, it waits for them: 70 instead of 100 GFLOP/s were measured.)
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size <= SMALL:
        return np.empty(shape, dtype)
    memory = np.empty(size + CACHE_LINE, np.uint8)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))    # asks in a quarter of the time
    return np.ndarray(shape, dtype, memory, -address % CACHE_LINE)


def zeros(shape, dtype):
    """As `empty`, but zero."""
    array = empty(shape, dtype)
    array[...] = 0
    return array
