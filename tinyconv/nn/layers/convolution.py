"""Convolution layers in 1 to 3 dimensions. What they compute is in `functional/convolution.py`.

Parameters `weight` and `bias` (O), both drawn from U(−1/√n, 1/√n), where n = fan_in is the number
of inputs to one output.
"""
import math

import numpy as np

from ...kernels.layout import outputs_first
from ...kernels.memory import empty
from .. import functional as F
from .. import init
from ..arguments import per_dim, whole
from ..module import Module
from ..parameter import Parameter

_MODES = ("zeros", "reflect", "replicate", "circular")


class _Convolution(Module):
    """The settings and parameters of all six layers; a subclass says in how many dimensions."""
    _spatial, _transposed, _convolve = 0, False, None

    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
                 bias, padding_mode):
        name = type(self).__name__
        whole(name, "groups", groups, 1)
        for what, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if whole(name, what, channels, 1) % groups:
                raise ValueError(f"{name}: {what} should be a positive multiple of "
                                 f"groups={groups}, got {channels}")
        if padding_mode not in _MODES:
            raise ValueError(f"{name}: padding_mode should be one of {', '.join(_MODES)}, "
                             f"got {padding_mode!r}")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = self._tuple("kernel_size", kernel_size, 1)
        self.stride = self._tuple("stride", stride, 1)
        self.padding = padding if isinstance(padding, str) else self._tuple("padding", padding, 0)
        self.dilation = self._tuple("dilation", dilation, 1)
        self.groups, self.padding_mode = groups, padding_mode
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"{name}: padding should be numbers, 'same' or 'valid', "
                             f"got {padding!r}")
        if padding == "same" and any(s != 1 for s in self.stride):
            raise ValueError(f"{name}: padding='same' needs stride 1, got stride {self.stride}")
        self.weight = Parameter(self._empty_weight())
        self.bias = Parameter(np.empty(out_channels, np.float32)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        """Draw the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(init.fans(self.weight)[0])
            init.uniform_(self.bias, -bound, bound)

    def _empty_weight(self):
        """(O, C/groups, *kernel), in memory (*kernel, C/groups, O), as kernels read it and make its
        gradient; transposed layers are the adjoints of those with C and O exchanged."""
        O, C = self.out_channels, self.in_channels
        O, C = (C, O) if self._transposed else (O, C)
        return outputs_first(empty((*self.kernel_size, C // self.groups, O), np.float32))

    def _tuple(self, what, value, least):
        """One number for every spatial dimension, checked."""
        return per_dim(type(self).__name__, what, value, self._spatial, least)

    def extra_repr(self):
        said = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
                f"stride={self.stride}"]
        plain = {"padding": (0,) * self._spatial, "dilation": (1,) * self._spatial,
                 "output_padding": (0,) * self._spatial, "groups": 1, "padding_mode": "zeros"}
        said += [f"{name}={vars(self)[name]!r}" for name in plain
                 if vars(self).get(name, plain[name]) != plain[name]]
        return ", ".join(said + ["bias=False"] * (self.bias is None))


class _Conv(_Convolution):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1,
                 groups=1, bias=True, padding_mode="zeros"):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
                         bias, padding_mode)

    def forward(self, x):
        padding = self.padding
        if self.padding_mode != "zeros" and padding != "valid":
            x, padding = F.pad(x, self._border(), mode=self.padding_mode), 0
        return self._convolve(x, self.weight, self.bias, self.stride, padding, self.dilation,
                              self.groups)

    def _border(self):
        """The padding as `F.pad` wants it, the last dimension first: (left, right, top, ...)."""
        border = []
        for d in reversed(range(self._spatial)):
            if self.padding == "same":           # an odd total is one longer at the end
                total = self.dilation[d] * (self.kernel_size[d] - 1)
                border += [total // 2, total - total // 2]
            else:
                border += [self.padding[d]] * 2
        return tuple(border)


class Conv1d(_Conv):
    """Cross-correlation over time:  (N, C, L) → (N, O, L′), weight (O, C/groups, K)."""
    _spatial, _convolve = 1, staticmethod(F.conv1d)


class Conv2d(_Conv):
    """Cross-correlation:  (N, C, H, W) → (N, O, H′, W′), weight (O, C/groups, K, K).

    The kernel is not flipped, as it would be in a convolution proper.
    H′ = ⌊(H + 2·padding − dilation·(K − 1) − 1) / stride⌋ + 1. Sizes are one number or a pair;
    `padding` also "same" or "valid"; `padding_mode` says what the border holds: "zeros", "reflect",
    "replicate" or "circular".
    """
    _spatial, _convolve = 2, staticmethod(F.conv2d)


class Conv3d(_Conv):
    """Cross-correlation over a volume or a clip:  (N, C, D, H, W) → (N, O, D′, H′, W′).

    Weight (O, C/groups, K, K, K).
    """
    _spatial, _convolve = 3, staticmethod(F.conv3d)


class _ConvTranspose(_Convolution):
    _transposed = True

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0,
                 output_padding=0, groups=1, bias=True, dilation=1, padding_mode="zeros"):
        if padding_mode != "zeros":
            raise ValueError(f"{type(self).__name__}: only padding_mode='zeros' is defined, "
                             f"got {padding_mode!r}")
        if isinstance(padding, str):
            raise ValueError(f"{type(self).__name__}: padding should be numbers, got {padding!r}")
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
                         bias, padding_mode)
        self.output_padding = self._tuple("output_padding", output_padding, 0)

    def forward(self, x, output_size=None):
        extra = self.output_padding if output_size is None else self._extra(x.shape, output_size)
        return self._convolve(x, self.weight, self.bias, self.stride, self.padding, extra,
                              self.groups, self.dilation)

    def _extra(self, shape, output_size):
        """The output_padding that leads to a spatial size, which may have N and C before it."""
        wanted, D = tuple(output_size), self._spatial
        least = tuple((n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in
                      zip(shape[-D:], self.stride, self.padding, self.dilation, self.kernel_size))
        extra = tuple(m - n for m, n in zip(wanted[-D:], least))
        if len(wanted) not in (D, len(shape)) or not all(
                0 <= e < s for e, s in zip(extra, self.stride)):
            raise ValueError(f"{type(self).__name__}: for an input {shape} output_size should be "
                             f"from {least} on, by less than the stride {self.stride}, "
                             f"got {wanted}")
        return extra


class ConvTranspose1d(_ConvTranspose):
    """The adjoint of `Conv1d`:  (N, C, L) → (N, O, L′), weight (C, O/groups, K)."""
    _spatial, _convolve = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """The adjoint of `Conv2d`:  (N, C, H, W) → (N, O, H′, W′), weight (C, O/groups, K, K).

    A stride enlarges the image, or puts back what the stride of a `Conv2d` took:
    H′ = (H − 1)·stride − 2·padding + dilation·(K − 1) + output_padding + 1. An `output_size` given
    to the call says which H′ is meant, instead of `output_padding`.
    """
    _spatial, _convolve = 2, staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """The adjoint of `Conv3d`:  (N, C, D, H, W) → (N, O, D′, H′, W′).

    Weight (C, O/groups, K, K, K).
    """
    _spatial, _convolve = 3, staticmethod(F.conv_transpose3d)
