"""Images resized, their channels turned into pixels and back, and cut into patches.

Computed in `ops/interpolation.py` and `ops/patches.py`, or rearrangements of dimensions.
"""
import math

from ... import ops
from ...ops.interpolation import antialiased_taps, interpolation_taps
from ..arguments import per_dim, whole
from .pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

_MODES = {"nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,),
          "bilinear": (2,), "bicubic": (2,), "trilinear": (3,)}        # in how many dimensions


# ---- resizing ------------------------------------------------------------------------------------

def interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None,
                recompute_scale_factor=None, antialias=False):
    """(N, C, *size) → (N, C, *new size): an image of 1 to 3 dimensions enlarged or reduced.

    The new size is `size` or ⌊size · scale_factor⌋, one number or one per dimension. Modes:
    "nearest" (and "nearest-exact", which agrees with other libraries), "linear", "bilinear" and
    "trilinear" for 1, 2 and 3 dimensions, "bicubic" for 2, "area" (adaptive average pooling). With
    `align_corners` the centres of the corner pixels stay where they are, otherwise the corners
    themselves do. Positions follow from `scale_factor` where it is given, unless
    `recompute_scale_factor`, then from the sizes. `antialias` (bilinear, bicubic) takes a wider
    filter where the image shrinks.
    """
    x = ops.floating(input, "interpolate")
    if x.ndim not in (3, 4, 5) or 0 in x.shape[1:]:
        raise ValueError("interpolate: input should be (N, C, …) with 1 to 3 spatial dimensions, "
                         f"none of length zero, got shape {x.shape}")
    dims = x.ndim - 2
    if mode not in _MODES or dims not in _MODES[mode]:
        fit = ", ".join(repr(m) for m, d in _MODES.items() if dims in d)
        raise ValueError(f"interpolate: for {dims} spatial dimensions of {x.shape} mode should be "
                         f"one of {fit}, got {mode!r}")
    if align_corners is not None and ("nearest" in mode or mode == "area"):
        raise ValueError(f"interpolate: mode {mode!r} takes no align_corners")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"interpolate: antialias is for 'bilinear' and 'bicubic', not {mode!r}")
    outputs, scales = _outputs(x, size, scale_factor, recompute_scale_factor)
    if mode == "area":
        pool = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1]
        return pool(x, outputs)
    kind = "cubic" if mode == "bicubic" else "linear" if "linear" in mode else mode
    table = antialiased_taps if antialias else interpolation_taps
    for d, (n, m, scale) in enumerate(zip(x.shape[2:], outputs, scales), 2):
        if mode == "nearest" and dims == 2 and m in (n, 2 * n):        # PyTorch's short cut
            scale = None
        if n != m or scale not in (None, 1):
            x = ops.resample(x, d, table(kind, n, m, scale, bool(align_corners)))
    return x


def _outputs(x, size, factor, recompute):
    """The new size, and per dimension how many inputs there are to an output, None for n/m."""
    dims = x.ndim - 2
    if (size is None) == (factor is None):
        raise ValueError("interpolate: expected either size or scale_factor, "
                         f"got {'both' if size is not None else 'neither'}")
    if size is not None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor is for a scale_factor, "
                             "but a size came")
        if isinstance(size, (tuple, list)) and len(size) != dims:
            raise ValueError(f"interpolate: size should be a number or {dims} of them for an input "
                             f"of shape {x.shape}, got {size!r}")
        return per_dim("interpolate", "size", size, dims, 1), (None,) * dims
    factors = tuple(factor) if isinstance(factor, (tuple, list)) else (factor,) * dims
    if len(factors) != dims or not all(isinstance(f, (int, float)) and 0 < f < math.inf
                                       for f in factors):
        raise ValueError("interpolate: scale_factor should be a number > 0 or one for each of "
                         f"{dims} dimensions, got {factor!r}")
    outputs = tuple(int(math.floor(n * float(f))) for n, f in zip(x.shape[2:], factors))
    if min(outputs) < 1:
        raise ValueError(f"interpolate: scale_factor {factor} leaves nothing of {x.shape}")
    return outputs, (None,) * dims if recompute else tuple(1 / f for f in factors)


# ---- channels and pixels -------------------------------------------------------------------------

