"""`check_grad`: derivatives along random directions against central differences, to any order."""
from dataclasses import dataclass, field

import numpy as np

from ..core import Tensor, no_grad
from .errors import GradientError, KinkError, derivative_at, kink, mismatch
from .points import (bounded, function_of, gradients, is_differentiable, leaf, outputs_of,
                     refuse_narrow, vjp_of)

EPS = np.finfo(np.float64).eps
STEP = EPS ** (1 / 3)      # central differences err by h²|f‴|/6 + ε|f|/h, least near h = ∛ε = 6e-6
SHRINK = 8                 # where the function bends more than that allows for, try smaller steps


def check_grad(f, *inputs, order=2, rtol=1e-6, atol=1e-8, directions=1, seed=0, name=None):
    """Check the derivatives of `f` at `inputs` up to `order`; GradientError at the first wrong one.

    f : a function of the inputs that returns a tensor or a tuple of tensors, always the same.
    inputs : float64 tensors and arrays (of any layout) are differentiated, all else is passed on.
    directions : how many random directions to try for every input. One finds any error but for a
        set of directions of measure zero; its components are bounded away from zero, so that an
        error in one element among thousands shows.
    Returns the worst relative error at each order.

    With a random cotangent v and a random direction u the analytic ⟨∂⟨f, v⟩/∂x, u⟩ is compared with
    the numerical ⟨f(x + hu) − f(x − hu), v⟩ / 2h. The next order does the same for the function
    (x, v) ↦ ∂⟨f, v⟩/∂x, which is why an operation whose rule is only right at first order is
    caught. Equal means |analytic − numerical| ≤ atol + rtol·max(|analytic|, |numerical|), with room
    for the round-off of f itself.

    At every order it is also checked that f is repeatable; that inputs and cotangents are left
    unchanged; that gradients have the dtype and shape of their inputs and share no memory with
    anything; that a second walk gives the same bits. On a kink (two one-sided slopes that differ at
    every step) KinkError is raised.

    Raises TypeError for inputs narrower than float64.
    """
    refuse_narrow("check_grad", inputs)
    places = [i for i, x in enumerate(inputs) if is_differentiable(x)]
    if not places:
        raise TypeError("check_grad: none of the inputs is a floating point tensor or array, "
                        "there is nothing to check")

    check = _Check(name or getattr(f, "__name__", repr(f)), rtol, atol, directions,
                   np.random.default_rng(seed))
    g = function_of(f, inputs, places)
    xs, sources = [leaf(inputs[i]) for i in places], [f"input {i}" for i in places]
    worst = []
    for check.order in range(1, order + 1):
        error, vs = check.first_derivative(g, xs, sources)
        worst.append(error)
        g = vjp_of(g, len(xs))
        xs = xs + [leaf(v) for v in vs]
        sources = sources + [f"the cotangent of output {j}" for j in range(len(vs))]
    return worst


