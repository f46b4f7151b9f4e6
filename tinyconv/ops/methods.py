"""What a tensor can do by itself: operators and methods, each an operation of this folder."""
import numpy as np

from ..core import InPlaceError, Tensor, add, cast, is_grad_enabled
from . import (activations, algebra, arithmetic, arranging, creation, elementary, indexing, linalg,
               matrices, ordering, reducing, shaping)
from .conversion import as_dtype, to

# ---- operators -----------------------------------------------------------------------------------

_OPERATORS = {"add": add, "sub": arithmetic.sub, "mul": arithmetic.mul, "truediv": arithmetic.div,
              "pow": arithmetic.pow, "matmul": algebra.matmul,
              "floordiv": arithmetic.floor_divide, "mod": arithmetic.remainder,
              "and": arithmetic.bitwise_and, "or": arithmetic.bitwise_or,
              "xor": arithmetic.bitwise_xor}

_COMPARISONS = {"eq": arithmetic.eq, "ne": arithmetic.ne, "lt": arithmetic.lt, "le": arithmetic.le,
                "gt": arithmetic.gt, "ge": arithmetic.ge}


def _in_place(name, op):
    """`x op= y` makes a new tensor, but changes a leaf that requires grad in place.

    Only `no_grad` allows that.
    """
    def method(self, other):
        if not (self.requires_grad and self.is_leaf):
            return op(self, other)
        if is_grad_enabled():
            raise InPlaceError(f"{name}=: a leaf that requires grad cannot change while "
                               "operations are recorded; do it under tc.no_grad()")
        self.data[...] = op(self, other).data
        self.touch()
        return self
    return method


for _name, _op in _OPERATORS.items():
    setattr(Tensor, f"__{_name}__", _op)
    setattr(Tensor, f"__r{_name}__", lambda self, other, op=_op: op(other, self))
    setattr(Tensor, f"__i{_name}__", _in_place(_name, _op))

for _name, _op in _COMPARISONS.items():
    setattr(Tensor, f"__{_name}__", _op)


# what NumPy calls an operator, and what the tensor on the right of it is asked
_REFLECTED = {np.add: "radd", np.subtract: "rsub", np.multiply: "rmul", np.divide: "rtruediv",
              np.power: "rpow", np.matmul: "rmatmul", np.floor_divide: "rfloordiv",
              np.remainder: "rmod", np.bitwise_and: "rand", np.bitwise_or: "ror",
              np.bitwise_xor: "rxor", np.equal: "eq", np.not_equal: "ne", np.less: "gt",
              np.less_equal: "ge", np.greater: "lt", np.greater_equal: "le"}


def _array_ufunc(self, ufunc, method, *inputs, out=None, **options):
    """`array + tensor` (or +=) asks the tensor; by name, NumPy's functions take none: TypeError."""
    if (ufunc in _REFLECTED and method == "__call__" and not options
            and not isinstance(inputs[0], Tensor) and (out is None or out[0] is inputs[0])):
        return getattr(self, f"__{_REFLECTED[ufunc]}__")(inputs[0])
    name = {"absolute": "abs", "negative": "neg", "subtract": "sub", "multiply": "mul",
            "divide": "div"}.get(ufunc.__name__, ufunc.__name__)
    own = f"write x.{name}({'…' * (ufunc.nin - 1)}), or " if hasattr(Tensor, name) else ""
    raise TypeError(f"np.{ufunc.__name__} does not take a tensor, it would hide the gradient: {own}"
                    "make an operation of a function of arrays with @primitive and defvjp of "
                    "tinyconv.core")


Tensor.__array_ufunc__ = _array_ufunc


def _set_item(self, key, value):
    if self.requires_grad and is_grad_enabled() or not self.is_leaf:
        raise InPlaceError("x[key] = value: a tensor in a graph cannot change; "
                           "use tc.where, or assign under tc.no_grad()")
    *first, last = indexing.read_in_turn(key)
    place = self.data[first[0]] if first else self.data    # numbers and slices: a view
    place[last] = value.data if isinstance(value, Tensor) else value
    self.touch()


Tensor.__neg__ = lambda self: arithmetic.neg(self)
Tensor.__pos__ = lambda self: self
Tensor.__abs__ = lambda self: arithmetic.abs(self)
Tensor.__invert__ = lambda self: arithmetic.bitwise_not(self)
Tensor.__getitem__ = indexing.getitem
Tensor.__setitem__ = _set_item
Tensor.__iter__ = lambda self: (self[i] for i in range(len(self)))

