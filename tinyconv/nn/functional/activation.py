"""Activations with PyTorch's signatures; they are computed in `ops/activations.py`.

`inplace` is accepted and changes nothing: what a graph refers to is never overwritten here.
"""
from ... import ops
from ...core import cast


def relu(input, inplace=False):
    """y = max(x, 0)"""
    return ops.relu(ops.as_tensor(input))


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """y = x for x > 0, else negative_slope · x"""
    return ops.leaky_relu(ops.as_tensor(input), negative_slope)


def tanh(input):
    """y = tanh x"""
    return ops.tanh(ops.as_tensor(input))


def sigmoid(input):
    """y = 1 / (1 + e^(−x))"""
    return ops.sigmoid(ops.as_tensor(input))


def gelu(input, approximate="none"):
    """y = x Φ(x), or its approximation by "tanh"  (Hendrycks & Gimpel 2016)"""
    return ops.gelu(ops.as_tensor(input), approximate)


def silu(input, inplace=False):
    """y = x · sigmoid(x)  ("swish")"""
    return ops.silu(ops.as_tensor(input))


def softplus(input, beta=1.0, threshold=20.0):
    """y = ln(1 + e^(βx)) / β, and x itself where βx > threshold"""
    return ops.softplus(ops.as_tensor(input), beta=beta, threshold=threshold)


def softmax(input, dim, dtype=None):
    """yᵢ = e^xᵢ / Σⱼ e^xⱼ along `dim`; with `dtype` the input is converted first."""
    x = ops.as_tensor(input)
    return ops.softmax(x if dtype is None else cast(x, dtype=dtype), dim)


def log_softmax(input, dim, dtype=None):
    """yᵢ = xᵢ − ln Σⱼ e^xⱼ along `dim`; with `dtype` the input is converted first."""
    x = ops.as_tensor(input)
    return ops.log_softmax(x if dtype is None else cast(x, dtype=dtype), dim)
