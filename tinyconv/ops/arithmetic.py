"""Element by element: sums, products, powers, the classical functions, choices between two tensors.

| op | ∂/∂first | ∂/∂second |
|---|---|---|
| `add(a, b)` | g | g |
| `sub(a, b)` | g | −g |
| `mul(a, b)` | g b | g a |
| `div(a, b)` | g / b | −g y / b |
| `pow(a, b)` | g b a^(b−1) | g y log a |
"""
import numpy as np

from ..core import DtypeError, Tensor, cast, defvjp, locally_constant, primitive
from ..kernels.special import erf as erf_kernel

# ---- comparisons and other steps: constant almost everywhere -------------------------------------

eq = locally_constant(np.equal)
ne = locally_constant(np.not_equal)
lt = locally_constant(np.less)
le = locally_constant(np.less_equal)
gt = locally_constant(np.greater)
ge = locally_constant(np.greater_equal)
logical_and = locally_constant(np.logical_and)
logical_or = locally_constant(np.logical_or)
logical_xor = locally_constant(np.logical_xor)
logical_not = locally_constant(np.logical_not)
bitwise_and = locally_constant(np.bitwise_and)
bitwise_or = locally_constant(np.bitwise_or)
bitwise_xor = locally_constant(np.bitwise_xor)
bitwise_not = locally_constant(np.bitwise_not)
isnan = locally_constant(np.isnan)
isinf = locally_constant(np.isinf)
isfinite = locally_constant(np.isfinite)
floor = locally_constant(np.floor)
ceil = locally_constant(np.ceil)
round = locally_constant(np.round)
trunc = locally_constant(np.trunc)


@locally_constant
def sign(x):
    """y = 1 for x > 0, −1 for x < 0, else 0, also for NaN"""
    return np.where(x == x, np.sign(x), x.dtype.type(0))


# ---- the four operations and powers --------------------------------------------------------------

@primitive
def sub(a, b):
    """y = a − b"""
    return np.subtract(a, b)
defvjp(sub, lambda g, y, a, b: g,
            lambda g, y, a, b: -g)


@primitive
def mul(a, b):
    """y = a · b"""
    return np.multiply(a, b)
defvjp(mul, lambda g, y, a, b: g * b,
            lambda g, y, a, b: g * a)


@primitive
def div(a, b):
    """y = a / b"""
    return np.divide(a, b)
defvjp(div, lambda g, y, a, b: g / b,
            lambda g, y, a, b: -g * y / b)


@primitive
def neg(x):
    """y = −x"""
    return np.negative(x)
defvjp(neg, lambda g, y, x: -g)


@primitive
def pow(a, b):
    """y = aᵇ.

    At a = 0 the rules take the limits there are: 0 for b = 0 in the first, for b ≥ 0 in the second.
    """
    if isinstance(a, int) and getattr(b, "dtype", np.dtype(int)).kind == "f":
        a = float(a)
    return np.power(a, b)


def _pow_base_rule(g, y, a, b):
    b = _like(y, b)
    return g * where(eq(b, 0), 0.0, b * a ** where(eq(b, 0), 1.0, b - 1))


def _pow_exponent_rule(g, y, a, b):
    a = _like(y, a)
    flat = logical_and(eq(a, 0), ge(b, 0))
    return g * where(flat, 0.0, y * log(where(flat, 1.0, a)))


def _like(y, number):
    """A plain number as a tensor of y's dtype: by itself it would be computed with in float32."""
    return number if isinstance(number, Tensor) else Tensor(np.asarray(number, y.dtype))


defvjp(pow, _pow_base_rule, _pow_exponent_rule)


def square(x):
    """y = x²"""
    return mul(x, x)


def reciprocal(x):
    """y = 1 / x"""
    return div(1.0, x)


floor_divide = locally_constant(np.floor_divide)


@primitive
def remainder(a, b):
    """y = a − b ⌊a / b⌋, with the sign of b"""
    return np.remainder(a, b)
defvjp(remainder, lambda g, y, a, b: g,
                  lambda g, y, a, b: -g * floor_divide(a, b))


# ---- the classical functions ---------------------------------------------------------------------

@primitive
def exp(x):
    """y = eˣ.   y′ = y"""
    return np.exp(x)
defvjp(exp, lambda g, y, x: g * y)


@primitive
def expm1(x):
    """y = eˣ − 1, accurate near 0.   y′ = y + 1"""
    return np.expm1(x)
defvjp(expm1, lambda g, y, x: g * (y + 1))


@primitive
def log(x):
    """y = ln x.   y′ = 1/x"""
    return np.log(x)
defvjp(log, lambda g, y, x: g / x)


@primitive
def log1p(x):
    """y = ln(1 + x), accurate near 0.   y′ = 1/(1 + x)"""
    return np.log1p(x)
defvjp(log1p, lambda g, y, x: g / (1 + x))


@primitive
def log2(x):
    """y = log₂ x.   y′ = 1/(x ln 2)"""
    return np.log2(x)
defvjp(log2, lambda g, y, x: g / (x * float(np.log(2))))


@primitive
def log10(x):
    """y = log₁₀ x.   y′ = 1/(x ln 10)"""
    return np.log10(x)
