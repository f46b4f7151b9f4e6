"""`gradcheck` and `gradgradcheck` by PyTorch's names: the full Jacobian, element by element."""
import numpy as np

from ..core import Tensor, no_grad
from .errors import GradientError, rows
from .layouts import awkward
from .lines import EPS, SHRINK, SHRINKS
from .points import bounded, function_of, gradients, leaf, outputs_of, refuse_narrow, vjp_of
from .reproduction import again, changed

__tracebackhide__ = True
USUAL = {"eps": 1e-6, "atol": 1e-5, "rtol": 1e-3, "nondet_tol": 0.0, "grad_outputs": None,
         "seed": 0, "gen_non_contig_grad_outputs": False}


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True,
              nondet_tol=0.0, check_undefined_grad=True, check_grad_dtypes=False,
              check_batched_grad=False, check_batched_forward_grad=False, check_forward_ad=False,
              check_backward_ad=True, fast_mode=False, masked=None):
    """Compare the Jacobian of `func` with central differences of step `eps`, element by element.

    inputs : a tensor or a tuple; those with requires_grad are differentiated (float64 only).
    Equal means |analytic − numerical| ≤ atol + rtol·|numerical|. `nondet_tol` is how much two walks
    may differ. Returns True, or raises GradientError (returns False if not `raise_exception`).
    It costs one walk for every element of the result and two calls for every element of the
    inputs; `check_grad` costs a few in all.

    The other arguments are PyTorch's. Derivatives go backward only, one at a time: ValueError where
    another kind is to be checked. Nothing differs by `check_undefined_grad` (rules never see a
    gradient that is not there), `check_grad_dtypes` (always), `fast_mode` (all elements are
    compared; `check_grad` is fast) and `masked` (no tensor is sparse).
    """
    _only_backward("gradcheck", check_backward_ad=not check_backward_ad,
                   check_forward_ad=check_forward_ad, check_batched_grad=check_batched_grad,
                   check_batched_forward_grad=check_batched_forward_grad)
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    options = {"eps": eps, "atol": atol, "rtol": rtol, "nondet_tol": nondet_tol}
    return _passes("gradcheck", func, inputs, (func, inputs, options), raise_exception, **options)


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3,
                  gen_non_contig_grad_outputs=False, raise_exception=True, nondet_tol=0.0,
                  check_undefined_grad=True, check_grad_dtypes=False, check_batched_grad=False,
                  check_fwd_over_rev=False, check_rev_over_rev=True, fast_mode=False, masked=False,
                  seed=0):
    """`gradcheck` for the gradient of `func`, as a function of the inputs and of the cotangents.

    `grad_outputs` are the cotangents, random (by `seed`) if not given; with
    `gen_non_contig_grad_outputs` they then lie scattered in memory. The other arguments are those
    of `gradcheck`.
    """
    _only_backward("gradgradcheck", check_rev_over_rev=not check_rev_over_rev,
                   check_fwd_over_rev=check_fwd_over_rev, check_batched_grad=check_batched_grad)
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    places = _differentiated("gradgradcheck", inputs)
    xs = [inputs[i] for i in places]
    if grad_outputs is None:
        rng = np.random.default_rng(seed)
        vs = [bounded(rng, y.shape).astype(y.dtype) for y in outputs_of(func, inputs)]
        vs = [leaf(awkward(v) if gen_non_contig_grad_outputs else v) for v in vs]
    else:
        vs = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    options = {"eps": eps, "atol": atol, "rtol": rtol, "nondet_tol": nondet_tol}
    call = func, inputs, options | {"grad_outputs": grad_outputs, "seed": seed,
                                    "gen_non_contig_grad_outputs": gen_non_contig_grad_outputs}
    return _passes("gradgradcheck", vjp_of(function_of(func, inputs, places), len(xs)), (*xs, *vs),
                   call, raise_exception, **options)


def _passes(name, f, inputs, call, raise_exception, eps, atol, rtol, nondet_tol):
    """True if the Jacobians agree; GradientError with the line for `call` (or False) if not."""
    places = _differentiated(name, inputs)
    refuse_narrow(name, [inputs[i] for i in places])
    try:
        compare_jacobians(name, function_of(f, inputs, places), [leaf(inputs[i]) for i in places],
                          [f"input {i}" for i in places], lambda x: np.full(x.shape, eps), atol,
                          rtol, nondet_tol=nondet_tol)
    except GradientError as error:
        if not raise_exception:
            return False
        func, given, options = call
        line = again(name, func, given, changed(options, USUAL), in_a_tuple=True)
        raise type(error)(rows(str(error), again=line)) from None
    return True


