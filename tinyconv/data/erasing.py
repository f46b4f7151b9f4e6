"""Rectangles taken out of images, so that a network cannot rely on one part of them."""
import math

import numpy as np


class RandomErasing:
    """Fill a rectangle of each image, with probability p.

    p        of an image to be changed
    scale    the area of the rectangle, as a part of the image: a pair (low, high)
    ratio    height to width: a pair, drawn so that 2 and 1/2 are equally likely
    value    what the rectangle is filled with: a number, one for each channel, "random" for noise,
             or "mean" for the mean colour of the image

    Zhong et al. 2017, Random erasing data augmentation, arXiv 1708.04896, as torchvision has it: of
    ten rectangles drawn the first that fits into the image is taken, and none if none does.
    """
    TRIES = 10

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0):
        if not 0 <= p <= 1:
            raise ValueError(f"RandomErasing: p must be a probability, got {p!r}")
        for name, pair, most in (("scale", scale, 1), ("ratio", ratio, math.inf)):
            if len(pair) != 2 or not 0 < pair[0] <= pair[1] <= most:
                raise ValueError(f"RandomErasing: {name} must be a pair (low, high) above 0"
                                 f"{' and up to 1' if most == 1 else ''}, got {pair!r}")
        self.p, self.scale, self.ratio, self.value = p, tuple(scale), tuple(ratio), value

    def __call__(self, images, generator):
        N, _, H, W = images.shape
        area = H * W * generator.uniform(*self.scale, (self.TRIES, N))
        ratio = np.exp(generator.uniform(*np.log(self.ratio), (self.TRIES, N)))
        height, width = np.rint(np.sqrt(area * ratio)), np.rint(np.sqrt(area / ratio))
        fits = (height < H) & (width < W)
        first = fits.argmax(axis=0), np.arange(N)
        chosen = (generator.random(N) < self.p) & fits[first]
        height, width = height[first] * chosen, width[first] * chosen    # 0×0 erases nothing
        top = np.floor(generator.random(N) * (H - height + 1))
        left = np.floor(generator.random(N) * (W - width + 1))
        return erase(images, top, left, top + height, left + width, self.value, generator)

    def __repr__(self):
        return f"RandomErasing({self.p}, {self.scale}, {self.ratio}, {self.value!r})"


class Cutout:
    """Fill a square of each image; its centre lies anywhere in it, so a part may be outside.

    size     pixels of its side
    value    as for `RandomErasing`; by default the mean colour of the image

    DeVries & Taylor 2017, Improved regularization of convolutional neural networks with cutout,
    arXiv 1708.04552.
    """

    def __init__(self, size=8, value="mean"):
        if not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"Cutout: size must be a whole number of at least 1, got {size!r}")
        self.size, self.value = int(size), value

    def check(self, shape):
        """Raise ValueError if the square may cover all of an image."""
        _, H, W = shape
        if self.size >= max(H, W):
            raise ValueError(f"Cutout: size must be less than the longer side of the images, "
                             f"{H}×{W}, or nothing of some is left; got {self.size}, where a "
                             "quarter of a side is usual")

    def __call__(self, images, generator):
        N, _, H, W = images.shape
        top = generator.integers(0, H, N) - self.size // 2
        left = generator.integers(0, W, N) - self.size // 2
        return erase(images, top, left, top + self.size, left + self.size, self.value, generator)

    def __repr__(self):
        return f"Cutout({self.size}, {self.value!r})"


def erase(images, top, left, bottom, right, value, generator):
    """The images with the pixels from (top[n], left[n]) up to (bottom[n], right[n]) filled.

    The latter are outside the rectangle, which may reach beyond the image.
    """
    N, C, H, W = images.shape
    rows, columns = np.arange(H), np.arange(W)
    rows = (top[:, None] <= rows) & (rows < bottom[:, None])             # (N, H)
    columns = (left[:, None] <= columns) & (columns < right[:, None])    # (N, W)
    within = rows[:, :, None, None] & columns[:, None, :, None]          # (N, H, W, 1)
    x = images.transpose(0, 2, 3, 1)                                     # as it lies in memory
    return np.where(within, _filling(x, value, generator), x).transpose(0, 3, 1, 2)


def _filling(x, value, generator):
    """What (N, H, W, C) images are filled with, in their dtype."""
    if isinstance(value, str) and value == "mean":
        value = x.mean(axis=(1, 2), keepdims=True)
        return (value if x.dtype.kind == "f" else np.rint(value)).astype(x.dtype)
    if isinstance(value, str) and value == "random":
        if x.dtype.kind == "f":
            return generator.standard_normal(x.shape, np.float32).astype(x.dtype)
        return generator.integers(0, 256, x.shape, x.dtype)
    value = np.asarray(value)
    if value.dtype.kind not in "iuf" or value.shape not in ((), (x.shape[3],)):
        raise ValueError(f"erasing: value must be a number, one for each of {x.shape[3]} channels, "
                         f"'random' or 'mean', got {value!r}")
    return value.astype(x.dtype)
