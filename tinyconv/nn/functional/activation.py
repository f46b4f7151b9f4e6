"""Activations with PyTorch's signatures.

Those with a rule of their own are computed in `ops/activations.py`, the others are a line or two of
ordinary operations. At kinks the gradient is PyTorch's, and it stays finite for any finite input.
`inplace` is accepted and changes nothing: what a graph refers to is never overwritten here.

Sources: ELU (Clevert et al. 2015), SELU (Klambauer et al. 2017), CELU (Barron 2017), PReLU (He et
al. 2015), RReLU (Xu et al. 2015), Mish (Misra 2019), hard swish (Howard et al. 2019), ReLU6
(Krizhevsky 2010), GLU (Dauphin et al. 2016).
"""
from ... import ops
from ...core import DtypeError
from ...random import default_generator

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

def relu(input, inplace=False):
    """y = max(x, 0)"""
    return ops.relu(ops.as_tensor(input))


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """y = x for x > 0, else negative_slope · x"""
    return ops.leaky_relu(ops.as_tensor(input), negative_slope)


def tanh(input):
    """y = tanh x"""
    return ops.tanh(ops.as_tensor(input))


def sigmoid(input):
    """y = 1 / (1 + e^(−x))"""
    return ops.sigmoid(ops.as_tensor(input))


def gelu(input, approximate="none"):
    """y = x Φ(x), or its approximation by "tanh"  (Hendrycks & Gimpel 2016)"""
    return ops.gelu(ops.as_tensor(input), approximate)


def silu(input, inplace=False):
    """y = x · sigmoid(x)  ("swish")"""
    return ops.silu(ops.as_tensor(input))


def softplus(input, beta=1.0, threshold=20.0):
    """y = ln(1 + e^(βx)) / β, and x itself where βx > threshold"""
    return ops.softplus(ops.as_tensor(input), beta=beta, threshold=threshold)


def softmax(input, dim, dtype=None):
    """yᵢ = e^xᵢ / Σⱼ e^xⱼ along `dim`; with `dtype` the input is converted first."""
    return ops.softmax(ops.as_tensor(input), dim, dtype=dtype)


def log_softmax(input, dim, dtype=None):
    """yᵢ = xᵢ − ln Σⱼ e^xⱼ along `dim`; with `dtype` the input is converted first."""
    return ops.log_softmax(ops.as_tensor(input), dim, dtype=dtype)


def softmin(input, dim, dtype=None):
    """yᵢ = e^(−xᵢ) / Σⱼ e^(−xⱼ) along `dim`"""
    return softmax(-ops.as_tensor(input), dim, dtype)


# ---- smooth steps and gates ----------------------------------------------------------------------

def logsigmoid(input):
    """y = ln(1 / (1 + e^(−x)))"""
    return -ops.softplus(-ops.floating(input, "logsigmoid"), threshold=float("inf"))


def softsign(input):
    """y = x / (1 + |x|)"""
    x = ops.floating(input, "softsign")
    return x / (1 + ops.abs(x))


def tanhshrink(input):
    """y = x − tanh x"""
    x = ops.floating(input, "tanhshrink")
    return x - ops.tanh(x)


def mish(input, inplace=False):
    """y = x · tanh(softplus(x))"""
    x = ops.floating(input, "mish")
    return x * ops.tanh(ops.softplus(x))


