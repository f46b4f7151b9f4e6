"""Batch normalisation, and the small family that makes it differentiable to any order.

With x̂ = (x − μ) r, r = 1/√(σ² + ε), ⟨·⟩ the mean over all but the channels and M the number of
elements in it:

| op | ∂/∂first | ∂/∂second |
|---|---|---|
| `standardize(x)` = x̂ | `pull(g, x, 1)` | |
| `pull(g, x, w)` = w r (g − ⟨g⟩ − x̂ ⟨g x̂⟩) | `pull(c, x, w)` (self-adjoint) | see `_pull_rule` |
| `inverse_std(x)` = r | −c r² x̂ / M | |
| `channel_sum(g)` = Σ g | c, spread | |
| `channel_dot(g, x)` = Σ g x̂ | c x̂ | `pull(c g, x)` |
| `batch_norm(x, w, b, a)` = relu(x̂ w + b + a) | `pull(G, x, w)` | `channel_dot(G, x)` |
| `scale_and_shift(x, w, b, a)`, the same with constant μ and r | G r w | Σ G x̂ |

In the last rows G = g where y > 0, and ∂b = `channel_sum(G)`, ∂a = G.

`stats` = (μ, r), the statistics of x itself as arrays: a cached value that shortens the forward
passes. They depend on x, and every rule here accounts for that. Channels are dimension 1 of x
(N, C, …). Source: Ioffe & Szegedy 2015 (arXiv 1502.03167).
"""
import numpy as np

from ..core import Tensor, broadcast_to, defvjp, is_grad_enabled, primitive
from ..kernels import normalization as kernels
from ..kernels.layout import as_rows, from_rows
from ..kernels.sums import sums as sums_over
from .activations import relu_pull
from .shaping import reshape


def per_channel(v, x):
    """A vector (C) shaped so that it broadcasts along dimension 1 of x."""
    return reshape(v, (1, -1) + (1,) * (x.ndim - 2))


def batch_statistics(x, eps):
    """μ, σ² (biased, float64) and `stats` = (μ, r) in x's dtype, for an array x (N, C, …)."""
    mean, var = kernels.moments(as_rows(x))
    return mean, var, (mean.astype(x.dtype), (1 / np.sqrt(var + eps)).astype(x.dtype))


# ---- sums over everything but the channels -------------------------------------------------------

@primitive
def channel_sum(g, value=None):
    """y[c] = Σ g[:, c]; `value` is that sum where it is known already"""
    return sums_over(g, (0, *range(2, g.ndim))) if value is None else value
defvjp(channel_sum, lambda c, y, g, value=None: broadcast_to(per_channel(c, g), g.shape))


@primitive
def channel_dot(g, x, stats, value=None):
    """y[c] = Σ g[:, c] x̂[:, c]; `value` is that sum where it is known already"""
    return kernels.sums(as_rows(g), as_rows(x), *stats)[1] if value is None else value
defvjp(channel_dot,
       lambda c, y, g, x, stats, value=None: per_channel(c, x) * standardize(x, stats),
       lambda c, y, g, x, stats, value=None: pull(per_channel(c, x) * g, x, None, stats))


# ---- normalising ---------------------------------------------------------------------------------

@primitive
def standardize(x, stats):
    """y = x̂ = (x − μ) r"""
    rows = as_rows(x)
    mean, r = stats
    return from_rows(kernels.normalize(rows, mean, r, np.zeros_like(r), None, relu=False), x.shape)
defvjp(standardize, lambda g, y, x, stats: pull(g, x, None, stats))


@primitive
def inverse_std(x, stats):
    """y = r = 1/√(σ² + ε)"""
    return stats[1]
