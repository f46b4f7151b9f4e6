"""Normalisation with PyTorch's signatures: to mean 0 and variance 1, then scaled and shifted.

Which elements share a mean and a variance is what tells the functions apart. Batch norm in training
is an operation of its own (`ops/normalization.py`), because it is where a residual network spends
its memory traffic. The others are two lines of ordinary operations each, and so are their
derivatives.
"""
import numpy as np

from ... import ops
from ...core import DtypeError, Tensor
from ...kernels.compile import FLOATS
from ..arguments import whole


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False,
               momentum=0.1, eps=1e-5, add=None, relu=False):
    """y = (x − mean) / √(var + eps) · weight + bias for every channel of (N, C, …).

    In training mean and (biased) variance are those of the batch, and `running_mean`, `running_var`
    (arrays of shape (C,) or None) move towards them in place:
    running ← (1 − momentum) running + momentum · batch, with the *unbiased* variance. Otherwise the
    running ones are used. Beyond PyTorch, `add` (a tensor like x) is added and then `relu` applied,
    in the same pass over memory: y = relu(batch_norm(x) + add).

    Raises ValueError for one value per channel in training.

    Source: Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167.
    """
    input, weight, bias, add = _tensors(input, weight, bias, add)
    running_mean, running_var = _statistics("batch_norm", running_mean, running_var)
    _check_channels("batch_norm", input, running_mean, running_var, weight, bias)
    if add is not None and add.shape != input.shape:
        raise ValueError(f"batch_norm: add should have the input's shape {input.shape}, "
                         f"got {add.shape}")
    if add is not None and add.dtype != input.dtype:
        raise DtypeError(f"batch_norm: add should have the input's dtype {input.dtype}, "
                         f"got {add.dtype}")
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: without training, "
                             "running_mean and running_var are needed")
        r = (1 / np.sqrt(running_var + eps)).astype(input.dtype)
        stats = running_mean.astype(input.dtype), r
        return ops.scale_and_shift(input, weight, bias, add, stats, relu=relu)
    M = input.numel() // max(input.shape[1], 1)
    if M <= 1:
        raise ValueError("batch_norm: expected more than one value per channel in training, "
                         f"got input {input.shape}")
    mean, var, stats = ops.batch_statistics(input.data, eps)
    if running_mean is not None:
        running_mean += momentum * (mean - running_mean).astype(running_mean.dtype)
    if running_var is not None:
        running_var += momentum * (var * (M / (M - 1)) - running_var).astype(running_var.dtype)
    return ops.batch_norm(input, weight, bias, add, stats, relu=relu)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Normalised over the last dimensions, of shape `normalized_shape`, as are weight and bias.

    Source: Ba, Kiros & Hinton 2016, https://arxiv.org/abs/1607.06450.
    """
    input, weight, bias = _tensors(input, weight, bias)
    _check_floating("layer_norm", input, weight, bias)
    dims = _last_dims("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    y = _standardized(input, dims, eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """y = x / √(mean x² + eps) · weight over the last dimensions, of shape `normalized_shape`.

    eps is by default the distance from 1 to the next number of the input's dtype.

    Source: Zhang & Sennrich 2019, https://arxiv.org/abs/1910.07467.
    """
    input, weight = _tensors(input, weight)
    _check_floating("rms_norm", input, weight)
    dims = _last_dims("rms_norm", input, normalized_shape, weight=weight)
    eps = float(np.finfo(input.dtype).eps) if eps is None else eps
    y = input / ops.sqrt(ops.mean(input * input, dims, keepdim=True) + eps)
    return y if weight is None else y * weight


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Normalised, in every sample of (N, C, …), over each of `num_groups` runs of channels.

    Source: Wu & He 2018, https://arxiv.org/abs/1803.08494.
    """
    input, weight, bias = _tensors(input, weight, bias)
    _check_channels("group_norm", input, None, None, weight, bias)
    N, C = input.shape[:2]
    if C % whole("group_norm", "num_groups", num_groups, 1):
        raise ValueError(f"group_norm: num_groups should divide the {C} channels of {input.shape}, "
                         f"got {num_groups}")
    grouped = input.reshape((N, num_groups, C // num_groups) + input.shape[2:])
    y = _standardized(grouped, tuple(range(2, grouped.ndim)), eps).reshape(input.shape)
    return _scaled(y, weight, bias)


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None,
                  use_input_stats=True, momentum=0.1, eps=1e-5):
    """Normalised over the spatial dimensions of every sample and channel of (N, C, …).

    Running statistics, where given, follow the mean over the samples; without `use_input_stats`
    they are what normalises.

    Source: Ulyanov, Vedaldi & Lempitsky 2016, https://arxiv.org/abs/1607.08022.
    """
    input, weight, bias = _tensors(input, weight, bias)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    running_mean, running_var = _statistics("instance_norm", running_mean, running_var)
    _check_channels("instance_norm", input, running_mean, running_var, weight, bias)
    M = int(np.prod(input.shape[2:]))
    if M <= 1:
        raise ValueError("instance_norm: expected more than one spatial element in training, "
                         f"got input {input.shape}")
    space = tuple(range(2, input.ndim))
    if running_mean is not None:
        running_mean += momentum * (input.data.mean(space).mean(0) - running_mean)
    if running_var is not None:
        running_var += momentum * (input.data.var(space, ddof=1).mean(0) - running_var)
    return _scaled(_standardized(input, space, eps), weight, bias)


def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """y_c = x_c / (k + alpha/size · Σ x²)^beta, the sum over `size` channels from c − size//2 on.

    Source: Krizhevsky, Sutskever & Hinton 2012, section 3.3 (there without the division by size).
    """
    input = ops.as_tensor(input)
    if input.ndim < 3:
        raise ValueError("local_response_norm: input should be (N, C, …) with at least "
                         f"3 dimensions, got {input.shape}")
    _check_floating("local_response_norm", input)
    size = whole("local_response_norm", "size", size, 1)
    C = input.shape[1]
    widths = ((0, 0), (size // 2, (size - 1) // 2), *((0, 0),) * (input.ndim - 2))
    squares = ops.pad_constant(input * input, widths)
    total = squares[:, :C]
    for i in range(1, size):
        total = total + squares[:, i:i + C]
    return input / (total * (alpha / size) + k) ** beta


# ---- behind them ---------------------------------------------------------------------------------

def _standardized(x, dims, eps):
    d = x - ops.mean(x, dims, keepdim=True)
    return d / ops.sqrt(ops.mean(d * d, dims, keepdim=True) + eps)


def _last_dims(op, x, normalized_shape, **parameters):
    """The last dimensions of x, which must be of that shape, as must the parameters."""
    several = isinstance(normalized_shape, (tuple, list))
    shape = tuple(normalized_shape) if several else (normalized_shape,)
    if not shape or x.shape[-len(shape):] != shape:
        raise ValueError(f"{op}: the last dimensions of {x.shape} should be "
                         f"normalized_shape {shape}")
    for name, v in parameters.items():
        if v is not None and v.shape != shape:
            raise ValueError(f"{op}: {name} should have shape {shape}, got {v.shape}")
    return tuple(range(-len(shape), 0))


def _tensors(*given):
    """Arrays and lists as tensors; None stays."""
    return [None if a is None else ops.as_tensor(a) for a in given]


def _statistics(op, running_mean, running_var):
    """Running statistics, arrays or tensors or None, as the arrays that are changed in place."""
    arrays = [a.data if isinstance(a, Tensor) else a for a in (running_mean, running_var)]
    for name, a in zip(("running_mean", "running_var"), arrays):
        if a is not None and not (isinstance(a, np.ndarray) and a.dtype.kind == "f"):
            raise TypeError(f"{op}: {name} is changed in place and should be a tensor or array of "
                            f"floating point numbers, got {getattr(a, 'dtype', type(a).__name__)}")
    return arrays


def _scaled(y, weight, bias):
    y = y if weight is None else y * ops.per_channel(weight, y)
    return y if bias is None else y + ops.per_channel(bias, y)


def _check_channels(op, x, running_mean, running_var, weight, bias):
    if x.ndim < 2:
        raise ValueError(f"{op}: input should be (N, C, …) with at least 2 dimensions, "
                         f"got shape {x.shape}")
    _check_floating(op, x, weight, bias)
    for name, v in (("running_mean", running_mean), ("running_var", running_var),
                    ("weight", weight), ("bias", bias)):
        if v is not None and v.shape != (x.shape[1],):
            raise ValueError(f"{op}: {name} should have one number per channel ({x.shape[1]},), "
                             f"got {v.shape}")


def _check_floating(op, x, weight=None, bias=None):
    if x.dtype not in FLOATS:
        raise DtypeError(f"{op}: expected float32 or float64, got {x.dtype}; convert with .float()")
    for name, v in (("weight", weight), ("bias", bias)):
        if v is not None and v.dtype != x.dtype:
            raise DtypeError(f"{op}: input is {x.dtype} but {name} is {v.dtype}; "
                             "convert one with .to(dtype)")
