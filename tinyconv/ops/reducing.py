"""From many elements to few: sums, means, extremes, and the softmax family.

`dim` is None (all), a number or a tuple, counted from the end when negative; `keepdim` leaves
length-one dimensions. Sums of float32 are accumulated in float64, at the latest after a few terms:
one after another in float32 they would lose digits.
"""
import builtins
import math
from collections import namedtuple

import numpy as np

from ..core import DtypeError, Tensor, broadcast_to, cast, defvjp, locally_constant, primitive
from ..kernels import sums as kernels
from .arithmetic import eq, exp, log, maximum, minimum, ne, sqrt, where
from .creation import as_tensor, floating
from .dimensions import axes, axis
from .indexing import take_along_dim
from .shaping import flip, pad_constant, permute, reshape


def over(dim, ndim, op):
    """The dimensions that a reduction runs over: those of `dim`, and all if it names none."""
    return axes(None if dim in ((), []) else dim, ndim, op)


def spread(g, x, dim):
    """A reduced g laid out over the shape of x again."""
    if g.ndim:                                             # one number needs no arranging
        dims = over(dim, x.ndim, "spread")
        g = reshape(g, tuple(1 if d in dims else n for d, n in enumerate(x.shape)))
    return broadcast_to(g, x.shape)


# ---- sums and products ---------------------------------------------------------------------------

@primitive
def sum(x, dim=None, keepdim=False, *, dtype=None):
    """y = Σ x over `dim`; whole numbers and booleans add up to int64.

    With `dtype` x is converted first, here and below.
    """
    dims = over(dim, x.ndim, "sum")
    x = x if dtype is None else x.astype(dtype)
    if x.dtype.kind == "f":
        return kernels.sums(x, dims, keepdim)
    return np.sum(x, dims, dtype=np.int64, keepdims=keepdim)
defvjp(sum, lambda g, y, x, dim=None, keepdim=False, dtype=None: spread(g, x, dim))


def mean(x, dim=None, keepdim=False, *, dtype=None):
    """y = Σ x / n over `dim`"""
    x = floating(_converted(x, dtype), "mean")
    n = _count(x, dim)
    return sum(x, dim, keepdim) / n


def var(x, dim=None, correction=1, keepdim=False, *, unbiased=None):
    """y = Σ (x − mean)² / (n − correction), in two passes.

    correction=0, or `unbiased` False, is the biased variance that normalises.
    """
    x = floating(x, "var")
    correction = correction if unbiased is None else int(unbiased)
    d = x - mean(x, dim, keepdim=True)
    return sum(d * d, dim, keepdim) / builtins.max(_count(x, dim) - correction, 0)


def std(x, dim=None, correction=1, keepdim=False, *, unbiased=None):
    """y = √var; where all elements are equal the gradient is 0."""
    return root(var(x, dim, correction, keepdim, unbiased=unbiased))


def root(x):
    """y = √x, and at 0, where the slope is infinite, a gradient of 0"""
    zero = eq(x, 0)
    return where(zero, 0.0, sqrt(where(zero, 1.0, x)))


@primitive
def cumsum(x, dim, *, dtype=None):
    """yᵢ = Σ xⱼ over j ≤ i along `dim`; whole numbers and booleans add up to int64."""
    x = x if dtype is None else x.astype(dtype)
    wide, narrow = (np.float64, x.dtype) if x.dtype.kind == "f" else (np.int64, np.int64)
    d = axis(dim, x.ndim, "cumsum")
    y = np.cumsum(x, d, dtype=wide) if x.ndim else x
    return y.astype(narrow, copy=False)
defvjp(cumsum, lambda g, y, x, dim, dtype=None: flip(cumsum(flip(g, dim), dim), dim))


def cumprod(x, dim, *, dtype=None):
    """yᵢ = Π xⱼ over j ≤ i along `dim`; whole numbers and booleans multiply to int64.

    Every element is multiplied with the one 1, then 2, 4, … places before it. So no rule is needed,
    and the gradient is right at zeros as well. Products of float32 are taken in float64.
    """
    x = _converted(x, dtype)
    d = axis(dim, x.ndim, "cumprod")
    y = cast(x, dtype=np.float64 if x.dtype.kind == "f" else np.int64)
    step, n = 1, x.shape[d] if x.ndim else 1
    while step < n:
        y = y * pad_constant(y, tuple((step, -step) if i == d else (0, 0) for i in range(x.ndim)),
                             1)
        step *= 2
    return cast(y, dtype=x.dtype if x.dtype.kind == "f" else np.int64)


