"""Brightness, contrast, saturation and hue, changed at random."""
import math

import numpy as np

GREY = np.array([0.2989, 0.5870, 0.1140], np.float32)                # of red, green and blue


class ColorJitter:
    """Change brightness, contrast, saturation and hue of each image, in a random order a batch.

    A number v for one of the first three stands for factors in [max(0, 1 − v), 1 + v]; hue is
    shifted by up to `hue` of the circle of colours, in [0, 0.5]. A pair (low, high) gives the
    bounds themselves. Grey images have neither saturation nor hue.

        brightness    x · f                          contrast      between x and the mean grey
        saturation    between x and its own grey     hue           a turn of the circle

    The formulas are those of torchvision.transforms.v2.ColorJitter, whose factors hold for the
    whole batch; here each image has its own. Images are uint8, or numbers in [0, 1].
    """

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        self.factors = {}
        for name, value in (("brightness", brightness), ("contrast", contrast),
                            ("saturation", saturation)):
            bounds = (max(0, 1 - value), 1 + value) if np.ndim(value) == 0 else tuple(value)
            if np.ndim(value) == 0 and value < 0 or not 0 <= bounds[0] <= bounds[1] < math.inf:
                raise ValueError(f"ColorJitter: {name} must be a number of at least 0, or a pair "
                                 f"(low, high) of such, got {value!r}")
            self.factors[name] = bounds
        bounds = (-hue, hue) if np.ndim(hue) == 0 else tuple(hue)
        if not -0.5 <= bounds[0] <= bounds[1] <= 0.5:
            raise ValueError("ColorJitter: hue must be a number in [0, 0.5], or a pair (low, high) "
                             f"in [−0.5, 0.5], got {hue!r}")
        self.factors["hue"] = bounds

    def __call__(self, images, generator):
        x = images.astype(np.float32)
        if images.dtype == np.uint8:
            x /= 255
        C = images.shape[1]
        for name in generator.permutation(list(self.factors)):
            low, high = self.factors[name]
            factor = generator.uniform(low, high, (len(x), 1, 1, 1)).astype(np.float32)
            neutral = 0 if name == "hue" else 1
            if (low, high) != (neutral, neutral) and (C == 3 or name in ("brightness", "contrast")):
                x = CHANGES[name](x, factor)
        return np.rint(x * 255).astype(np.uint8) if images.dtype == np.uint8 else x

    def __repr__(self):
        inner = ", ".join(f"{name}={bounds}" for name, bounds in self.factors.items())
        return f"ColorJitter({inner})"


def _grey(x):
    """(N, C, H, W) → (N, 1, H, W)"""
    if x.shape[1] == 1:
        return x
    return (x.transpose(0, 2, 3, 1) @ GREY)[:, None]


def _between(x, other, factor):
    """other + factor · (x − other), within [0, 1]"""
    return np.clip(other + factor * (x - other), 0, 1)


def _contrast(x, factor):
    return _between(x, _grey(x).mean(axis=(1, 2, 3), keepdims=True), factor)


def _hue(x, turn):
    """The circle red, green, blue, turned: x (N, 3, H, W), turn (N, 1, 1, 1) in parts of it.

    Only which channel is how far between the least and the greatest of the three changes: with
    h the hue in sixths of the circle, channel k is  high − (high − low) · max(0, min(1, w)),
    where w = min(m, 4 − m) and m = (5, 3, 1)[k] + h modulo 6.
    """
    r, g, b = (x[:, k:k + 1] for k in range(3))
    high, low = x.max(axis=1, keepdims=True), x.min(axis=1, keepdims=True)
    span = high - low
    safe = np.where(span > 0, span, 1)
    h = np.where(high == r, (g - b) / safe,
                 np.where(high == g, 2 + (b - r) / safe, 4 + (r - g) / safe))
    m = (np.array([5, 3, 1], np.float32)[:, None, None] + h + 6 * turn) % 6
    return high - span * np.clip(np.minimum(m, 4 - m), 0, 1)


CHANGES = {"brightness": lambda x, factor: _between(x, 0, factor), "contrast": _contrast,
           "saturation": lambda x, factor: _between(x, _grey(x), factor), "hue": _hue}
