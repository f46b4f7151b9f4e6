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


def warp(x, maps, smooth):
    """Each picture seen through its affine map: x (N, C, H, W), maps (N, 6), 0 outside."""
    N, C, H, W = x.shape
    framed = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (2, 2), (2, 2)))
    v, u = np.mgrid[:H, :W] - np.array([(H - 1) / 2, (W - 1) / 2])[:, None, None]
    y = np.empty((N, C, H, W))
    for n, (a, b, c, d, e, f) in enumerate(maps):
        # where to look in the framed picture; far outside is as black as the frame
        s = np.clip(a * u + b * v + c + (W - 1) / 2, -2, W + 1) + 2
        t = np.clip(d * u + e * v + f + (H - 1) / 2, -2, H + 1) + 2
        if smooth:
            j, i = (np.floor(along).astype(int).clip(0, last)
                    for along, last in ((s, W + 2), (t, H + 2)))
            p, q = s - j, t - i
            y[n] = ((1 - q) * ((1 - p) * framed[n][:, i, j] + p * framed[n][:, i, j + 1])
                    + q * ((1 - p) * framed[n][:, i + 1, j] + p * framed[n][:, i + 1, j + 1]))
        else:
            y[n] = framed[n][:, np.rint(t).astype(int), np.rint(s).astype(int)]
    return (y if x.dtype.kind == "f" else np.rint(y)).astype(x.dtype)
