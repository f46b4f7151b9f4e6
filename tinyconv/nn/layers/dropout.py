"""Dropout as layers: active in training mode only. The formula is in `functional/dropout.py`."""
from .. import functional as F
from ..module import Module


class _Dropout(Module):
    def __init__(self, p=0.5, inplace=False):
        if not isinstance(p, (int, float)) or not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p is a probability between 0 and 1, "
                             f"got {p!r}")
        self.p, self.inplace = p, inplace

    def forward(self, x):
        return self._drop(x, self.p, self.training)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Set each element to zero with probability p, and scale the others by 1/(1 − p)."""
    _drop = staticmethod(F.dropout)


class Dropout1d(_Dropout):
    """Set whole channels of (N, C, L) to zero, each with probability p."""
    _drop = staticmethod(F.dropout1d)


class Dropout2d(_Dropout):
    """Set whole channels of (N, C, H, W) to zero, each with probability p."""
    _drop = staticmethod(F.dropout2d)


class Dropout3d(_Dropout):
    """Set whole channels of (N, C, D, H, W) to zero, each with probability p."""
    _drop = staticmethod(F.dropout3d)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1, for networks of `SELU`."""
    _drop = staticmethod(F.alpha_dropout)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of (N, C, ...)."""
    _drop = staticmethod(F.feature_alpha_dropout)


class StochasticDepth(_Dropout):
    """Drop whole samples (mode "row") or the whole batch ("batch"): see `F.stochastic_depth`."""

    def __init__(self, p, mode):
        super().__init__(p)
        if mode not in ("batch", "row"):
            raise ValueError(f"StochasticDepth: mode should be 'batch' or 'row', got {mode!r}")
        self.mode = mode

    def forward(self, x):
        return F.stochastic_depth(x, self.p, self.mode, self.training)

    def extra_repr(self):
        return f"p={self.p}, mode={self.mode}"
