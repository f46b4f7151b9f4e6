"""Layers that resize images, shuffle pixels and cut patches: see `functional/vision.py`."""
from .. import functional as F
from ..arguments import whole
from ..module import Module


class Upsample(Module):
    """An image of 1 to 3 dimensions enlarged, or reduced:  (N, C, *size) → (N, C, *new size).

    To `size` or by `scale_factor`; `mode` and the rest are those of `F.interpolate`.
    """

    def __init__(self, size=None, scale_factor=None, mode="nearest", align_corners=None,
                 recompute_scale_factor=None):
        several = isinstance(scale_factor, (tuple, list))
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.scale_factor = (tuple(map(float, scale_factor)) if several
                             else float(scale_factor) if scale_factor else None)
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x):
        return F.interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners,
                             self.recompute_scale_factor)

    def extra_repr(self):
        by = "size" if self.scale_factor is None else "scale_factor"
        return f"{by}={vars(self)[by]!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` by the nearest pixel."""

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` bilinear, with corners aligned."""

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, "bilinear", align_corners=True)


class PixelShuffle(Module):
    """r² channels become a square of pixels:  (..., C r², H, W) → (..., C, H r, W r)."""

    def __init__(self, upscale_factor):
        self.upscale_factor = whole("PixelShuffle", "upscale_factor", upscale_factor, 1)

    def forward(self, x):
        return F.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self):
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """A square of pixels becomes r² channels:  (..., C, H r, W r) → (..., C r², H, W)."""

    def __init__(self, downscale_factor):
        self.downscale_factor = whole("PixelUnshuffle", "downscale_factor", downscale_factor, 1)

    def forward(self, x):
        return F.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self):
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Channels of (N, C, ...) in `groups` runs, dealt out so that every run has some of each."""

    def __init__(self, groups):
        self.groups = whole("ChannelShuffle", "groups", groups, 1)

    def forward(self, x):
        return F.channel_shuffle(x, self.groups)

    def extra_repr(self):
        return f"groups={self.groups}"


class Unfold(Module):
    """The patches under a sliding kernel as columns:  (N, C, H, W) → (N, C K K, positions)."""

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, x):
        return F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self):
        return (f"kernel_size={self.kernel_size}, dilation={self.dilation}, "
                f"padding={self.padding}, stride={self.stride}")


class Fold(Module):
    """Columns added up as patches of an image:  (N, C K K, positions) → (N, C, *output_size)."""

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, x):
        return F.fold(x, self.output_size, self.kernel_size, self.dilation, self.padding,
                      self.stride)

    def extra_repr(self):
        return (f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
                f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}")
