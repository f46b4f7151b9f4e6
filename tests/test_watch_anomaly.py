"""`detect_anomaly` promises: the first bad number is named, with its place, and no false alarm."""
import contextlib
import re
import sys
import threading

import numpy as np
import pytest
from tqdm import tqdm

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import models
from tinyconv.core import defvjp, primitive, watchers
from tinyconv.testing.catalogue import OPERATIONS
from tinyconv.testing.operations import problem
from tinyconv.testing.points import gradients, leaf, outputs_of

INF, NAN = np.inf, np.nan
quiet = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def vector(*values, requires_grad=True):
    return tc.tensor(np.array(values, np.float64), requires_grad=requires_grad)


def line(offset=0):
    """The line of this file that calls it, as errors name it."""
    return f"{__file__}:{sys._getframe(1).f_lineno + offset}"


@quiet
def test_the_operation_that_made_the_first_bad_number_is_named():
    x = vector(1, 2, 0, 3)
    with tc.detect_anomaly(), pytest.raises(tc.AnomalyError) as caught:
        place = line(+1)
        y = tc.log(x)
        (y * 2).sum().backward()
    error = caught.value
    assert (error.operation, error.place, error.index) == ("log", place, (2,))
    assert error.originated and not error.backward
    assert str(error) == (f"log made -inf at (2,) of its result of shape (4,), at {place}; "
                          "its arguments are finite: it originated here")


@quiet
def test_a_number_that_was_bad_before_is_said_to_have_come_in():
    x = vector(1, NAN, requires_grad=False)
    with tc.detect_anomaly(), pytest.raises(tc.AnomalyError, match=(
            r"mul made nan at \(1,\) .* it came in: argument 0 is nan at \(1,\)$")) as caught:
        x * 2
    assert not caught.value.originated


@quiet
def test_what_infinities_become_is_traced_back_to_where_they_came_from():
    x = vector(1, 0)
    with tc.detect_anomaly(check_nan=False):
        place = line(+1)
        y = tc.log(x)
    with tc.detect_anomaly(), pytest.raises(tc.AnomalyError) as caught:
        y * 0
    assert f"argument 0 is -inf at (1,); log at {place} made it" in str(caught.value)
    z = vector(1, INF) * 2
    with tc.detect_anomaly(), pytest.raises(tc.AnomalyError) as caught:
        z - z
    assert re.search(r"argument 0 of mul (at .* )?was inf at \(1,\)", str(caught.value))


@quiet
def test_a_loss_that_is_infinite_because_its_data_were_is_refused_by_backward():
    x = vector(1, INF, requires_grad=False)
    with tc.detect_anomaly():
        loss = (x * vector(1, 2)).sum()
        with pytest.raises(tc.AnomalyError, match="to begin with is inf.*of mul at .* was inf"):
            loss.backward()


@quiet
def test_in_backward_the_operation_whose_gradient_is_bad_is_named_with_its_place():
    x = vector(4, 0, 9)
    with tc.detect_anomaly():
        place = line(+1)
        y = tc.sqrt(x)
        with pytest.raises(tc.AnomalyError) as caught:
            y.sum().backward()
    error = caught.value
    assert (error.operation, error.place, error.index) == ("sqrt", place, (1,))
    assert error.originated and error.backward and x.grad is None
    assert "the gradient of argument 0 of sqrt" in str(error) and "it originated here" in str(error)


@quiet
def test_the_trap_of_where_is_found():
    x = vector(1, 0)
    with tc.detect_anomaly(), pytest.raises(tc.AnomalyError, match="log made -inf"):
        tc.where(x > 0, tc.log(x), 0.0).sum().backward()


@pytest.mark.parametrize("cotangent, hook", [
    (vector(NAN, 1), lambda g: None), (vector(1, 1), lambda g: vector(NAN, 1))])
def test_a_gradient_that_the_user_or_a_hook_made_bad_only_passed_through(cotangent, hook):
    with tc.detect_anomaly():
        y = vector(1, 2) * 3
        y.register_hook(hook)
        with pytest.raises(tc.AnomalyError, match=r"gradient of argument 0 of mul, .* is nan at "
                           r"\(0,\); the gradient that came in is nan at") as caught:
            y.backward(cotangent)
    assert caught.value.backward and not caught.value.originated


