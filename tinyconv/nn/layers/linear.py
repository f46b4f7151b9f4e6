"""Layers without geometry: the fully connected one, its bilinear relative, a table of vectors."""
import math

import numpy as np

from ...core import no_grad
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


class Bilinear(Module):
    """y_o = x₁ᵀ W_o x₂ + b_o:  (..., in1_features), (..., in2_features) → (..., out_features).

    Parameters `weight` (out, in1, in2) and `bias` (out), both drawn from U(−1/√in1, 1/√in1).
    """

    def __init__(self, in1_features, in2_features, out_features, bias=True):
        self.in1_features = whole("Bilinear", "in1_features", in1_features, 1)
        self.in2_features = whole("Bilinear", "in2_features", in2_features, 1)
        self.out_features = whole("Bilinear", "out_features", out_features, 1)
        shape = out_features, in1_features, in2_features
        self.weight = Parameter(np.empty(shape, np.float32))
        self.bias = Parameter(np.empty(out_features, np.float32)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.in1_features)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, x1, x2):
        return F.bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self):
        return (f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
                f"out_features={self.out_features}, bias={self.bias is not None}")


class Embedding(Module):
    """Rows of a table, one for each class:  (...) → (..., embedding_dim).

    Parameter `weight` (num_embeddings, embedding_dim), drawn from the normal distribution; the row
    `padding_idx`, negative from the end, is zero and stays so.
    """

    def __init__(self, num_embeddings, embedding_dim, padding_idx=None):
        n = self.num_embeddings = whole("Embedding", "num_embeddings", num_embeddings, 1)
        self.embedding_dim = whole("Embedding", "embedding_dim", embedding_dim, 1)
        if padding_idx is not None and not -n <= padding_idx < n:
            raise ValueError(f"Embedding: padding_idx {padding_idx} is not one of {n} classes")
        self.padding_idx = None if padding_idx is None else padding_idx % n
        self.weight = Parameter(np.empty((num_embeddings, embedding_dim), np.float32))
        self.reset_parameters()

    def reset_parameters(self):
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    @classmethod
    def from_pretrained(cls, embeddings, freeze=True, padding_idx=None):
        """A layer with the table `embeddings`, which is not trained if `freeze`."""
        layer = cls(*embeddings.shape, padding_idx)
        layer.weight = Parameter(embeddings, requires_grad=not freeze)
        return layer

    def forward(self, x):
        return F.embedding(x, self.weight, self.padding_idx)

    def extra_repr(self):
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
