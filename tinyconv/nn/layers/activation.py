"""Activations as layers; the formulas are in `functional/activation.py`.

`inplace` is accepted and changes nothing: what a graph refers to is never overwritten here.
"""
import numpy as np

from .. import functional as F
from .. import init
from ..arguments import whole
from ..module import Module
from ..parameter import Parameter


class _Inplace(Module):
    """A function of each element without settings, but for one that changes nothing."""
    _function = None

    def __init__(self, inplace=False):
        self.inplace = inplace

    def forward(self, x):
        return self._function(x)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


# ---- piecewise linear ----------------------------------------------------------------------------

class ReLU(_Inplace):
    """y = max(x, 0)"""
    _function = staticmethod(F.relu)


class ReLU6(_Inplace):
    """y = min(max(x, 0), 6)"""
    _function = staticmethod(F.relu6)


class LeakyReLU(Module):
    """y = x for x > 0, else negative_slope · x"""

    def __init__(self, negative_slope=0.01, inplace=False):
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, x):
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class PReLU(Module):
    """y = x for x > 0, else w · x, where w is learnt: one number, or one for each channel."""

    def __init__(self, num_parameters=1, init=0.25):
        self.num_parameters = whole("PReLU", "num_parameters", num_parameters, 1)
        self.init = init
        self.weight = Parameter(np.empty(num_parameters, np.float32))
        self.reset_parameters()

    def reset_parameters(self):
        """The slope of the beginning again."""
        init.constant_(self.weight, self.init)

    def forward(self, x):
        return F.prelu(x, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    """y = x for x > 0, else s · x, with s from U(lower, upper) in training, then their mean."""

    def __init__(self, lower=1 / 8, upper=1 / 3, inplace=False):
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, x):
        return F.rrelu(x, self.lower, self.upper, self.training)

    def extra_repr(self):
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" * self.inplace)


class Threshold(Module):
    """y = x for x > threshold, else value"""

    def __init__(self, threshold, value, inplace=False):
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, x):
        return F.threshold(x, self.threshold, self.value)

    def extra_repr(self):
        return f"threshold={self.threshold}, value={self.value}" + (", inplace=True" * self.inplace)


class Hardtanh(Module):
    """y = x between the bounds, else the nearer bound"""

    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False):
        if min_val >= max_val:
            raise ValueError(f"Hardtanh: min_val {min_val} should be less than max_val {max_val}")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, x):
        return F.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self):
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" * self.inplace)


class Hardsigmoid(_Inplace):
    """y = min(max(x + 3, 0), 6) / 6"""
    _function = staticmethod(F.hardsigmoid)

    def extra_repr(self):
        return ""


class Hardswish(_Inplace):
    """y = x · hardsigmoid(x)"""
    _function = staticmethod(F.hardswish)

    def extra_repr(self):
        return ""


class Hardshrink(Module):
    """y = x where |x| > lambd, else 0"""

    def __init__(self, lambd=0.5):
        self.lambd = lambd

    def forward(self, x):
        return F.hardshrink(x, self.lambd)

    def extra_repr(self):
        return str(self.lambd)


class Softshrink(Hardshrink):
    """y = x moved by lambd towards 0, which it does not pass"""

    def forward(self, x):
        return F.softshrink(x, self.lambd)


# ---- smooth --------------------------------------------------------------------------------------

class ELU(Module):
    """y = x for x > 0, else alpha (eˣ − 1)"""

    def __init__(self, alpha=1.0, inplace=False):
        self.alpha, self.inplace = alpha, inplace

    def forward(self, x):
        return F.elu(x, self.alpha)

    def extra_repr(self):
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class CELU(ELU):
    """y = x for x > 0, else alpha (e^(x/alpha) − 1)"""

    def forward(self, x):
        return F.celu(x, self.alpha)


class SELU(_Inplace):
    """y = scale · elu(x, alpha), which keeps mean 0 and variance 1"""
    _function = staticmethod(F.selu)


class Tanh(Module):
    """y = tanh x"""

    def forward(self, x):
        return F.tanh(x)


class Sigmoid(Module):
    """y = 1 / (1 + e^(−x))"""

    def forward(self, x):
        return F.sigmoid(x)


class GELU(Module):
    """y = x Φ(x), with Φ the normal distribution; `approximate` is "none" or "tanh"."""

    def __init__(self, approximate="none"):
        self.approximate = approximate

    def forward(self, x):
        return F.gelu(x, self.approximate)

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


class SiLU(_Inplace):
    """y = x · sigmoid(x)"""
    _function = staticmethod(F.silu)


class Mish(_Inplace):
    """y = x · tanh(softplus(x))"""
    _function = staticmethod(F.mish)


class Softplus(Module):
    """y = ln(1 + e^(βx)) / β, and x itself where βx > threshold"""

    def __init__(self, beta=1.0, threshold=20.0):
        self.beta, self.threshold = beta, threshold

    def forward(self, x):
        return F.softplus(x, self.beta, self.threshold)

    def extra_repr(self):
        return f"beta={self.beta}, threshold={self.threshold}"


class LogSigmoid(Module):
    """y = ln(1 / (1 + e^(−x)))"""

    def forward(self, x):
        return F.logsigmoid(x)


class Softsign(Module):
    """y = x / (1 + |x|)"""

    def forward(self, x):
        return F.softsign(x)


class Tanhshrink(Module):
    """y = x − tanh x"""

    def forward(self, x):
        return F.tanhshrink(x)


class GLU(Module):
    """y = a · sigmoid(b), where a and b are the halves of x along `dim`"""

    def __init__(self, dim=-1):
        self.dim = dim

    def forward(self, x):
        return F.glu(x, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


# ---- over a dimension ----------------------------------------------------------------------------

class Softmax(Module):
    """yᵢ = e^xᵢ / Σⱼ e^xⱼ along `dim`"""

    def __init__(self, dim):
        self.dim = dim

    def forward(self, x):
        return F.softmax(x, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


class Softmin(Softmax):
    """yᵢ = e^(−xᵢ) / Σⱼ e^(−xⱼ) along `dim`"""

    def forward(self, x):
        return F.softmin(x, self.dim)


class LogSoftmax(Softmax):
    """yᵢ = xᵢ − ln Σⱼ e^xⱼ along `dim`"""

    def forward(self, x):
        return F.log_softmax(x, self.dim)


class Softmax2d(Module):
    """`Softmax` over the channels of (N, C, H, W) or (C, H, W), for every pixel."""

    def forward(self, x):
        if x.ndim not in (3, 4):
            raise ValueError("Softmax2d: input should be (N, C, H, W), or (C, H, W) without a "
                             f"batch, got shape {x.shape}")
        return F.softmax(x, -3)
