"""What every call in a table of calls promises, by whatever name it is reached.

A call is (f, *given): f takes a room (`F`, `tc`, or PyTorch's) and tensors; `given` are arrays, or
shapes to be filled with distinct numbers.
"""
import numpy as np

import tinyconv as tc
from tinyconv.testing import check_grad
from tinyconv.testing.layouts import lay_out
from tinyconv.testing.strategies import fill


def arrays(rng, given, dtype=np.float64):
    return [fill(rng, a, "distinct", dtype) if isinstance(a, tuple) else a for a in given]


def results(y):
    return [y.data] if isinstance(y, tc.Tensor) else [part.data for part in y]


def has_its_derivatives(room, call, rng, name):
    f, *given = call
    args = [tc.tensor(a) if a.dtype.kind != "f" else a for a in arrays(rng, given)]
    check_grad(lambda *a: f(room, *a), *args, name=name)


def is_the_same_for_every_layout(room, call, rng):
    f, *given = call
    args = arrays(rng, given)
    expected = results(f(room, *map(tc.tensor, args)))
    for layout in ("fortran", "reversed", "strided", "read_only"):
        again = results(f(room, *(tc.as_tensor(lay_out(a, layout)) for a in args)))
        for y, e in zip(again, expected, strict=True):
            np.testing.assert_allclose(y, e, rtol=1e-12, atol=1e-14)


def keeps_half_precision_or_refuses(room, call, rng, widens=False):
    """`widens`: the call asks for another dtype."""
    f, *given = call
    args = arrays(rng, given)
    expected = results(f(room, *map(tc.tensor, args)))
    try:
        halves = [tc.tensor(a.astype(np.float16) if a.dtype.kind == "f" else a) for a in args]
        ys = results(f(room, *halves))
    except TypeError as error:
        assert "float16" in str(error)
        return
    for y, e in zip(ys, expected, strict=True):
        assert y.dtype == (np.float16 if e.dtype.kind == "f" else e.dtype) or widens
        np.testing.assert_allclose(y.astype(e.dtype), e, rtol=2e-2, atol=2e-2)
