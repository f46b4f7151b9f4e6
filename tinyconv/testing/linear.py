"""`check_linear`: is a function linear in each of its inputs?"""
import numpy as np

from ..core import Tensor, no_grad
from .errors import GradientError
from .points import bounded, is_differentiable, outputs_of, refuse_narrow

__tracebackhide__ = True


def check_linear(f, *inputs, rtol=1e-10, atol=1e-12, seed=0):
    """Check that f is linear in each floating point input while the others stay as they are.

    That is f(a x + b y) = a f(x) + b f(y), with random numbers a and b and a random y for every
    input x in turn. A function that adds a bias is not linear (at y = 0 it is not 0).
    The two sides may differ by atol, and rtol times the largest term.
    Raises GradientError, TypeError for inputs narrower than float64.
    """
    refuse_narrow("check_linear", inputs)
    places = [i for i, x in enumerate(inputs) if is_differentiable(x)]
    if not places:
        raise TypeError("check_linear: none of the inputs is a floating point tensor or array")
    rng = np.random.default_rng(seed)
    arrays = [x.data if isinstance(x, Tensor) else x for x in inputs]
    for i in places:
        def at(x, i=i):
            with no_grad():
                args = [Tensor(a) if k in places else b
                        for k, (a, b) in enumerate(zip([*arrays[:i], x, *arrays[i + 1:]], inputs))]
                return [y.data for y in outputs_of(f, args)]
        x, y = arrays[i], bounded(rng, arrays[i].shape)
        a, b = (float(v) for v in bounded(rng, (2,)))
        for j, (whole, fx, fy) in enumerate(zip(at(a * x + b * y), at(x), at(y))):
            error = np.abs(whole - (a * fx + b * fy))
            tolerance = atol + rtol * max(np.abs(t).max(initial=0.0) for t in (whole, fx, fy))
            if not (error <= tolerance).all():
                where = tuple(map(int, np.unravel_index(np.argmax(error), error.shape)))
                raise GradientError(
                    f"not linear in input {i} of shape {x.shape}: with a = {a:.3g}, b = {b:.3g}\n"
                    f"  at              element {where} of output {j}\n"
                    f"  f(a x + b y)    {whole[where]:.12g}\n"
                    f"  a f(x) + b f(y) {(a * fx + b * fy)[where]:.12g}\n"
                    f"  error           {error[where]:.3g} > tolerance {tolerance:.3g}")
