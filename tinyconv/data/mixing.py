"""Two images in one, with a target that says how much of each.

What mixes is called with a batch as the network gets it, x float (N, C, H, W), with targets
(N, K) in [0, 1], and a generator; each image is mixed with the one before it, the first with the
last. One λ is drawn for the whole batch, which has been shuffled: so partners are random.
"""
import math

import numpy as np


class Mixing:
    """Base of what mixes; `alpha` is that of λ ~ Beta(alpha, alpha)."""

    def __init__(self, alpha=1.0):
        if not (isinstance(alpha, (int, float)) and 0 < alpha < math.inf):
            raise ValueError(f"{type(self).__name__}: alpha must be a number above 0, "
                             f"got {alpha!r}")
        self.alpha = float(alpha)

    def __call__(self, x, y, generator):
        """The mixed images and their targets, both in the dtype they had."""
        if y.ndim != 2 or len(y) != len(x) or y.dtype.kind != "f":
            raise ValueError(f"{type(self).__name__}: expected targets ({len(x)}, K) of floats, "
                             f"got {y.dtype} {y.shape}; one_hot(labels, K) makes them")
        x, share = self.mix(x, generator.beta(self.alpha, self.alpha), generator)
        share = y.dtype.type(share)
        return x, share * y + (1 - share) * np.roll(y, 1, axis=0)

    def __repr__(self):
        return f"{type(self).__name__}(alpha={self.alpha:g})"


class MixUp(Mixing):
    """x ← λ x + (1 − λ) x′, y ← λ y + (1 − λ) y′, with (x′, y′) the batch moved on by one.

    Zhang, Cissé, Dauphin & Lopez-Paz 2017, mixup: beyond empirical risk minimization,
    arXiv 1710.09412; as torchvision.transforms.v2.MixUp.
    """

    def mix(self, x, share, generator):
        share = x.dtype.type(share)
        return share * x + (1 - share) * np.roll(x, 1, axis=0), share


class CutMix(Mixing):
    """A rectangle of about 1 − λ of the area comes from x′; y is mixed by what is left of x.

    Yun et al. 2019, CutMix: regularization strategy to train strong classifiers with localizable
    features, arXiv 1905.04899; as torchvision.transforms.v2.CutMix.
    """

    def mix(self, x, share, generator):
        H, W = x.shape[2:]
        i, j = generator.integers(0, H), generator.integers(0, W)
        reach = 0.5 * np.sqrt(1 - share)                     # half a side, as a part of the image
        h, w = int(reach * H), int(reach * W)
        top, bottom, left, right = max(i - h, 0), min(i + h, H), max(j - w, 0), min(j + w, W)
        mixed = x.copy(order="K")
        mixed[:, :, top:bottom, left:right] = np.roll(x[:, :, top:bottom, left:right], 1, axis=0)
        return mixed, 1 - (bottom - top) * (right - left) / (H * W)


def one_hot(labels, K):
    """Labels (N,) as float32 (N, K) with a 1 for the class; a matrix of labels (N, K) as it is."""
    if labels.ndim == 2:
        return labels.astype(np.float32)
    return (labels[:, None] == np.arange(K)).astype(np.float32)