def _differentiated(name, inputs):
    """Which of the inputs require a gradient; ValueError if none does."""
    places = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not places:
        raise ValueError(f"{name}: expects at least one input with requires_grad=True")
    return places


def _only_backward(name, **wrong):
    """Raise ValueError for what asks for derivatives that there are not."""
    for argument, asked in wrong.items():
        if asked:
            raise ValueError(f"{name}: {argument} should be as it is by default: derivatives are "
                             "computed backward only, one at a time")


def compare_jacobians(name, f, xs, sources, steps, atol, rtol, shorter=False, nondet_tol=0.0):
    """Raise GradientError unless the analytic Jacobians of f are those of central differences.

    `steps` makes the step for every element of an array. With `shorter` ones are tried where an
    element comes out wrong, until that makes no difference.
    """
    before = [x.data.copy() for x in xs]
    analytic, again = _analytic(f, xs), _analytic(f, xs)
    for i, x in enumerate(xs):
        if not np.array_equal(x.data, before[i]):
            raise GradientError(f"{name}: {sources[i]} was changed by the function or by its "
                                "gradient")
        for j, (a, b) in enumerate(zip(analytic, again)):
            if not np.allclose(a[i], b[i], 0, nondet_tol, equal_nan=True):
                raise GradientError(f"{name}: two walks differ by {np.abs(a[i] - b[i]).max():.3g} "
                                    f"for output {j} and {sources[i]}, more than nondet_tol = "
                                    f"{nondet_tol:g}")
        numerical = [np.zeros_like(a[i]) for a in analytic]
        h, columns = steps(x.data).ravel(), np.arange(x.numel())
        for _ in range(SHRINKS if shorter else 1):
            last = [n.copy() for n in numerical]
            _difference(f, xs, i, h, columns, numerical)
            wrong = [~(np.abs(a[i] - n) <= atol + rtol * np.abs(n))
                     for a, n in zip(analytic, numerical)]
            moving = [~(np.abs(n - m) <= atol + rtol * np.abs(n)) for n, m in zip(numerical, last)]
            h /= SHRINK
            columns = columns[(_any(wrong) & _any(moving))[columns]
                              & (h > 100 * EPS * np.abs(x.data).ravel())[columns]]
            if not len(columns):
                break
        for j, w in enumerate(wrong):
            if w.any():
                raise GradientError(f"{name}: " + _message(analytic[j][i], numerical[j], w, j,
                                                           sources[i], x.shape, atol, rtol))


def _any(found):
    """In which columns any of several matrices has one."""
    return np.any([m.any(0) for m in found], 0)


def _message(a, n, wrong, j, source, shape, atol, rtol):
    row, column = np.argwhere(wrong)[np.argmax(np.abs(a - n)[wrong])]
    element = tuple(int(k) for k in np.unravel_index(column, shape))
    tolerance = atol + rtol * abs(n[row, column])
    return rows(f"the Jacobian of output {j} with respect to {source} is wrong in "
                f"{wrong.sum()} of {wrong.size} elements; the worst:",
                at=f"output element {row} (flat), input element {element} of {shape}",
                analytic=f"{a[row, column]:.12g}", numerical=f"{n[row, column]:.12g}",
                error=f"{abs(a - n)[row, column]:.3g} > tolerance {tolerance:.3g}")


def _analytic(f, xs):
    """(elements of output j, of input i) for every j and i, row by row: one-hot cotangents."""
    ys = outputs_of(f, xs)
    jacobians = []
    for y in ys:
        rows = []
        for k in range(y.numel()):
            v = np.zeros(y.shape, y.dtype)
            v.flat[k] = 1
            rows.append(gradients([y], xs, [Tensor(v)]))
        jacobians.append([np.array([row[i].data.ravel() for row in rows]).reshape(
            y.numel(), x.numel()) for i, x in enumerate(xs)])
    return jacobians


def _difference(f, xs, i, h, columns, jacobians):
    """Fill in `columns` of the Jacobians for one input, by central differences of steps h."""
    constants = [x.detach() for x in xs]

    def at(k, h):
        x = constants[i].data.copy()
        x.flat[k] += h
        with no_grad(), np.errstate(all="ignore"):
            ys = outputs_of(f, [*constants[:i], Tensor(x), *constants[i + 1:]])
        return x.flat[k], [y.data for y in ys]

    for k in columns:
        (right, after), (left, before) = at(k, h[k]), at(k, -h[k])
        for jacobian, a, b in zip(jacobians, after, before):
            with np.errstate(all="ignore"):                # (x + h has been rounded)
                jacobian[:, k] = ((a - b) / (right - left)).ravel()
