"""Images turned, scaled, moved and sheared at random: an affine map for each, one kernel."""
import math

import numpy as np

from ..kernels import images as kernels

MODES = ("nearest", "bilinear")


class RandomAffine:
    """Turn, move, scale and shear each image about its centre; what is uncovered is black.

    degrees        turn by an angle in [−degrees, degrees], or in the pair (low, high)
    translate      move by up to these parts of width and height: a pair in [0, 1]
    scale          enlarge by a factor in this pair
    shear          slant by an angle in [−shear, shear] along x; or (low, high); or a pair for x
                   and one for y in four numbers
    interpolation  "nearest" or "bilinear"

    The distributions are those of torchvision.transforms.v2.RandomAffine, drawn for each image.
    """

    def __init__(self, degrees, translate=None, scale=None, shear=None, interpolation="nearest"):
        who = type(self).__name__
        self.degrees = _range(who, "degrees", degrees)
        self.translate = (0, 0) if translate is None else tuple(translate)
        if len(self.translate) != 2 or not all(0 <= part <= 1 for part in self.translate):
            raise ValueError(f"{who}: translate must be two parts in [0, 1], got {translate!r}")
        self.scale = (1, 1) if scale is None else tuple(scale)
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"{who}: scale must be two factors above 0, the lesser first, "
                             f"got {scale!r}")
        four = np.ndim(shear) and len(shear) == 4
        self.shear = (_range(who, "shear", 0 if shear is None else shear[:2] if four else shear),
                      _range(who, "shear", shear[2:] if four else 0))
        if interpolation not in MODES:
            raise ValueError(f"{who}: interpolation must be one of {', '.join(MODES)}, "
                             f"got {interpolation!r}")
        self.interpolation = interpolation

    def __call__(self, images, generator):
        N, _, H, W = images.shape
        angle = generator.uniform(*self.degrees, N)
        across, down = (np.rint(generator.uniform(-part * side, part * side, N))
                        for part, side in zip(self.translate, (W, H)))
        scale = generator.uniform(*self.scale, N)
        shear = [generator.uniform(*bounds, N) for bounds in self.shear]
        maps = affine_maps(angle, across, down, scale, *shear)
        return kernels.warp(images, maps, self.interpolation == "bilinear")

    def __repr__(self):
        return (f"{type(self).__name__}({self.degrees}, translate={self.translate}, "
                f"scale={self.scale}, shear={self.shear})")


class RandomRotation(RandomAffine):
    """Turn each image about its centre by an angle in [−degrees, degrees], or (low, high)."""

    def __init__(self, degrees, interpolation="nearest"):
        super().__init__(degrees, interpolation=interpolation)

    def __repr__(self):
        return f"RandomRotation({self.degrees})"


def affine_maps(angle, across, down, scale, shear_x, shear_y):
    """From where each pixel is taken: (N, 6) maps for `kernels.images.warp`.

    An image is sheared, turned clockwise, scaled and moved, angles in degrees. A pixel of the
    result looks for its origin the other way round, so this is the inverse of

        A = scale · R(angle) · shear of y · shear of x,   then + (across, down)
    """
    turn, sx, sy = (np.radians(v) for v in (angle, shear_x, shear_y))
    a = np.cos(turn - sy) / np.cos(sy)
    b = -np.cos(turn - sy) * np.tan(sx) / np.cos(sy) - np.sin(turn)
    c = np.sin(turn - sy) / np.cos(sy)
    d = -np.sin(turn - sy) * np.tan(sx) / np.cos(sy) + np.cos(turn)
    # [a b; c d] has determinant 1
    a, b, c, d = d / scale, -b / scale, -c / scale, a / scale
    return np.stack([a, b, -a * across - b * down, c, d, -c * across - d * down], axis=1)


def _range(who, name, value):
    low, high = (-value, value) if np.ndim(value) == 0 else value
    if not -math.inf < low <= high < math.inf:
        raise ValueError(f"{who}: {name} must be a number of at least 0 or a pair (low, high), "
                         f"got {value!r}")
    return low, high
