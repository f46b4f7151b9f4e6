"""One step of each optimiser on one parameter: every array is read once and written once.

All arrays are flat, contiguous and of one dtype, float32 or float64. The parameter p and the
optimiser's memory are changed in place, the gradient g is only read. Numbers such as the learning
rate come as Python floats and are narrowed to the dtype of p first: one float64 among float32 would
make the whole loop float64.

A memory that is None is not kept: Numba compiles a version of its own for that, in which the branch
is gone from the loop.

Most parameters are small, and done before a second thread has begun; those that are larger than a
block are updated block by block in parallel (`IN_BLOCKS`).

The same formulas on whole arrays stand in `reference/updates.py`.
"""
import numpy as np
from numba import prange

from .compile import kernel, part

BLOCK = 1 << 16                        # elements


@kernel
def sgd(p, g, v, lr, weight_decay, momentum, share, nesterov):
    """d = g + λp;   v ← μv + share·d;   p ← p − lr·v

    With Nesterov's momentum p ← p − lr·(d + μv), without v (plain descent) p ← p − lr·d.
    """
    number = p.dtype.type
    lr_, decay, mu, share_ = number(lr), number(weight_decay), number(momentum), number(share)
    for i in range(p.size):
        d = g[i] + decay * p[i]
        if v is not None:
            v[i] = mu * v[i] + share_ * d
            d = d + mu * v[i] if nesterov else v[i]
        p[i] -= lr_ * d


@kernel
def adam(p, g, m, v, largest, rate, beta1, beta2, eps, weight_decay, shrink):
    """d = g + λp;   m ← β₁m + (1−β₁)d;   v ← β₂v + (1−β₂)d²;   p ← shrink·p − rate·m / (√v + eps)

    With `largest` (AMSGrad) the largest v so far takes the place of v. That m and v started at zero
    is undone in the numbers, so that an element costs one division: with c = √(1 − β₂ᵗ) they are
    rate = lr·c / (1 − β₁ᵗ) and eps = ε·c.
    """
    number = p.dtype.type
    b1, c1, b2, c2 = number(beta1), number(1 - beta1), number(beta2), number(1 - beta2)
    rate_, eps_, decay, shrink_ = number(rate), number(eps), number(weight_decay), number(shrink)
    for i in range(p.size):
        d = g[i] + decay * p[i]
        m[i] = b1 * m[i] + c1 * d
        v[i] = b2 * v[i] + c2 * (d * d)
        second = v[i]
        if largest is not None:
            largest[i] = second = max(largest[i], second)
        p[i] = shrink_ * p[i] - rate_ * (m[i] / (np.sqrt(second) + eps_))


@kernel
def rmsprop(p, g, v, mean, b, lr, alpha, eps, weight_decay, momentum):
    """d = g + λp;   v ← αv + (1−α)d²;   p ← p − lr·d / (√v + ε)

    With `mean` (centred) the variance v − mean² takes the place of v, where mean ← α·mean + (1−α)d.
    With b (momentum) b ← μb + d / (√v + ε) and p ← p − lr·b.
    """
    number = p.dtype.type
    a, rest, lr_, eps_ = number(alpha), number(1 - alpha), number(lr), number(eps)
    decay, mu = number(weight_decay), number(momentum)
    for i in range(p.size):
        d = g[i] + decay * p[i]
        v[i] = a * v[i] + rest * (d * d)
        spread = v[i]
        if mean is not None:
            mean[i] = a * mean[i] + rest * d
            spread -= mean[i] * mean[i]
        d /= np.sqrt(spread) + eps_
        if b is not None:
            b[i] = d = mu * b[i] + d
        p[i] -= lr_ * d


# ---- large parameters ----------------------------------------------------------------------------

@part
def _part(memory, block):
    if memory is None:
        return None
    return memory[block * BLOCK:(block + 1) * BLOCK]


@kernel(parallel=True)
def _sgd_in_blocks(p, g, v, lr, weight_decay, momentum, share, nesterov):
    for i in prange((p.size + BLOCK - 1) // BLOCK):
        sgd(_part(p, i), _part(g, i), _part(v, i), lr, weight_decay, momentum, share, nesterov)


@kernel(parallel=True)
def _adam_in_blocks(p, g, m, v, largest, rate, beta1, beta2, eps, weight_decay, shrink):
    for i in prange((p.size + BLOCK - 1) // BLOCK):
        adam(_part(p, i), _part(g, i), _part(m, i), _part(v, i), _part(largest, i),
             rate, beta1, beta2, eps, weight_decay, shrink)


@kernel(parallel=True)
def _rmsprop_in_blocks(p, g, v, mean, b, lr, alpha, eps, weight_decay, momentum):
    for i in prange((p.size + BLOCK - 1) // BLOCK):
        rmsprop(_part(p, i), _part(g, i), _part(v, i), _part(mean, i), _part(b, i),
                lr, alpha, eps, weight_decay, momentum)


IN_BLOCKS = {sgd: _sgd_in_blocks, adam: _adam_in_blocks, rmsprop: _rmsprop_in_blocks}
