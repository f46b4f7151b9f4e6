"""Tensors that remember how they were made, and the walk that turns that memory into gradients.

The whole of automatic differentiation is here; it needs NumPy and nothing else. An operation is a plain function of
arrays, lifted to tensors by `primitive`. Its derivative is one rule per argument, written with the library's own
operations, so that a gradient is itself something that can be differentiated:

    @primitive
    def tanh(x):
        "y = tanh x.   dy/dx = 1 - y²"
        return np.tanh(x)
    defvjp(tanh, lambda g, y, x: g * (1 - y * y))

A rule is a *vector-Jacobian product*: it takes the cotangent g = ∂L/∂y, the result y and the arguments, and returns
∂L/∂x. A tensor that came out of an operation holds a `Node` (which operation, which arguments); a tensor that did not is
a *leaf*. Following nodes backwards from the loss is all that `backward` does.
"""
import threading
from functools import wraps
from itertools import count

import numpy as np

_births = count()                                # every node is numbered: a result is younger than its arguments


# ---- recording or not ------------------------------------------------------------------------------------------------

class _Mode(threading.local):
    recording = True


_mode = _Mode()


class _Recording:
    """Switch recording within a `with` block, or within a function it decorates; the state before it is restored."""

    def __init__(self, value):
        self._value, self._before = bool(value), []

    def __enter__(self):
        self._before.append(_mode.recording)
        _mode.recording = self._value

    def __exit__(self, *exception):
        _mode.recording = self._before.pop()

    def __call__(self, f):
        @wraps(f)
        def with_mode(*args, **kwargs):
            with _Recording(self._value):
                return f(*args, **kwargs)
        return with_mode


class no_grad(_Recording):
    """Within it nothing is recorded: results are constants. `with tc.no_grad(): ...` or `@tc.no_grad()`."""

    def __new__(cls, f=None):                    # `@tc.no_grad` without brackets decorates, too
        return super().__new__(cls) if f is None else cls()(f)

    def __init__(self, f=None):
        super().__init__(False)


class enable_grad(_Recording):
    """Within it operations are recorded again, also inside `no_grad`."""

    def __new__(cls, f=None):
        return super().__new__(cls) if f is None else cls()(f)

    def __init__(self, f=None):
        super().__init__(True)


class set_grad_enabled(_Recording):
    """Record within it if `mode` is true, do not if it is false."""

    def __init__(self, mode):
        super().__init__(mode)


def is_grad_enabled():
    """True while operations of this thread are recorded."""
    return _mode.recording


# ---- tensors and nodes -----------------------------------------------------------------------------------------------

class Node:
    """How a tensor was made: y = op(*args, **kwargs). It does not know y, so no reference ever runs in a circle."""
    __slots__ = ("op", "args", "kwargs", "birth")

    def __init__(self, op, args, kwargs):
        self.op, self.args, self.kwargs, self.birth = op, args, kwargs, next(_births)

    def release(self):
        """Forget the arguments: what only they kept alive is freed, and no second walk can pass."""
        self.args = self.kwargs = None

    @property
    def name(self):
        return self.op.__name__

    def __repr__(self):
        return f"<{self.name}>"


