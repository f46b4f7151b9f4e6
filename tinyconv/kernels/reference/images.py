"""Batches of images, picture by picture."""
import numpy as np


def crop(x, top, left, size):
    """A window of `size` (h, w) from each picture, its corner at (top[n], left[n]); 0 outside.

    x (N, C, H, W) → (N, C, h, w). A corner may lie outside the picture: before the window is cut
    out, the picture is framed with zeros, wide enough for every window.
    """
    N, C, H, W = x.shape
    y = np.empty((N, C, *size), x.dtype)
    for n in range(N):
        before = max(0, -top[n]), max(0, -left[n])
        after = max(0, top[n] + size[0] - H), max(0, left[n] + size[1] - W)
        framed = np.pad(x[n], ((0, 0), *zip(before, after)))
        i, j = before[0] + top[n], before[1] + left[n]
        y[n] = framed[:, i:i + size[0], j:j + size[1]]
    return y


def mirror(x, chosen):
    """The chosen pictures with left and right exchanged: x (N, C, H, W), chosen (N,) of booleans"""
    return np.where(chosen[:, None, None, None], x[..., ::-1], x)


def look_up(x, tables):
    """A function of bytes, one for each channel, as a table: x (N, C, H, W), tables (C, 256)"""
    return np.stack([table[x[:, c]] for c, table in enumerate(tables)], axis=1)
