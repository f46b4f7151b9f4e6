"""Batches of images on their way to a network: cut out, mirrored, and turned from bytes to numbers.

Images are (N, C, H, W) outside and (N, H, W, C) in memory. To cut out and to mirror is only to move
memory, so these kernels see bytes whatever the dtype is. All are serial: a batch of 128 pictures
takes a tenth of a millisecond, and a thread that loads may run them beside a training step, while
parallel kernels have to wait for one another.

What is drawn at random comes as arrays, one number for each image: nothing here depends on the
order of the work.
"""
import numpy as np

from .compile import FLOATS, kernel, part
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


# ---- turned, sheared, scaled ---------------------------------------------------------------------

@kernel
def _warp(x, maps, smooth, whole, y):
    N, H, W, C = x.shape
    for n in range(N):
        a, b, c = maps[n, 0], maps[n, 1], maps[n, 2]
        d, e, f = maps[n, 3], maps[n, 4], maps[n, 5]
        for i in range(H):
            for j in range(W):
                u, v = j - (W - 1) / 2, i - (H - 1) / 2
                s = min(max(a * u + b * v + c + (W - 1) / 2, -2.0), W + 1.0)
                t = min(max(d * u + e * v + f + (H - 1) / 2, -2.0), H + 1.0)
                if smooth:
                    left, top = int(np.floor(s)), int(np.floor(t))
                    right, low = s - left, t - top               # weights of the later pixels
                    for k in range(C):
                        z = 0.0
                        for p in range(2):
                            for q in range(2):
                                if 0 <= top + p < H and 0 <= left + q < W:
                                    z += ((low if p else 1 - low) * (right if q else 1 - right)
                                          * x[n, top + p, left + q, k])
                        y[n, i, j, k] = np.rint(z) if whole else z
                else:
                    p, q = int(np.rint(t)), int(np.rint(s))
                    inside = 0 <= p < H and 0 <= q < W
                    for k in range(C):
                        y[n, i, j, k] = x[n, p, q, k] if inside else 0


def warp(x, maps, smooth):
    """Each image seen through an affine map of its own: x (N, C, H, W), maps (N, 6) → (N, C, H, W)

    With u, v the distance of a pixel to the right of the centre and below it, and a … f the map of
    the image:

        y[n, c] at (u, v)  =  x[n, c] at (a·u + b·v + c, d·u + e·v + f)

    which is interpolated between four pixels if `smooth`, else taken from the nearest; 0 outside.
    """
    if x.dtype not in (np.uint8, *FLOATS):
        raise TypeError(f"warp: images should be uint8, float32 or float64, got {x.dtype}")
    x = channels_last(x)
    y = empty(x.shape, x.dtype)
    _warp(x, np.ascontiguousarray(maps, np.float64), smooth, x.dtype.kind != "f", y)
    return channels_first(y)