class Tensor:
    """An array, and whether and how gradients flow to it.

    `data` is the NumPy array itself (any shape; float32 unless made from something else), `grad` the gradient that
    `backward` stored, a tensor of the same shape and dtype, or None. Operators and methods carry PyTorch's names; those
    that compute are listed in `ops/methods.py`.

    Tensors are values: an operation never changes its arguments, and `x += y` makes a new tensor. The one exception is
    a leaf under `no_grad`, which is how parameters are updated.
    """
    __slots__ = ("data", "requires_grad", "grad", "grad_fn", "_hooks", "_retains_grad", "__weakref__")
    __array_ufunc__ = None                       # so that `array + tensor` asks the tensor

    def __init__(self, data, requires_grad=False, dtype=None):
        self.data = _as_array(data, dtype)
        self.requires_grad, self.grad, self.grad_fn = False, None, None
        self._hooks, self._retains_grad = None, False
        if requires_grad:
            self.requires_grad_()

    # -- what it is

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

    # -- out of the library

    def numpy(self):
        """The array itself, without a copy. A tensor that gradients flow to must be detached first."""
        if self.requires_grad:
            raise RuntimeError("numpy: this tensor requires grad, and a change to the array would go unseen; "
                               "write x.detach().numpy()")
        return self.data

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self):
        """The only element, as a Python number."""
        if self.data.size != 1:
            raise ValueError(f"item: only a tensor with one element is a number, this one has shape {self.shape}")
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
            raise TypeError(f"only an integer tensor can be an index, this one is {self.dtype}")
        return self.item()

    def __bool__(self):
        if self.data.size != 1:
            raise ValueError(f"the truth of a tensor with {self.data.size} elements is not one value; "
                             "use .any() or .all()")
        return bool(self.data.item())

    def __repr__(self):
        body = np.array2string(self.data, separator=", ", prefix="tensor(", precision=4)
        dtype = "" if self.dtype in (np.float32, np.int64, np.bool_) else f", dtype={self.dtype}"
        if self.grad_fn is not None:
            return f"tensor({body}{dtype}, grad_fn={self.grad_fn})"
        return f"tensor({body}{dtype}{', requires_grad=True' if self.requires_grad else ''})"

    __hash__ = object.__hash__                   # `==` compares elements, but a tensor is a key by its identity

    # -- gradients

    def requires_grad_(self, requires_grad=True):
        """Ask for gradients (or no longer) with respect to this leaf; returns the tensor."""
        if not self.is_leaf:
            raise RuntimeError(f"requires_grad_: only a leaf can be switched, this tensor is a result of "
                               f"{self.grad_fn.name}; use .detach() for a constant copy")
        if requires_grad and not self.is_floating_point():
            raise TypeError(f"requires_grad: only floating point tensors have gradients, this one is {self.dtype}")
        self.requires_grad = bool(requires_grad)
        return self

    def detach(self):
        """The same array as a constant: no gradient flows through it."""
        return _wrap(self.data)

    def backward(self, gradient=None, retain_graph=None, create_graph=False):
        """Add ∂self/∂leaf to the `.grad` of every leaf that requires it (and of tensors that `retain_grad`).

        `gradient` is the cotangent ∂L/∂self; a tensor with one element may leave it out (1). With `create_graph` the
        gradients can be differentiated in turn; with `retain_graph` (default: `create_graph`) the graph may be walked
        again. Raises RuntimeError if the graph was freed by an earlier walk.
        """
        found = _walk([self], [_cotangent(self, gradient)], None, retain_graph, create_graph)
        for leaf, g in found.items():
            leaf.grad = g if leaf.grad is None else _add(leaf.grad, g, create_graph)

    def retain_grad(self):
        """Let `backward` store the gradient of this tensor although it is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad: this tensor does not require grad")
        self._retains_grad = True

    def register_hook(self, hook):
        """Call `hook(gradient)` when the gradient of this tensor is complete; what it returns, if not None, replaces it.

        Returns a handle whose `remove()` takes the hook away.
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook: this tensor does not require grad")
        if self._hooks is None:
            self._hooks = {}
        return HookHandle(self._hooks, hook)


class HookHandle:
    """What `register_hook` returns; `remove()` takes the hook away again."""

    def __init__(self, hooks, hook):
        self._hooks, self._key = hooks, next(_births)
        hooks[self._key] = hook

    def remove(self):
        self._hooks.pop(self._key, None)