@dataclass
class _Check:
    """One run of `check_grad`: its settings, and the order it has come to."""
    name: str
    rtol: float
    atol: float
    directions: int
    rng: np.random.Generator
    order: int = field(default=1)

    def fail(self, what):
        raise GradientError(f"{derivative_at(self.order, self.name)}: {what}")

    def first_derivative(self, f, xs, sources):
        """Check ∂f/∂x for every x; return the worst relative error, and the cotangents used."""
        before = [x.data.copy() for x in xs]
        ys = outputs_of(f, xs)
        vs = [Tensor(bounded(self.rng, y.shape).astype(y.dtype)) for y in ys]
        given = [v.data.copy() for v in vs]
        self._repeatable(f, xs, ys)
        gs, again = gradients(ys, xs, vs), gradients(ys, xs, vs)
        for g, g2, source in zip(gs, again, sources):
            if not np.array_equal(g.data, g2.data, equal_nan=True):
                self.fail(f"two walks over the same graph give different gradients for {source}")
        self._unshared(gs, xs, vs, sources)
        for x, b, source in zip(xs, before, sources):
            if not np.array_equal(x.data, b):
                self.fail(f"{source} was changed by the function or by its gradient")
        if not all(np.array_equal(v.data, b) for v, b in zip(vs, given)):
            self.fail("a cotangent was changed in place by a rule")
        worst = 0.0
        for i, source in enumerate(sources):
            if xs[i].numel():
                line = _Line(f, xs, i, ys, vs)
                for _ in range(self.directions):
                    u = bounded(self.rng, xs[i].shape)
                    worst = max(worst, self._along(line, gs[i].data, u, source))
        return worst, vs

    def _repeatable(self, f, xs, ys):
        again = outputs_of(f, xs)
        if len(again) != len(ys) or not all(
                np.array_equal(a.data, b.data, equal_nan=True) for a, b in zip(ys, again)):
            self.fail("the function gave two different results for the same inputs; "
                      "if it is random, seed it inside")
        if not all(np.isfinite(y.data).all() for y in ys):
            self.fail("the result is not finite here, so there is nothing to compare with; "
                      "check at another point")

    def _unshared(self, gs, xs, vs, sources):
        """No gradient may lie in the memory of another, of an input or of a cotangent."""
        taken = [*zip(xs, sources), *((v, f"cotangent {j}") for j, v in enumerate(vs))]
        for i, g in enumerate(gs):
            for other, what in taken:
                if np.may_share_memory(g.data, other.data):
                    self.fail(f"the gradient of {sources[i]} shares memory with {what}")
            taken.append((g, f"the gradient of {sources[i]}"))

    def _along(self, line, g, u, source):
        """Compare along the direction u; return the relative error."""
        analytic, h = float(np.vdot(g, u)), line.step
        left, right = line.slopes(u, h)
        self._no_kink(line, u, source, left, right, scale=max(float(np.abs(g * u).sum()), 1e-3))
        error, best = np.inf, h
        for _ in range(3):
            numerical = (left + right) / 2
            size = max(abs(analytic), abs(numerical))
            if abs(analytic - numerical) <= self._tolerance(line, size, h):
                return abs(analytic - numerical) / max(size, self.atol / self.rtol)
            if abs(analytic - numerical) < error:
                error, best = abs(analytic - numerical), h
            h /= SHRINK
            left, right = line.slopes(u, h)
        self._blame(line, g, u, source, best)

    def _tolerance(self, line, size, h):
        return self.atol + self.rtol * size + line.noise / h

    def _no_kink(self, line, u, source, left, right, scale):
        """One-sided slopes differ by h|f″| where f is smooth, at a kink by as much for any h."""
        if abs(right - left) <= 1e-4 * scale:
            return
        h = line.step / SHRINK

        def jump(e):
            left, right = line.slopes(e, h)
            return abs(right - left)
        if jump(u) > abs(right - left) / 2:
            where, e = _culprit(u, jump)
            left, right = line.slopes(e, h)
            raise KinkError(kink(self.name, self.order, source, u.shape, where, left, right, h))

    def _blame(self, line, g, u, source, h):
        """Find one wrong element by halving the direction, and raise."""
        def error(e):
            return abs(float(np.vdot(g, e)) - sum(line.slopes(e, h)) / 2)
        where, e = _culprit(u, error)
        e /= np.abs(e).max()
        for where, e in (where, e), ("a random direction", u):   # (an error spread thin)
            analytic, numerical = float(np.vdot(g, e)), sum(line.slopes(e, h)) / 2
            tolerance = self._tolerance(line, max(abs(analytic), abs(numerical)), h)
            if not abs(analytic - numerical) <= tolerance:
                break
        raise GradientError(mismatch(self.name, self.order, source, g.shape, where, analytic,
                                     numerical, h, tolerance))


class _Line:
    """Finite differences of ⟨f, v⟩ as one input moves along a line."""

    def __init__(self, f, xs, i, ys, vs):
        self.f, self.i, self.vs = f, i, [v.data for v in vs]
        self.constants = [x.detach() for x in xs]
        self.here = [y.data for y in ys]
        self.step = STEP * max(1.0, float(np.abs(xs[i].data).max()))
        self.noise = 100 * EPS * sum(float(np.abs(y * v).sum()) for y, v in zip(self.here, self.vs))

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


def _culprit(u, error):
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
