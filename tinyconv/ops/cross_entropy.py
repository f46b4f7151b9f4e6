"""Softmax cross-entropy with the index of the right class, by a kernel there and one back.

And the cross-entropy of probabilities of two classes, at the end.

With p = softmax x over the classes, which are dimension 1 of x (N, C, …), t (N, …) the class of
every position, and n the number that a sum over positions is divided by:

| op | ∂/∂first | ∂/∂second |
|---|---|---|
| `index_cross_entropy(x, t)` = (ln Σ_c e^x_c − x_t) / n | `softmax_error(g, x, t)` | |
| `softmax_error(g, x, t)` = g (p − onehot t) / n | Σ c (p − onehot t) / n | p (c − ⟨p, c⟩) g/n |

`stats` are the largest logit of every position and Σ_c e^(x_c − largest), as arrays: a cached value
that shortens the gradient. It depends on x, and the rules here account for that.
"""
import numpy as np

from ..core import defvjp, primitive
from ..kernels import cross_entropy as kernels
from ..kernels.compile import FLOATS
from ..kernels.layout import as_rows, from_rows
from .arithmetic import clamp, log, log1p
from .creation import ones_like
from .indexing import index
from .reducing import log_softmax, mean, softmax, sum
from .shaping import unsqueeze


def of_class(x, t):
    """y[n, …] = x[n, t[n, …], …], where t is an array of intp: (N, C, …), (N, …) → (N, …)"""
    n, *others = np.indices(t.shape, sparse=True)
    return index(x, (n, t, *others))


def index_cross_entropy(x, t, reduction="none"):
    """y = ln Σ_c e^x_c − x_t, where t is an array of intp: (N, C, …), (N, …) → (N, …)

    With the reduction "sum" or "mean" the sum or mean of it: → (). Every t must lie in 0 … C − 1.
    Exact where one logit towers over the rest. Logits that are not float32 or float64 take the way
    through `log_softmax`.
    """
    if x.dtype not in FLOATS:
        losses = -of_class(log_softmax(x, 1), t)
        return {"none": lambda y: y, "sum": sum, "mean": mean}[reduction](losses)
    y, stats = kernels.losses(as_rows(x.data), t.reshape(-1))
    n = t.size if reduction == "mean" else 1
    if reduction == "none":
        y = y.reshape(t.shape)
    else:
        number = y.dtype.type
        y = np.asarray(number(np.add.reduce(y, dtype=np.float64)) / number(n))
    return _cross_entropy(x, t, stats, n, y)


@primitive
def _cross_entropy(x, t, stats, n, value):
    return value


@primitive
def softmax_error(g, x, t, stats, n):
    """y = g (softmax x − onehot t) / n:  (N, …) or (), (N, C, …), (N, …) → (N, C, …)"""
    share = g / g.dtype.type(n)
    share = share.reshape(-1) if g.ndim else np.full(t.size, share)
    return from_rows(kernels.pull(share, as_rows(x), t.reshape(-1), stats), x.shape)


def _softmax_error_rule(c, y, g, x, t, stats, n):
    p, c = softmax(x, 1), c * (unsqueeze(g, 1) if g.ndim else g) / n
    return p * (c - sum(p * c, 1, keepdim=True))


defvjp(_cross_entropy, lambda g, y, x, t, stats, n, value: softmax_error(g, x, t, stats, n))
defvjp(softmax_error,
       lambda c, y, g, x, t, stats, n: sum(c * softmax_error(ones_like(g), x, t, stats, n), 1),
       _softmax_error_rule)


# ---- two classes ---------------------------------------------------------------------------------

@primitive
def binary_cross_entropy(x, t):
    """y = −t ln x − (1 − t) ln(1 − x), with logarithms of at least −100.

    ∂y/∂x = (x − t) / max(x (1 − x), 10⁻¹²), which is finite at 0 and 1 and not 0 where x is wrong.
    """
    with np.errstate(divide="ignore"):
        return (t - 1) * np.maximum(np.log1p(-x), -100) - t * np.maximum(np.log(x), -100)
defvjp(binary_cross_entropy,
       lambda g, y, x, t: g * (x - t) / clamp(x * (1 - x), min=1e-12),
       lambda g, y, x, t: g * (clamp(log1p(-x), min=-100) - clamp(log(x), min=-100)))
