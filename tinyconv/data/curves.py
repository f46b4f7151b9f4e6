"""Curves that a pen follows, drawn by many writers at once.

Coordinates are those of a page: x runs right and y runs *down*, and a digit fills about the unit
square, (0, 0) its upper left corner.  Everything is vectorised over n writers: a *point* is an
array (n, 2), a *curve* an array (n, points, 2), and a *drawing* a list of curves between which the
pen is lifted.  Angles are hours of a clock, which is how one thinks about round letters: 12 is
the top, 3 the right, and growing numbers run clockwise.
"""

import numpy as np


class Hand:
    """A class of n writers, each of whom does everything a little differently.

    The methods return one value for each writer, so a recipe such as
    `line(hand.near(0.5, 0), hand.near(0.5, 1))` describes n different strokes.
    """

    def __init__(self, n, generator):
        self.n = n
        self.generator = generator

    def between(self, low, high):
        """Uniform numbers (n,) in [low, high)."""
        return self.generator.uniform(low, high, self.n)

    def near(self, x, y, spread=0.05):
        """Points (n, 2) scattered around (x, y) with the given standard deviation.

        The scatter is cut off at two standard deviations: a slip of the pen, not another letter.
        """
        slip = np.clip(self.generator.standard_normal((self.n, 2)), -2, 2)
        return point(x, y) + spread * slip


def point(x, y):
    """The points (n, 2) with coordinates x and y, numbers or arrays (n,)."""
    return np.stack(np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float)), axis=-1)


def line(start, end, points=12):
    """The straight stroke from `start` to `end`, both (n, 2): a curve (n, points, 2)."""
    t = np.linspace(0, 1, points)[:, None]
    return (1 - t) * start[:, None] + t * end[:, None]


def bezier(p0, p1, p2, p3, points=24):
    """The cubic Bézier curve from p0 to p3 (each (n, 2)), leaving towards p1, arriving from p2."""
    t = np.linspace(0, 1, points)[:, None]
    p0, p1, p2, p3 = (p[:, None] for p in (p0, p1, p2, p3))
    return ((1 - t) ** 3 * p0 + 3 * t * (1 - t) ** 2 * p1 + 3 * t ** 2 * (1 - t) * p2
            + t ** 3 * p3)


def arc(centre, width, height, start, end, points=36):
    """Part of an ellipse, from hour `start` to hour `end`.

    `centre` is (n, 2); the half-axes `width` and `height` and the hours are numbers or arrays (n,).
    From a smaller hour to a larger one the pen runs clockwise, otherwise counter-clockwise.
    """
    n = len(centre)
    width, height, start, end = (np.broadcast_to(v, (n,))[:, None]
                                 for v in (width, height, start, end))
    hours = start + (end - start) * np.linspace(0, 1, points)
    angle = (hours - 3) * (np.pi / 6)                       # y runs down: this is clockwise
    return centre[:, None] + np.stack([width * np.cos(angle), height * np.sin(angle)], axis=-1)


def smooth(*through, points=10):
    """A smooth curve that passes through all the given points, each (n, 2).

    The curve is a Catmull-Rom spline: between two neighbours a Bézier curve whose tangents point
    from the neighbour before to the neighbour after.  The result has points·(len − 1) points.
    """
    before, after = 2 * through[0] - through[1], 2 * through[-1] - through[-2]
    p = (before, *through, after)
    return join(*(bezier(p[i], p[i] + (p[i + 1] - p[i - 1]) / 6,
                         p[i + 1] - (p[i + 2] - p[i]) / 6, p[i + 1], points)
                  for i in range(1, len(p) - 2)))


def lean(curve, amount):
    """The curve slanted to the right around the middle of the page by `amount`, (n,)."""
    x, y = curve[..., 0], curve[..., 1]
    return np.stack([x + amount[:, None] * (0.5 - y), y], axis=-1)


def join(*curves):
    """One curve after the other without lifting the pen (a gap is bridged by a straight line)."""
    return np.concatenate(curves, axis=1)


def first(curve):
    """The point (n, 2) at which the curve begins."""
    return curve[:, 0]


def last(curve):
    """The point (n, 2) at which the curve ends."""
    return curve[:, -1]


def evenly(drawing, count):
    """`count` points (n, count, 2) at equal distances along all the ink of a drawing.

    Moving with the pen lifted costs no ink.  Equal distances make a mean over the points an
    integral along the stroke, so that the mean of the points is the centre of mass of the ink.
    """
    points = join(*drawing)                                 # (n, m, 2)
    n, m, _ = points.shape
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    ends = np.cumsum([curve.shape[1] for curve in drawing])[:-1]
    steps[:, ends - 1] = 0                                  # the pen is up here
    ink = np.concatenate([np.zeros((n, 1)), np.cumsum(steps, axis=1)], axis=1)
    ink /= ink[:, -1:]

    # np.interp on every row at once: row i of `ink` is moved to [2i, 2i + 1], so that all rows
    # together are one sorted list and a single search finds the segment of every wanted point.
    rows = np.arange(n)[:, None]
    wanted = (np.arange(count) + 0.5) / count
    right = np.searchsorted((ink + 2 * rows).ravel(), (wanted + 2 * rows).ravel(), side="right")
    right = np.clip(right.reshape(n, count) - m * rows, 1, m - 1)
    left = right - 1
    low, high = ink[rows, left], ink[rows, right]
    t = np.clip((wanted - low) / np.maximum(high - low, 1e-12), 0, 1)[..., None]
    return (1 - t) * points[rows, left] + t * points[rows, right]
