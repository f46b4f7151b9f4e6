"""Losses: how far the output is from the target, as one number.

`reduction` is "mean", "sum", or "none" for one number per sample (or element). Arguments behind
`weight` go by name: PyTorch still has two obsolete ones among them.

The target of a classification is either the *index* of the right class, an integer tensor without
the class dimension, or a *distribution* over the classes, a floating point tensor of the input's
shape. What can be wrong with a target (its shape, its dtype, a label out of range) is checked
before anything is computed.
"""
import numpy as np

from ... import ops
from ...core import DtypeError
from .reduction import check_reduction, reduced, same_shape


# ---- losses of classes ---------------------------------------------------------------------------

def cross_entropy(input, target, weight=None, *, ignore_index=-100, reduction="mean",
                  label_smoothing=0.0):
    """−Σ_c q_c ln softmax(x)_c, where q is the target as a distribution over the C classes.

    `input`: logits of shape (N, C), (N, C, d1, ...) or (C). `target`: integer classes of shape (N),
    (N, d1, ...) or (), or probabilities of the input's shape. `label_smoothing` ε mixes the target
    with the uniform distribution, (1 − ε) q + ε/C (Szegedy et al. 2016). `weight` (C) multiplies
    each class. Positions whose class is `ignore_index` count nothing. The mean over classes divides
    by the sum of the weights of the targets, the mean over probabilities by the number of
    positions. Logits of ±10⁴ are exact.
    """
    x, target, unbatched = _batched(input, target, "cross_entropy")
    C = x.shape[1]
    weight = _class_weight(weight, C, x.dtype, "cross_entropy")
    if not 0 <= label_smoothing <= 1:
        raise ValueError("cross_entropy: label_smoothing lies between 0 and 1, "
                         f"got {label_smoothing}")
    if target.shape == x.shape:
        if ignore_index >= 0:
            raise ValueError(f"cross_entropy: ignore_index {ignore_index} is a class, but the "
                             "target holds probabilities")
        q = _probabilities(target, "cross_entropy") * (1 - label_smoothing) + label_smoothing / C
        losses = -ops.sum(_per_class(weight, x) * q * ops.log_softmax(x, 1), 1)
        return reduced(losses, reduction, unbatched, "cross_entropy")
    t, kept = _classes(target, x, ignore_index, "cross_entropy")
    check_reduction(reduction, "cross_entropy")
    if weight is None and kept is None and not label_smoothing and not unbatched:
        return ops.index_cross_entropy(x, t, reduction)
    losses = ops.index_cross_entropy(x, t)
    if weight is not None:
        losses = losses * weight.data[t]
    if label_smoothing:
        smooth = -ops.sum(_per_class(weight, x) * ops.log_softmax(x, 1), 1)
        losses = losses * (1 - label_smoothing) + smooth * (label_smoothing / C)
    return _reduced_by_class(losses, t, kept, weight, reduction, unbatched, "cross_entropy")


def nll_loss(input, target, weight=None, *, ignore_index=-100, reduction="mean"):
    """−w_t · x_t for log-probabilities x; the arguments are those of `cross_entropy`."""
    x, target, unbatched = _batched(input, target, "nll_loss")
    weight = _class_weight(weight, x.shape[1], x.dtype, "nll_loss")
    t, kept = _classes(target, x, ignore_index, "nll_loss")
    losses = -ops.of_class(x, t)
    losses = losses if weight is None else losses * weight.data[t]
    return _reduced_by_class(losses, t, kept, weight, reduction, unbatched, "nll_loss")


# ---- losses element by element -------------------------------------------------------------------

def mse_loss(input, target, *, reduction="mean", weight=None):
    """(x − t)², for shapes that are equal; the mean with a `weight` of that shape is weighted"""
    input, target = same_shape(input, target, "mse_loss")
    d = input - target
    return _weighted_mean(d * d, weight, reduction, "mse_loss")


def l1_loss(input, target, *, reduction="mean", weight=None):
    """|x − t|, for shapes that are equal; the mean with a `weight` of that shape is weighted"""
    input, target = same_shape(input, target, "l1_loss")
    return _weighted_mean(ops.abs(input - target), weight, reduction, "l1_loss")