def _as_array(data, dtype):
    """An array of `data`. Python floats become float32; what has a dtype already keeps it."""
    if isinstance(data, Tensor):
        data = data.data
    given = isinstance(data, (np.ndarray, np.generic))
    array = np.asarray(data, dtype=dtype)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"tensor: expected real numbers or booleans, got {array.dtype}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array.astype(np.float32) if dtype is None and not given and array.dtype == np.float64 else array


def _wrap(array):
    """A tensor around an array that an operation made."""
    tensor = Tensor.__new__(Tensor)
    tensor.data = array if type(array) is np.ndarray else np.asarray(array)
    tensor.requires_grad = tensor._retains_grad = False
    tensor.grad = tensor.grad_fn = tensor._hooks = None
    return tensor


# ---- operations and their rules --------------------------------------------------------------------------------------

def primitive(f):
    """Lift a function of arrays to tensors; the result remembers the call if a gradient may flow through it.

    Positional arguments may be tensors or constants, keyword arguments are constants. The result has to be one array.
    float64 must be asked for: a whole number or a tensor without dimensions does not widen float32 (PyTorch's rule).
    """
    @wraps(f)
    def op(*args, **kwargs):
        arrays, tracked = [], False
        for a in args:
            if isinstance(a, Tensor):
                arrays.append(a.data)
                tracked = tracked or a.requires_grad
            else:                                # a NumPy scalar is a number like 2.0: it does not widen float32
                arrays.append(a.item() if isinstance(a, np.generic) else a)
        y = _wrap(f(*arrays, **kwargs))
        if y.data.dtype == np.float64 and not _asked_for_float64(arrays, kwargs):
            y.data = y.data.astype(np.float32)
        if tracked and _mode.recording and y.data.dtype.kind == "f":    # x.long() is a constant
            y.requires_grad = True
            y.grad_fn = Node(op, args, kwargs)
        return y

    op.rules, op.joint_rule = {}, None
    return op


def locally_constant(f):
    """Lift a function of arrays whose result small changes of the arguments do not change: comparisons, argmax, floor.

    Its derivative is zero wherever it exists, so nothing is recorded.
    """
    @wraps(f)
    def op(*args, **kwargs):
        return _wrap(f(*(a.data if isinstance(a, Tensor) else a for a in args), **kwargs))
    return op


def _asked_for_float64(arrays, kwargs):
    floats = [a for a in arrays if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    deciding = [a for a in floats if a.ndim] or floats
    return "dtype" in kwargs or any(a.dtype == np.float64 for a in deciding)


def defvjp(op, *rules, argnums=None, joint=None):
    """State the derivative of `op`: one rule `(g, y, *args, **kwargs) -> ∂L/∂arg` for each argument, in order.

    None stands for an argument without a gradient. `argnums` names the arguments when they are not the first ones.
    A `joint` rule instead returns the gradients of all positional arguments at once, for operations whose gradients
    share work. A rule need not undo broadcasting: that is done once, on the edge. It may close over a raw array only if that
    array is locally constant (a mask, an argmax, a shape); over anything smooth it must go through operations, or the
    second derivative is silently wrong.
    """
    op.joint_rule = joint
    op.rules.update(zip(range(len(rules)) if argnums is None else argnums, rules, strict=True))


# ---- the walk --------------------------------------------------------------------------------------------------------

def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=False):
    """∂(outputs · grad_outputs)/∂input for every input, as a tuple; no `.grad` is touched.

    `outputs` and `inputs` are a tensor or a sequence of tensors, `grad_outputs` the cotangents (1 where an output has one
    element). With `create_graph` the results can be differentiated in turn. An input the outputs do not depend on is an
    error, or None with `allow_unused`. Only what leads to the inputs is computed.
    """
    outputs, inputs = _as_list(outputs), _as_list(inputs)
    given = [None] * len(outputs) if grad_outputs is None else _as_list(grad_outputs)
    if len(given) != len(outputs):
        raise ValueError(f"grad: {len(outputs)} outputs need as many grad_outputs, got {len(given)}")
    for i, x in enumerate(inputs):
        if not (isinstance(x, Tensor) and x.requires_grad):
            raise RuntimeError(f"grad: input {i} does not require grad")
    cotangents = [_cotangent(y, g) for y, g in zip(outputs, given)]
    found = _walk(outputs, cotangents, set(inputs), retain_graph, create_graph)
    for i, x in enumerate(inputs):
        if x not in found and not allow_unused:
            raise RuntimeError(f"grad: the outputs do not depend on input {i} of shape {x.shape}; "
                               "pass allow_unused=True to get None for it")
    return tuple(found.get(x) for x in inputs)


