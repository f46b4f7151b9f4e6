"""Multi-head attention: what a transformer has in place of convolution."""
import math

import numpy as np

from ... import ops
from .. import functional as F
from .. import init
from ..arguments import whole
from ..functional.attention import attend
from ..module import Module
from ..parameter import Parameter
from .linear import Linear


class MultiheadAttention(Module):
    """`num_heads` attentions side by side, each on its own projection of query, key and value.

        q = query Wqᵀ + bq,   k = key Wkᵀ + bk,   v = value Wvᵀ + bv,     each cut into h heads
        head i = softmax(qᵢ kᵢᵀ / √(E/h)) vᵢ
        y = (head 1, …, head h) Woᵀ + bo

    (L, N, E), (S, N, kdim), (S, N, vdim) → (L, N, E), or with the batch first if `batch_first`, or
    without N. Parameters `in_proj_weight` (3E, E), which is Wq, Wk and Wv one below the other, and
    `in_proj_bias`; with another `kdim` or `vdim` the three are `q_proj_weight` and so on; and the
    layer `out_proj`. `add_bias_kv` gives every sequence one more key and value that are learnt,
    `add_zero_attn` one of zeros. `dropout` drops weights in training.

    Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762.
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False,
                 add_zero_attn=False, kdim=None, vdim=None, batch_first=False):
        E = self.embed_dim = whole("MultiheadAttention", "embed_dim", embed_dim, 1)
        self.num_heads = whole("MultiheadAttention", "num_heads", num_heads, 1)
        if E % num_heads:
            raise ValueError(f"MultiheadAttention: num_heads={num_heads} should divide "
                             f"embed_dim={E}")
        self.kdim, self.vdim = kdim or E, vdim or E
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        if self.kdim == self.vdim == E:
            self.in_proj_weight = Parameter(np.empty((3 * E, E), np.float32))
        else:
            self.in_proj_weight = None
            self.q_proj_weight = Parameter(np.empty((E, E), np.float32))
            self.k_proj_weight = Parameter(np.empty((E, self.kdim), np.float32))
            self.v_proj_weight = Parameter(np.empty((E, self.vdim), np.float32))
        self.in_proj_bias = Parameter(np.empty(3 * E, np.float32)) if bias else None
        self.bias_k, self.bias_v = (Parameter(np.empty((1, 1, E), np.float32)) if add_bias_kv
                                    else None for _ in range(2))
        self.out_proj = Linear(E, E, bias)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw the weights of the projections anew; their biases are zero."""
        for weight in self._weights():
            init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def _weights(self):
        if self.in_proj_weight is not None:
            return [self.in_proj_weight]
        return [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None,
                average_attn_weights=True, is_causal=False):
        """The pair of y and the weights: (N, L, S), the mean over the heads, or (N, h, L, S).

        The weights are None unless `need_weights`. `key_padding_mask` (N, S) and `attn_mask`, (L,
        S) or (N·h, L, S), are boolean, true where nobody may look, or are added. Who may look
        nowhere sees 0, not NaN. `is_causal` says that `attn_mask` is the causal one; nothing here
        is faster for it.
        """
        same = query is key is value
        query, key, value = (ops.floating(x, "MultiheadAttention") for x in (query, key, value))
        self._check(query, key, value)
        if is_causal and attn_mask is None:
            raise ValueError("MultiheadAttention: is_causal says that attn_mask is causal; there "
                             "is none")
        batched = query.ndim == 3
        if not batched:
            query, key, value = (x.unsqueeze(0) for x in (query, key, value))
        elif not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        N, L, E = query.shape
        q, k, v = self._projected(query, key, value, same)           # (N, L, E), twice (N, S, E)
        if self.bias_k is not None:
            k = ops.cat([k, self.bias_k.expand(N, 1, E)], 1)
            v = ops.cat([v, self.bias_v.expand(N, 1, E)], 1)
        q, k, v = (self._heads(x) for x in (q, k, v))                # (N, h, ·, E/h)
        if self.add_zero_attn:
            zero = ops.zeros(N, self.num_heads, 1, E // self.num_heads, dtype=q.dtype)
            k, v = ops.cat([k, zero], 2), ops.cat([v, zero], 2)
        mask = self._mask(attn_mask, key_padding_mask, N, L, key.shape[1], k.shape[2], q.dtype)
        y, weights = attend(q, k, v, mask, dropout_p=self.dropout if self.training else 0.0)
        y = self.out_proj(y.transpose(1, 2).reshape(N, L, E))
        weights = weights.mean(1) if average_attn_weights else weights
        if not batched:
            y, weights = y.squeeze(0), weights.squeeze(0)
        elif not self.batch_first:
            y = y.transpose(0, 1)
        return y, weights if need_weights else None

    def _check(self, query, key, value):
        sizes = self.embed_dim, self.kdim, self.vdim
        shapes = query.shape, key.shape, value.shape
        if (query.ndim not in (2, 3) or any(len(s) != query.ndim for s in shapes)
                or tuple(s[-1] for s in shapes) != sizes or shapes[1][:-1] != shapes[2][:-1]):
            order = "(N, ·, E)" if self.batch_first else "(·, N, E)"
            raise ValueError(f"MultiheadAttention: query, key and value should be {order} or (·, "
                             f"E), with E = {', '.join(map(str, sizes))}, got {shapes[0]}, "
                             f"{shapes[1]} and {shapes[2]}")

    def _projected(self, query, key, value, same):
        """q, k and v; a sequence that attends to itself needs one product only."""
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        if self.in_proj_weight is None:
            weights = self._weights()
        elif same:
            return F.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        else:
            weights = self.in_proj_weight.chunk(3)
        return [F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases)]

    def _heads(self, x):
        """(N, L, E) → (N, h, L, E/h)"""
        N, L, E = x.shape
        return x.reshape(N, L, self.num_heads, E // self.num_heads).transpose(1, 2)

    def _mask(self, attn_mask, key_padding_mask, N, L, S, keys, dtype):
        """What is added before the softmax, (N or 1, h or 1, L or 1, keys); None for no mask."""
        total = None
        for name, mask, shapes in (("attn_mask", attn_mask, ((L, S), (N * self.num_heads, L, S))),
                                   ("key_padding_mask", key_padding_mask, ((N, S), (S,)))):
            if mask is None:
                continue
            mask = ops.as_tensor(mask)
            if mask.shape not in shapes:
                raise ValueError(f"MultiheadAttention: {name} should have shape {shapes[0]} or "
                                 f"{shapes[1]}, got {mask.shape}")
            mask = ops.where(mask, -math.inf, 0.0) if mask.dtype == bool else mask
            if name == "key_padding_mask":
                mask = mask.reshape(-1, 1, 1, S)
            elif mask.ndim == 3:
                mask = mask.reshape(N, self.num_heads, L, S)
            total = mask.to(dtype) if total is None else total + mask.to(dtype)
        if total is not None and keys > S:       # the keys that the layer adds are for everybody
            total = F.pad(total, (0, keys - S))
        return total

    def extra_repr(self):
        return f"{self.embed_dim}, num_heads={self.num_heads}, batch_first={self.batch_first}"
