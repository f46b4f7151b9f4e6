"""Tensors from nothing, from numbers and from arrays, by PyTorch's names.

float32 unless `dtype` says otherwise; whole numbers are int64. Random ones take an explicit
`generator` or the default one.
"""
import numpy as np

from ..core import DtypeError, Tensor
from ..random import default_generator


def tensor(data, dtype=None, requires_grad=False):
    """A tensor with a copy of `data`, nested lists or an array.

    Python floats become float32, an array keeps its dtype.
    """
    copied = Tensor(data, dtype=dtype)
    copied.data = np.array(copied.data)
    return copied.requires_grad_() if requires_grad else copied


def as_tensor(data, dtype=None):
    """`data` itself if it is a tensor, else a tensor that shares its memory where possible."""
    if isinstance(data, Tensor) and (dtype is None or data.dtype == dtype):
        return data
    return Tensor(data, dtype=dtype)


def floating(data, op):
    """`data` as a tensor, which must hold floating point numbers."""
    x = as_tensor(data)
    if x.dtype.kind != "f":
        raise DtypeError(f"{op}: expected a floating point tensor, got {x.dtype}; "
                         "convert it with .float()")
    return x


def from_numpy(array):
    """A tensor that shares the memory of `array`."""
    return Tensor(np.asarray(array))


def _size(size):
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else size


def zeros(*size, dtype=np.float32, requires_grad=False):
    """Zeros of a shape: `zeros(2, 3)` or `zeros((2, 3))`."""
    return Tensor(np.zeros(_size(size), dtype), requires_grad)


def ones(*size, dtype=np.float32, requires_grad=False):
    """Ones of a shape."""
    return Tensor(np.ones(_size(size), dtype), requires_grad)


def empty(*size, dtype=np.float32, requires_grad=False):
    """A tensor whose elements are whatever the memory held."""
    return Tensor(np.empty(_size(size), dtype), requires_grad)


def full(size, fill_value, dtype=None, requires_grad=False):
    """One value everywhere."""
    if dtype is None and isinstance(fill_value, float):
        dtype = np.float32
    return Tensor(np.full(size, fill_value, dtype), requires_grad)


def zeros_like(x, dtype=None, requires_grad=False):
    """Zeros with the shape and dtype of x."""
    return Tensor(np.zeros_like(as_tensor(x).data, dtype), requires_grad)


def ones_like(x, dtype=None, requires_grad=False):
    """Ones with the shape and dtype of x."""
    return Tensor(np.ones_like(as_tensor(x).data, dtype), requires_grad)


def empty_like(x, dtype=None, requires_grad=False):
    """Whatever the memory held, with the shape and dtype of x."""
    return Tensor(np.empty_like(as_tensor(x).data, dtype), requires_grad)


def full_like(x, fill_value, dtype=None, requires_grad=False):
    """One value everywhere, with the shape and dtype of x; a value that dtype cannot hold is an
    error."""
    x = as_tensor(x).data
    dtype = x.dtype if dtype is None else np.dtype(dtype)
    if dtype.kind != "f" and fill_value != dtype.type(fill_value):
        raise TypeError(f"full_like: {dtype} cannot hold {fill_value}; pass dtype")
    return Tensor(np.full_like(x, fill_value, dtype), requires_grad)


def arange(start, end=None, step=1, dtype=None, requires_grad=False):
    """start, start + step, … below end: int64 if all are whole, else float32."""
    start, end = (0, start) if end is None else (start, end)
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"arange: steps of {step} from {start} do not lead to {end}")
    numbers = np.arange(start, end, step, dtype)
    narrow = dtype is None and numbers.dtype.kind == "f"
    return Tensor(numbers.astype(np.float32) if narrow else numbers, requires_grad)


def linspace(start, end, steps, dtype=np.float32, requires_grad=False):
    """`steps` numbers evenly from start to end, both included."""
    return Tensor(np.linspace(start, end, steps, dtype=dtype), requires_grad)


def eye(n, m=None, dtype=np.float32, requires_grad=False):
    """Ones on the diagonal of an (n, m) matrix."""
    return Tensor(np.eye(n, m, dtype=dtype), requires_grad)


def rand(*size, dtype=np.float32, generator=None, requires_grad=False):
    """Uniform in [0, 1)."""
    numbers = (generator or default_generator()).random(_size(size))
    return Tensor(numbers.astype(dtype), requires_grad)


def randn(*size, dtype=np.float32, generator=None, requires_grad=False):
    """Normal with mean 0 and variance 1."""
    numbers = (generator or default_generator()).standard_normal(_size(size))
    return Tensor(numbers.astype(dtype), requires_grad)


def rand_like(x, dtype=None, generator=None, requires_grad=False):
    """Uniform in [0, 1), with the shape and dtype of x."""
    x = as_tensor(x)
    return rand(x.shape, dtype=dtype or x.dtype, generator=generator, requires_grad=requires_grad)


def randn_like(x, dtype=None, generator=None, requires_grad=False):
    """Normal with mean 0 and variance 1, with the shape and dtype of x."""
    x = as_tensor(x)
    return randn(x.shape, dtype=dtype or x.dtype, generator=generator, requires_grad=requires_grad)


def randint(low, high=None, size=None, generator=None):
    """Whole numbers from low up to, but not including, high: `randint(high, size)` or with low."""
    if size is None:
        low, high, size = 0, low, high
    return Tensor((generator or default_generator()).integers(low, high, size))


def randperm(n, generator=None):
    """The numbers 0 … n − 1 in random order."""
    return Tensor((generator or default_generator()).permutation(n))