defvjp(log10, lambda g, y, x: g / (x * float(np.log(10))))


@primitive
def sqrt(x):
    """y = √x.   y′ = 1/(2y)"""
    return np.sqrt(x)
defvjp(sqrt, lambda g, y, x: g / (2 * y))


def rsqrt(x):
    """y = 1/√x"""
    return 1 / sqrt(x)


@primitive
def sin(x):
    """y = sin x.   y′ = cos x"""
    return np.sin(x)


@primitive
def cos(x):
    """y = cos x.   y′ = −sin x"""
    return np.cos(x)


defvjp(sin, lambda g, y, x: g * cos(x))
defvjp(cos, lambda g, y, x: -g * sin(x))


@primitive
def tan(x):
    """y = tan x.   y′ = 1 + y²"""
    return np.tan(x)
defvjp(tan, lambda g, y, x: g * (1 + y * y))


@primitive
def arcsin(x):
    """y = asin x.   y′ = 1/√(1 − x²)"""
    return np.arcsin(x)
defvjp(arcsin, lambda g, y, x: g / sqrt(1 - x * x))


@primitive
def arccos(x):
    """y = acos x.   y′ = −1/√(1 − x²)"""
    return np.arccos(x)
defvjp(arccos, lambda g, y, x: -g / sqrt(1 - x * x))


@primitive
def arctan(x):
    """y = atan x.   y′ = 1/(1 + x²)"""
    return np.arctan(x)
defvjp(arctan, lambda g, y, x: g / (1 + x * x))


@primitive
def sinh(x):
    """y = sinh x.   y′ = cosh x"""
    return np.sinh(x)


@primitive
def cosh(x):
    """y = cosh x.   y′ = sinh x"""
    return np.cosh(x)


defvjp(sinh, lambda g, y, x: g * cosh(x))
defvjp(cosh, lambda g, y, x: g * sinh(x))


@primitive
def tanh(x):
    """y = tanh x.   y′ = 1 − y²"""
    return np.tanh(x)
defvjp(tanh, lambda g, y, x: g * (1 - y * y))


@primitive
def erf(x):
    """y = 2/√π ∫₀ˣ e^(−t²) dt.   y′ = 2/√π e^(−x²)"""
    return erf_kernel(x)
defvjp(erf, lambda g, y, x: g * (float(2 / np.sqrt(np.pi)) * exp(-x * x)))


@primitive
def abs(x):
    """y = |x|.   y′ = sign x, 0 at 0"""
    return np.abs(x)
defvjp(abs, lambda g, y, x: g * sign(x))


# ---- choices -------------------------------------------------------------------------------------

@primitive
def where(condition, a, b):
    """y = a where the condition, of booleans, holds, b elsewhere"""
    if np.asarray(condition).dtype != bool:
        raise DtypeError(f"the condition should be boolean, got {np.asarray(condition).dtype}")
    return np.where(condition, a, b)
defvjp(where, None,
              lambda g, y, condition, a, b: where(condition, g, 0.0),
              lambda g, y, condition, a, b: where(condition, 0.0, g))


@primitive
def maximum(a, b):
    """y = max(a, b) element by element; equal values share the gradient, NaN wins"""
    return np.maximum(a, b)


@primitive
def minimum(a, b):
    """y = min(a, b) element by element; equal values share the gradient, NaN wins"""
    return np.minimum(a, b)


def share(tie, other):
    """1, but ½ on a tie and 0 where the other is taken, as a constant."""
    return where(tie, 0.5, where(other, 0.0, 1.0))


defvjp(maximum, lambda g, y, a, b: g * share(eq(a, b), lt(a, b)),
                lambda g, y, a, b: g * share(eq(a, b), lt(b, a)))
defvjp(minimum, lambda g, y, a, b: g * share(eq(a, b), gt(a, b)),
                lambda g, y, a, b: g * share(eq(a, b), gt(b, a)))


@primitive
def _clamp(x, min, max):
    return np.clip(x, min, max)
defvjp(_clamp, lambda g, y, x, min, max: where(eq(x, y), g, 0.0))


def clamp(x, min=None, max=None):
    """y = min(max(x, min), max), with bounds that are numbers or tensors, one of which may miss.

    The gradient passes where x lies within them, ends included, and else goes to the bound.
    """
    if min is None and max is None:
        raise ValueError("clamp: expected min or max, got neither")
    if not isinstance(min, Tensor) and not isinstance(max, Tensor):
        return _clamp(x, min, max)
    y = x if min is None else where(lt(x, min), min, x)
    return y if max is None else where(gt(y, max), max, y)


def masked_fill(x, mask, value):
    """x with `value`, a number or a tensor without dimensions, where the mask of booleans holds.

    The dtype is that of x; what it cannot hold is an error.
    """
    x = x if isinstance(x, Tensor) else Tensor(x)
    if isinstance(value, Tensor):
        value = value if value.dtype == x.dtype else cast(value, dtype=x.dtype)
    elif x.dtype.kind != "f" and value != x.dtype.type(value):
        raise TypeError(f"masked_fill: {x.dtype} cannot hold {value}; convert x with .float()")
    else:
        value = Tensor(np.asarray(value, x.dtype))
    return where(mask, value, x)
