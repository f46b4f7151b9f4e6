"""Finite differences along lines, and the search for the one element that is to blame."""
import numpy as np

from ..core import Tensor, no_grad
from .points import outputs_of

EPS = np.finfo(np.float64).eps
STEP = EPS ** (1 / 3)      # central differences err by h²|f‴|/6 + ε|f|/h, least near h = ∛ε = 6e-6


class Line:
    """Finite differences of ⟨f, v⟩ as one input moves along a line."""

    def __init__(self, f, xs, i, ys, vs):
        self.f, self.i, self.vs = f, i, [v.data for v in vs]
        self.constants = [x.detach() for x in xs]
        self.here = [y.data for y in ys]
        self.step = STEP * max(1.0, float(np.abs(xs[i].data).max()))
        # (v has random signs: the round-off of many elements adds up like steps of a random walk)
        self.noise = 100 * EPS * float(np.sqrt(sum(np.square(y * v).sum()
                                                   for y, v in zip(self.here, self.vs))))

    def at(self, u, h):
        """f(x + hu)"""
        xs = list(self.constants)
        xs[self.i] = Tensor(xs[self.i].data + h * u)
        with no_grad():
            return [y.data for y in outputs_of(self.f, xs)]

    def rise(self, after, before):
        """⟨f(after) − f(before), v⟩, subtracted before summing, where less is cancelled."""
        return sum(float(((a - b) * v).sum()) for a, b, v in zip(after, before, self.vs))

    def slopes(self, u, h):
        """The slopes to the left and to the right of here; their mean is the central difference."""
        return self.rise(self.here, self.at(u, -h)) / h, self.rise(self.at(u, h), self.here) / h


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
