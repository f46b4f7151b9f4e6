"""Normalisation layers: parameters and statistics. The rest is in `functional/normalization.py`.

| over which elements are mean and variance taken, for (N, C, H, W) | layer |
|---|---|
| all of N, H, W, for each channel | `BatchNorm2d` |
| all of H, W, for each sample and channel | `InstanceNorm2d` |
| all of H, W and some channels, for each sample and group | `GroupNorm` |
| the last dimensions, for each of the others | `LayerNorm` |
"""
import numpy as np

from ...core import is_grad_enabled
from ...ops import as_tensor
from .. import functional as F
from .. import init
from ..arguments import whole
from ..module import Module
from ..parameter import Parameter
from .convolution import Conv1d, Conv2d, Conv3d


class _Normalization(Module):
    """A scale and a shift, each of which may be missing."""

    def _set_affine(self, shape, scaled, shifted):
        self.weight = Parameter(np.ones(shape, np.float32)) if scaled else None
        self.bias = Parameter(np.zeros(shape, np.float32)) if scaled and shifted else None

    def reset_parameters(self):
        """Scale 1, shift 0."""
        for parameter, value in ((self.weight, 1), (self.bias, 0)):
            if parameter is not None:
                init.constant_(parameter, value)


# ---- batch norm ----------------------------------------------------------------------------------

class _Statistics(_Normalization):
    """Scale, shift and running statistics of each channel, for batch and instance norm."""
    _dims = ()                                   # how many dimensions the input may have
    _shape = ""

    def __init__(self, num_features, eps, momentum, affine, track_running_stats, bias):
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        C, track = whole(type(self).__name__, "num_features", num_features, 1), track_running_stats
        self._set_affine(C, affine, bias)
        self.running_mean = np.zeros(C, np.float32) if track else None
        self.running_var = np.ones(C, np.float32) if track else None
        self.num_batches_tracked = np.zeros((), np.int64) if track else None

    def reset_running_stats(self):
        """Forget what was seen: mean 0, variance 1, no batches."""
        if self.running_mean is not None:
            self.running_mean[...], self.running_var[...], self.num_batches_tracked[...] = 0, 1, 0

    def reset_parameters(self):
        """Scale 1, shift 0, and no statistics."""
        super().reset_parameters()
        self.reset_running_stats()

    def _check(self, x):
        x = as_tensor(x)
        if x.ndim not in self._dims:
            raise ValueError(f"{type(self).__name__}: input should have shape {self._shape}, "
                             f"got {x.shape}")
        return x

    def extra_repr(self):
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
                f"affine={self.affine}, track_running_stats={self.track_running_stats}")


class _BatchNorm(_Statistics):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True,
                 *, bias=True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def forward(self, x, add=None, relu=False):
        x, momentum = self._check(x), self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked += 1
            if momentum is None:                 # the mean of all batches so far
                momentum = 1 / int(self.num_batches_tracked)
        by_batch = self.training or self.running_mean is None
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias,
                            by_batch, momentum or 0.0, self.eps, add=add, relu=relu)

    def after(self, conv, x, add=None, relu=False):
        """relu(norm(conv(x)) + add), ReLU and `add` if asked for; `conv` is a convolution layer.

        The statistics of evaluation are constants, y = (conv(x) − mean) r w + b. So where nothing
        is recorded they go along with the convolution, and its result is written once:
        y = (x ∗ weight) · scale + shift with scale = r w, shift = b − (mean − bias) · scale.
        """
        if not self._goes_along(conv, x):
            return self(conv(x), add=add, relu=relu)
        scale = ((1 if self.weight is None else self.weight.data)
                 / np.sqrt(self.running_var + self.eps))
        mean = self.running_mean if conv.bias is None else self.running_mean - conv.bias.data
        shift = (0 if self.bias is None else self.bias.data) - mean * scale
        return F.conv_scaled(x, conv.weight, scale, shift, add, relu, conv.stride, conv.padding,
                             conv.dilation, conv.groups)

    def _goes_along(self, conv, x):
        """Whether `after` may be one operation: nobody is to see what lies between."""
        return not (self.training or is_grad_enabled() or self.running_mean is None
                    or type(conv) not in (Conv1d, Conv2d, Conv3d) or conv.padding_mode != "zeros"
                    or x.ndim != conv.weight.ndim or x.ndim not in self._dims
                    or conv.out_channels != self.num_features
                    or not _only(self, _BatchNorm.forward) or not _only(conv, Conv2d.forward))


def _only(module, forward):
    """Whether to call the module is to call this `forward`, and nothing else."""
    return (type(module).__call__ is Module.__call__ and not module.has_hooks()
            and getattr(module.forward, "__func__", None) is forward)


