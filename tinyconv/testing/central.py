"""Central differences along random directions: what both methods share, and the usual one."""
from dataclasses import dataclass, field

import numpy as np

from .errors import GradientError, KinkError, PointError, derivative_at, edge, kink, mismatch
from .lines import SHRINK, SHRINKS, Line, culprit, parts
from .points import bounded

__tracebackhide__ = True   # (pytest then shows the message, and the call that it is about)
DROWNED = 0.01             # a derivative that round-off hides more than this of is not checked


@dataclass
class Comparison:
    """The settings of a check, the order it has come to, and the comparison of one gradient."""
    name: str
    rtol: float
    atol: float
    directions: int
    rng: np.random.Generator
    order: int = field(default=1, kw_only=True)

    def fail(self, what, kind=GradientError):
        raise kind(f"{derivative_at(self.order, self.name)}: {what}")

    def _directions(self, x, g):
        """Random directions, each in parts."""
        for _ in range(self.directions):
            yield from parts(bounded(self.rng, x.shape), x, g, self._small)

    @property
    def _small(self):
        """Derivatives below this are compared absolutely."""
        return self.atol / self.rtol if self.rtol else 1.0

    def by_differences(self, f, xs, i, ys, vs, g, source):
        """Compare the gradient g of xs[i] along random directions; return the relative error."""
        line = Line(f, xs, i, ys, vs)
        return max(self.along(line, g, u, source) for u in self._directions(xs[i].data, g))

    def along(self, line, g, u, source):
        """Compare along the direction u; return the relative error.

        Long steps come first, for which round-off matters least. A difference has settled if the
        next longer step gives the same: then no noisier one overrules it.
        """
        whole = float(np.linalg.norm(g))
        own = self._inside(line, u, source)
        self._no_kink(line, u, source, own, max(float(np.linalg.norm(g * u)), 1e-3))
        settled, error, best, h = np.nan, np.inf, own, line.largest
        for _ in range(SHRINKS):
            slopes = line.slopes(u, h)
            analytic, numerical = float(np.vdot(g, slopes.moved)), slopes.central
            noise = line.noise(u, h)
            room = self.tolerance(abs(numerical), noise)
            if not abs(numerical - settled) <= room:
                size, settled = max(abs(analytic), abs(numerical)), np.nan
                if abs(analytic - numerical) <= self.tolerance(size, noise) < np.inf:
                    if noise > DROWNED * max(size, whole, self._small):
                        self._drowned(noise, analytic, numerical, size, source)
                    return abs(analytic - numerical) / max(size, self._small)
                if abs(numerical - line.slopes(u, h * SHRINK).central) <= room:
                    settled, best, error = numerical, h, 0
                elif abs(analytic - numerical) < error and h <= own:
                    best, error = h, abs(analytic - numerical)
            if h <= own and (np.isfinite(settled) or not slopes.everywhere(u)
                             or noise > DROWNED * max(abs(analytic), whole, self._small)):
                break
            h /= SHRINK
        slopes = line.slopes(u, best)
        analytic, numerical = float(np.vdot(g, slopes.moved)), slopes.central
        size, hidden = max(abs(analytic), abs(numerical)), line.hidden(u, own)
        if abs(analytic - numerical) - hidden <= self.tolerance(size, line.noise(u, best)):
            self._drowned(hidden, analytic, numerical, size, source)
        self._blame(line, g, u, source, best)

    def _inside(self, line, u, source):
        """The step for the elements that u moves, or less, so that f is defined on both sides."""
        h = line.step(u)
        for _ in range(SHRINKS):
            slopes = line.slopes(u, h)
            if not slopes.everywhere(u):
                h *= SHRINK
                break
            if slopes.finite():
                return h
            h /= SHRINK
        where, e = culprit(u, lambda e: not line.slopes(e, h).finite())
        raise KinkError(edge(self.name, self.order, source, u.shape, where, h * np.abs(e).max()))

    def _drowned(self, noise, analytic, numerical, size, source):
        """Refuse what agrees only because anything would."""
        if abs(analytic - numerical) > self.atol + self.rtol * size:
            self.fail(f"the result is so large beside its derivative with respect to {source} that "
                      f"round-off may be {noise:.2g} of {size:.2g}: nothing can be "
                      "checked; scale the function, or take constants away from it", PointError)

    def tolerance(self, size, noise):
        return self.atol + self.rtol * size + noise

    def _no_kink(self, line, u, source, h, scale):
        """One-sided slopes differ by h|f″| where f is smooth, at a kink by as much for any h."""
        first, step = line.slopes(u, h).jump, h
        if not first > 1e-4 * scale + 2 * line.noise(u, h):
            return
        for shrinks in range(SHRINKS):
            if shrinks and 4 * SHRINK * line.noise(u, h) > first:
                break                                      # from here on round-off would decide
            h /= SHRINK
            slopes = line.slopes(u, h)
            if not slopes.everywhere(u):
                break
            if not slopes.jump > first / 2:
                return
        where, e = culprit(u, lambda e: line.slopes(e, h).jump)
        slopes = line.slopes(e, step)
        raise KinkError(kink(self.name, self.order, source, u.shape, where, slopes.left,
                             slopes.right, step))

    def _blame(self, line, g, u, source, h):
        """Find one wrong element by halving the direction, and raise."""
        def compared(e):
            slopes = line.slopes(e, h)
            return float(np.vdot(g, slopes.moved)), slopes.central

        def error(e):
            analytic, numerical = compared(e)
            return abs(analytic - numerical)
        where, e = culprit(u, error)
        e /= np.abs(e).max()
        self._no_kink(line, e, source, self._inside(line, e, source),
                      max(np.abs(g * e).max(), 1e-3))
        for where, e in (where, e), ("a random direction", u):   # (an error spread thin)
            analytic, numerical = compared(e)
            tolerance = self.tolerance(max(abs(analytic), abs(numerical)), line.noise(e, h))
            if not abs(analytic - numerical) <= tolerance:
                break
        raise GradientError(mismatch(self.name, self.order, source, u.shape, where, analytic,
                                     numerical, f"central difference, step {h:.2g}", tolerance))