def _weighted_mean(losses, weight, reduction, op):
    if weight is None:
        return reduced(losses, reduction, False, op)
    check_reduction(reduction, op)
    losses, weight = same_shape(losses, weight, op)
    if reduction == "mean":
        return ops.sum(losses * weight) / ops.sum(weight)
    return reduced(losses * weight, reduction, False, op)


def smooth_l1_loss(input, target, *, reduction="mean", beta=1.0):
    """(x − t)² / (2 beta) where |x − t| < beta, else |x − t| − beta/2  (Girshick 2015)"""
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return _huber("smooth_l1_loss", input, target, beta, 1 / beta, reduction)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """(x − t)² / 2 where |x − t| < delta, else delta (|x − t| − delta/2)  (Huber 1964)

    `weight`, of the input's shape, multiplies each element; the mean is not divided by it.
    """
    if delta <= 0:
        raise ValueError(f"huber_loss: delta should be greater than 0, got {delta}")
    return _huber("huber_loss", input, target, delta, 1.0, reduction, weight)


def _huber(op, input, target, bound, scale, reduction, weight=None):
    input, target = same_shape(input, target, op)
    d = input - target
    near = ops.lt(ops.abs(d), bound)
    losses = ops.where(near, d * d * (scale / 2), (ops.abs(d) - bound / 2) * (bound * scale))
    losses = losses if weight is None else losses * same_shape(losses, weight, op)[1]
    return reduced(losses, reduction, False, op)


def kl_div(input, target, *, reduction="mean", log_target=False):
    """t (ln t − x) for log-probabilities x and probabilities t (or with `log_target`, ln t).

    The reduction "batchmean" divides the sum by the length of the first dimension: that is the
    divergence, "mean" is not.
    """
    x, t = same_shape(input, target, "kl_div")
    losses = ops.exp(t) * (t - x) if log_target else ops.xlogy(t, t) - t * x
    if reduction == "batchmean":
        return ops.sum(losses) / (len(x) if x.ndim else 1)
    return reduced(losses, reduction, False, "kl_div")


def poisson_nll_loss(input, target, *, log_input=True, full=False, eps=1e-8, reduction="mean"):
    """λ − t ln λ for counts t, where x is ln λ, or λ itself unless `log_input` (ln(λ + eps)).

    With `full` Stirling's t ln t − t + ln(2πt)/2 is added where t > 1.
    """
    x, t = same_shape(input, target, "poisson_nll_loss")
    losses = ops.exp(x) - t * x if log_input else x - t * ops.log(x + eps)
    if full:
        many = ops.where(ops.gt(t, 1), t, 1.0)
        stirling = many * ops.log(many) - many + 0.5 * ops.log(2 * np.pi * many)
        losses = losses + ops.where(ops.gt(t, 1), stirling, 0.0)
    return reduced(losses, reduction, False, "poisson_nll_loss")


def gaussian_nll_loss(input, target, var, *, full=False, eps=1e-6, reduction="mean"):
    """(ln v + (x − t)²/v) / 2 with the variance v, at least eps; `full` adds ln(2π)/2.

    `var` is like the input, or has a last dimension of length one or none.
    """
    x, t = same_shape(input, target, "gaussian_nll_loss")
    var = ops.as_tensor(var)
    if var.shape == x.shape[:-1] and x.ndim:
        var = ops.unsqueeze(var, -1)
    if var.shape not in (x.shape, x.shape[:-1] + (1,)):
        raise ValueError(f"gaussian_nll_loss: var {var.shape} does not fit input {x.shape}")
    if (var.data < 0).any():
        raise ValueError("gaussian_nll_loss: var has a negative element")
    v = var + (ops.clamp(var.detach(), min=eps) - var.detach())        # its slope remains 1
    losses = 0.5 * (ops.log(v) + (x - t) ** 2 / v) + (0.5 * np.log(2 * np.pi) if full else 0)
    return reduced(losses, reduction, False, "gaussian_nll_loss")


def binary_cross_entropy(input, target, weight=None, *, reduction="mean"):
    """−(t ln x + (1 − t) ln(1 − x)) for probabilities x, t in [0, 1]; logarithms end at −100.

    `weight` multiplies each element. Logits are safer: `binary_cross_entropy_with_logits`.
    """
    input, target = same_shape(input, target, "binary_cross_entropy")
    for name, p in (("input", input.data), ("target", target.data)):
        if not ((p >= 0) & (p <= 1)).all():
            raise ValueError(f"binary_cross_entropy: {name} should be probabilities from 0 to 1, "
                             f"got values from {p.min()} to {p.max()}")
    losses = ops.binary_cross_entropy(input, target)
    losses = losses if weight is None else losses * ops.as_tensor(weight)
    return reduced(losses, reduction, False, "binary_cross_entropy")


