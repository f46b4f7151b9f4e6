"""Norms, by the names of `torch.linalg`: the length of a vector in one of many senses."""
import numpy as np

from ..core import cast
from .arithmetic import abs, eq, ne, where
from .creation import floating
from .reducing import amax, amin, root, sum


def vector_norm(x, ord=2, dim=None, keepdim=False, dtype=None):
    """y = (Σ |x|^ord)^(1/ord) over `dim`, None for all elements.

    ord = inf and −inf are the largest and the smallest |x|, equal ones sharing the gradient; 0
    counts what is not zero. At a vector of zeros the gradient is 0. With `dtype` x is converted
    first.
    """
    x = floating(x, "vector_norm")
    x = x if dtype is None else cast(x, dtype=dtype)
    if isinstance(ord, bool) or not isinstance(ord, (int, float, np.number)):
        raise TypeError(f"vector_norm: ord should be a number, got {ord!r}")
    if np.isinf(ord):
        return (amax if ord > 0 else amin)(abs(x), dim, keepdim)
    if ord == 0:
        return cast(sum(ne(x, 0), dim, keepdim), dtype=x.dtype)
    if ord == 1:
        return sum(abs(x), dim, keepdim)
    if ord == 2:
        return root(sum(x * x, dim, keepdim))
    return power(sum(power(abs(x), ord), dim, keepdim), 1 / ord)


def power(a, p):
    """a^p for a ≥ 0, with a gradient of 0 at a = 0."""
    zero = eq(a, 0)
    return where(zero, 0.0 if p > 0 else np.inf, where(zero, 1.0, a) ** float(p))


def norm(x, p="fro", dim=None, keepdim=False, dtype=None):
    """`vector_norm` of order p; "fro", the Frobenius norm of a matrix, is of order 2."""
    if isinstance(p, str) and p != "fro":
        raise ValueError(f"norm: p should be a number or 'fro', got {p!r}")
    return vector_norm(x, 2 if p == "fro" else p, dim, keepdim, dtype)
