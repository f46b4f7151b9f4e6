"""Random changes to whole batches of images, so that a network sees each picture differently.

An augmentation is called with images (N, C, H, W), uint8 or float, in any memory layout, and a
`numpy.random.Generator`; it returns new images and never writes to its input.  One draw of random
numbers serves the whole batch: no Python runs for a single image.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class RandomCrop:
    """Pad with black on all sides, then cut out a window at a random place, for each image its own.

    padding  pixels added on each side
    size     (H, W) or a number: of the window; None keeps the size of the image
    """

    def __init__(self, size=None, padding=4):
        self.padding = _at_least("RandomCrop", "padding", padding, 0)
        self.size = size
        if size is not None:
            pair = (size, size) if isinstance(size, (int, np.integer)) else tuple(size)
            self.size = tuple(_at_least("RandomCrop", "size", side, 1) for side in pair)

    def __call__(self, images, generator):
        N, C, H, W = images.shape
        p = self.padding
        h, w = self.size or (H, W)
        if h > H + 2 * p or w > W + 2 * p:
            raise ValueError(f"RandomCrop: a window of {h}×{w} does not fit into images of {H}×{W} "
                             f"with padding {p}")
        top = generator.integers(0, H + 2 * p - h + 1, N)
        left = generator.integers(0, W + 2 * p - w + 1, N)
        padded = np.zeros((N, H + 2 * p, W + 2 * p, C), images.dtype)
        padded[:, p:p + H, p:p + W] = images.transpose(0, 2, 3, 1)
        # Every window as a view, no copy: (N, rows, columns, C, h, w).  The one indexing that
        # follows picks one window for each image.
        windows = sliding_window_view(padded, (h, w), axis=(1, 2))
        chosen = windows.transpose(0, 1, 2, 4, 5, 3)[np.arange(N), top, left]
        return chosen.transpose(0, 3, 1, 2)

    def __repr__(self):
        return f"RandomCrop(size={self.size}, padding={self.padding})"


class RandomShift:
    """Move each image by up to `pixels` pixels along each axis; what is uncovered is black.

    It is a crop seen from the other side, under the name one looks for with digits.
    """

    def __init__(self, pixels):
        self.pixels = _at_least("RandomShift", "pixels", pixels, 0)
        self._crop = RandomCrop(padding=pixels)

    def __call__(self, images, generator):
        return self._crop(images, generator)

    def __repr__(self):
        return f"RandomShift({self.pixels})"


class RandomHorizontalFlip:
    """Mirror each image left to right with probability p."""

    def __init__(self, p=0.5):
        if not 0 <= p <= 1:
            raise ValueError(f"RandomHorizontalFlip: p must be a probability, got {p!r}")
        self.p = p

    def __call__(self, images, generator):
        flipped = generator.random(len(images)) < self.p
        images = images.copy(order="K")                     # keep the memory layout
        images[flipped] = images[flipped][..., ::-1]
        return images

    def __repr__(self):
        return f"RandomHorizontalFlip({self.p})"


class Normalize:
    """(pixel/255 − mean)/std per channel: uint8 (N, C, H, W) to float32, channels-last in memory.

    A byte has 256 values, so the whole formula is a table of 256 numbers per channel, computed in
    float64 and rounded once.
    """

    def __init__(self, mean, std):
        self.mean, self.std = (tuple(map(float, np.atleast_1d(v))) for v in (mean, std))
        if len(self.mean) != len(self.std) or not min(self.std) > 0:
            raise ValueError(f"Normalize: mean and std must have one number for each channel, std "
                             f"above 0; got mean {self.mean}, std {self.std}")
        levels = np.arange(256) / 255
        self._tables = [((levels - m) / s).astype(np.float32) for m, s in zip(self.mean, self.std)]

    def __call__(self, images, generator=None):
        N, C, H, W = images.shape
        if images.dtype != np.uint8 or C != len(self.mean):
            raise ValueError(f"Normalize: expected uint8 images of {len(self.mean)} channels, got "
                             f"{images.dtype} {images.shape}")
        normal = np.empty((N, H, W, C), np.float32).transpose(0, 3, 1, 2)
        for channel, table in enumerate(self._tables):
            normal[:, channel] = table[images[:, channel]]
        return normal

    def __repr__(self):
        return f"Normalize(mean={self.mean}, std={self.std})"


def _at_least(who, name, value, low):
    if not isinstance(value, (int, np.integer)) or value < low:
        raise ValueError(f"{who}: {name} must be a whole number of at least {low}, got {value!r}")
    return int(value)
