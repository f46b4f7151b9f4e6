"""Batch, layer, group and instance norm, and local response norm: as PyTorch, to any order."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import nn
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import arrays, shapes

SPREAD = ("contiguous", "fortran", "channels_last", "reversed", "strided", "read_only")


@st.composite
def batches(draw, min_spatial=0, max_spatial=3, dtype=np.float64, min_batch=2):
    """x (N, C, …) with at least two values a channel, all of them different."""
    N, C = draw(st.integers(min_batch, 4)), draw(st.integers(1, 4))
    space = draw(shapes(min_spatial, max_spatial, 1, 3))
    return draw(arrays((N, C, *space), dtype, "normal", SPREAD)) * 2 + 1


def parameters(C, dtype=np.float64):
    rng = np.random.default_rng(C)
    return rng.uniform(0.5, 1.5, C).astype(dtype), rng.standard_normal(C).astype(dtype)


# ---- batch norm ----------------------------------------------------------------------------------

@pytest.mark.parametrize("affine", [True, False])
@given(x=batches())
def test_batch_norm_while_training_as_pytorch(torch, against_torch, affine, x):
    w, b = parameters(x.shape[1]) if affine else (None, None)
    against_torch(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
                  lambda x, w, b: torch.nn.functional.batch_norm(x, None, None, w, b, True),
                  x, w, b)


@given(x=batches())
def test_batch_norm_to_second_order(x):
    check_grad(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
               x, *parameters(x.shape[1]), name="batch_norm")


@pytest.mark.parametrize("affine", [True, False])
@given(x=batches(min_batch=0))
def test_batch_norm_of_a_trained_network_as_pytorch(torch, against_torch, affine, x):
    w, b = parameters(x.shape[1]) if affine else (None, None)
    var, mean = parameters(x.shape[1])
    against_torch(
        lambda x, w, b: F.batch_norm(x, tc.tensor(mean), tc.tensor(var), w, b),
        lambda x, w, b: torch.nn.functional.batch_norm(
            x, torch.tensor(mean), torch.tensor(var), w, b), x, w, b)
    if affine:
        check_grad(lambda x, w, b: F.batch_norm(x, tc.tensor(mean), tc.tensor(var), w, b), x, w, b)


@pytest.mark.parametrize("momentum", [0.1, 0.7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_statistics_move_as_in_pytorch(torch, rng, momentum, dtype):
    x = rng.standard_normal((3, 4, 2, 2)).astype(dtype)
    var, mean = parameters(4, dtype)
    ours, theirs = [tc.tensor(a) for a in (mean, var)], [torch.tensor(a) for a in (mean, var)]
    for _ in range(2):
        F.batch_norm(tc.tensor(x), *ours, training=True, momentum=momentum)
        torch.nn.functional.batch_norm(torch.tensor(x), *theirs, training=True, momentum=momentum)
    for o, t in zip(ours, theirs):
        assert o.dtype == dtype
        np.testing.assert_allclose(o.data, t.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("plus", [False, True])
@given(x=batches())
def test_batch_norm_fused_with_addition_and_relu_is_the_three_in_turn(relu, plus, x):
    rng = np.random.default_rng(1)
    w, b = parameters(x.shape[1])
    arrays = [x, w, b, rng.standard_normal(x.shape)][:4 if plus else 3]
    leaves = [tc.tensor(v, requires_grad=True) for v in arrays]
    g = tc.tensor(rng.standard_normal(x.shape))

    def fused(x, w, b, a=None):
        return F.batch_norm(x, None, None, w, b, training=True, add=a, relu=relu)

    def before_relu(x, w, b, a=None):
        y = F.batch_norm(x, None, None, w, b, training=True)
        return y if a is None else y + a

    def apart(*args):
        return F.relu(before_relu(*args)) if relu else before_relu(*args)

    def results(f):
        y = f(*leaves)
        return [y, *tc.grad(y, leaves, g)]
    for one, other in zip(results(fused), results(apart)):
        np.testing.assert_allclose(one.data, other.data, rtol=1e-9, atol=1e-9)
    if np.abs(before_relu(*leaves).data).min() > 1e-3:             # clear of the kink
        check_grad(fused, *arrays, name="batch_norm")


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("plus", [False, True])
@given(x=batches(max_spatial=2))
def test_batch_norm_by_constant_statistics_is_the_three_in_turn(relu, plus, x):
    C = x.shape[1]
    rng = np.random.default_rng(x.size)
    statistics = rng.standard_normal(C), rng.uniform(0.5, 2, C)
    args = [x, *parameters(C), *([rng.standard_normal(x.shape)] if plus else [])]

    def fused(x, w, b, a=None):
        return F.batch_norm(x, *statistics, w, b, add=a, relu=relu)

    def before_relu(x, w, b, a=0):
        mean, var, w, b = (tc.as_tensor(v).reshape((1, C) + (1,) * (x.ndim - 2))
                           for v in (*statistics, w, b))
        return (x - mean) / tc.sqrt(var + 1e-5) * w + b + a

    expected = before_relu(*map(tc.as_tensor, args)).data
    np.testing.assert_allclose(fused(*args).data, np.maximum(expected, 0) if relu else expected,
                               rtol=1e-12, atol=1e-12)
    if not relu or np.abs(expected).min() > 1e-3:                  # clear of the kink
        check_grad(fused, *args, name="batch_norm")


@pytest.mark.parametrize("plus", [False, True])
@given(x=batches(dtype=np.float32))
def test_gradients_are_the_same_bits_whether_or_not_they_are_recorded(plus, x):
    args = [x, *parameters(x.shape[1], np.float32), *([np.cos(x)] if plus else [])]
    leaves = [tc.tensor(v).requires_grad_() for v in args]
    found = []
    for record in (False, True):
        x, w, b, *a = leaves
        y = F.batch_norm(x, None, None, w, b, training=True, add=a[0] if a else None, relu=True)
        found.append(tc.grad(y, leaves, tc.sin(y.detach() * 9), create_graph=record))
    for plain, recorded in zip(*found):
        assert np.array_equal(plain.data, recorded.data)


@given(x=batches(dtype=np.float32))
def test_every_norm_keeps_float32(torch, against_torch, x):
    w, b = parameters(x.shape[1], np.float32)
    G, loose = torch.nn.functional, {"rtol": 1e-3, "atol": 1e-3}
    def both(ours, theirs):
        against_torch(ours, theirs, x, w, b, **loose)
    both(lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=0.1),
         lambda x, w, b: G.batch_norm(x, None, None, w, b, True, eps=0.1))
    both(lambda x, w, b: F.group_norm(x, 1, w, b, eps=0.1),
         lambda x, w, b: G.group_norm(x, 1, w, b, eps=0.1))
    against_torch(lambda x: F.layer_norm(x, x.shape[1:], eps=0.1),
                  lambda x: G.layer_norm(x, x.shape[1:], eps=0.1), x, **loose)


def test_batch_norm_is_right_far_from_zero(torch):
    x = (1e4 + np.random.default_rng(0).standard_normal((64, 3, 8, 8))).astype(np.float32)
    y = F.batch_norm(tc.tensor(x), None, None, training=True).data
    expected = (x - x.mean((0, 2, 3), np.float64, keepdims=True)) / x.std(
        (0, 2, 3), np.float64, keepdims=True)
    assert np.abs(y - expected).max() < 1e-3


def test_a_channel_that_does_not_vary_becomes_the_bias():
    x = tc.full((4, 1, 2, 2), 7.0).requires_grad_()
    y = F.batch_norm(x, None, None, tc.full((1,), 3.0), tc.full((1,), 0.5), training=True)
    y.sum().backward()
    assert (y.data == 0.5).all() and np.isfinite(x.grad.data).all()


# ---- layer, group, instance ----------------------------------------------------------------------

@given(x=batches(min_spatial=1), data=st.data())
def test_layer_norm(torch, against_torch, x, data):
    dims = data.draw(st.integers(1, x.ndim))
    shape = x.shape[-dims:]
    if np.prod(shape) < 2:
        return
    w, b = np.random.default_rng(0).uniform(0.5, 1.5, (2, *shape))
    against_torch(lambda x, w, b: F.layer_norm(x, shape, w, b),
                  lambda x, w, b: torch.nn.functional.layer_norm(x, shape, w, b), x, w, b)
    against_torch(lambda x: F.layer_norm(x, shape),
                  lambda x: torch.nn.functional.layer_norm(x, shape), x)
    check_grad(lambda x, w, b: F.layer_norm(x, shape, w, b, eps=1e-2), x, w, b, name="layer_norm")


@given(groups=st.integers(1, 3), per_group=st.integers(1, 2), data=st.data())
def test_group_norm(torch, against_torch, groups, per_group, data):
    C = groups * per_group
    x = data.draw(arrays((2, C, *data.draw(shapes(1, 3, 2, 3))), np.float64, "normal", SPREAD))
    w, b = parameters(C)
    against_torch(lambda x, w, b: F.group_norm(x, groups, w, b),
                  lambda x, w, b: torch.nn.functional.group_norm(x, groups, w, b), x, w, b)
    check_grad(lambda x, w, b: F.group_norm(x, groups, w, b, eps=1e-2), x, w, b, name="group_norm")


@given(data=st.data(), use=st.booleans())
def test_instance_norm(torch, against_torch, data, use):
    x = data.draw(arrays((2, 3, *data.draw(shapes(1, 3, 2, 3))), np.float64, "normal", SPREAD))
    w, b = parameters(3)
    var, mean = parameters(3)
    def both(library, function):
        def f(x, w, b):
            statistics = (None, None) if use else (library.tensor(mean), library.tensor(var))
            return function(x, *statistics, w, b, use_input_stats=use)
        return f
    against_torch(both(tc, F.instance_norm), both(torch, torch.nn.functional.instance_norm),
                  x, w, b)
    check_grad(lambda x, w, b: F.instance_norm(x, None, None, w, b, eps=1e-2), x, w, b)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("shape", [(2, 7, 4), (2, 7, 3, 3), (1, 5, 2, 2, 2), (2, 3, 0)])
def test_local_response_norm(torch, against_torch, rng, size, shape):
    x = rng.standard_normal(shape)
    options = {"alpha": 0.3, "beta": 0.6, "k": 1.5}
    against_torch(lambda x: F.local_response_norm(x, size, **options),
                  lambda x: torch.nn.functional.local_response_norm(x, size, **options), x)
    against_torch(lambda x: F.local_response_norm(x, size),
                  lambda x: torch.nn.functional.local_response_norm(x, size), x)
    check_grad(lambda x: F.local_response_norm(x, size, **options), x)


@pytest.mark.parametrize("f", [
    lambda x, v: F.batch_norm(x, None, None, v, v, training=True, add=x, relu=True),
    lambda x, v: F.batch_norm(x, np.zeros(4, np.float32), np.ones(4, np.float32), v, v),
    lambda x, v: F.layer_norm(x, 4, v, v), lambda x, v: F.group_norm(x, 2, v, v),
    lambda x, v: F.instance_norm(x, weight=v, bias=v),
    lambda x, v: F.local_response_norm(x, 3), lambda x, v: nn.BatchNorm2d(4)(x),
    lambda x, v: nn.InstanceNorm2d(4)(x), lambda x, v: nn.LayerNorm(4)(x)])
def test_arrays_and_lists_are_taken_as_tensors(rng, f):
    x, v = rng.standard_normal((2, 4, 3, 4)).astype(np.float32), np.float32([1, 2, 3, 4])
    expected = f(tc.tensor(x), tc.tensor(v))
    for given in ((x, v), (x.tolist(), v.tolist())):
        assert f(*given).tolist() == expected.tolist()


# ---- bad input -----------------------------------------------------------------------------------

@pytest.mark.parametrize("f, complaint", [
    (lambda: F.batch_norm(tc.ones(1, 3), None, None, training=True),
     "batch_norm.*one value|more than 1"),
    (lambda: F.batch_norm(tc.ones(1, 3, 1, 1), None, None, training=True), "batch_norm"),
    (lambda: F.batch_norm(tc.ones(4, 3), None, None), "batch_norm.*running"),
    (lambda: F.batch_norm(tc.ones(4, 3), None, None, tc.ones(2), training=True),
     "batch_norm.*weight.*3"),
    (lambda: F.batch_norm(tc.ones(4, 3), tc.ones(2), tc.ones(2)), "batch_norm.*running_mean.*3"),
    (lambda: F.batch_norm(tc.ones(3), None, None, training=True), "batch_norm"),
    (lambda: F.batch_norm(tc.ones(4, 3).long(), None, None, training=True), "batch_norm.*int64"),
    (lambda: F.layer_norm(tc.ones(4, 3), (4,)), "layer_norm"),
    (lambda: F.layer_norm(tc.ones(4, 3), (3,), tc.ones(4)), "layer_norm.*weight"),
    (lambda: F.group_norm(tc.ones(4, 3), 2), "group_norm.*3.*2"),
    (lambda: F.instance_norm(tc.ones(4, 3, 1)), "instance_norm"),
    (lambda: F.group_norm(tc.ones(4, 2), 2.0),
     "group_norm: num_groups should be a whole number ≥ 1, got 2.0"),
    (lambda: F.batch_norm(tc.ones(4, 3), [0, 0, 0], [1, 1, 1]),
     "batch_norm: running_mean is changed in place .* got list"),
    (lambda: F.batch_norm(tc.ones(4, 3), np.zeros(3, int), None, training=True), "got int64"),
    (lambda: F.layer_norm(tc.ones(4, 3).long(), 3), "layer_norm.*int64"),
    (lambda: F.local_response_norm(tc.ones(4, 3, 2), "3"), "local_response_norm: size.*'3'"),
    (lambda: F.local_response_norm(tc.ones(4), 2), "local_response_norm"),
    (lambda: F.local_response_norm(tc.ones(4, 3, 2), 0), "local_response_norm.*size")])
def test_bad_normalisations_are_named(f, complaint):
    with pytest.raises((ValueError, TypeError), match=complaint):
        f()
