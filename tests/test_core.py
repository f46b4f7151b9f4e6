"""What tensors promise: their dtypes and conversions, when they record, when they may change."""
import threading

import numpy as np
import pytest

import tinyconv as tc
from tinyconv.core import Tensor


def leaf(*values, dtype=np.float64):
    return tc.tensor(np.array(values if len(values) > 1 else values[0], dtype), requires_grad=True)


# ---- tensors -------------------------------------------------------------------------------------

@pytest.mark.parametrize("data, dtype", [
    (1.5, np.float32), ([1.0, 2.0], np.float32), (3, np.int64), ([1, 2], np.int64),
    (True, np.bool_), (np.float64(1), np.float64), (np.zeros(2, np.float16), np.float16),
    (np.zeros(2, np.float64), np.float64), (np.zeros(2, np.uint8), np.uint8),
    (np.zeros(2, ">f4"), np.float32)])
def test_python_floats_become_float32_and_arrays_keep_their_dtype(data, dtype):
    t = tc.tensor(data)
    assert t.dtype == dtype and t.data.dtype.isnative
    assert not t.requires_grad and t.grad is None and t.is_leaf


def test_tensor_copies_and_as_tensor_shares():
    array = np.zeros(3, np.float32)
    assert not np.shares_memory(tc.tensor(array).data, array)
    assert np.shares_memory(tc.as_tensor(array).data, array)
    assert np.shares_memory(tc.from_numpy(array).data, array)


@pytest.mark.parametrize("data", [1j, "text", [None], [[1, 2], [3]]])
def test_what_is_not_a_rectangle_of_real_numbers_is_refused(data):
    with pytest.raises((TypeError, ValueError)):
        tc.tensor(data)


def test_only_floating_point_tensors_can_require_grad():
    for data in ([1, 2], [True]):
        with pytest.raises(TypeError, match="floating point"):
            tc.tensor(data, requires_grad=True)
        with pytest.raises(TypeError, match="floating point"):
            tc.tensor(data).requires_grad_()
    assert tc.tensor([1, 2]).requires_grad_(False).requires_grad is False


def test_a_result_cannot_be_switched_but_a_leaf_can():
    x = leaf(2.0)
    y = x * 3
    with pytest.raises(RuntimeError, match="mul"):
        y.requires_grad_(False)
    assert x.requires_grad_(False) is x and not (x * 3).requires_grad


def test_item_len_bool_index_and_conversions():
    assert tc.tensor([[2.5]]).item() == 2.5 and float(tc.tensor(2.5)) == 2.5
    assert int(tc.tensor(7)) == 7 and [10, 20, 30][tc.tensor(1)] == 20
    assert len(tc.zeros(4, 2)) == 4 and bool(tc.tensor(1.0)) and not tc.tensor([False])
    assert tc.tensor([[1, 2]]).tolist() == [[1, 2]]
    x = tc.zeros(2, 3, 4)
    assert x.size() == (2, 3, 4) and x.size(1) == 3 and x.size(-1) == 4
    assert x.dim() == 3 and x.numel() == 24 and x.is_floating_point()
    for bad in (lambda: tc.zeros(2).item(), lambda: bool(tc.zeros(2))):
        with pytest.raises(ValueError):
            bad()
    with pytest.raises(TypeError):
        len(tc.tensor(1.0))
    with pytest.raises(TypeError):
        [1, 2][tc.tensor(1.0)]


def test_numpy_sees_a_constant_and_refuses_a_tensor_with_gradient():
    x = leaf(1.0, 2.0)
    assert np.asarray(x.detach()) is not None and x.detach().numpy() is x.data
    for export in (lambda: x.numpy(), lambda: np.asarray(x), lambda: np.array(x * 2)):
        with pytest.raises(RuntimeError, match="detach"):
            export()


def test_an_array_on_the_left_asks_the_tensor_on_the_right():
    x, a = leaf(1.0, 2.0), np.array([3.0, 4.0])
    for y, expected in ((a + x, [4, 6]), (a * x, [3, 8]), (a - x, [2, 2]),
                        (np.float64(2) * x, [2, 4])):
        assert isinstance(y, Tensor) and y.requires_grad and y.tolist() == expected