# ---- methods that are an operation ---------------------------------------------------------------

_METHODS = {
    arithmetic: """mul remainder floor_divide neg pow square reciprocal
        exp expm1 log log1p log2 log10 sqrt rsqrt
        sin cos tan arcsin arccos arctan sinh cosh tanh erf
        abs sign floor ceil round trunc clamp maximum minimum masked_fill
        eq ne lt le gt ge logical_and logical_or logical_xor logical_not isnan isinf isfinite""",
    elementary: """add sub div acos asin atan clip asinh acosh atanh atan2 exp2 logaddexp xlogy lerp
        isclose allclose equal""",
    activations: "relu sigmoid",
    reducing: """sum prod cumsum cumprod mean var std amax amin max min argmax argmin any all
        count_nonzero softmax log_softmax logsumexp""",
    shaping: "transpose movedim flatten squeeze unsqueeze expand split chunk roll",
    arranging: "ravel unbind repeat_interleave unfold swapaxes moveaxis",
    indexing: """take_along_dim gather scatter scatter_add index_add index_select select narrow
        masked_select nonzero""",
    ordering: "sort argsort topk",
    matrices: "tril triu diagonal diag diag_embed trace",
    algebra: "matmul mm bmm mv dot outer addmm",
    linalg: "norm",
}

for _room, _names in _METHODS.items():
    for _name in _names.split():
        setattr(Tensor, _name, getattr(_room, _name))


# ---- methods that read differently ---------------------------------------------------------------

def _sizes(sizes):
    """Lengths given one by one or as one sequence."""
    return tuple(sizes[0]) if len(sizes) == 1 and not hasattr(sizes[0], "__index__") else sizes


def _repeat(self, *repeats):
    """The tensor laid out repeats[i] times along dimension i, a number for each of them."""
    repeats = _sizes(repeats)
    if len(repeats) < self.ndim:
        raise ValueError(f"repeat: {len(repeats)} numbers {repeats} for the {self.ndim} dimensions "
                         f"of {self.shape}; tile takes fewer")
    return arranging.tile(self, repeats)


def _matrix_transpose(self):
    return shaping.permute(self, tuple(range(self.ndim))[::-1])


Tensor.reshape = Tensor.view = lambda self, *shape: shaping.reshape(self, _sizes(shape))
Tensor.permute = lambda self, *dims: shaping.permute(self, _sizes(dims))
Tensor.flip = lambda self, *dims: shaping.flip(self, _sizes(dims))
Tensor.tile = lambda self, *dims: arranging.tile(self, _sizes(dims))
Tensor.unflatten = lambda self, dim, *sizes: arranging.unflatten(self, dim, _sizes(sizes))
Tensor.repeat = _repeat
Tensor.where = lambda self, condition, other: arithmetic.where(condition, self, other)
Tensor.broadcast_to = lambda self, *shape: shaping.expand(self, _sizes(shape))
Tensor.view_as = Tensor.reshape_as = lambda self, other: shaping.reshape(self, other.shape)
Tensor.expand_as = lambda self, other: shaping.expand(self, other.shape)
Tensor.T = property(_matrix_transpose)
Tensor.mT = property(lambda self: shaping.transpose(self, -1, -2))
Tensor.t = _matrix_transpose
Tensor.to, Tensor.type = to, as_dtype
Tensor.cpu = lambda self: self
Tensor.device = property(lambda self: "cpu")
Tensor.float = lambda self: as_dtype(self, np.float32)
Tensor.double = lambda self: as_dtype(self, np.float64)
Tensor.half = lambda self: as_dtype(self, np.float16)
Tensor.long = lambda self: as_dtype(self, np.int64)
Tensor.int = lambda self: as_dtype(self, np.int32)
Tensor.bool = lambda self: as_dtype(self, np.bool_)
Tensor.new_zeros = lambda self, *size: creation.zeros(*size, dtype=self.dtype)
Tensor.new_ones = lambda self, *size: creation.ones(*size, dtype=self.dtype)
Tensor.new_full = lambda self, size, value: creation.full(size, value, dtype=self.dtype)
Tensor.type_as = lambda self, other: as_dtype(self, other.dtype)
Tensor.clone = lambda self: cast(self, dtype=self.dtype)
Tensor.contiguous = lambda self: self