def _walk(roots, cotangents, targets, retain_graph, create_graph):
    """Carry cotangents from the roots back to the targets (None: the leaves); returns {target: gradient}.

    Why the order matters: in  b = a + a;  c = b + b  the gradient of b has two parts, and b may pass on its gradient to a
    only when both have arrived. Youngest first guarantees it, and every node is visited once. (Following
    paths instead would visit a four times here, and 2ⁿ times in a chain of n.)
    """
    retain_graph = create_graph if retain_graph is None else retain_graph
    gradients, found = {}, {}
    history = _history(roots)
    wanted = None if targets is None else _leading_to(targets, history)
    with set_grad_enabled(create_graph):
        for root, g in zip(roots, cotangents):
            _collect(gradients, root, g)
        while history:
            y = history.pop()                    # popped, not iterated over: so memory is freed on the way
            g = _through_hooks(y, gradients.pop(y, None))
            if g is None:
                continue
            if y in targets if targets is not None else y._retains_grad:
                found[y] = g
            walked = [_collect(gradients, x, gx) for x, gx in _pull_back(y, g, wanted)]
            if walked and not retain_graph:      # a target that leads nowhere else may be walked later
                y.grad_fn.release()
        for leaf, g in gradients.items():
            if targets is None or leaf in targets:
                found[leaf] = _through_hooks(leaf, g)
        return _unshared(found, cotangents, create_graph)


def _history(roots):
    """The tensors that the roots were computed from (themselves included) and that have a node, oldest first."""
    seen, stack = set(), [y for y in roots if y.grad_fn is not None]
    while stack:
        y = stack.pop()
        if y in seen:
            continue
        seen.add(y)
        if y.grad_fn.args is None:
            raise RuntimeError(f"backward: the graph behind this result of {y.grad_fn.name} was freed by an earlier backward; "
                               "pass retain_graph=True to the earlier one to walk it again")
        for x in y.grad_fn.args:
            if isinstance(x, Tensor) and x.grad_fn is not None and x not in seen:
                stack.append(x)
    return sorted(seen, key=lambda y: y.grad_fn.birth)


def _leading_to(targets, history):
    """The tensors through which a target is reached: no other gradient is worth computing."""
    wanted = set(targets)
    for y in history:
        if any(isinstance(x, Tensor) and x in wanted for x in y.grad_fn.args):
            wanted.add(y)
    return wanted


def _pull_back(y, g, wanted):
    """The pairs (argument, its gradient) of the operation that made y, given y's gradient."""
    op, args, kwargs = y.grad_fn.op, y.grad_fn.args, y.grad_fn.kwargs
    joint = op.joint_rule and op.joint_rule(g, y, *args, **kwargs)
    for i, x in enumerate(args):
        if not isinstance(x, Tensor) or not x.requires_grad or not (wanted is None or x in wanted):
            continue
        if not joint and i not in op.rules:
            raise NotImplementedError(f"{op.__name__}: argument {i} has no derivative rule")
        rule = not joint and op.rules[i]
        gx = joint[i] if joint else rule and rule(g, y, *args, **kwargs)
        if gx is not None:
            yield x, _fitted(gx, x, op, i)


