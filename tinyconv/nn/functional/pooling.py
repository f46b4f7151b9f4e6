"""Pooling with PyTorch's signatures: checked and laid out here, computed in `ops/pooling.py`.

Output size per dimension: ⌊(size + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1, or with ⌈⌉
where `ceil_mode` (but a last window that would begin in the padding is dropped). Max pooling pads
with −∞: padding never wins; of equal maxima the first takes the gradient; NaN wins over everything.
"""
import math
from functools import lru_cache

import numpy as np

from ... import ops
from ...core import DtypeError, Tensor
from ...kernels.compile import FLOATS
from ...kernels.pooling import Range, windows
from ..arguments import cached, per_dim, whole

LAYERS = 64                            # whose windows are kept, so that each lists them once


def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
               return_indices=False, relu=False):
    """The maximum of every window of (N, C, L) or (C, L). See `max_pool2d`."""
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode,
                     return_indices, relu)


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
               return_indices=False, relu=False):
    """The maximum of every window: (N, C, H, W) or (C, H, W) → (N, C, H′, W′) or (C, H′, W′).

    `stride` defaults to the kernel's size; padding is at most half of it. With `return_indices` the
    pair (values, indices), int64 positions in the flattened image. Beyond PyTorch, `relu` applies
    ReLU to the maxima in the same pass over memory; the indices are those of the maxima still.
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode,
                     return_indices, relu)


def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
               return_indices=False, relu=False):
    """The maximum of every window of (N, C, D, H, W) or (C, D, H, W). See `max_pool2d`."""
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode,
                     return_indices, relu)


def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of every window of (N, C, L) or (C, L). See `avg_pool2d`."""
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode,
                     count_include_pad, None)


def avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    """The mean of every window: (N, C, H, W) or (C, H, W) → (N, C, H′, W′) or (C, H′, W′).

    Zeros of the padding count as elements unless `count_include_pad` is false; `divisor_override`
    replaces the number of elements.
    """
    return _avg_pool("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode,
                     count_include_pad, divisor_override)


def avg_pool3d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    """The mean of every window of (N, C, D, H, W) or (C, D, H, W). See `avg_pool2d`."""
    return _avg_pool("avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode,
                     count_include_pad, divisor_override)


def adaptive_avg_pool1d(input, output_size):
    """The means of `output_size` windows over (N, C, L) or (C, L). See `adaptive_avg_pool2d`."""
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input, output_size):
    """The means of windows that share out the image evenly: (N, C, H, W) → (N, C, *output_size).

    Window o of m along n elements runs from ⌊o n / m⌋ to ⌈(o + 1) n / m⌉; a size of None keeps the
    input's. Size 1 is global average pooling.
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input, output_size):
    """The means of windows over (N, C, D, H, W) or (C, D, H, W). See `adaptive_avg_pool2d`."""
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def adaptive_max_pool1d(input, output_size, return_indices=False):
    """The maxima of the windows of `adaptive_avg_pool1d`."""
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input, output_size, return_indices=False):
    """The maxima of the windows of `adaptive_avg_pool2d`."""
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input, output_size, return_indices=False):
    """The maxima of the windows of `adaptive_avg_pool3d`."""
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


def spatial_pyramid_pool(input, levels=(1, 2, 4), mode="max"):
    """An image of any size as a vector of fixed length: (N, C, H, W) → (N, C Σ level²).

    Every level divides the image into level × level windows and takes their maxima (or means,
    mode="avg").

    Source: He et al. 2014, https://arxiv.org/abs/1406.4729.
    """
    if mode not in ("max", "avg"):
        raise ValueError(f"spatial_pyramid_pool: mode should be 'max' or 'avg', got {mode!r}")
    levels = [whole("spatial_pyramid_pool", "level", level, 1) for level in levels]
    pool = adaptive_max_pool2d if mode == "max" else adaptive_avg_pool2d
    return ops.cat([pool(input, level).flatten(-3) for level in levels], -1)


# ---- norms of windows ----------------------------------------------------------------------------

def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ xᵖ)^(1/p) over every window of (N, C, L) or (C, L). See `lp_pool2d`."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ xᵖ)^(1/p) over every window of (N, C, H, W) or (C, H, W), with p = `norm_type`.

    Powers are those of x, not of |x|: p = 1 is the sum. For ±inf the largest or smallest |x|. Where
    the sum is 0 the gradient is 0. A window that `ceil_mode` lets stick out counts its mean for
    what it misses.
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ xᵖ)^(1/p) over every window of (N, C, D, H, W) or (C, D, H, W). See `lp_pool2d`."""
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