def pixel_shuffle(input, upscale_factor):
    """(…, C r², H, W) → (…, C, H r, W r): r² channels become a square of pixels.

    Source: Shi et al. 2016, https://arxiv.org/abs/1609.05158.
    """
    x, r = ops.as_tensor(input), whole("pixel_shuffle", "upscale_factor", upscale_factor, 1)
    if x.ndim < 3 or x.shape[-3] % r ** 2:
        raise ValueError(f"pixel_shuffle: input should be (…, C, H, W) with a multiple of {r ** 2} "
                         f"channels, got shape {x.shape}")
    *N, C, H, W = x.shape
    x = ops.movedim(x.reshape(*N, C // r ** 2, r, r, H, W), (-4, -3), (-3, -1))
    return x.reshape(*N, C // r ** 2, H * r, W * r)


def pixel_unshuffle(input, downscale_factor):
    """(…, C, H r, W r) → (…, C r², H, W): the inverse of `pixel_shuffle`."""
    x, r = ops.as_tensor(input), whole("pixel_unshuffle", "downscale_factor", downscale_factor, 1)
    if x.ndim < 3 or x.shape[-2] % r or x.shape[-1] % r:
        raise ValueError("pixel_unshuffle: input should be (…, C, H, W) with multiples of "
                         f"{r} rows and columns, got shape {x.shape}")
    *N, C, H, W = x.shape
    x = ops.movedim(x.reshape(*N, C, H // r, r, W // r, r), (-3, -1), (-4, -3))
    return x.reshape(*N, C * r ** 2, H // r, W // r)


def channel_shuffle(input, groups):
    """Channels of (N, C, …) in `groups` runs, dealt out so that every run has some of each.

    Source: Zhang et al. 2018 (ShuffleNet), https://arxiv.org/abs/1707.01083.
    """
    x, groups = ops.as_tensor(input), whole("channel_shuffle", "groups", groups, 1)
    if x.ndim < 3 or x.shape[1] % groups:
        raise ValueError(f"channel_shuffle: input should be (N, C, …) with a multiple of {groups} "
                         f"channels, got shape {x.shape}")
    N, C, *size = x.shape
    return x.reshape(N, groups, C // groups, *size).transpose(1, 2).reshape(x.shape)


# ---- patches -------------------------------------------------------------------------------------

def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """The patches under a sliding kernel as columns: (N, C, H, W) → (N, C KH KW, positions).

    An image without a batch gives a matrix. A convolution is a product with this matrix (im2col).
    """
    x = ops.as_tensor(input)
    if x.ndim not in (3, 4):
        raise ValueError("unfold: input should be (N, C, H, W), or (C, H, W) without a batch, "
                         f"got shape {x.shape}")
    if x.ndim == 3:
        return unfold(x.unsqueeze(0), kernel_size, dilation, padding, stride).squeeze(0)
    kernel, stride, dilation, (ph, pw), outputs = _sliding(
        "unfold", x.shape[2:], kernel_size, dilation, padding, stride)
    x = ops.pad_constant(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    p = ops.patches(x, kernel, stride, dilation, outputs)
    return p.reshape(x.shape[0], x.shape[1] * math.prod(kernel), math.prod(outputs))


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns added up as patches of an image: (N, C KH KW, positions) → (N, C, *output_size).

    The adjoint of `unfold`, not its inverse: where patches overlap, they add up.
    """
    x = ops.as_tensor(input)
    if x.ndim not in (2, 3):
        raise ValueError("fold: input should be (N, C · kernel, positions), or without a batch, "
                         f"got shape {x.shape}")
    if x.ndim == 2:
        return fold(x.unsqueeze(0), output_size, kernel_size, dilation, padding, stride).squeeze(0)
    size = per_dim("fold", "output_size", output_size, 2, 1)
    kernel, stride, dilation, (ph, pw), outputs = _sliding(
        "fold", size, kernel_size, dilation, padding, stride)
    N, rows, L = x.shape
    if rows % math.prod(kernel) or L != math.prod(outputs):
        raise ValueError(f"fold: for output_size {size} the input should have a multiple of "
                         f"{math.prod(kernel)} rows (kernel {kernel}) and {math.prod(outputs)} "
                         f"columns (positions {outputs}), got shape {x.shape}")
    p = x.reshape(N, rows // math.prod(kernel), *kernel, *outputs)
    y = ops.unpatch(p, (size[0] + 2 * ph, size[1] + 2 * pw), stride, dilation)
    return ops.pad_constant(y, ((0, 0), (0, 0), (-ph, -ph), (-pw, -pw)))


def _sliding(op, size, kernel, dilation, padding, stride):
    """The settings per dimension, and at how many positions the kernel lies."""
    kernel = per_dim(op, "kernel_size", kernel, 2, 1)
    stride = per_dim(op, "stride", stride, 2, 1)
    dilation = per_dim(op, "dilation", dilation, 2, 1)
    padding = per_dim(op, "padding", padding, 2, 0)
    outputs = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in
                    zip(size, kernel, stride, padding, dilation))
    if min(outputs) < 1:
        raise ValueError(f"{op}: kernel {kernel} with dilation {dilation} is larger than the "
                         f"image {size} with padding {padding}")
    return kernel, stride, dilation, padding, outputs