def _fitted(g, x, op, i):
    """g with the shape and dtype of x: what broadcasting repeated is summed, what promotion widened is narrowed."""
    if not isinstance(g, Tensor):
        raise TypeError(f"{op.__name__}: the rule of argument {i} must return a tensor, it returned {type(g).__name__}")
    if g.data.shape != x.data.shape:
        extra = g.data.ndim - x.data.ndim
        if extra < 0 or any(n != m and n != 1 for n, m in zip(x.data.shape, g.data.shape[extra:])):
            raise ValueError(f"{op.__name__}: the rule of argument {i} returned shape {g.shape}, to which the argument's "
                             f"shape {x.shape} does not broadcast")
        g = sum_to(g, x.data.shape)
    return g if g.data.dtype == x.data.dtype else cast(g, dtype=x.data.dtype)


def _collect(gradients, x, g):
    """Add g to what has already arrived at x."""
    before = gradients.get(x)
    gradients[x] = g if before is None else add(before, g)


def _through_hooks(x, g):
    for hook in () if g is None or not x._hooks else list(x._hooks.values()):
        replaced = hook(g)
        g = g if replaced is None else _cotangent(x, replaced)
    return g


def _unshared(found, cotangents, create_graph):
    """Give every gradient memory of its own: the rule of `a + b`, for one, hands the same array to both."""
    taken = {id(g.data) for g in cotangents}
    for x, g in found.items():
        if g.data.base is not None or id(g.data) in taken:
            found[x] = cast(g, dtype=g.data.dtype) if create_graph else _wrap(g.data.copy(order="K"))
        taken.add(id(found[x].data))
    return found


def _add(a, b, create_graph):
    with set_grad_enabled(create_graph):
        return add(a, b)


def _cotangent(y, g):
    """The cotangent of y: g, checked, or 1 for a tensor with one element."""
    if not isinstance(y, Tensor) or not y.requires_grad:
        raise RuntimeError("backward: this tensor does not require grad, nothing it was made from does")
    if g is None:
        if y.data.size != 1:
            raise RuntimeError(f"backward: a result of shape {y.shape} needs a gradient of that shape; "
                               "only one with a single element has the default 1")
        return _wrap(np.ones_like(y.data))
    g = g if isinstance(g, Tensor) else Tensor(g)
    if g.shape != y.shape:
        raise ValueError(f"backward: the gradient of a tensor of shape {y.shape} must have that shape, got {g.shape}")
    return g if g.dtype == y.dtype else cast(g, dtype=y.dtype)


def _as_list(tensors):
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


# ---- the four operations that the walk itself needs ------------------------------------------------------------------

@primitive
def add(a, b):
    """y = a + b"""
    return np.add(a, b)
defvjp(add, lambda g, y, a, b: g,
            lambda g, y, a, b: g)


@primitive
def sum_to(x, shape):
    """Sum over the dimensions along which `shape` was broadcast to x.shape: the adjoint of `broadcast_to`."""
    extra = x.ndim - len(shape)
    stretched = tuple(i + extra for i, n in enumerate(shape) if n == 1 and x.shape[i + extra] != 1)
    wide = np.float64 if x.dtype == np.float32 else x.dtype      # a long sum over rows would lose digits
    return x.sum(tuple(range(extra)) + stretched, dtype=wide, keepdims=True).reshape(shape).astype(x.dtype, copy=False)


@primitive
def broadcast_to(x, shape):
    """x repeated along new and length-one dimensions up to `shape`, without a copy (read-only)."""
    return np.broadcast_to(x, shape)


defvjp(sum_to, lambda g, y, x, shape: broadcast_to(g, x.shape))
defvjp(broadcast_to, lambda g, y, x, shape: sum_to(g, x.shape))


@primitive
def cast(x, *, dtype):
    """A copy of x with another dtype (or the same)."""
    return x.astype(dtype)
defvjp(cast, lambda g, y, x, dtype: cast(g, dtype=x.dtype))