# ---- the way back from max pooling ---------------------------------------------------------------

def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Maxima of (N, C, L) or (C, L) back where they were. See `max_unpool2d`."""
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding,
                       output_size)


def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Maxima back where they were in the image, with zeros between: (N, C, H′, W′) → (N, C, H, W).

    `indices` are those of `max_pool2d`. Several H lead to the same H′; `output_size` says which is
    meant, (H′ − 1) stride − 2 padding + kernel where it is None. Of inputs with the same index,
    as overlapping windows have, the last is written and has the gradient.
    """
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding,
                       output_size)


def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Maxima of (N, C, D, H, W) or (C, D, H, W) back where they were. See `max_unpool2d`."""
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding,
                       output_size)


# ---- behind them ---------------------------------------------------------------------------------

def _max_pool(op, dims, x, kernel, stride, padding, dilation, ceil_mode, return_indices, relu):
    x, batched = _batched(op, dims, x)
    seen, _ = _sliding(op, x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    return _maxima(x, seen, batched, return_indices, relu)


def _adaptive_max_pool(op, dims, x, output_size, return_indices):
    x, batched = _batched(op, dims, x)
    return _maxima(x, _dividing(op, x.shape[2:], output_size), batched, return_indices)


def _maxima(x, seen, batched, return_indices, relu=False):
    y, where = ops.window_max(x, seen, relu)
    y = y if batched else y.squeeze(0)
    if not return_indices:
        return y
    return y, Tensor(where.astype(np.int64) if batched else where.astype(np.int64)[0])


def _avg_pool(op, dims, x, kernel, stride, padding, ceil_mode, count_include_pad, divisor):
    x, batched = _batched(op, dims, x)
    seen, padded = _sliding(op, x.shape[2:], kernel, stride, padding, 1, ceil_mode)
    if divisor is not None:
        if divisor == 0:
            raise ValueError(f"{op}: divisor_override must not be zero")
        scale = np.full(len(padded), 1 / divisor)
    else:
        scale = 1 / (padded if count_include_pad else seen.counts)
    y = ops.window_sum(x, seen, scale)
    return y if batched else y.squeeze(0)


def _adaptive_avg_pool(op, dims, x, output_size):
    x, batched = _batched(op, dims, x)
    seen = _dividing(op, x.shape[2:], output_size)
    y = ops.window_sum(x, seen, 1 / seen.counts)
    return y if batched else y.squeeze(0)


def _lp_pool(op, dims, x, p, kernel, stride, ceil_mode):
    x = ops.as_tensor(x)
    if not isinstance(p, (int, float)) or p == 0:
        raise ValueError(f"{op}: norm_type should be a number other than 0, got {p!r}")
    if np.isinf(p):
        sign = 1 if p > 0 else -1
        return sign * _max_pool(op, dims, sign * ops.abs(x), kernel, stride, 0, 1, ceil_mode, False,
                                False)
    K = math.prod(per_dim(op, "kernel_size", kernel, dims, 1))
    means = _avg_pool(op, dims, x ** p, kernel, stride, 0, ceil_mode, True, None)
    return ops.power(means * K, 1 / p)


def _max_unpool(op, dims, x, indices, kernel, stride, padding, output_size):
    (x, batched), indices = _batched(op, dims, x), ops.as_tensor(indices)
    where = indices.data if batched else indices.data[None]
    if indices.dtype != np.int64 or where.shape != x.shape:
        raise ValueError(f"{op}: indices should be int64 of the input's shape {x.shape}, "
                         f"got {indices.dtype} {where.shape}")
    size = _unpooled(op, x.shape[2:], kernel, stride, padding, output_size)
    if where.size and not 0 <= where.min() <= where.max() < math.prod(size):
        raise ValueError(f"{op}: indices from {where.min()} to {where.max()} are not all within "
                         f"the {math.prod(size)} places of size {size}")
    rows = ops.zeros(*x.shape[:2], math.prod(size), dtype=x.dtype)
    y = ops.scatter(rows, 2, where.reshape(x.flatten(2).shape), x.flatten(2))
    y = y.reshape(*x.shape[:2], *size)
    return y if batched else y.squeeze(0)


def _unpooled(op, size, kernel, stride, padding, output_size):
    """The spatial size to go back to."""
    dims = len(size)
    kernel = per_dim(op, "kernel_size", kernel, dims, 1)
    stride = kernel if stride is None else per_dim(op, "stride", stride, dims, 1)
    padding = per_dim(op, "padding", padding, dims, 0)
    plain = tuple((n - 1) * s - 2 * p + k for n, k, s, p in zip(size, kernel, stride, padding))
    if output_size is None:
        return plain
    wanted = tuple(output_size)[2:] if len(output_size) == dims + 2 else tuple(output_size)
    if len(wanted) != dims or not all(abs(m - n) < s for m, n, s in zip(wanted, plain, stride)):
        raise ValueError(f"{op}: output_size {tuple(output_size)} should be less than the stride "
                         f"{stride} away from {plain}")
    return wanted


def _batched(op, dims, x):
    x = ops.as_tensor(x)
    if x.ndim not in (dims + 1, dims + 2):
        raise ValueError(f"{op}: input should have {dims + 2} dimensions (N, C, …), "
                         f"or {dims + 1} without a batch, got shape {x.shape}")
    if x.dtype not in FLOATS:
        raise DtypeError(f"{op}: expected float32 or float64, got {x.dtype}; convert with .float()")
    if 0 in x.shape[-dims - 1:]:
        raise ValueError(f"{op}: input has a length of zero besides the batch: {x.shape}")
    return (x, True) if x.ndim == dims + 2 else (x.unsqueeze(0), False)


@cached
def _sliding(op, size, kernel, stride, padding, dilation, ceil_mode):
    """The windows, and how many elements each has, padding included."""
    dims = len(size)
    kernel = per_dim(op, "kernel_size", kernel, dims, 1)
    if stride is None or isinstance(stride, (tuple, list)) and not stride:
        stride = kernel
    stride = per_dim(op, "stride", stride, dims, 1)
    padding = per_dim(op, "padding", padding, dims, 0)
    dilation = per_dim(op, "dilation", dilation, dims, 1)
    ranges, counts = [], np.ones(1)
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation):
        if 2 * p > k:
            raise ValueError(f"{op}: padding {p} is more than half of the kernel_size {k}")
        room = n + 2 * p - d * (k - 1) - 1
        outputs = -(-room // s) + 1 if ceil_mode else room // s + 1
        if ceil_mode and (outputs - 1) * s >= n + p:
            outputs -= 1                         # the last window would begin in the padding
        if outputs < 1:
            raise ValueError(f"{op}: kernel {k} with dilation {d} is larger than "
                             f"the padded input {n + 2 * p}")
        start = np.arange(outputs) * s - p
        counts = np.outer(counts, np.minimum(start + k, n + p) - start).reshape(-1)
        first = np.where(start < 0, start % d, start)    # the first tap inside
        if (first >= n).any():
            raise ValueError(f"{op}: with padding {p} and dilation {d} a window of {k} "
                             f"sees nothing of an input of length {n}")
        ranges.append(Range(first, np.minimum(start + (k - 1) * d + 1, n), d))
    sliding = tuple(zip(kernel, stride, padding, dilation))
    return windows(size, ranges)._replace(sliding=sliding), counts


def _dividing(op, size, output_size):
    """Windows that divide every dimension as evenly as they can."""
    dims, several = len(size), isinstance(output_size, (tuple, list))
    wanted = tuple(output_size) if several else (output_size,) * dims
    if len(wanted) != dims:
        raise ValueError(f"{op}: output_size should be a number or {dims} of them, "
                         f"got {output_size!r}")
    wanted = tuple(n if m is None else m for m, n in zip(wanted, size))
    return _dividing_windows(size, per_dim(op, "output_size", wanted, dims, 0))


@lru_cache(LAYERS)
def _dividing_windows(size, wanted):
    ranges = []
    for n, m in zip(size, wanted):
        o = np.arange(m)
        ranges.append(Range(o * n // max(m, 1), -(-(o + 1) * n // max(m, 1)), 1))
    return windows(size, ranges)
