"""Losses of pairs, triplets and scores that should differ by a margin.

`reduction` is "mean", "sum" or "none".
"""
import numpy as np

from ... import ops
from .activation import logsigmoid
from .reduction import reduced, same_shape
from .similarity import pairwise_distance


def margin_ranking_loss(input1, input2, target, *, margin=0.0, reduction="mean"):
    """max(0, margin − t (x₁ − x₂)), with t = 1 where x₁ should be larger, −1 where x₂ should"""
    x1, x2 = same_shape(input1, input2, "margin_ranking_loss")
    _, t = same_shape(x1, target, "margin_ranking_loss")
    return reduced(_hinge(margin - t * (x1 - x2)), reduction, False, "margin_ranking_loss")


def hinge_embedding_loss(input, target, *, margin=1.0, reduction="mean"):
    """x where t = 1 (a distance of what is alike), max(0, margin − x) where t = −1"""
    x, t = same_shape(input, target, "hinge_embedding_loss")
    losses = ops.where(ops.ne(t, -1), x, 0.0) + ops.where(ops.ne(t, 1), _hinge(margin - x), 0.0)
    return reduced(losses, reduction, False, "hinge_embedding_loss")


def cosine_embedding_loss(input1, input2, target, *, margin=0.0, reduction="mean"):
    """1 − cos(x₁, x₂) where t = 1, max(0, cos − margin) where t = −1:  (N, D), (N, D), (N)

    Or two vectors (D) and a number.
    """
    x1, x2 = same_shape(input1, input2, "cosine_embedding_loss")
    t = ops.as_tensor(target)
    if x1.ndim not in (1, 2) or t.shape != x1.shape[:-1]:
        raise ValueError("cosine_embedding_loss: expected inputs (N, D) and a target (N), or "
                         f"without a batch, got shapes {x1.shape} and {t.shape}")
    squares = [ops.sum(x * x, -1) + 1e-12 for x in (x1, x2)]
    cos = ops.sum(x1 * x2, -1) / ops.sqrt(squares[0] * squares[1])
    losses = ops.where(ops.eq(t, 1), 1 - cos, 0.0)
    losses = losses + ops.where(ops.eq(t, -1), _hinge(cos - margin), 0.0)
    return reduced(losses, reduction, False, "cosine_embedding_loss")


def triplet_margin_loss(anchor, positive, negative, *, margin=1.0, p=2.0, eps=1e-6, swap=False,
                        reduction="mean"):
    """max(0, margin + d(a, p) − d(a, n)):  three of (N, D) or (D)

    d is `pairwise_distance` of order p. With `swap` d(p, n) stands for d(a, n) where it is smaller.
    """
    a, b = same_shape(anchor, positive, "triplet_margin_loss")
    _, c = same_shape(anchor, negative, "triplet_margin_loss")
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: margin should be greater than 0, got {margin}")
    far = pairwise_distance(a, c, p, eps)
    far = ops.minimum(far, pairwise_distance(b, c, p, eps)) if swap else far
    losses = _hinge(margin + pairwise_distance(a, b, p, eps) - far)
    return reduced(losses, reduction, False, "triplet_margin_loss")


# ---- scores of classes ---------------------------------------------------------------------------

def soft_margin_loss(input, target, *, reduction="mean"):
    """ln(1 + e^(−t x)), with t = ±1"""
    x, t = same_shape(input, target, "soft_margin_loss")
    losses = ops.softplus(-(t * x), threshold=float("inf"))
    return reduced(losses, reduction, False, "soft_margin_loss")


def multilabel_soft_margin_loss(input, target, weight=None, *, reduction="mean"):
    """The mean over the classes of −(t ln σ(x) + (1 − t) ln σ(−x)):  (N, C), (N, C)"""
    x, t = same_shape(input, target, "multilabel_soft_margin_loss")
    losses = -(t * logsigmoid(x) + (1 - t) * logsigmoid(-x))
    losses = losses if weight is None else losses * ops.as_tensor(weight)
    return reduced(ops.mean(losses, -1), reduction, False, "multilabel_soft_margin_loss")


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, *, reduction="mean"):
    """Σ_{c ≠ t} w_t max(0, margin − x_t + x_c)ᵖ / C:  (N, C), classes (N); or (C), ()"""
    x, t = ops.floating(input, "multi_margin_loss"), ops.as_tensor(target).data
    if x.ndim not in (1, 2) or t.shape != x.shape[:-1] or t.dtype.kind not in "iu":
        raise ValueError("multi_margin_loss: expected an input (N, C) and integer classes (N), or "
                         f"without a batch, got shapes {x.shape} and {t.dtype} {t.shape}")
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p should be 1 or 2, got {p!r}")
    C = x.shape[-1]
    if ((t < 0) | (t >= C)).any():
        raise IndexError(f"multi_margin_loss: target has a label that is not one of {C} classes")
    right = ops.take_along_dim(x, t[..., None], -1)
    losses = _hinge(margin - right + x) ** p
    if weight is not None:
        losses = losses * ops.as_tensor(weight).data[t][..., None]
    losses = ops.where(np.arange(C) != t[..., None], losses, 0.0)
    return reduced(ops.sum(losses, -1) / C, reduction, False, "multi_margin_loss")


def _hinge(x):
    """max(0, x)"""
    return ops.clamp(x, min=0)
