"""Every call in a table of calls: PyTorch's results, dtypes and gradients, in every layout.

A call is (f, *given): f takes a room (`F`, `tc`, or PyTorch's) and tensors; `given` are arrays, or
shapes to be filled with distinct numbers.
"""
from functools import partial

import calls_of_functional
import calls_of_ops
import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_grad
from tinyconv.testing.layouts import lay_out
from tinyconv.testing.strategies import fill

CALLS = {**{("tinyconv", name): (tc, *call) for name, call in calls_of_ops.CALLS.items()},
         **{("F", name): (F, *call) for name, call in calls_of_functional.CALLS.items()}}


# The padding row of an embedding has no gradient, on purpose.
SMOOTH = [key for key in CALLS if key != ("F", "embedding with padding")]


def every_call(test, calls=tuple(CALLS)):
    return pytest.mark.parametrize("where, name", calls, ids=map(" ".join, calls))(test)


def arrays(rng, given, dtype=np.float64):
    return [fill(rng, a, "distinct", dtype) if isinstance(a, tuple) else a for a in given]


def results(y):
    return [y.data] if isinstance(y, tc.Tensor) else [part.data for part in y]


def of_pytorch(torch, where, name):
    """The room in which PyTorch has what a call asks for."""
    return torch.nn.functional if where == "F" and not name.startswith("channel") else torch


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_call
def test_a_call_is_pytorchs(torch, against_torch, rng, where, name, dtype):
    room, f, *given = CALLS[where, name]
    theirs = of_pytorch(torch, where, name)
    against_torch(lambda *a: f(room, *a), lambda *a: f(theirs, *a), *arrays(rng, given, dtype))


@partial(every_call, calls=SMOOTH)
def test_a_call_has_its_derivatives_to_second_order(rng, where, name):
    room, f, *given = CALLS[where, name]
    args = [tc.tensor(a) if a.dtype.kind != "f" else a for a in arrays(rng, given)]
    check_grad(lambda *a: f(room, *a), *args, name=name)


@every_call
def test_how_an_array_lies_in_memory_does_not_matter(rng, where, name):
    room, f, *given = CALLS[where, name]
    args = arrays(rng, given)
    expected = results(f(room, *map(tc.tensor, args)))
    for layout in ("fortran", "reversed", "strided", "read_only"):
        again = results(f(room, *(tc.as_tensor(lay_out(a, layout)) for a in args)))
        for y, e in zip(again, expected, strict=True):
            np.testing.assert_allclose(y, e, rtol=1e-12, atol=1e-14)


@every_call
def test_half_precision_stays_so_or_is_refused(rng, where, name):
    room, f, *given = CALLS[where, name]
    args = arrays(rng, given)
    expected = results(f(room, *map(tc.tensor, args)))
    try:
        halves = [tc.tensor(a.astype(np.float16) if a.dtype.kind == "f" else a) for a in args]
        ys = results(f(room, *halves))
    except TypeError as error:
        assert "float16" in str(error)
        return
    for y, e in zip(ys, expected, strict=True):
        assert y.dtype == (np.float16 if e.dtype.kind == "f" else e.dtype) or "dtype" in name
        np.testing.assert_allclose(y.astype(e.dtype), e, rtol=2e-2, atol=2e-2)
