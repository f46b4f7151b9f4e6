"""Large arrays, used again instead of fetched anew.

A training step makes and drops the same few hundred megabytes of arrays over and over. The C
library's allocator gives each large one back to the operating system at once and gets it again page
by page, zeroed: a fifth of the time of a ResNet-20 step. It can be told to keep what it has.
"""
import ctypes
import os

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
