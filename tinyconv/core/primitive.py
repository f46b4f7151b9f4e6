"""Operations and their derivative rules: `primitive` lifts a function, `defvjp` states its rule."""
from functools import wraps
from inspect import Parameter, signature

import numpy as np
from numpy import generic, ndarray

from .errors import DtypeError
from .recording import mode
from .tensor import Node, Tensor, wrap
from .watching import tell, watchers

FLOAT32 = np.dtype(np.float32)


def primitive(f):
    """Lift a function of arrays to tensors; the result remembers the call if a gradient may flow.

    Positional arguments may be tensors or constants, keyword arguments are constants. The result
    has to be one array. What is wider must be asked for: a whole number or a tensor without
    dimensions does not widen float32, nor half precision (PyTorch's rule).
    """
    @wraps(f)
    def op(*args, **kwargs):
        y = wrap((mode.evaluate or computed)(f, args, kwargs))
        if mode.recording and y.data.dtype.kind == "f":        # x.long() is a constant
            for a in args:
                if isinstance(a, Tensor) and a.requires_grad:
                    y.requires_grad, y.grad_fn = True, Node(op, args, kwargs)
                    break
        if watchers:
            tell(op, y, args, kwargs)
        return y

    op.rules, op.onto, op.joint_rule = {}, {}, None
    return op


def locally_constant(f):
    """Lift a function of arrays whose result does not change when its arguments change a little.

    Comparisons, argmax, floor: the derivative is zero wherever it exists, so nothing is recorded.
    """
    @wraps(f)
    def op(*args, **kwargs):
        y = wrap((mode.evaluate or computed)(f, args, kwargs))
        if watchers:
            tell(op, y, args, kwargs)
        return y
    return op


def several(f, *args):
    """The arrays that f, a function of arrays which returns several, makes of tensors.

    Nothing is recorded, as of `locally_constant`: what is to have a gradient is made a primitive's.
    """
    if mode.evaluate is not None:
        return mode.evaluate(f, args, {})
    return f(*(a.data if isinstance(a, Tensor) else a for a in args))


def computed(f, args, kwargs):
    """f of the arrays within `args`, no wider than asked for; its errors carry the name of f."""
    # a NumPy scalar is a number like 2.0: it widens nothing
    arrays = [a.data if isinstance(a, Tensor) else a.item() if isinstance(a, generic) else a
              for a in args]
    try:
        y = f(*arrays, **kwargs)
        if type(y) is not ndarray:
            if isinstance(y, Tensor):
                raise TypeError("a function of arrays has come to return a tensor; tensors are "
                                "positional arguments, and its operations are NumPy's")
            y = np.asarray(y)
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        name = f.__name__.lstrip("_")
        if arrays and isinstance(arrays[0], list):
            raise TypeError(f"{name}: expected a tensor or an array first, got a list; "
                            "make it one with tc.tensor") from error
        if str(error).startswith(f"{name}:") or isinstance(error, AttributeError):
            raise
        kinds = DtypeError, IndexError, TypeError, ValueError
        kind = next(k for k in kinds if isinstance(error, k))
        raise kind(f"{name}: {error}") from error
    first = arrays[0] if arrays else None
    if isinstance(first, ndarray) and first.ndim and first.dtype == y.dtype:
        return y                                 # as nearly always
    return _narrowed(f, y, arrays, kwargs)


def _narrowed(f, y, arrays, kwargs):
    """y, no wider than the tensors of its kind that have dimensions, or else those that have none.

    Without a tensor of floating point numbers those of y are float32. (Of bytes and booleans NumPy
    makes float16: then y is computed again.)
    """
    kind = y.dtype.kind
    if kind == "b" or "dtype" in kwargs:
        return y
    kinds = "f" if kind == "f" else "iu"
    like = [a for a in arrays if isinstance(a, np.ndarray) and a.dtype.kind in kinds]
    deciding = [a.dtype.newbyteorder("=") for a in like if a.ndim] or [a.dtype for a in like]
    if kind == "f":
        if not deciding and y.dtype == np.float16:
            floats = [a.astype(np.float32) if isinstance(a, np.ndarray) else a for a in arrays]
            return np.asarray(f(*floats, **kwargs))
        wanted = max(deciding, default=FLOAT32)
        return y.astype(wanted) if y.dtype > wanted else y
    if deciding and len(deciding) < len(like):             # with dimensions and without
        return y.astype(np.result_type(*deciding), copy=False)
    return y


def defvjp(op, *rules, argnums=None, joint=None, onto=()):
    """State the derivative of `op`: one rule `(g, y, *args, **kwargs) -> ∂L/∂arg` per argument.

    The rules come in the order of the arguments; None stands for one without a gradient. `argnums`
    names the arguments when they are not the first ones. A `joint` rule instead returns the
    gradients of all positional arguments at once, for operations whose gradients share work. A rule
    need not undo broadcasting: that is done once, on the edge. It may close over a raw array only
    if that array is locally constant (a mask, an argmax, a shape); over anything smooth it must go
    through operations, or the second derivative is silently wrong.

    Where another gradient s of the same argument has arrived before, the walk adds the two. An
    operation that can do so in passing has a rule `(s, g, y, *args, **kwargs) -> s + ∂L/∂arg` in
    `onto`, under the number of the argument. (Beside a joint rule it is not asked.)

    Raises TypeError for a rule of an argument that `op` does not have, and for a plain function.
    """
    if not hasattr(op, "rules"):
        raise TypeError(f"defvjp: {getattr(op, '__name__', repr(op))} is no operation that can "
                        "have a rule; write @primitive above it")
    rules = dict(zip(range(len(rules)) if argnums is None else argnums, rules, strict=True))
    names = _positional(op)
    for i in rules if names is not None else ():
        if i >= len(names):
            raise TypeError(f"defvjp: there is a rule of argument {i}, but {op.__name__} has only "
                            f"{len(names)}: {', '.join(names)}")
    op.joint_rule, op.onto = joint, dict(onto)
    op.rules.update(rules)


def _positional(op):
    """The names of the arguments that may be tensors; None where there may be any number."""
    parameters = signature(op).parameters.values()
    if any(p.kind is Parameter.VAR_POSITIONAL for p in parameters):
        return None
    return [p.name for p in parameters
            if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]


# ---- the four operations that every walk needs ---------------------------------------------------

@primitive
def add(a, b):
    """y = a + b"""
    return np.add(a, b)
defvjp(add, lambda g, y, a, b: g,
            lambda g, y, a, b: g)


@primitive
def sum_to(x, shape):
    """x summed over what broadcasting `shape` to x.shape repeats: the adjoint of `broadcast_to`."""
    extra = x.ndim - len(shape)
    stretched = tuple(i + extra for i, n in enumerate(shape) if n == 1 and x.shape[i + extra] != 1)
    wide = np.float64 if x.dtype.kind == "f" else x.dtype        # or a long sum would lose digits
    y = x.sum(tuple(range(extra)) + stretched, dtype=wide, keepdims=True)
    return y.reshape(shape).astype(x.dtype, copy=False)


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
