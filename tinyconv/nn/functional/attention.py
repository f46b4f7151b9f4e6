"""Attention: every query takes a mean of values, weighted by how well their keys match it."""
import math

from ... import ops
from .dropout import dropout


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False,
                                 scale=None, enable_gqa=False, generator=None):
    """y = softmax(q kᵀ · scale + mask) v:  (…, L, E), (…, S, E), (…, S, V) → (…, L, V)

    `scale` is 1/√E by default. `attn_mask` (…, L, S) is boolean, true where a query may look, or is
    added; with `is_causal` a query sees keys up to its own place. A query that may look nowhere
    gives 0. `dropout_p` drops weights at all times. With `enable_gqa` every head of key and value
    (dimension −3) serves several heads of the query.

    Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762.
    """
    op = "scaled_dot_product_attention"
    q, k, v = (ops.floating(x, op) for x in (query, key, value))
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(f"{op}: expected query (…, L, E), key (…, S, E) and value (…, S, V), "
                         f"got shapes {q.shape}, {k.shape} and {v.shape}")
    if is_causal and attn_mask is not None:
        raise ValueError(f"{op}: is_causal and attn_mask exclude each other")
    if enable_gqa:
        k, v = (_heads(op, x, q) for x in (k, v))
    L, S = q.shape[-2], k.shape[-2]
    mask = ops.tril(ops.ones(L, S, dtype=bool)) if is_causal else attn_mask
    return attend(q, k, v, mask, scale, dropout_p, generator)[0]


def attend(q, k, v, mask=None, scale=None, dropout_p=0.0, generator=None):
    """The pair of y (…, L, V) and the weights (…, L, S): what attention sees, and where it looks.

    As `scaled_dot_product_attention`, which checks the shapes first.
    """
    y = ops.matmul(q, k.mT) * (1 / math.sqrt(max(q.shape[-1], 1)) if scale is None else scale)
    if mask is not None:
        mask = ops.as_tensor(mask)
        y = ops.where(mask, y, -math.inf) if mask.dtype == bool else y + mask.to(y.dtype)
        nowhere = ops.eq(ops.amax(y.detach(), -1, keepdim=True), -math.inf)
        weights = ops.where(nowhere, 0.0, ops.softmax(ops.where(nowhere, 0.0, y), -1))
    else:
        weights = ops.softmax(y, -1)
    weights = dropout(weights, dropout_p, True, generator=generator)
    return ops.matmul(weights, v), weights


def _heads(op, x, query):
    """The heads of x repeated so that there are as many as of the query."""
    if x.ndim < 3 or query.ndim < 3 or query.shape[-3] % x.shape[-3]:
        raise ValueError(f"{op}: the query's heads (dimension −3) should be a multiple of those of "
                         f"key and value, got shapes {query.shape} and {x.shape}")
    return ops.repeat_interleave(x, query.shape[-3] // x.shape[-3], -3)
