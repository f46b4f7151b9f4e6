"""Pooling layers in 1 to 3 dimensions. What they compute is in `functional/pooling.py`."""
from .. import functional as F
from ..module import Module


class _MaxPool(Module):
    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False,
                 ceil_mode=False):
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, x):
        return self._pool(x, self.kernel_size, self.stride, self.padding, self.dilation,
                          ceil_mode=self.ceil_mode, return_indices=self.return_indices)

    def extra_repr(self):
        return (f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
                f"dilation={self.dilation}, ceil_mode={self.ceil_mode}")


class MaxPool1d(_MaxPool):
    """The largest value in each window:  (N, C, L) → (N, C, L′)."""
    _pool = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest value in each window:  (N, C, H, W) → (N, C, H′, W′).

    H′ = ⌊(H + 2·padding − dilation·(K − 1) − 1) / stride⌋ + 1, rounded up with `ceil_mode`. The
    stride is the kernel's size by default.
    """
    _pool = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest value in each window:  (N, C, D, H, W) → (N, C, D′, H′, W′)."""
    _pool = staticmethod(F.max_pool3d)


class AvgPool1d(Module):
    """The mean of each window:  (N, C, L) → (N, C, L′)."""

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False,
                 count_include_pad=True):
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad

    def forward(self, x):
        return F.avg_pool1d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                            self.count_include_pad)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
                 divisor_override=None):
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
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
    _pool = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """The mean of each window:  (N, C, D, H, W) → (N, C, D′, H′, W′)."""
    _pool = staticmethod(F.avg_pool3d)


class _AdaptivePool(Module):
    def __init__(self, output_size):
        self.output_size = output_size

    def forward(self, x):
        return self._pool(x, self.output_size)

    def extra_repr(self):
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means over `output_size` (nearly) equal parts:  (N, C, L) → (N, C, output_size)."""
    _pool = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means over a grid of (nearly) equal parts:  (N, C, H, W) → (N, C, *output_size)."""
    _pool = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptivePool):
    """Means over a grid of (nearly) equal parts:  (N, C, D, H, W) → (N, C, *output_size)."""
    _pool = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size, return_indices=False):
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, x):
        return self._pool(x, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Maxima over `output_size` (nearly) equal parts:  (N, C, L) → (N, C, output_size)."""
    _pool = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Maxima over a grid of (nearly) equal parts:  (N, C, H, W) → (N, C, *output_size)."""
    _pool = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Maxima over a grid of (nearly) equal parts:  (N, C, D, H, W) → (N, C, *output_size)."""
    _pool = staticmethod(F.adaptive_max_pool3d)


class SpatialPyramidPool(Module):
    """Pool over grids of several sizes, all in a row:  (N, C, H, W) → (N, C·Σ level²).

    An image of any size gives the same number of features. `levels` are the sides of the grids,
    `mode` is "max" or "avg". Source: He et al. 2014, https://arxiv.org/abs/1406.4729.
    """

    def __init__(self, levels=(1, 2, 4), mode="max"):
        self.levels, self.mode = tuple(levels), mode

    def forward(self, x):
        return F.spatial_pyramid_pool(x, self.levels, self.mode)

    def extra_repr(self):
        return f"levels={self.levels}, mode={self.mode!r}"
