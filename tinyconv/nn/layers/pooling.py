"""Pooling layers in 1 to 3 dimensions. What they compute is in `functional/pooling.py`."""
from .. import functional as F
from ..arguments import per_dim, whole
from ..module import Module


class _Pool(Module):
    """A layer that slides a window; sizes are one number or one per spatial dimension."""
    _spatial, _pool = 0, None

    def _set_windows(self, kernel_size, stride, padding, dilation=1):
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding = padding
        for name, value, least in (("kernel_size", kernel_size, 1), ("stride", self.stride, 1),
                                   ("padding", padding, 0), ("dilation", dilation, 1)):
            per_dim(type(self).__name__, name, value, self._spatial, least)


class _MaxPool(_Pool):
    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False,
                 ceil_mode=False):
        self._set_windows(kernel_size, stride, padding, dilation)
        self.dilation = dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, x):
        return self._pool(x, self.kernel_size, self.stride, self.padding, self.dilation,
                          ceil_mode=self.ceil_mode, return_indices=self.return_indices)

    def extra_repr(self):
        return (f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
                f"dilation={self.dilation}, ceil_mode={self.ceil_mode}")


class MaxPool1d(_MaxPool):
    """The largest value in each window:  (N, C, L) → (N, C, L′)."""
    _spatial, _pool = 1, staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest value in each window:  (N, C, H, W) → (N, C, H′, W′).

    H′ = ⌊(H + 2·padding − dilation·(K − 1) − 1) / stride⌋ + 1, rounded up with `ceil_mode`. The
    stride is the kernel's size by default.
    """
    _spatial, _pool = 2, staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest value in each window:  (N, C, D, H, W) → (N, C, D′, H′, W′)."""
    _spatial, _pool = 3, staticmethod(F.max_pool3d)


class AvgPool1d(_Pool):
    """The mean of each window:  (N, C, L) → (N, C, L′)."""
    _spatial = 1

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False,
                 count_include_pad=True):
        self._set_windows(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, x):
        return F.avg_pool1d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                            self.count_include_pad)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(_Pool):
    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
                 divisor_override=None):
        self._set_windows(kernel_size, stride, padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, x):
        return self._pool(x, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                          self.count_include_pad, self.divisor_override)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window:  (N, C, H, W) → (N, C, H′, W′).

    The stride is the kernel's size by default. `divisor_override` replaces the number of elements
    in the window, which counts the padding unless `count_include_pad` is False.
    """
    _spatial, _pool = 2, staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """The mean of each window:  (N, C, D, H, W) → (N, C, D′, H′, W′)."""
    _spatial, _pool = 3, staticmethod(F.avg_pool3d)


# ---- norms of windows, and the way back from max pooling -----------------------------------------

class _LPPool(Module):
    _pool = None

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode

    def forward(self, x):
        return self._pool(x, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self):
        return (f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, "
                f"stride={self.stride}, ceil_mode={self.ceil_mode}")


class LPPool1d(_LPPool):
    """(Σ xᵖ)^(1/p) over each window, p = norm_type:  (N, C, L) → (N, C, L′)."""
    _pool = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """(Σ xᵖ)^(1/p) over each window, p = norm_type:  (N, C, H, W) → (N, C, H′, W′)."""
    _pool = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """(Σ xᵖ)^(1/p) over each window, p = norm_type:  (N, C, D, H, W) → (N, C, D′, H′, W′)."""
    _pool = staticmethod(F.lp_pool3d)


class _MaxUnpool(_Pool):
    def __init__(self, kernel_size, stride=None, padding=0):
        self._set_windows(kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = (
            per_dim(type(self).__name__, "", v, self._spatial, 0)
            for v in (self.kernel_size, self.stride, self.padding))

    def forward(self, x, indices, output_size=None):
        return self._pool(x, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Maxima back where a `MaxPool1d` with `return_indices` took them:  (N, C, L′) → (N, C, L)."""
    _spatial, _pool = 1, staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """Maxima back where a `MaxPool2d` with `return_indices` took them, zeros elsewhere.

    (N, C, H′, W′) → (N, C, H, W). Several H lead to the same H′: `forward` takes an `output_size`.
    """
    _spatial, _pool = 2, staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """Maxima back where a `MaxPool3d` with `return_indices` took them, zeros elsewhere."""
    _spatial, _pool = 3, staticmethod(F.max_unpool3d)


# ---- windows that share out the image ------------------------------------------------------------

class _AdaptivePool(Module):
    _spatial, _pool = 0, None

    def __init__(self, output_size):
        self.output_size = output_size
        sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,)
        per_dim(type(self).__name__, "output_size", tuple(0 if n is None else n for n in sizes),
                self._spatial, 0)

    def forward(self, x):
        return self._pool(x, self.output_size)

    def extra_repr(self):
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means over `output_size` (nearly) equal parts:  (N, C, L) → (N, C, output_size)."""
    _spatial, _pool = 1, staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means over a grid of (nearly) equal parts:  (N, C, H, W) → (N, C, *output_size)."""
    _spatial, _pool = 2, staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptivePool):
    """Means over a grid of (nearly) equal parts:  (N, C, D, H, W) → (N, C, *output_size)."""
    _spatial, _pool = 3, staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size, return_indices=False):
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, x):
        return self._pool(x, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Maxima over `output_size` (nearly) equal parts:  (N, C, L) → (N, C, output_size)."""
    _spatial, _pool = 1, staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Maxima over a grid of (nearly) equal parts:  (N, C, H, W) → (N, C, *output_size)."""
    _spatial, _pool = 2, staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Maxima over a grid of (nearly) equal parts:  (N, C, D, H, W) → (N, C, *output_size)."""
    _spatial, _pool = 3, staticmethod(F.adaptive_max_pool3d)


class SpatialPyramidPool(Module):
    """Pool over grids of several sizes, all in a row:  (N, C, H, W) → (N, C·Σ level²).

    An image of any size gives the same number of features. `levels` are the sides of the grids,
    `mode` is "max" or "avg". Source: He et al. 2014, https://arxiv.org/abs/1406.4729.
    """

    def __init__(self, levels=(1, 2, 4), mode="max"):
        self.levels = tuple(whole("SpatialPyramidPool", "level", n, 1) for n in levels)
        self.mode = mode

    def forward(self, x):
        return F.spatial_pyramid_pool(x, self.levels, self.mode)

    def extra_repr(self):
        return f"levels={self.levels}, mode={self.mode!r}"
