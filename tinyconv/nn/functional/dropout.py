"""Dropout: some activations are set to zero at random, the others scaled up so that the mean stays.

    y = x · m / (1 − p),   m = 0 with probability p, else 1

In evaluation nothing happens (the scaling is "inverted": done while training). The mask is a
constant to differentiation.

Sources: Srivastava et al. 2014; whole channels: Tompson et al. 2015,
https://arxiv.org/abs/1411.4280.
"""
from ... import ops
from ...random import default_generator


def dropout(input, p=0.5, training=True, inplace=False, generator=None):
    """Drop single elements with probability p. Any shape."""
    x = ops.as_tensor(input)
    return _drop(x, x.shape, p, training, generator, "dropout")


def dropout1d(input, p=0.5, training=True, inplace=False, generator=None):
    """Drop whole channels of (N, C, L) or (C, L)."""
    return _drop_channels(input, 1, p, training, generator)


def dropout2d(input, p=0.5, training=True, inplace=False, generator=None):
    """Drop whole channels of (N, C, H, W) or (C, H, W)."""
    return _drop_channels(input, 2, p, training, generator)


def dropout3d(input, p=0.5, training=True, inplace=False, generator=None):
    """Drop whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    return _drop_channels(input, 3, p, training, generator)


def _drop_channels(x, spatial, p, training, generator):
    x, op = ops.as_tensor(x), f"dropout{spatial}d"
    if x.ndim - spatial not in (1, 2):
        raise ValueError(f"{op}: input has shape {x.shape}, expected {spatial + 2} dimensions, "
                         f"(N, C, ...), or {spatial + 1} without a batch")
    return _drop(x, x.shape[:-spatial] + (1,) * spatial, p, training, generator, op)


def _drop(x, shape, p, training, generator, op):
    if not isinstance(p, (int, float)) or not 0 <= p <= 1:
        raise ValueError(f"{op}: p is a probability between 0 and 1, got {p!r}")
    if not training or p == 0:
        return x
    kept = (generator or default_generator()).random(shape, dtype="float32") >= p
    return ops.mul(x, kept * x.dtype.type(0 if p == 1 else 1 / (1 - p)))
