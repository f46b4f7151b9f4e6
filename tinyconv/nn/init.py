"""Initial weights, by PyTorch's names and formulas: each function fills a tensor and returns it.

The idea of Glorot and of He is the same: a layer should neither amplify nor damp. With n inputs and
independent weights of variance σ², a sum of products has n σ² times the variance of its inputs; so
σ² = gain² / n, where the gain makes up for what the non-linearity takes away. n is `fan_in`, the
inputs of one output (for the forward pass), or `fan_out`, the outputs that one input reaches (for
the backward pass), or their mean.

Sources: Glorot & Bengio 2010 ("Xavier"), He et al. 2015 ("Kaiming"), Saxe et al. 2014 (orthogonal).

Random numbers come from `generator`, by default the one that `tc.manual_seed` seeds. They are drawn
in float64, so that a float32 and a float64 tensor begin with the same weights, rounded.
"""
import math

import numpy as np

from ..core import InPlaceError
from ..random import default_generator
from .arguments import whole


# ---- how many inputs, how many outputs, which gain -----------------------------------------------

def fans(tensor):
    """(fan_in, fan_out) of a weight (outputs, inputs, *kernel), whose kernel counts in both."""
    if tensor.ndim < 2:
        raise ValueError("fan_in and fan_out need a weight of shape (outputs, inputs, ...), "
                         f"got shape {tensor.shape}")
    kernel = math.prod(tensor.shape[2:])
    return tensor.shape[1] * kernel, tensor.shape[0] * kernel


def calculate_gain(nonlinearity, param=None):
    """The gain for a non-linearity; `param` is the slope of "leaky_relu" (default 0.01)."""
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"calculate_gain: the slope should be a number, got {param!r}")
        return math.sqrt(2 / (1 + slope ** 2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"calculate_gain: unknown nonlinearity {nonlinearity!r}; "
                         f"there are {', '.join([*_GAINS, 'leaky_relu'])}")
    return _GAINS[nonlinearity]


_GAINS = {"linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0,
          "conv_transpose2d": 1.0, "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3,
          "relu": math.sqrt(2), "selu": 3 / 4}


# ---- constants -----------------------------------------------------------------------------------

def constant_(tensor, val):
    """x = val"""
    return _fill(tensor, val)


def zeros_(tensor):
    """x = 0"""
    return _fill(tensor, 0.0)


def ones_(tensor):
    """x = 1"""
    return _fill(tensor, 1.0)


def eye_(tensor):
    """x = 1 on the diagonal, 0 elsewhere: a `Linear` layer that passes on what it can hold."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: expected 2 dimensions, got shape {tensor.shape}")
    return _fill(tensor, np.eye(*tensor.shape))


def dirac_(tensor, groups=1):
    """A convolution that passes its input on: 1 in the middle of the kernel from channel i to i.

    `tensor` is the weight (O, C/groups, *kernel) of a convolution with that many groups, each of
    which passes on as many channels as it can.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("dirac_: expected the weight of a convolution, with 3 to 5 dimensions, "
                         f"got shape {tensor.shape}")
    O, C, *kernel = tensor.shape
    if O % whole("dirac_", "groups", groups, 1):
        raise ValueError(f"dirac_: groups should divide the {O} output channels of "
                         f"{tensor.shape}, got {groups}")
    x = np.zeros((groups, O // groups, C, *kernel))
    i = np.arange(min(O // groups, C))
    x[(slice(None), i, i, *(n // 2 for n in kernel))] = 1
    return _fill(tensor, x.reshape(tensor.shape))


# ---- plain distributions -------------------------------------------------------------------------

def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """x ~ U(a, b)"""
    return _fill(tensor, (generator or default_generator()).uniform(a, b, tensor.shape))


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """x ~ N(mean, std²)"""
    return _fill(tensor, (generator or default_generator()).normal(mean, std, tensor.shape))


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """x ~ N(mean, std²) given a ≤ x ≤ b: what falls outside is drawn again.

    Note that a and b are values, not multiples of std. Raises ValueError where less than 1 draw in
    1000 would fall inside.
    """
    width = std * math.sqrt(2)
    inside = (math.erf((b - mean) / width) - math.erf((a - mean) / width)) / 2
    if not inside >= 1e-3:
        raise ValueError(f"trunc_normal_: hardly any of N({mean}, {std}²) lies between "
                         f"a={a} and b={b}")
    generator = generator or default_generator()
    x = generator.normal(mean, std, tensor.shape)
    while (outside := np.count_nonzero(again := (x < a) | (x > b))):
        x[again] = generator.normal(mean, std, outside)
    return _fill(tensor, x)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """x ~ N(0, std²), but the part `sparsity` of each column, rounded up, is 0.

    Martens 2010, Deep learning via Hessian-free optimization.
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: expected 2 dimensions, got shape {tensor.shape}")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_: sparsity is a part, between 0 and 1, got {sparsity}")
    generator = generator or default_generator()
    x = generator.normal(0, std, tensor.shape)
    rows = np.indices(tensor.shape, sparse=True)[0].repeat(tensor.shape[1], 1)
    x[generator.permuted(rows, axis=0) < math.ceil(sparsity * tensor.shape[0])] = 0
    return _fill(tensor, x)


# ---- distributions scaled by the size of the layer -----------------------------------------------

def xavier_uniform_(tensor, gain=1.0, generator=None):
    """x ~ U(−b, b) with b = gain · √(6 / (fan_in + fan_out))"""
    bound = gain * math.sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """x ~ N(0, σ²) with σ = gain · √(2 / (fan_in + fan_out))"""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(fans(tensor))), generator)


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """x ~ U(−b, b) with b = gain · √(3 / fan); `a` is the slope of the leaky ReLU."""
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / _fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """x ~ N(0, σ²) with σ = gain / √fan; `a` is the slope of the leaky ReLU."""
    std = calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor, gain=1.0, generator=None):
    """Rows (or columns, if there are more rows) that are orthonormal, times `gain`.

    The dimensions after the first are taken as one.
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: expected at least 2 dimensions, got shape {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    tall = (max(rows, columns), min(rows, columns))
    q, r = np.linalg.qr((generator or default_generator()).normal(size=tall))
    q = q * np.where(np.diag(r) < 0, -1, 1)      # or it would not be uniform over all rotations
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def _fan(tensor, mode):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode should be 'fan_in' or 'fan_out', got {mode!r}")
    return max(1, fans(tensor)[mode == "fan_out"])


def _fill(tensor, values):
    if not tensor.is_leaf:
        raise InPlaceError("an initialiser fills a leaf, this tensor is a result of "
                           + tensor.grad_fn.name)
    tensor.data[...] = values
    tensor.touch()
    return tensor
