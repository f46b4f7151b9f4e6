"""Random changes to whole batches of images, so that a network sees each picture differently.

An augmentation is called with images (N, C, H, W), uint8 or float, in any memory layout, and a
`numpy.random.Generator`; it returns new images, channels-last in memory, and never writes to its
input.  It draws its random numbers for the whole batch at once, and one kernel does the rest: no
Python runs for a single image.
"""

import numpy as np

from ..kernels import images as kernels


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
        N, _, H, W = images.shape
        p = self.padding
        h, w = self.size or (H, W)
        if h > H + 2 * p or w > W + 2 * p:
            raise ValueError(f"RandomCrop: a window of {h}×{w} does not fit into images of {H}×{W} "
                             f"with padding {p}")
        top = generator.integers(-p, H + p - h + 1, N)
        left = generator.integers(-p, W + p - w + 1, N)
        return kernels.crop(images, top, left, (h, w))

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
        return kernels.mirror(images, generator.random(len(images)) < self.p)

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
        self._tables = np.stack([(levels - m) / s for m, s in zip(self.mean, self.std)]
                                ).astype(np.float32)

    def __call__(self, images, generator=None):
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != len(self.mean):
            raise ValueError(f"Normalize: expected uint8 images of {len(self.mean)} channels, got "
                             f"{images.dtype} {images.shape}")
        return kernels.look_up(images, self._tables)

    def __repr__(self):
        return f"Normalize(mean={self.mean}, std={self.std})"


def _at_least(who, name, value, low):
    if not isinstance(value, (int, np.integer)) or value < low:
        raise ValueError(f"{who}: {name} must be a whole number of at least {low}, got {value!r}")
    return int(value)