def test_comparison_is_elementwise_and_hash_is_identity():
    x, y = tc.tensor([1.0, 2.0]), tc.tensor([1.0, 3.0])
    assert (x == y).tolist() == [True, False] and len({x, y, x}) == 2


def test_repr_says_what_matters():
    assert repr(tc.tensor([1.0, 2.5])) == "tensor([1. , 2.5])"
    assert "requires_grad=True" in repr(leaf(1.0)) and "float64" in repr(leaf(1.0))
    assert "grad_fn=<mul>" in repr(leaf(1.0) * 2)


# ---- dtypes of results ---------------------------------------------------------------------------

@pytest.mark.parametrize("make, dtype", [
    (lambda f, d, i: f + 1.5, np.float32), (lambda f, d, i: f * np.float64(2), np.float32),
    (lambda f, d, i: f + d, np.float64), (lambda f, d, i: d * 2, np.float64),
    (lambda f, d, i: f + i, np.float32), (lambda f, d, i: i + 1, np.int64),
    (lambda f, d, i: i + 1.5, np.float32), (lambda f, d, i: i / i, np.float32),
    (lambda f, d, i: tc.exp(i), np.float32), (lambda f, d, i: tc.exp(d), np.float64),
    (lambda f, d, i: f > 0, np.bool_), (lambda f, d, i: f.double(), np.float64),
    (lambda f, d, i: d.float(), np.float32), (lambda f, d, i: f.long(), np.int64),
    (lambda f, d, i: f * d[0], np.float32), (lambda f, d, i: d * f[0], np.float64),
    (lambda f, d, i: f[0] * d[0], np.float64), (lambda f, d, i: i.sum() * f, np.float32),
    (lambda f, d, i: f.mean() + f.std(), np.float32),
    (lambda f, d, i: tc.where(f > 0, f, 0.5), np.float32)])
def test_float32_never_widens_by_itself_and_float64_is_kept(make, dtype):
    f, d, i = (tc.tensor(np.array([1, 2], t)) for t in (np.float32, np.float64, np.int64))
    assert make(f, d, i).dtype == dtype


def test_gradients_have_the_dtype_of_their_tensor_also_in_mixed_company():
    f, d = leaf(1.0, 2.0, dtype=np.float32), leaf(3.0, 4.0)
    (f * d).sum().backward()
    assert f.grad.dtype == np.float32 and d.grad.dtype == np.float64
    assert f.grad.tolist() == [3, 4] and d.grad.tolist() == [1, 2]


def test_whole_numbers_made_from_a_tensor_with_gradient_are_constants():
    x = leaf(1.5, 2.5)
    for y in (x.long(), x > 2, x.argmax(), tc.floor(x)):
        assert not y.requires_grad and y.grad_fn is None


# ---- recording -----------------------------------------------------------------------------------

def test_no_grad_makes_constants_and_restores_the_state_before():
    x = leaf(1.0)
    with tc.no_grad():
        assert not (x * 2).requires_grad and not tc.is_grad_enabled()
        with tc.enable_grad():
            assert (x * 2).requires_grad
        with tc.set_grad_enabled(True):
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    with pytest.raises(KeyError):
        with tc.no_grad():
            raise KeyError
    assert tc.is_grad_enabled() and (x * 2).requires_grad


@pytest.mark.parametrize("decorate", [tc.no_grad(), tc.no_grad], ids=["@no_grad()", "@no_grad"])
def test_no_grad_decorates_functions(decorate):
    @decorate
    def double(x):
        "doc"
        return x * 2
    assert not double(leaf(1.0)).requires_grad and double.__doc__ == "doc" and tc.is_grad_enabled()