defvjp(inverse_std, lambda c, y, x, stats:
       per_channel(-c * y * y, x) * standardize(x, stats) / (x.numel() // x.shape[1]))


@primitive
def pull(g, x, w, stats, sums=None):
    """y = w r (g − ⟨g⟩ − x̂ ⟨g x̂⟩), the gradient of w · `standardize`.

    Where w is None it is 1; `sums` = (Σ g, Σ g x̂) where they are known already.
    """
    rows, rows_x = as_rows(g), as_rows(x)
    sum_g, sum_gx = sums or kernels.sums(rows, rows_x, *stats)
    mean, r = stats
    scale = r if w is None else r * w
    M = g.dtype.type(len(rows))
    return from_rows(kernels.pull(rows, rows_x, mean, r, scale, sum_g / M, sum_gx / M), x.shape)


def _pull_rule(c, y, g, x, w, stats, sums=None):
    """∂⟨c, pull(g, x)⟩/∂x, for w = 1 (otherwise c w stands for c).

    ⟨c, pull⟩ = r S with S = Σ c g − Σ c Σ g / M − Σ c x̂ Σ g x̂ / M. Through r it depends on x by
    ∂r/∂x = −r² x̂ / M, through x̂ by the gradient of `standardize` at
    h = ∂(r S)/∂x̂ = −r (c ⟨g x̂⟩ + g ⟨c x̂⟩).
    """
    c = c if w is None else c * per_channel(w, x)
    M = x.numel() // x.shape[1]
    r, c_x, g_x = inverse_std(x, stats), channel_dot(c, x, stats), channel_dot(g, x, stats)
    S = channel_sum(c * g) - (channel_sum(c) * channel_sum(g) + c_x * g_x) / M
    h = (c * per_channel(r * g_x, x) + g * per_channel(r * c_x, x)) / -M
    return pull(h, x, None, stats) - per_channel(r * r * S / M, x) * standardize(x, stats)


defvjp(pull, lambda c, y, g, x, w, stats, sums=None: pull(c, x, w, stats),
             _pull_rule,
             lambda c, y, g, x, w, stats, sums=None: channel_sum(c * pull(g, x, None, stats)))


def _line(w, b, r):
    """Slope and shift of y as a function of x − μ, as arrays."""
    return r if w is None else r * w, np.zeros_like(r) if b is None else b


def _normalized(x, w, b, a, stats, relu):
    rows, (mean, r) = as_rows(x), stats
    addend = None if a is None else as_rows(a)
    return from_rows(kernels.normalize(rows, mean, *_line(w, b, r), addend, relu), x.shape)


@primitive
def batch_norm(x, w, b, a, stats, relu=False):
    """y = x̂ w + b, plus a where given, then ReLU if asked for: one pass over memory, not three"""
    return _normalized(x, w, b, a, stats, relu)


def _batch_norm_rule(g, y, x, w, b, a, stats, relu=False):
    """∂x = w pull(G, x), ∂w = Σ G x̂, ∂b = Σ G, ∂a = G, with G = g where y > 0.

    The sums come from one sweep over g and x, ∂x from another. Where nobody asks for G itself, it
    is not written to memory: where y > 0 is found from x again.
    """
    rows, rows_x = as_rows(g.data), as_rows(x.data)
    if relu and a is None and not is_grad_enabled():
        (mean, r), M = stats, x.dtype.type(len(rows))
        scale, shift = _line(*(None if v is None else v.data for v in (w, b)), r)
        sum_g, sum_gx = kernels.sums(rows, rows_x, mean, r, scale, shift)
        gx = kernels.pull(rows, rows_x, mean, r, scale, sum_g / M, sum_gx / M, shift)
        return Tensor(from_rows(gx, x.shape)), Tensor(sum_gx), Tensor(sum_g), None
    if relu:
        masked, *sums = kernels.masked_sums(rows, as_rows(y.data), rows_x, *stats)
    else:
        sums = kernels.sums(rows, rows_x, *stats)
    G = relu_pull(g, y, value=from_rows(masked, x.shape)) if relu else g
    return (pull(G, x, w, stats, sums=sums), channel_dot(G, x, stats, value=sums[1]),
            channel_sum(G, value=sums[0]), G)


defvjp(batch_norm, joint=_batch_norm_rule)


# ---- by constant statistics ----------------------------------------------------------------------

@primitive
def scale_and_shift(x, w, b, a, stats, relu=False):
    """y as of `batch_norm`, but with any constant μ and r: batch norm in evaluation"""
    return _normalized(x, w, b, a, stats, relu)


def passed(g, y, relu):
    """What of g comes back through ReLU, or through nothing."""
    return relu_pull(g, y) if relu else g


def _constant_standardized(x, stats):
    mean, r = (per_channel(v, x) for v in stats)
    return (x - mean) * r


defvjp(scale_and_shift,
       lambda g, y, x, w, b, a, stats, relu=False:
       passed(g, y, relu) * per_channel(stats[1] if w is None else w * stats[1], x),
       lambda g, y, x, w, b, a, stats, relu=False:
       channel_sum(passed(g, y, relu) * _constant_standardized(x, stats)),
       lambda g, y, x, w, b, a, stats, relu=False: channel_sum(passed(g, y, relu)),
       lambda g, y, x, w, b, a, stats, relu=False: passed(g, y, relu))
