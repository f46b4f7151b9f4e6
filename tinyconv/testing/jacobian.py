"""`gradcheck` and `gradgradcheck` by PyTorch's names: the full Jacobian, element by element."""
import numpy as np

from ..core import Tensor, no_grad
from .errors import GradientError
from .layouts import awkward
from .points import bounded, function_of, gradients, leaf, outputs_of, refuse_narrow, vjp_of


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
    places = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not places:
        raise ValueError("gradcheck: expects at least one input with requires_grad=True")
    refuse_narrow("gradcheck", [x for x in inputs if isinstance(x, Tensor) and x.requires_grad])

    try:
        compare_jacobians("gradcheck", function_of(func, inputs, places),
                          [leaf(inputs[i]) for i in places], [f"input {i}" for i in places],
                          eps, atol, rtol, nondet_tol)
    except GradientError:
        if raise_exception:
            raise
        return False
    return True


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
    places = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]

    xs = [inputs[i] for i in places]
    if grad_outputs is None:
        rng = np.random.default_rng(seed)
        vs = [bounded(rng, y.shape).astype(y.dtype) for y in outputs_of(func, inputs)]
        vs = [leaf(awkward(v) if gen_non_contig_grad_outputs else v) for v in vs]
    else:
        vs = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    return gradcheck(vjp_of(function_of(func, inputs, places), len(xs)), (*xs, *vs), eps=eps,
                     atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol)


def _only_backward(name, **wrong):
    """Raise ValueError for what asks for derivatives that there are not."""
    for argument, asked in wrong.items():
        if asked:
            raise ValueError(f"{name}: {argument} should be as it is by default: derivatives are "
                             "computed backward only, one at a time")


def compare_jacobians(name, f, xs, sources, eps, atol, rtol, nondet_tol=0.0):
    """Raise GradientError unless the analytic Jacobians of f are those of central differences."""
    before = [x.data.copy() for x in xs]
    analytic, again = _analytic(f, xs), _analytic(f, xs)
    for i, x in enumerate(xs):
        if not np.array_equal(x.data, before[i]):
            raise GradientError(f"{name}: {sources[i]} was changed by the function or by its "
                                "gradient")
        numerical = _numerical(f, xs, i, eps)
        for j in range(len(analytic)):
            a, b, n = analytic[j][i], again[j][i], numerical[j]
            if not np.all(np.abs(a - b) <= nondet_tol):
                raise GradientError(f"{name}: two walks differ by {np.abs(a - b).max():.3g} for "
                                    f"output {j} and {sources[i]}, more than nondet_tol = "
                                    f"{nondet_tol:g}")
            wrong = ~(np.abs(a - n) <= atol + rtol * np.abs(n))
            if wrong.any():
                raise GradientError(f"{name}: " + _message(a, n, wrong, j, sources[i], x.shape,
                                                           atol, rtol))


def _message(a, n, wrong, j, source, shape, atol, rtol):
    row, column = np.argwhere(wrong)[np.argmax(np.abs(a - n)[wrong])]
    element = tuple(int(k) for k in np.unravel_index(column, shape))
    tolerance = atol + rtol * abs(n[row, column])
    return (f"the Jacobian of output {j} with respect to {source} is wrong in "
            f"{wrong.sum()} of {wrong.size} elements; the worst:\n"
            f"  at         output element {row} (flat), input element {element} of {shape}\n"
            f"  analytic   {a[row, column]:.12g}\n"
            f"  numerical  {n[row, column]:.12g}\n"
            f"  error      {abs(a - n)[row, column]:.3g} > tolerance {tolerance:.3g}")


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


def _numerical(f, xs, i, eps):
    """The same for one input, column by column, by central differences."""
    constants = [x.detach() for x in xs]

    def at(k, h):
        x = constants[i].data.copy()
        x.flat[k] += h
        with no_grad():
            return [y.data for y in outputs_of(f, [*constants[:i], Tensor(x), *constants[i + 1:]])]

    ys = outputs_of(f, constants)
    jacobians = [np.zeros((y.numel(), constants[i].numel())) for y in ys]
    for k in range(constants[i].numel()):
        for jacobian, after, before in zip(jacobians, at(k, eps), at(k, -eps)):
            jacobian[:, k] = ((after - before) / (2 * eps)).ravel()
    return jacobians
