"""Tensors that remember how they were made, and the walk that turns that memory into gradients.

The whole of automatic differentiation is here; it needs NumPy and nothing else. An operation is a
plain function of arrays, lifted to tensors by `primitive`. Its derivative is one rule per argument,
written with the library's own operations, so that a gradient is itself something that can be
differentiated:

    @primitive
    def tanh(x):
        "y = tanh x.   dy/dx = 1 − y²"
        return np.tanh(x)
    defvjp(tanh, lambda g, y, x: g * (1 - y * y))

A rule is a *vector-Jacobian product*: it takes the cotangent g = ∂L/∂y, the result y and the
arguments, and returns ∂L/∂x. A tensor that came out of an operation holds a `Node` (which
operation, which arguments); a tensor that did not is a *leaf*. Following nodes backwards from the
loss is all that `backward` does.

Read `tensor.py`, then `primitive.py`, then `walk.py`, then `writes.py` (if a value has changed).
"""
from .errors import AnomalyError, ChangedError, DtypeError, FreedGraphError, InPlaceError
from .primitive import (add, broadcast_to, cast, computed, defvjp, locally_constant, primitive,
                        several, sum_to)
from .recording import enable_grad, evaluated_by, is_grad_enabled, no_grad, set_grad_enabled
from .tensor import HookHandle, Node, Tensor
from .walk import backward, changed, grad
from .watching import Watcher, watchers
