"""Where a check is made: inputs, random cotangents and directions, gradients as functions."""
import numpy as np

from ..core import Tensor, enable_grad, grad

__tracebackhide__ = True


def leaf(x):
    """A leaf around the same array (the same layout in memory)."""
    return Tensor(x.data if isinstance(x, Tensor) else x).requires_grad_()


def is_differentiable(x):
    """True for floating point arrays and tensors; numbers, masks and options are constants."""
    return isinstance(x, (Tensor, np.ndarray)) and x.dtype.kind == "f"


def function_of(f, inputs, places):
    """f as a function of the inputs at `places` alone; the others stay as they are."""
    def restricted(*xs):
        args = list(inputs)
        for i, x in zip(places, xs):
            args[i] = x
        return f(*args)
    return restricted


def refuse_narrow(check, xs):
    """Raise TypeError unless every input is float64."""
    for i, x in enumerate(xs):
        if is_differentiable(x) and x.dtype != np.float64:
            raise TypeError(f"{check}: input {i} is {x.dtype}, and its round-off would be blamed "
                            "on the function: finite differences need float64. Pass x.double() "
                            "(or array.astype(numpy.float64))")


def promoted(inputs):
    """The inputs, the narrower floating point ones among them as float64."""
    return [Tensor((x.data if isinstance(x, Tensor) else x).astype(np.float64))
            if is_differentiable(x) and x.dtype != np.float64 else x for x in inputs]


def bounded(rng, shape):
    """Random numbers of either sign with 1/2 ≤ |v| ≤ 3/2.

    None is so small that it would hide an error, and none is special: all ones would hide every
    error in softmax, whose sum is constant.
    """
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice((-1.0, 1.0), shape))


def beside(rng, x, distance):
    """A point beside x: every element moved by about `distance` of its size, zeros by the mean."""
    size = np.abs(x)
    usual = size.mean() if size.any() else 1.0
    return x + distance * bounded(rng, x.shape) * np.where(size > 0, size, usual)


def outputs_of(f, xs):
    """The floating point results of f(*xs), as a list."""
    ys = f(*xs)
    ys = [ys] if isinstance(ys, Tensor) else ys
    if not isinstance(ys, (list, tuple)) or not all(isinstance(y, Tensor) for y in ys):
        raise TypeError("the function to check must return a tensor or a tuple of tensors, "
                        f"it returned {type(ys).__name__}")
    ys = [y for y in ys if y.is_floating_point()]
    if not ys:
        raise TypeError("the function to check returned no floating point tensor")
    return ys


def gradients(ys, xs, vs, create_graph=False):
    """∂(Σ ys·vs)/∂xs; zero where the result does not depend on the input. The graph is kept."""
    reached = [(y, v) for y, v in zip(ys, vs) if y.requires_grad]
    if not reached:
        return [_zeros(x) for x in xs]
    ys, vs = zip(*reached)
    found = grad(ys, xs, vs, retain_graph=True, create_graph=create_graph, allow_unused=True)
    return [_zeros(x) if g is None else g for x, g in zip(xs, found)]


def _zeros(x):
    return Tensor(np.zeros_like(x.data))


def vjp_of(f, n):
    """The function (x₁ … xₙ, v₁ … vₘ) ↦ vᵀ ∂f/∂x: what there is to check one order higher."""
    def vjp(*args):
        with enable_grad():
            xs = [x if x.requires_grad else leaf(x) for x in args[:n]]
            return gradients(outputs_of(f, xs), xs, args[n:], create_graph=True)
    return vjp
