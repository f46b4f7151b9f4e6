"""Tensors, and the memory of how they were made."""
import numpy as np

from .errors import DtypeError
from .writes import births, writes


class Node:
    """How a tensor was made: y = op(*args, **kwargs).

    It does not know y, so no reference ever runs in a circle. Where someone looks on (`watching`),
    it also knows the place of the call, and the sums of the arrays it saved.
    """
    __slots__ = ("op", "args", "kwargs", "birth", "place", "sums")

    def __init__(self, op, args, kwargs):
        self.op, self.args, self.kwargs, self.birth = op, args, kwargs, next(births)

    def release(self):
        """Forget the arguments: what only they kept alive is freed, and no second walk can pass."""
        self.args, self.kwargs = (), {}

    @property
    def name(self):
        return self.op.__name__.lstrip("_")

    @property
    def at(self):
        """" at file:line", where the operation was called; "" if nobody looked on."""
        place = getattr(self, "place", None)
        return f" at {place}" if place else ""

    def __repr__(self):
        return f"<{self.name}>"


class Tensor:
    """An array, and whether and how gradients flow to it.

    `data` is the NumPy array itself (any shape; float32 unless made from something else), `grad`
    the gradient that `backward` stored, a tensor of the same shape and dtype, or None. Operators
    and methods carry PyTorch's names; those that compute are listed in `ops/methods.py`.

    Tensors are values: an operation never changes its arguments, and `x += y` makes a new tensor.
    The one exception is a leaf under `no_grad`, which is how parameters are updated; a graph that
    still needs the old values then refuses to be walked (see `touch`).
    """
    __slots__ = ("data", "requires_grad", "grad", "grad_fn", "_hooks", "_retains_grad",
                 "__weakref__")
    __array_ufunc__ = None       # so that `array + tensor` asks the tensor (see ops/methods.py)

    def __init__(self, data, requires_grad=False, dtype=None):
        self.data = as_array(data, dtype)
        self.requires_grad, self.grad, self.grad_fn = False, None, None
        self._hooks, self._retains_grad = None, False
        if requires_grad:
            self.requires_grad_()

    # ---- what it is ------------------------------------------------------------------------------

    shape = property(lambda self: self.data.shape)
    dtype = property(lambda self: self.data.dtype)
    ndim = property(lambda self: self.data.ndim)
    is_leaf = property(lambda self: self.grad_fn is None)

    def size(self, dim=None):
        """The shape, or its length along `dim`."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self):
        """The number of dimensions."""
        return self.data.ndim

    def numel(self):
        """The number of elements."""
        return self.data.size

    def __len__(self):
        if not self.data.ndim:
            raise TypeError("len() of a tensor with no dimensions")
        return len(self.data)

    def is_floating_point(self):
        """True for float16, float32 and float64."""
        return self.data.dtype.kind == "f"

    # ---- out of the library ----------------------------------------------------------------------

    def numpy(self):
        """The array itself, not a copy. A tensor that gradients flow to must be detached first."""
        if self.requires_grad:
            raise RuntimeError("numpy: this tensor requires grad, and a change to the array would "
                               "go unseen; write x.detach().numpy()")
        return self.data

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self):
        """The only element, as a Python number."""
        if self.data.size != 1:
            raise ValueError("item: only a tensor with one element is a number, "
                             f"this one has shape {self.shape}")
        return self.data.item()

    def tolist(self):
        """The elements as (nested) Python lists."""
        return self.data.tolist()

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __index__(self):
        if self.data.dtype.kind not in "iu":
            raise DtypeError(f"only an integer tensor can be an index, this one is {self.dtype}")
        return self.item()

    def __bool__(self):
        if self.data.size != 1:
            raise ValueError(f"the truth of a tensor with {self.data.size} elements "
                             "is not one value; use .any() or .all()")
        return bool(self.data.item())

    def __repr__(self):
        body = np.array2string(self.data, separator=", ", prefix="tensor(", precision=4)
        dtype = "" if self.dtype in (np.float32, np.int64, np.bool_) else f", dtype={self.dtype}"
        if self.grad_fn is not None:
            return f"tensor({body}{dtype}, grad_fn={self.grad_fn})"
        return f"tensor({body}{dtype}{', requires_grad=True' if self.requires_grad else ''})"

    __hash__ = object.__hash__    # `==` compares elements, but a tensor is a key by its identity

    # ---- gradients -------------------------------------------------------------------------------

    def requires_grad_(self, requires_grad=True):
        """Ask for gradients (or no longer) with respect to this leaf; returns the tensor."""
        if not self.is_leaf:
            raise RuntimeError("requires_grad_: only a leaf can be switched, this tensor is a "
                               f"result of {self.grad_fn.name}; use .detach() for a constant")
        if requires_grad and not self.is_floating_point():
            raise DtypeError("requires_grad: only floating point tensors have gradients, "
                             f"this one is {self.dtype}")
        self.requires_grad = bool(requires_grad)
        return self

    def detach(self):
        """The same array as a constant: no gradient flows through it. A write is one to both."""
        return wrap(self.data)

    def touch(self):
        """Note that the array was just written to: who used the old values must not be walked.

        That is true of all tensors that share its memory, such as `x.detach()`. Whatever of this
        library writes in place calls it (`x[key] = value`, `x += y` on a leaf, optimisers,
        initialisers, `load_state_dict`). NumPy does not: after a change by hand, such as
        `x.data *= 2` or one through an array that shares the memory, call it yourself. (In debug
        mode, `tinyconv.watch.debug`, every change is seen.)
        """
        writes.note(self.data)

    def retain_grad(self):
        """Let `backward` store the gradient of this tensor although it is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad: this tensor does not require grad")
        self._retains_grad = True

    def register_hook(self, hook):
        """Call `hook(gradient)` when the gradient of this tensor is complete.

        What the hook returns, if not None, replaces the gradient. Returns a handle whose `remove()`
        takes the hook away.
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook: this tensor does not require grad")
        if self._hooks is None:
            self._hooks = {}
        return HookHandle(self._hooks, hook)


class HookHandle:
    """What `register_hook` returns; `remove()` takes the hook away again."""

    def __init__(self, hooks, hook):
        self._hooks, self._key = hooks, next(births)       # any number that is not taken
        hooks[self._key] = hook

    def remove(self):
        self._hooks.pop(self._key, None)


def as_array(data, dtype):
    """An array of `data`. Python floats become float32; what has a dtype already keeps it."""
    if isinstance(data, Tensor):
        data = data.data
    given = isinstance(data, (np.ndarray, np.generic))
    array = np.asarray(data, dtype=dtype)
    if array.dtype.kind not in "fiub":
        raise DtypeError(f"tensor: expected real numbers or booleans, got {array.dtype}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    narrow = dtype is None and not given and array.dtype == np.float64
    return array.astype(np.float32) if narrow else array


def wrap(array):
    """A tensor around an array that an operation made."""
    tensor = Tensor.__new__(Tensor)
    tensor.data = array if type(array) is np.ndarray else np.asarray(array)
    tensor.requires_grad = tensor._retains_grad = False
    tensor.grad = tensor.grad_fn = tensor._hooks = None
    return tensor
