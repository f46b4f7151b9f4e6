"""Padding layers in 1 to 3 dimensions: a border around the image, filled in one of five ways.

    input            a b c d
    ConstantPad    v v a b c d v v       with a value, `ZeroPad` with 0
    ReflectionPad  c b a b c d c b       mirrored at the edge, which is not repeated
    ReplicationPad a a a b c d d d       the edge repeated
    CircularPad    c d a b c d a b       wrapped around

`padding` is one number for all sides, or (left, right) for the last dimension, then (top, bottom)
for the one before it, then (front, back); a negative number crops. A mirrored border is narrower
than the input, one that is wrapped around no wider. What is computed is in `ops/shaping.py`.
"""
from ...ops import as_tensor
from .. import functional as F
from ..arguments import is_whole
from ..module import Module


class _Pad(Module):
    _spatial, _mode = 0, None

    def __init__(self, padding):
        sides = 2 * self._spatial
        given = (padding,) * sides if is_whole(padding) else padding
        if (not isinstance(given, (tuple, list)) or len(given) != sides
                or not all(map(is_whole, given))):
            raise ValueError(f"{type(self).__name__}: padding should be a whole number or {sides} "
                             f"of them, got {padding!r}")
        self.padding = tuple(given)

    def forward(self, x):
        x = as_tensor(x)
        if x.ndim - self._spatial not in (1, 2):
            raise ValueError(f"{type(self).__name__}: input should have {self._spatial + 2} "
                             f"dimensions, (N, C, ...), or {self._spatial + 1} without a batch, "
                             f"got shape {x.shape}")
        return F.pad(x, self.padding, self._mode)

    def extra_repr(self):
        return repr(self.padding)


# ---- with a value --------------------------------------------------------------------------------

class _ConstantPad(_Pad):
    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, x):                        # also for other numbers of dimensions
        return F.pad(x, self.padding, value=self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """A border of `value`:  (N, C, L) → (N, C, L′)."""
    _spatial = 1


class ConstantPad2d(_ConstantPad):
    """A border of `value`:  (N, C, H, W) → (N, C, H′, W′)."""
    _spatial = 2


class ConstantPad3d(_ConstantPad):
    """A border of `value`:  (N, C, D, H, W) → (N, C, D′, H′, W′)."""
    _spatial = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return repr(self.padding)


class ZeroPad1d(_ZeroPad):
    """A border of zeros:  (N, C, L) → (N, C, L′)."""
    _spatial = 1


class ZeroPad2d(_ZeroPad):
    """A border of zeros:  (N, C, H, W) → (N, C, H′, W′)."""
    _spatial = 2


class ZeroPad3d(_ZeroPad):
    """A border of zeros:  (N, C, D, H, W) → (N, C, D′, H′, W′)."""
    _spatial = 3


# ---- with elements of the input ------------------------------------------------------------------

class ReflectionPad1d(_Pad):
    """The input mirrored at its edges:  (N, C, L) → (N, C, L′)."""
    _spatial, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """The input mirrored at its edges:  (N, C, H, W) → (N, C, H′, W′)."""
    _spatial, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """The input mirrored at its edges:  (N, C, D, H, W) → (N, C, D′, H′, W′)."""
    _spatial, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The edges repeated:  (N, C, L) → (N, C, L′)."""
    _spatial, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The edges repeated:  (N, C, H, W) → (N, C, H′, W′)."""
    _spatial, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """The edges repeated:  (N, C, D, H, W) → (N, C, D′, H′, W′)."""
    _spatial, _mode = 3, "replicate"


class CircularPad1d(_Pad):
    """The input wrapped around:  (N, C, L) → (N, C, L′)."""
    _spatial, _mode = 1, "circular"


class CircularPad2d(_Pad):
    """The input wrapped around:  (N, C, H, W) → (N, C, H′, W′)."""
    _spatial, _mode = 2, "circular"


class CircularPad3d(_Pad):
    """The input wrapped around:  (N, C, D, H, W) → (N, C, D′, H′, W′)."""
    _spatial, _mode = 3, "circular"
