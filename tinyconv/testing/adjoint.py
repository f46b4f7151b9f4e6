"""`check_adjoint`: the test that matters most for a pair of linear operations."""
import numpy as np

from ..core import Tensor, no_grad
from .errors import GradientError

__tracebackhide__ = True


def check_adjoint(f, f_adjoint, x, y, rtol=1e-10, atol=1e-12):
    """Check that f and f_adjoint are transposes of one another: ⟨f(x), y⟩ = ⟨x, f_adjoint(y)⟩.

    x is shaped like the argument of f, y like its result. The two sides may differ by rtol times
    the sum of the absolute values of their terms. Integer-valued floats make both sides exact: then
    pass rtol=0, atol=0.
    Raises GradientError, also when f_adjoint(y) is not shaped like x, or f(x) like y.
    """
    x, y = (a if isinstance(a, Tensor) else Tensor(a) for a in (x, y))
    with no_grad():
        fx, fy = f(x), f_adjoint(y)
    if fx.shape != y.shape:
        raise GradientError(f"check_adjoint: f(x) has shape {fx.shape} and y has {y.shape}")
    if fy.shape != x.shape:
        raise GradientError(f"check_adjoint: f_adjoint(y) has shape {fy.shape}, x has {x.shape}")
    left, left_scale = _inner(fx, y)
    right, right_scale = _inner(x, fy)
    tolerance = atol + rtol * max(left_scale, right_scale)
    if not abs(left - right) <= tolerance:
        raise GradientError(f"not adjoint: ⟨f(x), y⟩ = {left:.12g} but "
                            f"⟨x, f_adjoint(y)⟩ = {right:.12g}\n"
                            f"  error {abs(left - right):.3g} > tolerance {tolerance:.3g}")


def _inner(a, b):
    """⟨a, b⟩ in float64, and the sum of the absolute values of its terms."""
    terms = a.data.astype(np.float64) * b.data.astype(np.float64)
    return float(terms.sum()), float(np.abs(terms).sum())
