"""`check_grad`: derivatives along random directions against numerical ones, to any order."""
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..core import Tensor
from .central import Comparison
from .complex_step import complex_step
from .errors import GradientError, PointError, derivative_at, laid_out, mismatch, rows
from .jacobian import compare_jacobians
from .layouts import awkward, otherwise
from .lines import STEP, Line, culprit
from .points import (beside, bounded, function_of, gradients, is_differentiable, leaf, outputs_of,
                     promoted, refuse_narrow, vjp_of)
from .reproduction import again, changed

__tracebackhide__ = True
METHODS = {"central": (1e-6, 1e-8), "complex": (1e-12, 1e-14)}      # the usual rtol and atol
LARGER = 1024                        # a power of two: products with it are exact
USUAL = {"rtol": None, "atol": None, "directions": 1, "name": None, "jacobian": False,
         "promote": False}
DISTANCES = 1 / 64, 1 / 4096         # how far beside the inputs to look, relative to their size
COARSER = 8                          # and how much less closely


def check_grad(f, *inputs, order=2, method="central", rtol=None, atol=None, directions=1,
               jacobian=False, promote=False, seed=0, name=None):
    """Check the derivatives of `f` at `inputs` up to `order`; GradientError at the first wrong one.

    f : a function of the inputs that returns a tensor or a tuple of tensors, always the same.
    inputs : float64 tensors and arrays (of any layout) are differentiated, all else is passed on.
    method : "central" differences, which take f as it is; or "complex" steps, which are right to
        the last digits but need operations that NumPy can compute with complex numbers (see
        `complex_step`) and that are analytic there, unlike abs, conj, real and comparisons.
    directions : how many random directions to try for every input. The components of each are
        bounded away from zero, so that an error in one element among thousands shows, unless it
        is within the tolerance of the sum over all of them. Elements that are much smaller than
        the largest, or whose gradients are, have directions of their own.
    jacobian : compare every element of the full Jacobian, too (by central differences): each
        against its own size.
    promote : make float64 of narrower inputs, which are refused otherwise.
    Returns the worst relative error at each order, as a list of floats.

    With a random cotangent v and a random direction u the analytic ⟨∂⟨f, v⟩/∂x, u⟩ is compared with
    the numerical ⟨f(x + hu) − f(x − hu), v⟩ / 2h, or ⟨Im f(x + ihu), v⟩ / h. The step h is ∛ε times
    the size of x, and less where f is not defined so far away or the difference still depends on h.
    The next order does the same for the function (x, v) ↦ ∂⟨f, v⟩/∂x, which is why an operation
    whose rule is right at first order only is caught. Equal means |analytic − numerical| ≤ atol +
    rtol·size, with room for the round-off of f itself. The size is the larger of the two; complex
    steps add up (atol + rtol·|∂⟨f, v⟩/∂x|)·|u| over the elements. rtol and atol are 1e-6 and 1e-8
    if not given, for complex steps 1e-12 and 1e-14.

    At every order it is also checked that f is repeatable; that inputs (those that are not
    differentiated as well) and cotangents are left unchanged; that gradients have the dtype and
    shape of their inputs and share no memory with anything; that a second walk gives the same bits,
    also after f was called with something else; that cotangents may be large; that inputs and
    cotangents may lie in memory in any way. Last, the first derivative is compared once more beside
    the inputs, where an array that a rule has kept from them is out of date. On a kink (two one-
    sided slopes that differ at every step) and at the edge of where f is defined KinkError is
    raised. A function so large that its round-off hides its derivative is refused.

    Raises TypeError for inputs narrower than float64 and where complex steps are wrong, for central
    differences agree with the rule; ValueError for an unknown method and for fewer than one order
    or direction.
    """
    if method not in METHODS:
        raise ValueError(f"check_grad: method should be one of {', '.join(METHODS)}, "
                         f"got {method!r}")
    if order < 1 or directions < 1:
        raise ValueError(f"check_grad: order and directions should be at least 1, got {order} and "
                         f"{directions}: nothing would be checked")
    passed, inputs = inputs, promoted(inputs) if promote else inputs
    refuse_narrow("check_grad", inputs)
    places = [i for i, x in enumerate(inputs) if is_differentiable(x)]
    if not places:
        raise TypeError("check_grad: none of the inputs is a floating point tensor or array, "
                        f"there is nothing to check{_wrapped(inputs)}")

    usual_rtol, usual_atol = METHODS[method]
    check = _Check(name or getattr(f, "__name__", repr(f)),
                   usual_rtol if rtol is None else rtol, usual_atol if atol is None else atol,
                   directions, np.random.default_rng(seed), method, jacobian)
    g = function_of(f, inputs, places)
    xs, sources = [leaf(inputs[i]) for i in places], [f"input {i}" for i in places]
    constants = {i: (x, x.copy()) for i, x in enumerate(map(_array, inputs))
                 if i not in places and x is not None}
    worst = []
    try:
        for check.order in range(1, order + 1):
            error, vs = check.first_derivative(g, xs, sources)
            worst.append(float(error))
            for i, (now, before) in constants.items():
                if not np.array_equal(now, before):
                    check.fail(f"input {i} was changed by the function or by its gradient")
            g = vjp_of(g, len(xs))
            xs = xs + [leaf(v) for v in vs]
            sources = sources + [f"the cotangent of output {j}" for j in range(len(vs))]
        check.order = 1
        check.elsewhere(function_of(f, inputs, places), xs[:len(places)], sources)
    except GradientError as error:
        options = {"order": check.order, "method": method, "seed": seed}
        options |= changed({"rtol": rtol, "atol": atol, "directions": directions, "name": name,
                            "jacobian": jacobian, "promote": promote}, USUAL)
        line = again("check_grad", f, passed, options)
        raise type(error)(rows(str(error), again=line)) from None
    return worst


