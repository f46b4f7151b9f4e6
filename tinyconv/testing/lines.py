"""Finite differences along lines: which elements move together, how far, and which is to blame."""
from typing import NamedTuple

import numpy as np

from ..core import Tensor, no_grad
from .points import gradients, leaf, outputs_of

__tracebackhide__ = True
EPS = np.finfo(np.float64).eps
STEP = EPS ** (1 / 3)      # central differences err by h²|f‴|/6 + ε|f|/h, least near h = ∛ε = 6e-6
SHRINK = 8                 # where the function bends more than that allows for, or ends, try less
SHRINKS = 40               # so often: the last step is 1e-36 of the first
NEAR, LIKE = 32, 1000      # elements and gradients that differ by less can be judged together


class Line:
    """Finite differences of ⟨f, v⟩ as one input moves along a line.

    The step h is for elements of the size of 1 and below; larger ones take one as much larger, for
    x + h has to differ from x. Where f is not defined at some distance, it is NaN there.
    """

    def __init__(self, f, xs, i, ys, vs):
        self.f, self.i, self.vs = f, i, [v.data for v in vs]
        self.constants = [x.detach() for x in xs]
        self.here = [y.data for y in ys]
        self.size = np.maximum(np.abs(xs[i].data), 1.0)
        self.largest = STEP * float(self.size.max())
        self._known = self._rough = None

    def step(self, u):
        """The step for those elements that u moves: ∛ε times the largest, or times 1."""
        return STEP * float(self.size[u != 0].max())

    def noise(self, u, h):
        """The round-off of slopes along u: 100 ε |f| / h, |f| being that of the elements of f that
        change on the way.

        One that keeps its bits over the longest step has no share in the slope, or one that those
        bits hide: see `hidden`.
        """
        changing, still = self._round_off(u)
        return 100 * changing / h + still / self.largest

    def hidden(self, u, h):
        """How much of the slope over a step h may be lost in elements of f that keep their bits:
        their share in it by the rules, but no more than ε |f| / h."""
        still = self._round_off(u)[1] / h
        if still:
            xs = [leaf(x.data) if j == self.i else x for j, x in enumerate(self.constants)]
            vs = [Tensor(np.where(changed, 0, v))
                  for changed, v in zip(self.slopes(u, self.largest).changed, self.vs)]
            (g,) = gradients(outputs_of(self.f, xs), [xs[self.i]], vs)
            still = min(still, abs(float(np.vdot(g.data, u))))
        return still

    def _round_off(self, u):
        """ε |f| of the elements of f that change over the longest step, and of the others."""
        if self._rough is None or self._rough[0] is not u:
            slopes = self.slopes(u, self.largest)
            # (v has random signs: the round-off of many elements adds up like steps of a walk)
            self._rough = u, *(EPS * float(np.sqrt(sum(np.square(np.where(which, y * v, 0)).sum()
                                                       for y, v, which in zip(
                                                           self.here, self.vs, elements))))
                               for elements in (slopes.changed, [~c for c in slopes.changed]))
        return self._rough[1:]

    def at(self, x):
        """f(x) with x for the input that moves; NaN where f refuses."""
        xs = [*self.constants[:self.i], Tensor(x), *self.constants[self.i + 1:]]
        try:
            with no_grad(), np.errstate(all="ignore"):
                return [y.data for y in outputs_of(self.f, xs)]
        except (ValueError, ArithmeticError):              # (as logarithms and losses do)
            return [np.full_like(y, np.nan) for y in self.here]

    def rise(self, after, before):
        """⟨f(after) − f(before), v⟩, subtracted before summing, where less is cancelled."""
        with np.errstate(all="ignore"):
            return sum(float(((a - b) * v).sum()) for a, b, v in zip(after, before, self.vs))

    def slopes(self, u, h):
        """The slopes to the left and to the right of here."""
        if self._known is None or self._known[0] is not u or self._known[1] != h:
            x = self.constants[self.i].data
            left, right = x - h * u, x + h * u
            before, after = self.at(left), self.at(right)
            self._known = u, h, Slopes(self.rise(self.here, before) / h,
                                       self.rise(after, self.here) / h, (right - left) / (2 * h),
                                       [(a != y) | (b != y) for a, b, y in zip(
                                           after, before, self.here)])
        return self._known[2]


class Slopes(NamedTuple):
    """What a function does to the left and to the right, along the direction it really `moved`:
    x + hu has been rounded. And which elements of its results `changed`."""
    left: float
    right: float
    moved: np.ndarray
    changed: list

    central = property(lambda self: (self.left + self.right) / 2)
    jump = property(lambda self: abs(self.right - self.left))

    def finite(self):
        return bool(np.isfinite(self.left) and np.isfinite(self.right))

    def everywhere(self, u):
        """Whether all that u moves has moved, and about as far as it should."""
        return bool((np.abs(self.moved - u) <= np.abs(u) / 8).all())


def parts(u, x, g, small):
    """u as a sum of directions: together go elements whose sizes, and whose gradients, are alike.

    One step is too long for what is much smaller than the rest, and beside a gradient much larger
    an error is not seen. What is below 1, or a gradient below `small`, counts as that.
    """
    with np.errstate(over="ignore"):
        kind = (1000 * _classes(np.maximum(np.abs(x), 1), NEAR)
                + _classes(np.maximum(np.abs(np.nan_to_num(g)), small or EPS), LIKE))
    return [np.where(kind == k, u, 0) for k in np.unique(kind)]


def _classes(size, ratio):
    """0 for the largest and all that are more than a `ratio`-th of it, 1 for the next, …"""
    return np.floor((np.log(size.max()) - np.log(size)) / np.log(ratio)).astype(int)


def culprit(u, error):
    """One element of u that carries the error, by halving: one half has half of it or more."""
    indices = np.flatnonzero(u)
    while len(indices) > 1:
        halves = indices[:len(indices) // 2], indices[len(indices) // 2:]
        indices = max(halves, key=lambda half: error(_restricted(u, half)))
    where = tuple(int(k) for k in np.unravel_index(indices[0], u.shape))
    return f"element {where}", _restricted(u, indices)


def _restricted(u, indices):
    e = np.zeros_like(u)
    e.flat[indices] = u.flat[indices]
    return e
