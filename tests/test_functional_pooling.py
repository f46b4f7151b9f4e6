"""Pooling in 1-3 dimensions: as PyTorch in every awkward case, and to any order."""
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import arrays, pool_problems

MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVG = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def fits_pytorch(p):
    """avg_pool3d of PyTorch refuses a kernel larger than the input before padding."""
    return p.dims < 3 or all(n >= k for n, k in zip(p.size, p.kernel))


# ---- max -----------------------------------------------------------------------------------------

@given(p=pool_problems(), data=st.data())
def test_max_pooling_as_pytorch(torch, against_torch, p, data):
    theirs = getattr(torch.nn.functional, f"max_pool{p.dims}d")
    for values in ("normal", "integers"):                  # integers tie: the first maximum wins
        x = data.draw(arrays(p.x_shape, (np.float32, np.float64), values))
        against_torch(lambda x: MAX[p.dims](x, **p.max_options),
                      lambda x: theirs(x, **p.max_options), x)


@given(p=pool_problems(), data=st.data())
def test_max_pooling_with_indices_as_pytorch(torch, against_torch, p, data):
    x = data.draw(arrays(p.x_shape, np.float32, "integers"))
    theirs = getattr(torch.nn.functional, f"max_pool{p.dims}d")
    against_torch(lambda x: MAX[p.dims](x, **p.max_options, return_indices=True),
                  lambda x: theirs(x, **p.max_options, return_indices=True), x)


@given(p=pool_problems(), data=st.data(), dtype=st.sampled_from((np.float32, np.float64)))
def test_max_pooling_with_relu_is_relu_after_it_bit_by_bit(p, data, dtype):
    x = data.draw(arrays(p.x_shape, dtype, "integers"))
    x = tc.tensor(np.where(x == 3, dtype(np.nan), x), requires_grad=True)
    (y, i), (z, j) = (MAX[p.dims](x, **p.max_options, return_indices=True, relu=relu)
                      for relu in (True, False))
    z = F.relu(z)
    g = tc.tensor(data.draw(arrays(y.shape, dtype, "integers")))
    for a, b in ((y, z), (i, j), (tc.grad(y, x, g)[0], tc.grad(z, x, g)[0])):
        assert a.dtype == b.dtype and np.array_equal(a.data, b.data, equal_nan=True)


@pytest.mark.parametrize("relu", [False, True])
@given(p=pool_problems(max_out=3), data=st.data())
def test_max_pooling_to_second_order(relu, p, data):
    x = data.draw(arrays(p.x_shape, np.float64, "distinct"))
    check_grad(lambda x: MAX[p.dims](x * x * x + x, **p.max_options, relu=relu), x,
               name=f"max_pool{p.dims}d")


def test_no_gradient_flows_where_the_largest_is_negative_or_zero():
    x = tc.tensor([[[-1.0, -2.0, 0.0, -3.0, 5.0, 4.0]]], requires_grad=True)
    y = F.max_pool1d(x, 2, relu=True)
    y.sum().backward()
    assert y.tolist() == [[[0.0, 0.0, 5.0]]]
    assert x.grad.tolist() == [[[0.0, 0.0, 0.0, 0.0, 1.0, 0.0]]]


@pytest.mark.parametrize("fill", [np.nan, -np.inf, np.inf])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_max_pooling_of_nan_and_infinity_as_pytorch(torch, against_torch, rng, fill, dims):
    x = rng.standard_normal((2, 3, *[6] * dims))
    x[rng.random(x.shape) < 0.4] = fill
    x[0, 0] = fill
    theirs = getattr(torch.nn.functional, f"max_pool{dims}d")
    for options in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}):
        against_torch(lambda x: MAX[dims](x, **options), lambda x: theirs(x, **options), x)


@pytest.mark.parametrize("options", [
    {"kernel_size": 2, "padding": 1, "dilation": 4, "stride": 1},
    {"kernel_size": (3, 2), "padding": (1, 0), "dilation": (2, 1), "ceil_mode": True},
    {"kernel_size": 3, "ceil_mode": True}, {"kernel_size": 2, "stride": 5}])
def test_windows_that_overlap_or_step_over_or_reach_out(torch, against_torch, rng, options):
    x = rng.standard_normal((2, 2, 7, 6))
    against_torch(lambda x: F.max_pool2d(x, **options),
                  lambda x: torch.nn.functional.max_pool2d(x, **options), x)


def test_padding_never_wins():
    x = tc.full((1, 1, 3, 3), -5.0)
    assert (F.max_pool2d(x, 3, 1, 1).data == -5).all()


# ---- average -------------------------------------------------------------------------------------

@given(p=pool_problems(), data=st.data(), include=st.booleans())
def test_average_pooling_as_pytorch(torch, against_torch, p, data, include):
    if not fits_pytorch(p):
        return
    x = data.draw(arrays(p.x_shape, (np.float32, np.float64)))
    options = {**p.avg_options, "count_include_pad": include}
    theirs = getattr(torch.nn.functional, f"avg_pool{p.dims}d")
    against_torch(lambda x: AVG[p.dims](x, **options), lambda x: theirs(x, **options), x)
    if p.dims > 1:
        options["divisor_override"] = 7
        against_torch(lambda x: AVG[p.dims](x, **options), lambda x: theirs(x, **options), x)


