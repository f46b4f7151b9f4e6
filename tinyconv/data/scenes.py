"""Scenes drawn by this package: coloured shapes that overlap on a rough ground, with the truth.

For segmentation there is the class of every pixel, for detection a box around every shape:

    drawn = data.scenes.draw(1000, numpy.random.default_rng(0))
    drawn.images        (N, 3, H, W) uint8
    drawn.masks         (N, H, W)    int64, 0 where there is no shape, else a class of `CLASSES`
    drawn.boxes         (N, K, 4)    float32, x1 y1 x2 y2 in pixels, x2 and y2 just beyond the shape
    drawn.labels        (N, K)       int64, the class in each box, 0 where there is none

A shape is a function of the place that is positive inside, 0 on the outline and about the distance
from it elsewhere. So all scenes of a block are drawn at once, with soft edges, and no Python runs
for a single image.
"""
from typing import NamedTuple

import numpy as np

CLASSES = ("background", "disc", "square", "triangle", "cross")
VISIBLE = 0.6                          # of each shape so much at least is not hidden by others
_TOGETHER = 64                         # scenes drawn at a time, so that they stay in the cache


class Scenes(NamedTuple):
    """Images and what is in them; see the top of the file."""
    images: np.ndarray
    masks: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray

    def part(self, which):
        """The scenes of a slice, a mask or an array of indices."""
        return Scenes(*(a[which] for a in self))


def draw(n, generator, size=64, shapes=4):
    """Draw n scenes of size×size pixels with 1 to `shapes` shapes each: `Scenes`.

    The scenes are a function of the arguments and of the generator's state alone. A shape that
    would hide too much of one before it is left out. Radii are from 8/64 to 16/64 of the size,
    centres wherever a radius keeps within the image. Raises ValueError for sizes below 16.
    """
    if n < 1 or size < 16 or shapes < 1:
        raise ValueError("draw: there should be at least one scene and one shape, of at least "
                         f"16 pixels, got n = {n}, size = {size}, shapes = {shapes}")
    blocks = [_block(min(_TOGETHER, n - start), generator, size, shapes)
              for start in range(0, n, _TOGETHER)]
    return Scenes(*map(np.concatenate, zip(*blocks)))


def _block(n, generator, size, shapes):
    images, ground = _ground(n, generator, size)             # (n, 3, H, W), (n, 3)
    owner = np.zeros((n, size, size), int)                   # which shape a pixel shows, from 1
    area = np.zeros((n, shapes + 1), int)                    # pixels of each, hidden or not
    labels = np.zeros((n, shapes + 1), np.int64)
    wanted = generator.integers(1, shapes + 1, n)
    for k in range(1, shapes + 1):
        label = generator.integers(1, len(CLASSES), n)
        inside = _shape(label, generator, size)              # (n, H, W) in pixels
        cover, colour = inside > 0, _colour(ground, generator)
        after = np.where(cover, k, owner)
        drawn = (k <= wanted) & _visible(after, area)
        owner[drawn] = after[drawn]
        labels[drawn, k] = label[drawn]
        area[drawn, k] = cover[drawn].sum((1, 2))
        opaque = (inside + 0.5).clip(0, 1) * drawn[:, None, None]
        images += opaque[:, None] * (colour + _stripes(n, generator, size) - images)
    images += generator.normal(0, 0.02, images.shape).astype(np.float32)
    images = np.rint(255 * images.clip(0, 1)).astype(np.uint8)
    masks = np.take_along_axis(labels, owner.reshape(n, -1), 1).reshape(owner.shape)
    return images, masks, _boxes(owner, shapes), labels[:, 1:]


# ---- shapes --------------------------------------------------------------------------------------

def _shape(label, generator, size):
    """How far inside the shape each pixel lies, in pixels: (n,) classes → (n, H, W)."""
    n = len(label)
    radius = generator.uniform(8 / 64, 16 / 64, n) * size
    x, y = generator.uniform(radius, size - radius, (2, n))
    turn = generator.uniform(0, 2 * np.pi, n)
    cos, sin, radius, x, y = (v.astype(np.float32)[:, None, None]
                              for v in (np.cos(turn), np.sin(turn), radius, x, y))
    centres = np.arange(size, dtype=np.float32) + np.float32(0.5)
    across, down = (centres - x) / radius, (centres[:, None] - y) / radius
    u, v = cos * across + sin * down, cos * down - sin * across      # (n, H, W), turned
    inside = np.empty_like(u)
    for number, outline in enumerate((_disc, _square, _triangle, _cross), 1):
        mine = label == number
        inside[mine] = outline(u[mine], v[mine])
    return inside * radius

# Each lies within the unit circle around (0, 0) and touches it.

def _disc(u, v):
    return 1 - np.hypot(u, v)

def _square(u, v):
    return np.float32(0.5 ** 0.5) - np.maximum(abs(u), abs(v))

def _triangle(u, v):
    slope = np.float32(0.75 ** 0.5)                          # the other two sides: turned by 120°
    return np.float32(0.5) - np.maximum(u, slope * abs(v) - u / 2)

def _cross(u, v):
    u, v, arm = abs(u), abs(v), np.float32(0.3)
    return np.minimum(arm - np.minimum(u, v), np.float32(0.95) - np.maximum(u, v))


def _visible(owner, area):
    """Whether every shape still shows enough of itself: (n, H, W), (n, K + 1) → (n,)."""
    n, K = area.shape
    where = owner.reshape(n, -1) + K * np.arange(n)[:, None]
    seen = np.bincount(where.ravel(), minlength=n * K).reshape(n, K)
    return (seen >= VISIBLE * area).all(1)


def _boxes(owner, shapes):
    """The tight box around the pixels of every shape, all 0 where it is not: (n, shapes, 4)."""
    boxes = np.zeros((len(owner), shapes, 4), np.float32)
    for k in range(shapes):
        here = owner == k + 1
        drawn = here.any((1, 2))
        for first, axis in ((0, 1), (1, 2)):                 # x: columns with a pixel, y: rows
            line = here.any(axis)[drawn]
            boxes[drawn, k, first] = line.argmax(1)
            boxes[drawn, k, first + 2] = line.shape[1] - line[:, ::-1].argmax(1)
    return boxes


# ---- colours and textures ------------------------------------------------------------------------

def _ground(n, generator, size):
    """Backgrounds (n, 3, H, W), and the colour (n, 3) around which each varies."""
    colour = generator.uniform(0.2, 0.8, (n, 3)).astype(np.float32)
    return colour[:, :, None, None] + sum(_stripes(n, generator, size) for _ in range(3)), colour


def _colour(ground, generator, tries=4):
    """A colour (n, 3, 1, 1) for each scene: of a few, the one most unlike its ground."""
    n = len(ground)
    colours = generator.random((n, tries, 3), np.float32)
    unlike = ((colours - ground[:, None]) ** 2).sum(2).argmax(1)
    return colours[np.arange(n), unlike, :, None, None]


def _stripes(n, generator, size):
    """A wave over each scene, of its own direction, length and colour: (n, 3, H, W)."""
    waves = generator.normal(0, 14 / size, (2, n, 1, 1)).astype(np.float32)  # radians per pixel
    phase = generator.uniform(0, 2 * np.pi, (n, 1, 1)).astype(np.float32)
    colour = generator.normal(0, 0.05, (n, 3, 1, 1)).astype(np.float32)
    place = np.arange(size, dtype=np.float32)
    return colour * np.sin(waves[0] * place + waves[1] * place[:, None] + phase)[:, None]