def glu(input, dim=-1):
    """y = a · sigmoid(b), where a and b are the halves of x along `dim`"""
    x = ops.floating(input, "glu")
    if x.ndim == 0 or x.shape[dim] % 2:
        raise ValueError(f"glu: expected an even length along dim {dim}, got shape {x.shape}")
    a, b = ops.split(x, x.shape[dim] // 2, dim) if x.shape[dim] else (x, x)
    return a * ops.sigmoid(b)


# ---- exponential to the left of zero -------------------------------------------------------------

def elu(input, alpha=1.0, inplace=False):
    """y = x for x > 0, else alpha (eˣ − 1)"""
    x = ops.floating(input, "elu")
    return ops.where(ops.le(x, 0), alpha * ops.expm1(ops.clamp(x, max=0)), x)


def selu(input, inplace=False):
    """y = scale · elu(x, alpha), with which a plain network keeps mean 0 and variance 1"""
    return SELU_SCALE * elu(ops.floating(input, "selu"), SELU_ALPHA)


def celu(input, alpha=1.0, inplace=False):
    """y = x for x > 0, else alpha (e^(x/alpha) − 1)"""
    if alpha == 0:
        raise ValueError("celu: alpha must not be zero")
    x = ops.floating(input, "celu")
    return ops.where(ops.le(x, 0), alpha * ops.expm1(ops.clamp(x, max=0) / alpha), x)


# ---- piecewise linear ----------------------------------------------------------------------------

def threshold(input, threshold, value, inplace=False):
    """y = x for x > threshold, else value"""
    x = ops.floating(input, "threshold")
    return ops.where(ops.le(x, threshold), value, x)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """y = x between the bounds, else the nearer bound, where the gradient is 0"""
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} is greater than max_val {max_val}")
    x = ops.floating(input, "hardtanh")
    inside = ops.logical_and(ops.gt(x, min_val), ops.lt(x, max_val))
    return ops.where(inside, x, ops.clamp(x.detach(), min_val, max_val))


def relu6(input, inplace=False):
    """y = min(max(x, 0), 6)"""
    return hardtanh(input, 0.0, 6.0)


def hardsigmoid(input, inplace=False):
    """y = min(max(x + 3, 0), 6) / 6"""
    return hardtanh(ops.floating(input, "hardsigmoid") + 3, 0.0, 6.0) / 6


def hardswish(input, inplace=False):
    """y = x · hardsigmoid(x)"""
    x = ops.floating(input, "hardswish")
    return x * hardsigmoid(x)


def hardshrink(input, lambd=0.5):
    """y = x where |x| > lambd, else 0"""
    x = ops.floating(input, "hardshrink")
    return ops.where(ops.le(ops.abs(x), lambd), 0.0, x)


def softshrink(input, lambd=0.5):
    """y = x − lambd above lambd, x + lambd below −lambd, else 0"""
    if lambd < 0:
        raise ValueError(f"softshrink: lambd must not be negative, got {lambd}")
    x = ops.floating(input, "softshrink")
    return ops.where(ops.le(ops.abs(x), lambd), 0.0, x - lambd * ops.sign(x))


def prelu(input, weight):
    """y = x for x > 0, else w · x, with one w or one for each channel, dimension 1 of x"""
    x, w = ops.floating(input, "prelu"), ops.floating(weight, "prelu")
    C = x.shape[1] if x.ndim > 1 else 1
    if w.ndim > 1 or w.numel() not in (1, C):
        raise ValueError(f"prelu: weight should have one number or one for each of the {C} "
                         f"channels of {x.shape}, got shape {w.shape}")
    if w.dtype != x.dtype:
        raise DtypeError(f"prelu: input is {x.dtype} and weight is {w.dtype}; "
                         "convert one with .to(dtype)")
    w = ops.per_channel(w, x) if w.numel() > 1 else ops.reshape(w, ())
    return ops.relu(x) + w * ops.clamp(x, max=0)


def rrelu(input, lower=1 / 8, upper=1 / 3, training=False, inplace=False, generator=None):
    """y = x for x > 0, else s · x: s is drawn from U(lower, upper) for every element in training.

    Otherwise s is the mean of the bounds.
    """
    if lower > upper:
        raise ValueError(f"rrelu: lower {lower} is greater than upper {upper}")
    x = ops.floating(input, "rrelu")
    slope = (lower + upper) / 2
    if training:
        drawn = (generator or default_generator()).uniform(lower, upper, x.shape)
        slope = drawn.astype(x.dtype)
    return ops.where(ops.gt(x, 0), x, x * slope)