@given(p=pool_problems(max_out=3), data=st.data(), include=st.booleans())
def test_average_pooling_to_second_order(p, data, include):
    x = data.draw(arrays(p.x_shape))
    check_grad(lambda x: AVG[p.dims](x * x, **p.avg_options, count_include_pad=include), x,
               name=f"avg_pool{p.dims}d")


# ---- adaptive and global -------------------------------------------------------------------------

@given(dims=st.integers(1, 3), data=st.data())
def test_adaptive_pooling_as_pytorch(torch, against_torch, dims, data):
    size = tuple(data.draw(st.integers(1, 7)) for _ in range(dims))
    out = tuple(data.draw(st.none() | st.integers(1, 5)) for _ in range(dims))
    x = data.draw(arrays((data.draw(st.integers(0, 2)), 3, *size), np.float64, "distinct"))
    for kind in ("avg", "max"):
        ours, theirs = getattr(F, f"adaptive_{kind}_pool{dims}d"), getattr(
            torch.nn.functional, f"adaptive_{kind}_pool{dims}d")
        if dims > 1 or out[0] is not None:
            out_ = out if dims > 1 else out[0]
            against_torch(lambda x: ours(x, out_), lambda x: theirs(x, out_), x)
            check_grad(lambda x: ours(x * x * x + x, out_), x, name=ours.__name__)
        against_torch(lambda x: ours(x, 1), lambda x: theirs(x, 1), x)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_pooling_without_a_batch(torch, against_torch, rng, dims):
    x = rng.standard_normal((3, *[6] * dims))
    for name, args in (("max_pool", (2,)), ("avg_pool", (3, 2)), ("adaptive_avg_pool", (4,)),
                       ("adaptive_max_pool", (4,))):
        ours, theirs = getattr(F, f"{name}{dims}d"), getattr(torch.nn.functional, f"{name}{dims}d")
        against_torch(lambda x: ours(x, *args), lambda x: theirs(x, *args), x)


@pytest.mark.parametrize("levels", [(1,), (1, 2, 4), (3,)])
@pytest.mark.parametrize("size", [(4, 4), (7, 9), (13, 13)])
def test_spatial_pyramid_pooling_has_one_length_for_every_size(rng, levels, size):
    x = tc.tensor(rng.permutation(2 * 3 * size[0] * size[1]).reshape(2, 3, *size) / 10.0)
    y = F.spatial_pyramid_pool(x, levels)
    assert y.shape == (2, 3 * sum(n * n for n in levels))
    check_grad(lambda x: F.spatial_pyramid_pool(x * x, levels), x)


# ---- bad input -----------------------------------------------------------------------------------

x4 = tc.ones(2, 3, 8, 8)


@pytest.mark.parametrize("f, complaint", [
    (lambda: F.max_pool2d(tc.ones(8, 8), 2), r"max_pool2d.*\(8, 8\)"),
    (lambda: F.max_pool2d(x4, 9), "max_pool2d.*kernel"),
    (lambda: F.max_pool2d(x4, 3, padding=2), "max_pool2d.*padding"),
    (lambda: F.max_pool2d(x4, 2, padding=2, dilation=3), "max_pool2d.*padding"),
    (lambda: F.avg_pool2d(x4, 3, padding=2), "avg_pool2d.*padding"),
    (lambda: F.max_pool2d(x4, 2, stride=0), "max_pool2d.*stride"),
    (lambda: F.max_pool2d(x4, 0), "max_pool2d.*kernel"),
    (lambda: F.max_pool2d(x4, (2, 2, 2)), "max_pool2d.*kernel"),
    (lambda: F.max_pool2d(x4, 2, dilation=0), "max_pool2d.*dilation"),
    (lambda: F.avg_pool2d(x4, 2, divisor_override=0), "avg_pool2d.*divisor"),
    (lambda: F.avg_pool2d(x4.long(), 2), "avg_pool2d.*int64"),
    (lambda: F.adaptive_avg_pool2d(x4, -1), "adaptive_avg_pool2d"),
    (lambda: F.adaptive_max_pool2d(tc.ones(2, 3, 0, 4), 1), "adaptive_max_pool2d"),
    (lambda: F.max_pool1d(tc.ones(1, 2, 1), 2, 1, 1, dilation=2), "max_pool1d.*sees nothing"),
    (lambda: F.adaptive_avg_pool2d(x4, (1, 2, 3)), "adaptive_avg_pool2d"),
    (lambda: F.adaptive_max_pool2d(tc.ones(3), 1), "adaptive_max_pool2d"),
    (lambda: F.max_pool1d(tc.ones(2, 3, 4, 4), 2), "max_pool1d")])
def test_bad_poolings_are_named(f, complaint):
    with pytest.raises((ValueError, TypeError), match=complaint):
        f()


def test_a_long_signal_needs_no_more_memory_than_its_windows():
    x = tc.tensor(np.arange(100_000.0, dtype=np.float32)[None, None])
    tracemalloc.start()
    y = F.max_pool1d(x, 3, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(y.data[0, 0], np.arange(2, 100_000, 2)) and peak < 100 << 20
