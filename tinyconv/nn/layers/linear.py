"""The fully connected layer."""
import math

import numpy as np

from .. import functional as F
from .. import init
from ..arguments import whole
from ..module import Module
from ..parameter import Parameter


class Linear(Module):
    """y = x Wᵀ + b:  (..., in_features) → (..., out_features).

    Parameters `weight` (out, in) and `bias` (out), both drawn from U(−1/√in, 1/√in).
    """

    def __init__(self, in_features, out_features, bias=True):
        self.in_features = whole("Linear", "in_features", in_features, 0)
        self.out_features = whole("Linear", "out_features", out_features, 0)
        self.weight = Parameter(np.empty((out_features, in_features), np.float32))
        self.bias = Parameter(np.empty(out_features, np.float32)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        """Draw the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(max(1, self.in_features))
            init.uniform_(self.bias, -bound, bound)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self):
        return (f"in_features={self.in_features}, out_features={self.out_features}, "
                f"bias={self.bias is not None}")
