"""Derivatives by a complex step: as accurate as the function itself, for there is no difference.

For a function that is analytic where it stands, f(x + ihu) = f(x) + ih f′(x)u − h²…, so that
Im f(x + ihu) / h is the derivative up to h², and no digit is lost: nothing is subtracted. With
h = 1e-20 it is right to the last bits, where a central difference keeps ten digits.

The function is called once, with real numbers, and recorded. Then its operations are computed
again, one after another, with complex ones: each by its own forward function where NumPy knows what
it means for complex numbers, by one written for them otherwise (`complex_twins.py`). Derivative
rules play no part. What the function computed outside of its graph (masks, positions of maxima)
stays as it was recorded; that a residual was wrongly kept as a constant is therefore not seen here,
but by `check_grad` with its usual central differences.

Source: Squire & Trapp 1998, "Using complex variables to estimate derivatives of real functions".
"""
import numpy as np

from ..core import Tensor, enable_grad
from .complex_twins import TWINS
from .points import leaf, outputs_of

__tracebackhide__ = True
STEP = 1e-20


def complex_step(f, *inputs, directions):
    """The derivatives of the results of f at `inputs` along `directions`, as a list of arrays.

    directions : one array for every input, of its shape; None where the input stays.
    Raises TypeError at an operation that cannot be computed with complex numbers.
    """
    with enable_grad():
        xs = [leaf(x) for x in inputs]
        ys = outputs_of(f, xs)
    moved = {x: x.data + 1j * STEP * np.asarray(u) for x, u in zip(xs, directions)
             if u is not None}
    for y in _history(ys):
        node = y.grad_fn
        if any(isinstance(a, Tensor) and a in moved for a in node.args):
            moved[y] = _computed(node, moved)
    return [moved[y].imag / STEP if y in moved else np.zeros(y.shape) for y in ys]


def _history(roots):
    """All results of operations that the roots were made from, oldest first."""
    seen, stack = set(), [y for y in roots if y.grad_fn is not None]
    while stack:
        y = stack.pop()
        if y not in seen:
            seen.add(y)
            stack += [a for a in y.grad_fn.args if isinstance(a, Tensor) and a.grad_fn is not None]
    return sorted(seen, key=lambda y: y.grad_fn.birth)


def _computed(node, moved):
    """The operation of a node, with the complex values of those arguments that have them."""
    args = [moved.get(a, a.data) if isinstance(a, Tensor) else a for a in node.args]
    twin = TWINS.get(node.op, node.op.__wrapped__)
    try:
        y = np.asarray(twin(*args, **node.kwargs))
    except TypeError as error:
        raise TypeError(f"complex_step: {node.name} cannot be computed with complex numbers "
                        f"({error}); check it with method='central'") from error
    if y.dtype.kind != "c":
        raise TypeError(f"complex_step: {node.name} of complex numbers gives {y.dtype}; "
                        "check it with method='central'")
    return y
