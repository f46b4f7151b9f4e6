"""The non-linear functions between layers.

Sources: ReLU (Nair & Hinton 2010), leaky ReLU (Maas et al. 2013), GELU (Hendrycks & Gimpel 2016),
SiLU (Elfwing et al. 2017, "swish" in Ramachandran et al. 2017).
"""
import numpy as np

from ..core import defvjp, primitive
from ..kernels import elementwise
from .arithmetic import erf, gt, mul, tanh, where


@primitive
def relu(x):
    """y = max(x, 0), NaN stays NaN.   y′ = 1 for x > 0, else 0"""
    return elementwise.relu(x)


@primitive
def relu_pull(g, y, value=None):
    """g where y > 0, else 0: the gradient of `relu`, which depends on y only through a mask.

    `value` is that result where it is known already.
    """
    return elementwise.relu_pull(g, y) if value is None else value


defvjp(relu, lambda g, y, x: relu_pull(g, y))
defvjp(relu_pull, lambda c, _, g, y, value=None: relu_pull(c, y), None)


def leaky_relu(x, negative_slope=0.01):
    """y = x for x > 0, else negative_slope · x"""
    return where(gt(x, 0), x, mul(x, negative_slope))


@primitive
def sigmoid(x):
    """y = 1/(1 + e^(−x)), without overflow.   y′ = y (1 − y)"""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)
defvjp(sigmoid, lambda g, y, x: g * (y * (1 - y)))


@primitive
def softplus(x, beta=1.0, threshold=20.0):
    """y = ln(1 + e^(βx))/β, and x itself where βx > threshold.   y′ = sigmoid(βx)"""
    z = beta * x
    return np.where(z > threshold, x, np.logaddexp(0, z) / beta)
defvjp(softplus, lambda g, y, x, beta=1.0, threshold=20.0:
       where(gt(x * beta, threshold), g, g * sigmoid(x * beta)))


def silu(x):
    """y = x · sigmoid(x)"""
    return x * sigmoid(x)


def gelu(x, approximate="none"):
    """y = x Φ(x) with the normal distribution Φ.

    With `approximate="tanh"`, y = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).
    """
    if approximate == "none":
        return 0.5 * x * (1 + erf(x * float(np.sqrt(0.5))))
    if approximate == "tanh":
        return 0.5 * x * (1 + tanh(float(np.sqrt(2 / np.pi)) * (x + 0.044715 * (x * x * x))))
    raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
