"""Batches of images on their way to a network: cut out, mirrored, and turned from bytes to numbers.

Images are (N, C, H, W) outside and (N, H, W, C) in memory. To cut out and to mirror is only to move
memory, so these kernels see bytes whatever the dtype is. All are serial: a batch of 128 pictures
takes a tenth of a millisecond, and a thread that loads may run them beside a training step, while
parallel kernels have to wait for one another.

What is drawn at random comes as arrays, one number for each image: nothing here depends on the
order of the work.
"""
import numpy as np

from .compile import kernel, part
from .layout import channels_first, channels_last
from .memory import empty


@part
def _copy(x, y):
    for i in range(x.size):
        y[i] = x[i]


@kernel
def _crop(x, top, left, y):
    """`left`, like the rows of x and y, is in bytes."""
    N, H, run = x.shape
    _, h, width = y.shape
    for n in range(N):
        low, high = max(0, -left[n]), min(width, run - left[n])
        y[n] = 0
        if low < high:
            for i in range(max(0, -top[n]), min(h, H - top[n])):
                _copy(x[n, i + top[n], left[n] + low:left[n] + high], y[n, i, low:high])


def crop(x, top, left, size):
    """y[n, c, i, j] = x[n, c, top[n] + i, left[n] + j], and 0 outside: (N, C, H, W) → (N, C, *size)

    The corner may lie outside the image. What a window and its image share is copied row by row,
    each row of pixels being one run of memory.
    """
    (N, C, H, W), (h, w) = x.shape, size
    y = empty((N, h, w, C), x.dtype)
    pixel = C * x.itemsize                                            # bytes
    _crop(_bytes(channels_last(x)).reshape(N, H, W * pixel), top, left * pixel,
          _bytes(y).reshape(N, h, w * pixel))
    return channels_first(y)


@kernel
def _mirror(x, chosen, y):
    N, H, W, B = x.shape
    for n in range(N):
        if chosen[n]:
            for h in range(H):
                turned = x[n, h, ::-1]
                for b in range(B):
                    for w in range(W):
                        y[n, h, w, b] = turned[w, b]
        else:
            _copy(x[n].reshape(-1), y[n].reshape(-1))


def mirror(x, chosen):
    """y[n, c, h, w] = x[n, c, h, W − 1 − w] where chosen[n], else x[n, c, h, w]; x (N, C, H, W)"""
    x = channels_last(x)
    y = empty(x.shape, x.dtype)
    _mirror(_bytes(x), chosen, _bytes(y))
    return channels_first(y)


def _bytes(x):
    """(N, H, W, C) → (N, H, W, C · bytes of a number), a view"""
    return x.view(np.uint8)


@kernel
def _look_up(x, tables, y):
    N, H, W, C = x.shape
    for n in range(N):
        for c in range(C):
            for h in range(H):
                for w in range(W):
                    y[n, h, w, c] = tables[c, x[n, h, w, c]]


def look_up(x, tables):
    """y[n, c, h, w] = tables[c, x[n, c, h, w]]:  bytes (N, C, H, W) and (C, 256) → (N, C, H, W)

    A byte has only 256 values, so any function of one is a table, which stays in the nearest cache.
    """
    x = channels_last(x)
    y = empty(x.shape, tables.dtype)
    _look_up(x, tables, y)
    return channels_first(y)
