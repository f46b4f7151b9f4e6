"""Comparison with something else that computes the same: PyTorch, or a plain reference in NumPy."""
import warnings

import numpy as np

from ..core import Tensor, no_grad
from .catalogue.operation import Call
from .errors import GradientError
from .points import bounded, gradients, leaf

__tracebackhide__ = True
NO_TORCH = "PyTorch is not installed (pip install 'tinyconv[bench]')"
TOLERANCE = {"float16": 1e-2, "float32": 2e-5, "float64": 1e-10}


def check_against_torch(f, twin, *inputs, rtol=None, atol=None, gradients=True, seed=0, **options):
    """Check that f gives what PyTorch's `twin` gives: values, shapes, dtypes and gradients.

    f, twin : functions of the same arguments, one of tinyconv's tensors, one of PyTorch's; `twin`
        may be a name under torch, such as "nn.functional.conv2d".
    inputs, options : the arguments. Floating point arrays and tensors are differentiated, with
        random cotangents (unless not `gradients`); other arrays become tensors as well.
    rtol, atol : default 1e-10, for float32 2e-5.
    Returns the worst error, relative to the largest element. Raises GradientError where the two
    differ, ImportError where PyTorch is not installed.
    """
    return compare_with_torch(Call(*inputs, **options), f, twin, rtol, atol, gradients, seed)


def compare_with_torch(call, f, twin, rtol=None, atol=None, wanted=True, seed=0):
    """`check_against_torch` for the arguments of a `Call`."""
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError(f"check_against_torch: {NO_TORCH}") from None

    if isinstance(twin, str):
        name, twin = twin, torch
        for part in name.split("."):
            twin = getattr(twin, part)
    xs = [leaf(x) for x in call.floats]
    ts = [_torch(torch, x).requires_grad_() for x in call.floats]
    ys = _several(call.of(f)(*xs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")              # about speed, and about what is deprecated
        zs = _several(call.of(twin, lambda x: _torch(torch, x))(*ts))
    if len(ys) != len(zs):
        raise GradientError(f"{len(ys)} results, but PyTorch's function has {len(zs)}")
    precision = min((x.dtype.name for x in xs), key=list(TOLERANCE).index, default="float64")
    rtol, atol = (TOLERANCE[precision] if t is None else t for t in (rtol, atol))
    worst = 0.0
    for j, (y, z) in enumerate(zip(ys, zs)):
        worst = max(worst, equal(y.data, z.detach().numpy(), f"result {j}", rtol, atol))
    pairs = [(y, z) for y, z in zip(ys, zs) if y.is_floating_point() and z.requires_grad]
    if not wanted or not pairs:
        return worst
    rng = np.random.default_rng(seed)
    vs = [bounded(rng, y.shape).astype(y.dtype) for y, _ in pairs]
    found = gradients([y for y, _ in pairs], xs, [Tensor(v) for v in vs])
    expected = torch.autograd.grad([z for _, z in pairs], ts, [torch.from_numpy(v) for v in vs],
                                   allow_unused=True)
    for i, (x, g, e) in enumerate(zip(xs, found, expected)):
        e = np.zeros(x.shape, x.dtype) if e is None else e.numpy()
        worst = max(worst, equal(g.data, e, f"the gradient of float input {i}", rtol, atol))
    return worst


def check_against_reference(f, reference, *inputs, rtol=None, atol=None):
    """Check that f of tensors gives what `reference` gives for the same arguments as arrays.

    A kernel is right if it agrees with the same computation in plain NumPy. The other arguments and
    errors are those of `check_against_torch`; pass rtol=0, atol=0 for integer-valued floats, whose
    sums are exact in any order.
    """
    arrays = [x.data if isinstance(x, Tensor) else x for x in inputs]
    with no_grad():
        ys = _several(f(*(Tensor(a) if isinstance(a, np.ndarray) else a for a in arrays)))
    expected = _several(reference(*arrays))
    if len(ys) != len(expected):
        raise GradientError(f"{len(ys)} results, but the reference has {len(expected)}")
    precision = min((a.dtype.name for a in arrays if isinstance(a, np.ndarray)
                     and a.dtype.name in TOLERANCE), key=list(TOLERANCE).index, default="float64")
    rtol, atol = (TOLERANCE[precision] if t is None else t for t in (rtol, atol))
    return max(equal(y.data, np.asarray(e), f"result {j}", rtol, atol)
               for j, (y, e) in enumerate(zip(ys, expected)))


def equal(found, expected, what, rtol, atol):
    """Raise GradientError unless shape, dtype and elements agree; return the worst error.

    That is |found − expected| over the largest |expected|, or over 1 if that is larger.
    """
    if found.shape != expected.shape or found.dtype != expected.dtype:
        raise GradientError(f"{what} is {found.dtype} {found.shape}, "
                            f"expected {expected.dtype} {expected.shape}")
    if found.dtype.kind != "f":
        if not np.array_equal(found, expected):
            raise GradientError(f"{what} differs in {(found != expected).sum()} elements")
        return 0.0
    with np.errstate(invalid="ignore"):
        error = np.where((found == expected) | (np.isnan(found) & np.isnan(expected)), 0.0,
                         np.abs(found - expected))
    tolerance = atol + rtol * np.where(np.isfinite(expected), np.abs(expected), 0)
    wrong = ~(error <= tolerance)
    if wrong.any():
        worst = np.argmax(np.where(wrong, np.nan_to_num(error, nan=np.inf), -1))
        where = tuple(map(int, np.unravel_index(worst, found.shape)))
        raise GradientError(f"{what} is wrong in {wrong.sum()} of {wrong.size} elements; worst\n"
                            f"  at        element {where} of {found.shape}\n"
                            f"  found     {found[where]:.12g}\n"
                            f"  expected  {expected[where]:.12g}\n"
                            f"  error     {error[where]:.3g} > tolerance {tolerance[where]:.3g}")
    if not error.size:
        return 0.0
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    return float(error.max() / scale)


def _several(ys):
    return list(ys) if isinstance(ys, (tuple, list)) else [ys]


def _torch(torch, array):
    return torch.from_numpy(np.array(array, order="C"))