def prod(x, dim=None, keepdim=False, *, dtype=None):
    """y = Π x over `dim`; whole numbers and booleans multiply to int64.

    One half is multiplied with the other until one element is left. So no rule is needed, and the
    gradient, the product of all *other* elements, is right at zeros as well, where y / x is 0/0.
    Products of float32 are taken in float64.
    """
    x = _converted(x, dtype)
    dims = over(dim, x.ndim, "prod")
    others = tuple(d for d in range(x.ndim) if d not in dims)
    shape = tuple(1 if d in dims else n for d, n in enumerate(x.shape) if keepdim or d not in dims)
    y = cast(x, dtype=np.float64 if x.dtype.kind == "f" else np.int64)
    y = reshape(permute(y, others + dims), tuple(x.shape[d] for d in others) + (_count(x, dim),))
    while y.shape[-1] != 1:
        half = builtins.max(-(-y.shape[-1] // 2), 1)
        missing = 2 * half - y.shape[-1]                     # 1 changes nothing
        y = pad_constant(y, ((0, 0),) * len(others) + ((0, missing),), 1) if missing else y
        y = y[..., :half] * y[..., half:]
    return cast(reshape(y, shape), dtype=x.dtype if x.dtype.kind == "f" else np.int64)


def _count(x, dim):
    return math.prod(x.shape[d] for d in over(dim, x.ndim, "mean"))


def _converted(x, dtype):
    x = as_tensor(x)
    return x if dtype is None or x.dtype == np.dtype(dtype) else cast(x, dtype=dtype)


# ---- extremes ------------------------------------------------------------------------------------

@primitive
def amax(x, dim=None, keepdim=False):
    """y = max x over `dim`; equal maxima share the gradient equally."""
    return np.max(x, over(dim, x.ndim, "amax"), keepdims=keepdim)


@primitive
def amin(x, dim=None, keepdim=False):
    """y = min x over `dim`; equal minima share the gradient equally."""
    return np.min(x, over(dim, x.ndim, "amin"), keepdims=keepdim)


def _extreme_rule(g, y, x, dim=None, keepdim=False):
    hit = cast(eq(x, spread(y, x, dim)), dtype=x.dtype)
    return spread(g, x, dim) * hit / sum(hit, dim, keepdim=True)


defvjp(amax, _extreme_rule)
defvjp(amin, _extreme_rule)


@locally_constant
def argmax(x, dim=None, keepdim=False):
    """The index of the first maximum, in the flattened tensor or along `dim`."""
    return np.argmax(x, dim, keepdims=keepdim)


@locally_constant
def argmin(x, dim=None, keepdim=False):
    """The index of the first minimum, in the flattened tensor or along `dim`."""
    return np.argmin(x, dim, keepdims=keepdim)


Extreme = namedtuple("Extreme", "values indices")


def max(x, dim=None, keepdim=False):
    """The largest element; with `dim` the pair (values, indices), of equal maxima the first.

    With another tensor instead of `dim`, `maximum`.
    """
    if isinstance(dim, Tensor):
        return maximum(x, dim)
    return amax(x) if dim is None else _along(x, argmax(x, dim, True), dim, keepdim)


def min(x, dim=None, keepdim=False):
    """The smallest element; with `dim` the pair (values, indices), of equal minima the first.

    With another tensor instead of `dim`, `minimum`.
    """
    if isinstance(dim, Tensor):
        return minimum(x, dim)
    return amin(x) if dim is None else _along(x, argmin(x, dim, True), dim, keepdim)


def _along(x, indices, dim, keepdim):
    x = as_tensor(x)
    values = take_along_dim(x, indices, dim)
    if keepdim:
        return Extreme(values, indices)
    shape = tuple(n for d, n in enumerate(x.shape) if d != axis(dim, x.ndim, "max"))
    return Extreme(reshape(values, shape), reshape(indices, shape))


@locally_constant
def any(x, dim=None, keepdim=False):
    """Whether any element is true (not zero), of all or along `dim`."""
    return np.any(x, over(dim, x.ndim, "any"), keepdims=keepdim)


@locally_constant
def all(x, dim=None, keepdim=False):
    """Whether all elements are true (not zero), of all or along `dim`."""
    return np.all(x, over(dim, x.ndim, "all"), keepdims=keepdim)


def count_nonzero(x, dim=None):
    """How many elements are not zero, of all or over `dim`."""
    return sum(ne(as_tensor(x), 0), dim)


# ---- softmax -------------------------------------------------------------------------------------

def _shifted(x, dim, dtype=None):
    """x − max x, which cancels in a quotient of exponentials, and nothing overflows."""
    x = x if dtype is None else x.astype(dtype)
    if x.dtype.kind != "f":
        raise DtypeError(f"expected a floating point tensor, got {x.dtype}; pass a dtype")
    return x - np.max(x, dim, keepdims=True, initial=-np.inf)


def _total(e, dim):
    return e.sum(dim, keepdims=True, dtype=np.float64).astype(e.dtype)


@primitive
def softmax(x, dim, dtype=None):
    """yᵢ = e^xᵢ / Σⱼ e^xⱼ.   ∂L/∂x = y (g − ⟨g, y⟩)"""
    e = np.exp(_shifted(x, dim, dtype))
    return e / _total(e, dim)
defvjp(softmax, lambda g, y, x, dim, dtype=None: y * (g - sum(g * y, dim, keepdim=True)))


@primitive
def log_softmax(x, dim, dtype=None):
    """yᵢ = xᵢ − ln Σⱼ e^xⱼ.   ∂L/∂x = g − e^y Σ g"""
    x = _shifted(x, dim, dtype)
    return x - np.log(_total(np.exp(x), dim))
defvjp(log_softmax,
       lambda g, y, x, dim, dtype=None: g - exp(y) * sum(g, dim, keepdim=True))


def logsumexp(x, dim, keepdim=False):
    """y = ln Σ e^x over `dim`, without overflow"""
    x = as_tensor(x)
    x = x if x.is_floating_point() else cast(x, dtype=np.float32)
    top = np.max(x.data, over(dim, x.ndim, "logsumexp"), keepdims=True, initial=-np.inf)
    # any constant shift is right; an infinite one would make NaN
    top = np.where(np.isfinite(top), top, top.dtype.type(0))
    y = log(sum(exp(x - top), dim, keepdim=True)) + top
    return y if keepdim else reshape(y, sum(x.detach(), dim).shape)