def test_a_hook_that_makes_a_bad_number_is_named_itself():
    y = vector(1, 2) * 3
    place = line(+1)
    y.register_hook(lambda g: g * NAN)
    with tc.detect_anomaly(), pytest.raises(tc.AnomalyError, match="^mul made nan") as caught:
        y.sum().backward()
    assert caught.value.place == place


def test_gradients_that_become_bad_only_together_are_found():
    x = tc.tensor([1e-30], requires_grad=True)
    with tc.detect_anomaly(), np.errstate(over="ignore"), pytest.raises(
            tc.AnomalyError, match="gradient of argument . of mul.* is inf"):
        (x * 0.9 + x * 0.9).backward(tc.tensor([3e38]))


def test_masks_are_made_of_infinities_and_raise_no_alarm():
    q = tc.randn(2, 5, 4, requires_grad=True)
    with tc.detect_anomaly():
        F.scaled_dot_product_attention(q, q, q, is_causal=True).sum().backward()
        x = tc.randn(3, requires_grad=True)
        F.softmax(x.masked_fill(tc.tensor([True, False, False]), -INF), 0)[1].backward()
    assert np.isfinite(q.grad.data).all() and np.isfinite(x.grad.data).all()


def test_what_a_rule_does_on_its_way_is_its_own_affair():
    @primitive
    def guarded(x):
        return np.abs(x)
    defvjp(guarded, lambda g, y, x: tc.where(x == 0, 0.0, g / x * y))
    x = vector(2, 0)
    with tc.detect_anomaly(), np.errstate(all="ignore"):
        guarded(x).sum().backward()
    assert x.grad.tolist() == [1, 0]


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_operation_raises_a_false_alarm(name):
    call = problem(OPERATIONS[name], 3)
    xs = [leaf(x) for x in call.floats]
    with tc.detect_anomaly():
        ys = outputs_of(call.of(OPERATIONS[name].spellings[0]), xs)
        gradients(ys, xs, [tc.ones_like(y) for y in ys])


@quiet
def test_an_error_of_a_rule_is_raised_after_a_word_on_where_the_operation_was_called():
    @primitive
    def broken(x):
        return x.copy()
    defvjp(broken, lambda g, y, x: g.reshape(77))
    with tc.detect_anomaly(check_nan=False):
        place = line(+1)
        y = broken(vector(1, 2))
        with pytest.warns(RuntimeWarning, match="through broken failed") as told, \
                pytest.raises(ValueError):
            y.sum().backward()
    assert place in str(told[0].message)


@quiet
def test_without_check_nan_nothing_is_refused():
    x = vector(0.0, 1)
    with tc.detect_anomaly(check_nan=False):
        tc.log(x).sum().backward()
    assert x.grad.tolist() == [INF, 1]


def test_within_a_model_of_ours_both_lines_are_named():
    model = models.create("lenet5")
    with tc.no_grad():
        next(model.parameters()).data[:] = NAN
    with tc.detect_anomaly(), pytest.raises(tc.AnomalyError) as caught:
        place = line(+1)
        model(tc.zeros(1, 1, 28, 28))
    assert caught.value.operation == "conv"
    assert caught.value.place.startswith(f"{place} (through tinyconv/models/lenet.py:")


@quiet
@pytest.mark.parametrize("called", [
    pytest.param(np.errstate(all="ignore"), id="numpy"),
    pytest.param(contextlib.contextmanager(lambda: (yield))(), id="contextlib"),
    pytest.param(lambda f: lambda x: list(tqdm(map(f, [x]), disable=True)), id="tqdm")])
def test_what_stands_between_is_not_taken_for_the_line_of_the_user(called):
    model = models.create("lenet5")
    with tc.no_grad():
        next(model.parameters()).data[:] = NAN
    run = called(model.forward)
    with tc.detect_anomaly(), pytest.raises(tc.AnomalyError) as caught:
        run(tc.zeros(1, 1, 28, 28))
    assert caught.value.place.startswith(f"{__file__}:")


def test_it_ends_with_its_block_also_by_an_error_and_sees_all_threads():
    before = list(watchers)
    x, found = vector(NAN), []

    def other():
        with pytest.raises(tc.AnomalyError):
            x * 2
        found.append(True)
    with pytest.raises(KeyError), tc.detect_anomaly():
        assert len(watchers) == len(before) + 1
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        raise KeyError
    assert watchers == before and found == [True]
    x * 2