def binary_cross_entropy_with_logits(input, target, weight=None, *, reduction="mean",
                                     pos_weight=None):
    """−(p t ln σ(x) + (1 − t) ln(1 − σ(x))), with σ the sigmoid, t in [0, 1], p the `pos_weight`.

    Computed as (1 − t) x + (1 + (p − 1) t) · softplus(−x), in which nothing overflows. `weight`
    multiplies each element.
    """
    input, target = same_shape(input, target, "binary_cross_entropy_with_logits")
    positives = 1 if pos_weight is None else 1 + (ops.as_tensor(pos_weight) - 1) * target
    losses = (1 - target) * input + positives * ops.softplus(-input, threshold=float("inf"))
    losses = losses if weight is None else losses * ops.as_tensor(weight)
    return reduced(losses, reduction, False, "binary_cross_entropy_with_logits")


# ---- reductions ----------------------------------------------------------------------------------

def _reduced_by_class(losses, t, kept, weight, reduction, unbatched, op):
    """Ignored positions are worth nothing, and the mean is the weighted one."""
    if kept is not None:
        losses = ops.where(kept, losses, 0.0)
    if reduction != "mean" or (kept is None and weight is None):
        return reduced(losses, reduction, unbatched, op)
    share = np.ones(t.shape, losses.dtype) if weight is None else weight.data[t]
    return ops.sum(losses) / (share if kept is None else share * kept).sum()


# ---- what can be wrong with the arguments --------------------------------------------------------

def _batched(x, target, op):
    """The input and the target with a batch dimension; and whether that was missing."""
    x, target = ops.as_tensor(x), ops.as_tensor(target)
    if x.ndim == 0 or x.dtype.kind != "f":
        raise ValueError(f"{op}: input should be floating point of shape (N, C), (N, C, ...) or "
                         f"(C), got {x.dtype} of shape {x.shape}")
    if x.ndim > 1:
        return x, target, False
    return ops.unsqueeze(x, 0), ops.unsqueeze(target, 0), True


def _classes(target, x, ignore_index, op):
    """The classes as indices, with 0 for those to ignore; and which are kept, or None for all."""
    expected = x.shape[:1] + x.shape[2:]
    if target.shape != expected:
        raise ValueError(f"{op}: an input of shape {x.shape} needs classes of shape {expected}, "
                         f"got a target of shape {target.shape}")
    if target.dtype.kind not in "iu":
        raise DtypeError(f"{op}: classes are integers, got a target of {target.dtype}; write "
                         f"target.long(), or pass probabilities of the input's shape {x.shape}")
    t, C = target.data.astype(np.intp), x.shape[1]         # a copy: later changes must not show
    unsigned = t.view(np.uintp)                            # where a negative one is huge
    if t.size == 0 or (np.maximum.reduce(unsigned, None) < C and not 0 <= ignore_index < C):
        return t, None
    kept = t != ignore_index
    wrong = np.argwhere(kept & ((t < 0) | (t >= C)))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        raise IndexError(f"{op}: target has label {t[place]} at index "
                         f"{place[0] if len(place) == 1 else place} "
                         f"but input has {C} classes (0..{C - 1})")
    return np.where(kept, t, 0), kept


def _probabilities(target, op):
    if target.dtype.kind != "f":
        raise DtypeError(f"{op}: a target of the input's shape {target.shape} holds probabilities "
                         f"and should be floating point, got {target.dtype}; "
                         "classes have no class dimension")
    return target


def _class_weight(weight, C, dtype, op):
    if weight is None:
        return None
    weight = ops.as_tensor(weight)
    if weight.shape != (C,):
        raise ValueError(f"{op}: weight should have one value for each of the {C} classes, "
                         f"got shape {weight.shape}")
    return weight.detach().to(dtype)


def _per_class(weight, x):
    """The weights laid along dimension 1 of x, or 1."""
    return 1 if weight is None else ops.reshape(weight, (-1,) + (1,) * (x.ndim - 2))
