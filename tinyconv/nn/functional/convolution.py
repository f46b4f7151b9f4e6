"""Convolution with PyTorch's signatures: checked here, computed in `ops/convolution.py`.

What is called convolution is cross-correlation: the kernel is not flipped.

    y[n, o, p] = b[o] + Σ_{c,k} x[n, c, stride · p + dilation · k − padding] · w[o, c, k]

Output size per dimension: ⌊(size + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1.
Source of the arithmetic: Dumoulin & Visin 2016, https://arxiv.org/abs/1603.07285.
"""
import numpy as np

from ... import ops
from ...core import DtypeError
from ...kernels.compile import FLOATS
from ...kernels.geometry import Geometry
from ..arguments import cached, per_dim, whole


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """(N, C, L) or (C, L), weight (O, C/groups, K), bias (O,) → (N, O, L′). See `conv2d`."""
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """(N, C, H, W) or (C, H, W), weight (O, C/groups, KH, KW), bias (O,) → (N, O, H′, W′).

    An image without a batch gives (O, H′, W′). `stride`, `padding` and `dilation` are numbers or
    one per dimension; padding may also be "valid" (none) or "same" (output as large as the input,
    stride 1 only; an odd element of padding goes to the high end). With `groups` = G, output
    channels are split in G runs, each of which sees only its own run of input channels.

    Raises ValueError on shapes that do not fit, TypeError on dtypes that differ.
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """(N, C, D, H, W) or (C, D, H, W), weight (O, C/groups, KD, KH, KW). See `conv2d`."""
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
                     dilation=1):
    """(N, C, L) or (C, L), weight (C, O/groups, K), bias (O,). See `conv_transpose2d`."""
    return _conv_transpose("conv_transpose1d", 1, input, weight, bias, stride, padding,
                           output_padding, groups, dilation)


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
                     dilation=1):
    """(N, C, H, W) or (C, H, W), weight (C, O/groups, KH, KW), bias (O,) → (N, O, H′, W′).

    The adjoint of `conv2d` with the same weight, stride, padding, dilation and groups, which maps
    H′ to H: H′ = (H − 1) stride − 2 padding + dilation (kernel − 1) + output_padding + 1. Several
    H′ lead to the same H; `output_padding` (less than stride or dilation) says which is meant.
    """
    return _conv_transpose("conv_transpose2d", 2, input, weight, bias, stride, padding,
                           output_padding, groups, dilation)


def conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
                     dilation=1):
    """(N, C, D, H, W) or (C, D, H, W), weight (C, O/groups, KD, KH, KW). See `conv_transpose2d`."""
    return _conv_transpose("conv_transpose3d", 3, input, weight, bias, stride, padding,
                           output_padding, groups, dilation)


def conv_scaled(input, weight, scale, shift, add=None, relu=False, stride=1, padding=0, dilation=1,
                groups=1):
    """(x ∗ w) · scale + shift, plus `add`, then ReLU if asked for, in one pass over memory.

    Beyond PyTorch: a convolution in 1 to 3 dimensions and the batch norm of evaluation after it.
    input (N, C, …), weight (O, C/groups, …); scale and shift (O) are constants, `add` is like the
    result. Errors name the one of the two that would raise them: `conv2d` or `batch_norm`.
    """
    dims = min(max(weight.ndim - 2, 1), 3)
    op = f"conv{dims}d"
    x, w, _, batched = _checked(op, dims, input, weight, None)
    if not batched:
        raise ValueError(f"{op}: x should have {dims + 2} dimensions (N, C, …) where batch_norm "
                         f"follows, got shape {x.shape[1:]}")
    geometry = _scaled_geometry(op, x.shape, w.shape, scale.shape, shift.shape,
                                None if add is None else add.shape, stride, padding, dilation,
                                groups)
    if add is not None and add.dtype != x.dtype:
        raise DtypeError(f"batch_norm: add should have the input's dtype {x.dtype}, "
                         f"got {add.dtype}")
    scale, shift = np.asarray(scale, x.dtype), np.asarray(shift, x.dtype)
    return ops.conv_scaled(x, w, add, scale, shift, geometry, groups, relu=relu)


@cached
def _scaled_geometry(op, x_shape, w_shape, scale_shape, shift_shape, add_shape, stride, padding,
                     dilation, groups):
    """The `Geometry` of a convolution with a batch norm behind it, whose sizes are checked, too."""
    geometry = conv_geometry(op, x_shape, w_shape, None, stride, padding, dilation, groups)
    shape = (x_shape[0], w_shape[0], *geometry.output[5 - len(x_shape):])
    if scale_shape != shape[1:2] or shift_shape != shape[1:2]:
        raise ValueError(f"batch_norm: scale and shift should have shape {shape[1:2]}, one number "
                         f"per output channel, got {scale_shape} and {shift_shape}")
    if add_shape not in (None, shape):
        raise ValueError(f"batch_norm: add should have the input's shape {shape}, got {add_shape}")
    return geometry


# ---- behind them ---------------------------------------------------------------------------------

def _conv(op, dims, x, w, b, stride, padding, dilation, groups):
    x, w, b, batched = _checked(op, dims, x, w, b)
    geometry = conv_geometry(op, x.shape, w.shape, None if b is None else b.shape,
                             stride, padding, dilation, groups)
    y = ops.conv(x, w, b, geometry, groups)
    return y if batched else y.squeeze(0)


@cached
def conv_geometry(op, x_shape, w_shape, b_shape, stride, padding, dilation, groups):
    """The `Geometry` of a convolution of such shapes, checked, once for every combination."""
    kernel, dims = w_shape[2:], len(w_shape) - 2
    stride = per_dim(op, "stride", stride, dims, 1)
    dilation = per_dim(op, "dilation", dilation, dims, 1)
    before, after = _padding(op, padding, kernel, stride, dilation)
    C, O = x_shape[1], w_shape[0]
    _check_groups(op, groups, "out_channels", O)
    if C != w_shape[1] * groups:
        times = f" in each of {groups} groups" if groups != 1 else ""
        raise ValueError(f"{op}: x has {C} channels {x_shape} "
                         f"but w expects {w_shape[1]}{times} {w_shape}")
    _check_bias(op, b_shape, O)
    geometry = _geometry(x_shape[2:], kernel, stride, before, after, dilation)
    if min(geometry.output) < 1:
        raise ValueError(f"{op}: kernel {kernel} with dilation {dilation} is larger than "
                         f"the padded input {geometry.padded[3 - dims:]} (x {x_shape})")
    return geometry


def _conv_transpose(op, dims, x, w, b, stride, padding, output_padding, groups, dilation):
    x, w, b, batched = _checked(op, dims, x, w, b)
    stride = per_dim(op, "stride", stride, dims, 1)
    dilation = per_dim(op, "dilation", dilation, dims, 1)
    padding = per_dim(op, "padding", padding, dims, 0)
    extra = per_dim(op, "output_padding", output_padding, dims, 0)
    C, O = x.shape[1], w.shape[1] * groups
    _check_groups(op, groups, "in_channels", C)
    if C != w.shape[0]:
        raise ValueError(f"{op}: x has {C} channels {x.shape} but w expects {w.shape[0]} {w.shape}")
    _check_bias(op, None if b is None else b.shape, O)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise ValueError(f"{op}: output_padding {extra} must be smaller than stride {stride} "
                         f"or dilation {dilation}")
    size = tuple((n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, s, p, d, k, e in
                 zip(x.shape[2:], stride, padding, dilation, w.shape[2:], extra))
    if min(size) < 1:
        raise ValueError(f"{op}: the output would have the size {size} "
                         f"(x {x.shape}, w {w.shape}, padding {padding})")
    # an output_padding of a whole stride or more must not count as one more output of the adjoint
    # convolution: it uncovers what `padding` cut off, and beyond that there is nothing but zeros
    inner = tuple(min(e, max(p, s - 1)) for e, p, s in zip(extra, padding, stride))
    after = tuple(p if e < s else p - e for e, p, s in zip(inner, padding, stride))
    zeros = tuple(e - i for e, i in zip(extra, inner))
    geometry = _geometry(tuple(n - z for n, z in zip(size, zeros)), w.shape[2:], stride,
                         padding, after, dilation)
    y = ops.conv_input(x, w, geometry, groups)
    y = ops.pad_constant(y, ((0, 0), (0, 0), *((0, z) for z in zeros))) if any(zeros) else y
    y = y if b is None else y + ops.per_channel(b, y)
    return y if batched else y.squeeze(0)


def _checked(op, dims, x, w, b):
    """x with a batch dimension, w and b as tensors, and whether x had one."""
    x, w = ops.as_tensor(x), ops.as_tensor(w)
    b = None if b is None else ops.as_tensor(b)
    if w.ndim != dims + 2:
        raise ValueError(f"{op}: w should have {dims + 2} dimensions (out, in, kernel…), "
                         f"got shape {w.shape}")
    if x.ndim not in (dims + 1, dims + 2):
        raise ValueError(f"{op}: x should have {dims + 2} dimensions (N, C, …), "
                         f"or {dims + 1} without a batch, got shape {x.shape}")
    dtype = x.dtype
    for name, a in (("x", x), ("w", w), ("b", b)):
        if a is not None and (a.dtype is not dtype and a.dtype != dtype or dtype not in FLOATS):
            raise DtypeError(f"{op}: expected float32 or float64, the same for all, "
                             f"but x is {dtype} and {name} is {a.dtype}; "
                             "convert with .float() or .double()")
    if 0 in w.shape:
        raise ValueError(f"{op}: w has a length of zero {w.shape}")
    return (x if x.ndim == dims + 2 else x.unsqueeze(0)), w, b, x.ndim == dims + 2


def _padding(op, padding, kernel, stride, dilation):
    """What is added before and after, per dimension."""
    if not isinstance(padding, str):
        padding = per_dim(op, "padding", padding, len(kernel), 0)
        return padding, padding
    if padding == "valid":
        return (0,) * len(kernel), (0,) * len(kernel)
    if padding != "same":
        raise ValueError(f"{op}: padding should be a number, a tuple, 'same' or 'valid', "
                         f"got {padding!r}")
    if any(s != 1 for s in stride):
        raise ValueError(f"{op}: padding='same' needs stride 1, got {stride}")
    total = [d * (k - 1) for d, k in zip(dilation, kernel)]
    return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)


def _check_groups(op, groups, name, channels):
    if channels % whole(op, "groups", groups, 1):
        raise ValueError(f"{op}: groups should be a whole number ≥ 1 that divides "
                         f"{name} {channels}, got {groups!r}")


def _check_bias(op, shape, O):
    if shape not in (None, (O,)):
        raise ValueError(f"{op}: bias should have shape ({O},), one number per output channel, "
                         f"got {shape}")


def _geometry(size, kernel, stride, before, after, dilation):
    """A `Geometry` of three dimensions: those that are missing have length one."""
    ones, zeros = (1,) * (3 - len(size)), (0,) * (3 - len(size))
    return Geometry(ones + tuple(size), ones + tuple(kernel), ones + stride,
                    zeros + before, zeros + after, ones + dilation)
