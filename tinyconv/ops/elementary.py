"""More functions element by element: inverse hyperbolic, angles, logarithms of sums and products.

PyTorch's short names `acos`, `asin`, `atan` stand beside NumPy's.
"""
import numpy as np

from ..core import defvjp, locally_constant, primitive
from .arithmetic import arccos, arcsin, arctan, clamp, eq, exp, isinf, log, sqrt, where
from .creation import as_tensor

acos, asin, atan, clip = arccos, arcsin, arctan, clamp


@primitive
def asinh(x):
    """y = arsinh x.   y′ = 1/√(x² + 1)"""
    return np.arcsinh(x)
defvjp(asinh, lambda g, y, x: g / sqrt(x * x + 1))


@primitive
def acosh(x):
    """y = arcosh x.   y′ = 1/√(x² − 1)"""
    return np.arccosh(x)
defvjp(acosh, lambda g, y, x: g / sqrt(x * x - 1))


@primitive
def atanh(x):
    """y = artanh x.   y′ = 1/(1 − x²)"""
    return np.arctanh(x)
defvjp(atanh, lambda g, y, x: g / (1 - x * x))


@primitive
def atan2(a, b):
    """y = the angle of the point (b, a), from −π to π.   ∂y/∂a = b/(a² + b²), ∂y/∂b = −a/(a² + b²)

    At the origin both are taken as 0.
    """
    return np.arctan2(a, b)


def _over_square(v, a, b):
    """v / (a² + b²), and 0 at the origin"""
    square = a * a + b * b
    return where(eq(square, 0), 0.0, v / where(eq(square, 0), 1.0, square))


defvjp(atan2, lambda g, y, a, b: g * _over_square(b, a, b),
              lambda g, y, a, b: -g * _over_square(a, a, b))


@primitive
def exp2(x):
    """y = 2ˣ.   y′ = y ln 2"""
    return np.exp2(x)
defvjp(exp2, lambda g, y, x: g * (y * float(np.log(2))))


@primitive
def logaddexp(a, b):
    """y = ln(eᵃ + eᵇ), without overflow.   ∂y/∂a = e^(a − y)"""
    return np.logaddexp(a, b)


def _softmax_share(x, y):
    """e^(x − y), and e⁰ where both are the same infinity"""
    return exp(where(isinf(y), where(eq(x, y), 0.0, -np.inf), x - y))


defvjp(logaddexp, lambda g, y, a, b: g * _softmax_share(a, y),
                  lambda g, y, a, b: g * _softmax_share(b, y))


@primitive
def xlogy(a, b):
    """y = a ln b, and 0 where a is 0 (unless b is NaN)

    ∂y/∂a = ln b, 0 where a is 0 and b not positive; ∂y/∂b = a/b.
    """
    return a * np.log(np.where((a == 0) & (b == b), 1, b))


defvjp(xlogy, lambda g, y, a, b: g * where(eq(a, 0) & (b <= 0), 0.0, log(b)),
              lambda g, y, a, b: g * a / b)


def lerp(start, end, weight):
    """y = start + weight · (end − start)"""
    return start + weight * (end - start)


# ---- comparisons of whole tensors ----------------------------------------------------------------

@locally_constant
def isclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether |a − b| ≤ atol + rtol |b|, element by element; equal infinities are close."""
    return np.isclose(a, b, rtol, atol, equal_nan)


def allclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether all elements are close, as a bool."""
    return bool(isclose(a, b, rtol, atol, equal_nan).data.all())


def equal(a, b):
    """Whether shapes and all elements are equal, as a bool."""
    a, b = as_tensor(a), as_tensor(b)
    return a.shape == b.shape and bool(eq(a, b).data.all())