class BatchNorm1d(_BatchNorm):
    """As `BatchNorm2d`, for (N, C) or (N, C, L)."""
    _dims, _shape = (2, 3), "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """y = (x − mean) / √(var + eps) · weight + bias for each channel of (N, C, H, W).

    In training mode mean and (biased) variance are those of the batch, and the buffers follow them:
    running ← (1 − momentum) · running + momentum · batch, with the *unbiased* variance;
    `momentum=None` takes the mean of all batches instead. In evaluation mode the running statistics
    are used, unless there are none (`track_running_stats=False`). One value per channel in training
    is an error. Beyond PyTorch, `bn(x, add=a, relu=True)` is relu(bn(x) + a) in one pass over
    memory.

    Source: Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167.
    """
    _dims, _shape = (4,), "(N, C, H, W)"


class BatchNorm3d(_BatchNorm):
    """As `BatchNorm2d`, for (N, C, D, H, W)."""
    _dims, _shape = (5,), "(N, C, D, H, W)"


# ---- instance norm -------------------------------------------------------------------------------

class _InstanceNorm(_Statistics):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=False,
                 track_running_stats=False, *, bias=True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def forward(self, x):
        x = self._check(x)
        batch = x if x.ndim == self._dims[1] else x.unsqueeze(0)
        by_instance = self.training or self.running_mean is None
        y = F.instance_norm(batch, self.running_mean, self.running_var, self.weight, self.bias,
                            by_instance, self.momentum or 0.0, self.eps)
        return y if batch is x else y.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """As `InstanceNorm2d`, for (N, C, L) or (C, L)."""
    _dims, _shape = (2, 3), "(N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNorm):
    """y = (x − mean) / √(var + eps) over each sample and channel of (N, C, H, W) or (C, H, W).

    With `affine`, · weight + bias; with `track_running_stats`, evaluation uses the running
    statistics.

    Source: Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022.
    """
    _dims, _shape = (3, 4), "(N, C, H, W) or (C, H, W)"


class InstanceNorm3d(_InstanceNorm):
    """As `InstanceNorm2d`, for (N, C, D, H, W) or (C, D, H, W)."""
    _dims, _shape = (4, 5), "(N, C, D, H, W) or (C, D, H, W)"


# ---- without statistics --------------------------------------------------------------------------

class LayerNorm(_Normalization):
    """y = (x − mean) / √(var + eps) · weight + bias over the last dimensions, (*normalized_shape).

    Source: Ba et al. 2016, https://arxiv.org/abs/1607.06450.
    """

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True):
        self.normalized_shape = _shape_of("LayerNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._set_affine(self.normalized_shape, elementwise_affine, bias)

    def forward(self, x):
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (f"{self.normalized_shape}, eps={self.eps}, "
                f"elementwise_affine={self.elementwise_affine}")


class RMSNorm(_Normalization):
    """y = x / √(mean x² + eps) · weight over the last dimensions, (*normalized_shape).

    eps is by default that of the input's dtype. Source: Zhang & Sennrich 2019,
    https://arxiv.org/abs/1910.07467.
    """

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True):
        self.normalized_shape = _shape_of("RMSNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._set_affine(self.normalized_shape, elementwise_affine, False)

    def forward(self, x):
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return (f"{self.normalized_shape}, eps={self.eps}, "
                f"elementwise_affine={self.elementwise_affine}")


def _shape_of(name, normalized_shape):
    several = isinstance(normalized_shape, (tuple, list))
    return tuple(whole(name, "normalized_shape", n, 1)
                 for n in (normalized_shape if several else (normalized_shape,)))


class GroupNorm(_Normalization):
    """y = (x − mean) / √(var + eps) · weight + bias over groups of channels of (N, C, ...).

    Source: Wu & He 2018, https://arxiv.org/abs/1803.08494.
    """

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, *, bias=True):
        whole("GroupNorm", "num_groups", num_groups, 1)
        if whole("GroupNorm", "num_channels", num_channels, 1) % num_groups:
            raise ValueError(f"GroupNorm: num_channels={num_channels} should be a multiple of "
                             f"num_groups={num_groups}")
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        self._set_affine(num_channels, affine, bias)

    def forward(self, x):
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


class LocalResponseNorm(Module):
    """y_c = x_c / (k + alpha/size · Σ x²)^beta, the sum over `size` neighbouring channels.

    Source: Krizhevsky et al. 2012 (AlexNet), section 3.3, where alpha is not divided by `size`.
    """

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        self.size, self.alpha = whole("LocalResponseNorm", "size", size, 1), alpha
        self.beta, self.k = beta, k

    def forward(self, x):
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