def test_recording_is_switched_for_one_thread_only():
    seen = []
    with tc.no_grad():
        thread = threading.Thread(target=lambda: seen.append((leaf(1.0) * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_detach_shares_the_array_and_stops_the_gradient():
    x = leaf(3.0)
    d = (x * 2).detach()
    assert not d.requires_grad and d.is_leaf
    y = x * 2
    assert y.detach().data is y.data
    (y * y.detach()).backward()
    assert x.grad.item() == 12


# ---- changing in place ---------------------------------------------------------------------------

def test_augmented_assignment_makes_a_new_tensor():
    x = leaf(1.0, 2.0)
    y = before = x * 1
    y += 1
    y *= 2
    assert y is not before and before.tolist() == [1, 2] and y.tolist() == [4, 6]
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_a_leaf_that_requires_grad_changes_in_place_only_without_recording():
    x = array = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="no_grad"):
        x += 1
    with pytest.raises(RuntimeError, match="no_grad"):
        x[0] = 5.0
    with tc.no_grad():
        x -= 0.5
        x[1] = 7.0
    assert x is array and x.tolist() == [0.5, 7] and x.requires_grad and x.is_leaf


def test_a_result_in_a_graph_cannot_be_written_to():
    y = leaf(1.0, 2.0) * 2
    with pytest.raises(RuntimeError, match="graph"):
        y[0] = 1.0
    x = tc.zeros(2, 3)
    x[0, 1:] = tc.ones(2)
    assert x.tolist() == [[0, 1, 1], [0, 0, 0]]


def test_methods_that_copy_and_convert_pass_the_gradient():
    x = leaf(1.0, 2.0)
    for f in (lambda x: x.clone(), lambda x: x.float(), lambda x: x.to(tc.float32).double(),
              lambda x: x.contiguous(), lambda x: x.view(2, 1), lambda x: x.type_as(tc.ones(1))):
        (g,) = tc.grad(f(x).sum(), x)
        assert g.tolist() == [1, 1] and g.dtype == np.float64
    assert not np.shares_memory(x.clone().data, x.data)
    for y in (x.int(), x.bool(), x.long()):
        assert not y.requires_grad


@pytest.mark.parametrize("what, options, dtype", [
    (["cpu"], {}, "float32"), (["cpu:0"], {}, "float32"), ([None], {}, "float32"),
    ([], {"device": "cpu", "non_blocking": True}, "float32"), (["cpu", tc.float64], {}, "float64"),
    ([], {"device": "cpu", "dtype": tc.float64}, "float64"), ([tc.ones(1).long()], {}, "int64"),
    (["float64"], {}, "float64")])
def test_to_takes_a_dtype_a_tensor_and_the_one_device_there_is(what, options, dtype):
    x = tc.tensor([1.0, 2.0])
    y = x.to(*what, **options)
    assert y.dtype == dtype and y.tolist() == [1, 2] and (y is x) == (dtype == "float32")
    assert not np.shares_memory(x.to(*what, **options, copy=True).data, x.data)
    assert x.cpu() is x and x.to(y.device) is x


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps", "float33"])
def test_to_another_device_is_refused_by_name(device):
    for thing in (tc.ones(1), tc.nn.Linear(1, 1)):
        with pytest.raises(RuntimeError, match=f"'{device}' is neither a dtype nor a device here; "
                                               'everything is computed on the processor, "cpu"'):
            thing.to(device)
        with pytest.raises(RuntimeError, match=f"'{device}' is no device here"):
            thing.to(device=device)


def test_a_rule_for_a_function_that_is_no_primitive_is_refused():
    def cube(x):
        return x ** 3
    with pytest.raises(TypeError, match="defvjp: cube is no operation .*; write @primitive above"):
        tc.core.defvjp(cube, lambda g, y, x: 3 * g * x * x)


def test_iteration_and_unpacking():
    a, b = leaf(3.0, 4.0)
    assert (a * b).item() == 12
    with pytest.raises(TypeError):
        iter(leaf(1.0)).__next__()


def test_numbers_in_the_other_byte_order_are_brought_into_this_one():
    y = tc.add(tc.ones(2), np.array([1.0, 2.0], ">f8"))
    assert y.data.dtype.isnative and y.tolist() == [2, 3]
