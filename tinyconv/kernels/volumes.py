"""Small images, one behind the other, taken for one volume.

A tile of the result has eight or sixteen rows, and an image of 2 × 2 fills four of them. One of
4 × 4 fills it, but then all the weights come through the cache for sixteen pixels, and again for
the next. But images (N, 1, H, W, C) lie in memory as N / k volumes (k, H, W, C), and a kernel that
is one pixel deep goes through such a volume image by image: the same convolution, with k · H · W
rows.
"""
import math
from functools import lru_cache

from .geometry import KEPT
from .layout import channels_first, channels_last

PIXELS = 64                            # of a volume: worth the way of the weights, and whole tiles


@lru_cache(maxsize=KEPT)
def number(geometry, N):
    """How many images make a volume; 1 where they are large enough, or not flat, or none."""
    depths = {side[0] for side in (geometry.size, geometry.kernel, geometry.stride)}
    pixels = math.prod(geometry.output)
    if depths != {1} or geometry.output[0] != 1 or not 0 < pixels < PIXELS:
        return 1
    return max(k for k in range(1, min(N, PIXELS // pixels) + 1) if N % k == 0) if N else 1


def as_one(geometry, k):
    """The geometry of the convolution with k images in one."""
    return geometry._replace(size=(k, *geometry.size[1:]))


def together(x, k):
    """(N, C, 1, H, W) → (N / k, C, k, H, W), a view if x lies channels-last."""
    N, C, _, H, W = x.shape
    return channels_first(channels_last(x).reshape(N // k, k, H, W, C))


def apart(y):
    """(N / k, C, k, H, W) → (N, C, 1, H, W)"""
    volumes, C, k, H, W = y.shape
    return channels_first(channels_last(y).reshape(volumes * k, 1, H, W, C))
