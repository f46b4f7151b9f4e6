"""The catalogue has every operation, and `check_operation` is right about each of them."""
import inspect
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules import operation

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_grad
from tinyconv.testing.catalogue import OPERATIONS, WITHOUT_DERIVATIVE, Call, Constant
from tinyconv.testing.operations import check_operation, problem
from tinyconv.testing.strategies import calls

NAMES = sorted(OPERATIONS)
A_QUARTER = max(1, settings.default.max_examples // 4)


def public(room):
    """The public functions of a room."""
    return {name for name in dir(room) if not name.startswith("_")
            and callable(getattr(room, name)) and not inspect.isclass(getattr(room, name))}


# ---- nothing is forgotten ------------------------------------------------------------------------

@pytest.mark.parametrize("room", [tc, F, tc.Tensor], ids=["tinyconv", "F", "Tensor"])
def test_every_public_function_is_checked_or_excused_with_a_reason(room):
    excused = {name for names in WITHOUT_DERIVATIVE.values() for name in names.split()}
    forgotten = public(room) - set(OPERATIONS) - excused
    assert not forgotten, (f"{sorted(forgotten)}: give each an Operation in "
                           "tinyconv/testing/catalogue, or a reason in WITHOUT_DERIVATIVE")


def test_nothing_is_both_checked_and_excused_and_no_excuse_is_stale():
    excused = [name for names in WITHOUT_DERIVATIVE.values() for name in names.split()]
    assert len(excused) == len(set(excused)) and not set(excused) & set(OPERATIONS)
    assert set(excused) <= public(tc) | public(F) | public(tc.Tensor)
    assert all(checked.spellings for checked in OPERATIONS.values())


def test_what_is_excused_as_constant_has_no_gradient():
    x, y = (tc.tensor(np.array([[0.5, -1.5]]), requires_grad=True) for _ in range(2))
    for name in WITHOUT_DERIVATIVE["constant almost everywhere"].split():
        f = getattr(tc, name)
        result = f(x) if len(inspect.signature(f).parameters) == 0 else _called(f, x, y)
        assert not result.requires_grad, name


def _called(f, x, y):
    try:
        return f(x)
    except (TypeError, ValueError):
        return f(x, y)


# ---- every operation -----------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_an_operation_passes_its_check(name):
    verdict = check_operation(OPERATIONS[name], problems=3, seed=1000, complex=True)
    assert verdict.failure is None, f"{verdict.failure}\n{verdict.reproduction}"
    assert verdict.problems == 3 and len(verdict.worst) == OPERATIONS[name].order


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_agrees_with_pytorch(torch, name):
    verdict = check_operation(OPERATIONS[name], problems=3, seed=2000, torch=True)
    assert verdict.failure is None, f"{verdict.failure}\n{verdict.reproduction}"
    assert (verdict.torch is None) == (OPERATIONS[name].torch == "")


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=A_QUARTER)
@given(data=st.data())
def test_the_derivatives_of_an_operation_are_right_at_any_problem(name, data):
    call = data.draw(calls(name))
    check_grad(call.of(OPERATIONS[name].spellings[0]), *call.floats, order=OPERATIONS[name].order,
               name=name)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=A_QUARTER)
@given(data=st.data())
def test_an_operation_keeps_its_dtype(name, data):
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    call = data.draw(calls(name)).astype(dtype)
    ys = call.of(OPERATIONS[name].spellings[0])(*map(tc.Tensor, call.floats))
    ys = ys if isinstance(ys, (tuple, list)) else [ys]
    assert {y.dtype for y in ys if y.is_floating_point()} <= {np.dtype(dtype)}


# ---- planted errors ------------------------------------------------------------------------------

@pytest.mark.parametrize("function, says", [
    (operation(np.tanh, lambda g, y, x: g * (1 + y * y)), "first derivative of tanh is wrong"),
    (operation(np.tanh, lambda g, y, x: g * tc.tensor(1 - y.data ** 2)), "second derivative of tanh"),
    (operation(lambda x: np.tanh(x) * (1.001 if x.dtype == np.float32 else 1),
             lambda g, y, x: g * (1 - y * y)), "in float32")])
def test_a_planted_error_is_found_with_the_command_that_finds_it_again(function, says):
    wrong = replace(OPERATIONS["tanh"], function=function)
    verdict = check_operation(wrong, problems=5, seed=7)
    assert says in verdict.failure and "called with (" in verdict.failure
    seed = 7 + verdict.problems
    assert verdict.reproduction == f"tinyconv check tanh --seed {seed} --problems 1"
    again = check_operation(wrong, problems=1, seed=seed)
    assert again.failure == verdict.failure


def test_a_result_that_is_not_that_of_pytorch_is_found(torch):
    wrong = replace(OPERATIONS["tanh"], function=lambda x: tc.tanh(x) * (1 + 1e-8))
    verdict = check_operation(wrong, seed=3, torch=True)
    assert "not as PyTorch: result 0 is wrong" in verdict.failure
    assert verdict.reproduction.endswith("--torch")
    other = replace(OPERATIONS["tanh"], torch="sin")
    assert "not as PyTorch" in check_operation(other, seed=3, torch=True).failure


def test_a_method_that_differs_from_the_function_is_found(monkeypatch):
    monkeypatch.setattr(tc.Tensor, "tanh", lambda x: tc.tanh(x) * 1.5)
    assert "of the method tanh" in check_operation(OPERATIONS["tanh"]).failure


# ---- calls ---------------------------------------------------------------------------------------

def test_a_call_finds_its_floats_wherever_they_stand():
    a, b, c = np.ones(2), np.zeros((2, 2)), np.full(3, 2.0)
    call = Call([a, 3, b], np.arange(2), w=c, v=Constant(np.ones(1)))
    assert [x is y for x, y in zip(call.floats, (a, b, c))] == [True] * 3
    args, kwargs = call.of(lambda *args, **kwargs: (args, kwargs))("a", "b", "c")
    assert args[0] == ["a", 3, "b"] and kwargs["w"] == "c"
    assert isinstance(args[1], tc.Tensor) and isinstance(kwargs["v"], tc.Tensor)
    assert repr(call) == (
        "([np.array([1.0, 1.0]), 3, np.array([[0.0, 0.0], [0.0, 0.0]])], np.array([0, 1], "
        "np.int64), w=np.array([2.0, 2.0, 2.0]), v=constant np.array([1.0]))")
    assert [x.dtype for x in call.astype(np.float32).floats] == [np.float32] * 3


def test_the_same_seed_makes_the_same_problem():
    first, again, other = (problem(OPERATIONS["conv2d"], seed) for seed in (5, 5, 6))
    assert repr(first) == repr(again) != repr(other)
    assert all(np.array_equal(x, y) for x, y in zip(first.floats, again.floats))