def _wrapped(inputs):
    """What to do about numbers and lists, if there are any."""
    for x in inputs:
        if isinstance(x, (float, list)):
            return f"; wrap what is to be differentiated: np.array({x!r})"
    return ""


def _array(x):
    """The array of a tensor, an array as it is, None of all else."""
    x = x.data if isinstance(x, Tensor) else x
    return x if isinstance(x, np.ndarray) else None


def _equal(a, b):
    """The same but for round-off: a sum may have been taken in another order."""
    return a.shape == b.shape and bool(np.allclose(a, b, 0, 1e-9 * np.abs(a).max(initial=1e-3)))


@dataclass
class _Check(Comparison):
    """One run of `check_grad`: its settings, and the order it has come to."""
    method: str
    jacobian: bool

    def first_derivative(self, f, xs, sources):
        """Check ∂f/∂x for every x; return the worst relative error, and the cotangents used."""
        before = [x.data.copy() for x in xs]
        ys = outputs_of(f, xs)
        vs = [Tensor(bounded(self.rng, y.shape).astype(y.dtype)) for y in ys]
        given = [v.data.copy() for v in vs]
        self._repeatable(f, xs, ys)
        gs, again = gradients(ys, xs, vs), gradients(ys, xs, vs)
        self._finite(gs, sources)
        self._same(gs, again, sources, "two walks over the same graph give different gradients for")
        self._unshared(gs, again, xs, vs, sources)
        for x, b, source in zip(xs, before, sources):
            if not np.array_equal(x.data, b):
                self.fail(f"{source} was changed by the function or by its gradient")
        if not all(np.array_equal(v.data, b) for v, b in zip(vs, given)):
            self.fail("a cotangent was changed in place by a rule")
        self._call_elsewhere(f, xs)
        self._same(gs, gradients(ys, xs, vs), sources,
                   "after the function was called with other numbers, an earlier graph gives "
                   "another gradient for")
        self._laid_out_otherwise(f, xs, ys, vs, gs, sources)
        larger = [Tensor(awkward(LARGER * v.data)) for v in vs]
        self._linear(gs, gradients(ys, xs, larger), sources)
        compare = self.by_differences if self.method == "central" else self._by_complex_steps
        worst = max((compare(f, xs, i, ys, vs, gs[i].data, source)
                     for i, source in enumerate(sources) if xs[i].numel()), default=0.0)
        if self.jacobian:
            rtol, atol = METHODS["central"] if self.method == "complex" else (self.rtol, self.atol)
            compare_jacobians(derivative_at(self.order, self.name), f, xs, sources,
                              lambda x: STEP * np.maximum(np.abs(x), 1), atol, rtol, True)
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

    def _finite(self, gs, sources):
        for g, source in zip(gs, sources):
            bad = np.argwhere(~np.isfinite(g.data))
            if len(bad):
                where = tuple(map(int, bad[0]))
                self.fail(f"the gradient for {source} is {g.data[where]} at element {where}, "
                          "though the result is finite")

    def _same(self, gs, again, sources, what):
        for g, g2, source in zip(gs, again, sources):
            if not np.array_equal(g.data, g2.data):
                self.fail(f"{what} {source}")

    def _call_elsewhere(self, f, xs):
        """Call f with the same numbers in reverse, for which it is likely to be defined, too."""
        with suppress(Exception), np.errstate(all="ignore"):
            outputs_of(f, [leaf(np.asarray(np.flip(x.data))) for x in xs])

    def elsewhere(self, f, xs, sources):
        """Compare once more beside the inputs: an array that a rule captured is right only there.

        (Higher orders do not show it: to them it is a constant, and its derivative zero, on both
        sides.) Where f refuses the point, or has a kink, there is nothing to be said.
        """
        rng, = self.rng.spawn(1)                           # whatever has been drawn, the same
        rtol, atol = METHODS["central"] if self.method == "complex" else (self.rtol, self.atol)
        # (out of date by 1/64 shows well enough; what is finer was compared at the inputs)
        once = Comparison(self.name, COARSER * rtol, COARSER * atol, 1, rng)
        for distance in DISTANCES:
            moved, ys = [leaf(beside(rng, x.data, distance)) for x in xs], None
            with suppress(Exception), np.errstate(all="ignore"):
                ys = outputs_of(f, moved)
            if ys is not None and all(np.isfinite(y.data).all() for y in ys):
                break
        else:
            return
        vs = [Tensor(bounded(rng, y.shape).astype(y.dtype)) for y in ys]
        with suppress(PointError, ValueError, ArithmeticError), np.errstate(all="ignore"):
            gs = gradients(ys, moved, vs)
            if not all(np.isfinite(g.data).all() for g in gs):
                return
            try:
                for i, source in enumerate(sources[:len(xs)]):
                    if moved[i].numel():
                        once.by_differences(f, moved, i, ys, vs, gs[i].data, source)
            except PointError:
                raise
            except GradientError as error:
                raise GradientError(rows(
                    str(error), hint="right at the inputs given, wrong beside them (here): does "
                    "the rule use an array kept from elsewhere?")) from None

    def _linear(self, gs, others, sources):
        forgotten = (", but the same: does the rule use g? It has to give the derivative of y "
                     "times g, the gradient that has come to y")
        for g, other, source in zip(gs, others, sources):
            if not _equal(g.data, other.data / LARGER):
                self.fail(f"cotangents {LARGER} times as large, strided and read-only, do not give "
                          f"{LARGER} times the gradient for {source}"
                          + forgotten * np.array_equal(g.data, other.data))

    def _laid_out_otherwise(self, f, xs, ys, vs, gs, sources):
        """How inputs lie in memory may change the results and gradients by round-off only."""
        def differing(moved):
            """What differs, how it is and how it becomes, if the inputs `moved` lie otherwise."""
            args = [leaf(otherwise(x.data) if k in moved else x) for k, x in enumerate(xs)]
            found = []
            with suppress(Exception):                      # who refuses a layout is not wrong
                found += outputs_of(f, args)
                found += gradients(found, args, vs)
            return next(((name, a.data, b.data) for name, a, b in zip(names, [*ys, *gs], found)
                         if not _equal(a.data, b.data)), None)

        names = [*(f"output {j}" for j in range(len(ys))),
                 *(f"the gradient for {source}" for source in sources)]
        moved = range(len(xs))
        wrong = differing(moved)
        if wrong is None:
            return
        for k in moved:                                    # is it one of them alone?
            alone = differing([k])
            if alone is not None:
                wrong, moved = alone, [k]
                break
        self.fail(laid_out(" and ".join(sources[k] for k in moved), [xs[k].data for k in moved],
                           *wrong))

    def _unshared(self, gs, again, xs, vs, sources):
        """No gradient may lie in the memory of another, of an input or of a cotangent."""
        taken = [*zip(xs, sources), *((v, f"cotangent {j}") for j, v in enumerate(vs)),
                 *((g, f"that of {source} of another walk") for g, source in zip(again, sources))]
        for i, g in enumerate(gs):
            for other, what in taken:
                if np.may_share_memory(g.data, other.data):
                    self.fail(f"the gradient of {sources[i]} shares memory with {what}")
            taken.append((g, f"the gradient of {sources[i]}"))

    # ---- complex steps ---------------------------------------------------------------------------

    def _by_complex_steps(self, f, xs, i, ys, vs, g, source):
        """Compare the gradient g of xs[i] along random directions; return the relative error."""
        def numerical(u):
            found = complex_step(f, *xs, directions=[u if j == i else None
                                                     for j in range(len(xs))])
            return sum(float(np.vdot(v.data, d)) for v, d in zip(vs, found))

        def error(u):
            return abs(float(np.vdot(g, u)) - numerical(u))

        def tolerance(u):
            return float(((self.atol + self.rtol * np.abs(g)) * np.abs(u)).sum())
        worst = 0.0
        for u in self._directions(xs[i].data, g):
            if not error(u) <= tolerance(u):
                where, e = culprit(u, error)
                e /= np.abs(e).max()
                if error(e) <= tolerance(e):                     # (an error spread thin)
                    where, e = "a random direction", u
                self._analytic(Line(f, xs, i, ys, vs), g, e, numerical(e), source)
                raise GradientError(mismatch(self.name, self.order, source, g.shape, where,
                                             float(np.vdot(g, e)), numerical(e), "complex step",
                                             tolerance(e)))
            worst = max(worst, self.rtol * error(u) / tolerance(u))
        return worst

    def _analytic(self, line, g, u, found, source):
        """Raise TypeError if central differences agree with g, and not with the complex step.

        Where they agree with both, only the complex step sees so small an error.
        """
        central = Comparison(self.name, *METHODS["central"], 1, self.rng, order=self.order)
        analytic = float(np.vdot(g, u))
        size = max(abs(analytic), abs(found))
        if abs(analytic - found) <= central.tolerance(size, line.noise(u, line.step(u))):
            return
        with suppress(GradientError):
            central.along(line, g, u, source)
            raise TypeError(
                f"check_grad: {self.name} cannot be checked with complex steps. The "
                f"{derivative_at(self.order, 'rule')} agrees with central differences, "
                f"{analytic:.9g}, a complex step with respect to {source} gives {found:.9g}: the "
                "function is not analytic where NumPy computes with complex numbers (abs, conj, "
                "real, comparisons). Check it with method='central'")
