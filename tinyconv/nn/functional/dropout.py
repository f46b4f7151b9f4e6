"""Dropout: some activations are set to zero at random, the others scaled up so that the mean stays.

    y = x · m / (1 − p),   m = 0 with probability p, else 1

In evaluation nothing happens (the scaling is "inverted": done while training). The mask is a
constant to differentiation.

Sources: Srivastava et al. 2014; whole channels: Tompson et al. 2015,
https://arxiv.org/abs/1411.4280.
"""
from ... import ops
from ...random import default_generator
from .activation import SELU_ALPHA, SELU_SCALE


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


def stochastic_depth(input, p, mode, training=True, generator=None):
    """Drop what a residual block adds with probability p: a network that is shallower by chance.

    With mode "row" each sample of (N, …) has its own chance, with "batch" all share one. The name
    is torchvision's. Source: Huang et al. 2016, https://arxiv.org/abs/1603.09382.
    """
    x = ops.as_tensor(input)
    if mode not in ("batch", "row"):
        raise ValueError(f"stochastic_depth: mode should be 'batch' or 'row', got {mode!r}")
    if x.ndim == 0:
        raise ValueError("stochastic_depth: input should be (N, …), got a single number")
    shape = (x.shape[0] if mode == "row" else 1,) + (1,) * (x.ndim - 1)
    return _drop(x, shape, p, training, generator, "stochastic_depth")


def alpha_dropout(input, p=0.5, training=False, inplace=False, generator=None):
    """Dropout that keeps mean 0 and variance 1, for networks of `selu`. Any shape.

    What is dropped becomes α′ = −scale·alpha of selu, the limit at −∞; then y = a x + b with
    a = ((1 − p)(1 + p α′²))^(−1/2) and b = −a α′ p. Source: Klambauer et al. 2017.
    """
    x = ops.floating(input, "alpha_dropout")
    return _alpha_drop(x, x.shape, p, training, generator, "alpha_dropout")


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False, generator=None):
    """`alpha_dropout` of whole channels of (N, C, …)."""
    x = ops.floating(input, "feature_alpha_dropout")
    if x.ndim < 2:
        raise ValueError("feature_alpha_dropout: input should be (N, C, …), got shape "
                         f"{x.shape}")
    shape = x.shape[:2] + (1,) * (x.ndim - 2)
    return _alpha_drop(x, shape, p, training, generator, "feature_alpha_dropout")


def _alpha_drop(x, shape, p, training, generator, op):
    _check_probability(op, p)
    if not training or p == 0:
        return x
    if p == 1:
        return x * 0.0
    low = -SELU_SCALE * SELU_ALPHA
    a = ((1 - p) * (1 + p * low ** 2)) ** -0.5
    kept = _kept(shape, p, generator)
    return ops.where(kept, x, low) * a - a * low * p


def _drop_channels(x, spatial, p, training, generator):
    x, op = ops.as_tensor(x), f"dropout{spatial}d"
    if x.ndim - spatial not in (1, 2):
        raise ValueError(f"{op}: input has shape {x.shape}, expected {spatial + 2} dimensions, "
                         f"(N, C, ...), or {spatial + 1} without a batch")
    return _drop(x, x.shape[:-spatial] + (1,) * spatial, p, training, generator, op)


def _drop(x, shape, p, training, generator, op):
    _check_probability(op, p)
    if not training or p == 0:
        return x
    kept = _kept(shape, p, generator)
    return ops.mul(x, kept * x.dtype.type(0 if p == 1 else 1 / (1 - p)))


def _check_probability(op, p):
    if not isinstance(p, (int, float)) or not 0 <= p <= 1:
        raise ValueError(f"{op}: p is a probability between 0 and 1, got {p!r}")


def _kept(shape, p, generator):
    return (generator or default_generator()).random(shape, dtype="float32") >= p
