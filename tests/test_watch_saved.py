"""Debug mode promises: no change of a saved array goes unseen, whatever it was made through."""
import os
import subprocess
import sys

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.core import defvjp, primitive, watchers
from tinyconv.watch.saved import checksum


@pytest.fixture(autouse=True)
def debugging():
    with tc.debug():
        yield


def make(shape=(3, 3)):
    array = np.arange(1.0, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
    return array, tc.as_tensor(array), tc.ones(*shape, requires_grad=True)


# ---- what is seen --------------------------------------------------------------------------------

def numpy_alias(array, x):
    array[1, 1] = 0


def older_view(array, x):
    x.detach()[1, 1] = 0


def view_of_numpy(array, x):
    array.T[2] *= 2


def raw_data(array, x):
    x.data += 1


def another_array(array, x):
    x.data = x.data + 1


def the_last_bit(array, x):
    array.view(np.uint32)[-1, -1] ^= 1


@pytest.mark.parametrize("change", [numpy_alias, older_view, view_of_numpy, raw_data, another_array,
                                    the_last_bit])
def test_a_change_between_forward_and_backward_is_named_with_operation_argument_and_place(change):
    array, x, w = make()
    line = sys._getframe().f_lineno + 1
    loss = (w * x).sum()
    change(array, x)
    message = (r"argument 1 of mul, shape \(3, 3\), was changed in place after it was used at "
               fr".*test_watch_saved.py:{line}; ")
    for walk in (loss.backward, lambda: tc.grad(loss, w)):
        with pytest.raises(tc.ChangedError, match=message):
            walk()
    assert w.grad is None
    (w * x).sum().backward()                     # made of the new values, it can be walked


def test_an_array_that_is_older_than_the_change_counts_too():
    array, x, w = make()
    alias = tc.as_tensor(array[1:])
    y = (alias * w[1:]).sum()
    array += 1                                   # neither alias nor x was asked to change
    with pytest.raises(tc.ChangedError, match="argument 0 of mul"):
        y.backward()
    y = (w.detach()[1:] * tc.ones(2, 3, requires_grad=True)).sum()
    with tc.no_grad():
        w += 1                                   # what the library has written is named first
    with pytest.raises(tc.ChangedError, match="argument 0 of mul"):
        y.backward()


def test_a_change_of_a_result_that_its_rule_reads_is_seen():
    x = tc.ones(3, requires_grad=True)
    y = tc.tanh(x)
    y.detach()[0] = 5.0
    z = (y * 2).sum()                            # uses the changed values rightly; tanh does not
    with pytest.raises(tc.ChangedError, match=r"the result of tanh, shape \(3,\)"):
        z.backward()


def test_arrays_within_keys_and_by_name_are_seen():
    x, key = tc.ones(4, requires_grad=True), np.array([0, 1])
    y = x[key].sum()
    key[0] = 3
    with pytest.raises(tc.ChangedError, match="argument 1 of index"):
        y.backward()


def test_an_array_that_was_given_by_name_is_seen():
    @primitive
    def masked(x, mask):
        return x * mask
    defvjp(masked, lambda g, y, x, mask: g * tc.tensor(mask))
    x, mask = tc.ones(3, requires_grad=True), np.array([1, 0, 1], np.float32)
    masked(x, mask=mask).sum().backward()
    assert x.grad.tolist() == [1, 0, 1]
    y = masked(x, mask=mask).sum()
    mask[1] = 1
    with pytest.raises(tc.ChangedError, match="argument mask of masked"):
        y.backward()


@pytest.mark.parametrize("view", [
    lambda a: a, lambda a: a.T, lambda a: a[::-1], lambda a: a[:, ::2], lambda a: a[1:2],
    lambda a: np.broadcast_to(a, (2, *a.shape)), lambda a: a.transpose(2, 0, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, bool])
def test_the_checksum_depends_on_every_element_however_it_lies(view, dtype):
    base = np.zeros((4, 5, 6), dtype)
    before, seen = checksum(view(base)), np.zeros(base.shape, bool)
    for i in np.ndindex(base.shape):
        base[i] = 1
        seen[i] = checksum(view(base)) != before
        base[i] = 0
    marked = np.arange(base.size).reshape(base.shape)
    assert set(marked[seen]) == set(view(marked).ravel().tolist())


def test_the_checksum_of_nothing_and_of_numbers_is_always_the_same():
    assert checksum(np.zeros((0, 3))) == checksum(np.zeros((3, 0)))
    assert checksum(2.5) == checksum(None) and checksum([np.zeros(2), 1]) == checksum(
        (np.zeros(2), 2))
    assert checksum(np.float32(3)) is None and checksum(np.array(3.0)) != checksum(np.array(4.0))


# ---- what is left alone --------------------------------------------------------------------------

def test_changes_before_the_use_or_after_the_walk_or_beside_the_way_harm_nothing():
    array, x, w = make()
    array[0] = 7
    v = tc.ones(3, 3, requires_grad=True)
    h = w * x
    y = (h * v).sum()
    w.data[0] = 3                                # the way to v does not pass through w * x
    assert tc.grad(y, [v], retain_graph=True)[0].shape == (3, 3)
    with pytest.raises(tc.ChangedError, match="argument 0 of mul"):
        y.backward()
    array, x, w = make()
    (w * x).sum().backward()
    array[0] = 9
    with pytest.raises(tc.FreedGraphError):
        y = w * x
        y.sum().backward()
        y.sum().backward()


def test_a_buffer_may_be_used_again_for_the_next_batch():
    array, x, w = make()
    for i in range(3):
        array[:] = i
        (w * x).sum().backward()
    assert w.grad.tolist() == [[3.0] * 3] * 3


def test_a_graph_from_before_is_walked_as_it_is():
    array, x, w = make()
    with tc.debug(False):
        y = (w * x).sum()
        z = (w * x).sum()
    y.backward()
    assert w.grad.tolist() == array.tolist() and not hasattr(z.grad_fn, "sums")


def test_blocks_nest_and_restore_what_was():
    depth = len(watchers)
    with tc.debug():
        assert len(watchers) == depth
        with tc.debug(False):
            assert len(watchers) == depth - 1
            with tc.debug():
                assert len(watchers) == depth
        with pytest.raises(KeyError), tc.debug(False):
            raise KeyError
    assert len(watchers) == depth


@pytest.mark.parametrize("value, said", [(None, "2.0"), ("0", "2.0"), ("1", "changed in place")])
def test_the_environment_switches_it_on_for_a_whole_program(value, said):
    code = ("import numpy as np, tinyconv as tc\n"
            "a = np.ones(1, np.float32); w = tc.ones(1, requires_grad=True)\n"
            "y = w * tc.as_tensor(a); a[0] = 2\n"
            "try: y.backward(); print(w.grad.item())\n"
            "except tc.ChangedError as error: print(error)\n")
    environment = {k: v for k, v in os.environ.items() if k != "TINYCONV_DEBUG"}
    environment |= {"TINYCONV_DEBUG": value} if value is not None else {}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True,
                         text=True, check=True)
    assert said in run.stdout


# ---- errors of their own -------------------------------------------------------------------------

def test_each_trouble_has_a_class_of_its_own_that_old_code_catches_too():
    w = tc.ones(2, requires_grad=True)
    y = (w * w).sum()
    y.backward()
    with pytest.raises(tc.FreedGraphError, match=(
            r"result of sum at .*test_watch_saved.py:\d+ was freed.*retain_graph=True")):
        y.backward()
    with pytest.raises(tc.InPlaceError, match="no_grad"):
        w += 1
    with pytest.raises(tc.InPlaceError, match="graph"):
        (w * 2)[0] = 1.0
    for kind in (tc.FreedGraphError, tc.InPlaceError, tc.ChangedError, tc.AnomalyError):
        assert issubclass(kind, RuntimeError)
    assert issubclass(tc.DtypeError, TypeError)


@pytest.mark.parametrize("call", [
    lambda: tc.tensor([1, 2], requires_grad=True), lambda: tc.tensor([1j]),
    lambda: F.conv2d(tc.ones(1, 1, 3, 3), tc.ones(1, 1, 3, 3).double()),
    lambda: F.max_pool2d(tc.ones(1, 1, 4, 4).half(), 2), lambda: tc.ones(2, 2) @ tc.eye(2).double(),
    lambda: F.batch_norm(tc.ones(2, 3).long(), None, None, training=True),
    lambda: F.linear(tc.ones(2, 2), tc.eye(2).double()), lambda: F.relu(tc.ones(3)).long().mean(),
    lambda: F.cross_entropy(tc.ones(2, 3), tc.ones(2)), lambda: tc.where(tc.ones(2), 1.0, 2.0),
    lambda: tc.optim.SGD([tc.ones(2).half()], lr=0.1), lambda: tc.nn.Linear(1, 1).to(tc.int64),
    lambda: [1, 2][tc.tensor(1.0)]])
def test_a_tensor_of_the_wrong_dtype_is_refused_with_both_dtypes_named(call):
    with pytest.raises(tc.DtypeError, match="float|int|complex|bool"):
        call()
