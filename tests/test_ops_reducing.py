"""Sums, extremes and the softmax family: values as PyTorch, derivatives to second order."""
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinyconv as tc
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import arrays, shapes

REDUCTIONS = {"sum": "normal", "mean": "normal", "amax": "distinct", "amin": "distinct"}


@st.composite
def reductions(draw, values="normal", min_side=1, dtype=np.float64, one=False):
    """(array, dim, keepdim): dim is None, a number of either sign, or several."""
    x = draw(arrays(shapes(min_dims=1, max_dims=4, max_side=4, min_side=min_side), dtype, values))
    dims = st.integers(-x.ndim, x.ndim - 1)
    several = st.lists(dims, min_size=1, max_size=x.ndim, unique_by=lambda d: d % x.ndim).map(tuple)
    return x, draw(dims if one else st.none() | dims | several), draw(st.booleans())


@pytest.mark.parametrize("name", REDUCTIONS)
@given(data=st.data())
def test_reductions_to_second_order_and_as_pytorch(torch, against_torch, name, data):
    x, dim, keepdim = data.draw(reductions(REDUCTIONS[name]))
    ours, theirs = getattr(tc, name), getattr(torch, name)
    check_grad(lambda x: ours(x, dim, keepdim), x, name=name)
    dims = tuple(range(x.ndim)) if dim is None else dim
    against_torch(lambda x: ours(x, dim, keepdim), lambda x: theirs(x, dims, keepdim), x)


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("correction", [0, 1])
@given(data=st.data())
def test_variance(torch, against_torch, name, correction, data):
    x, dim, keepdim = data.draw(reductions())
    dims = tuple(range(x.ndim)) if dim is None else dim
    count = np.prod([x.shape[d] for d in np.atleast_1d(dims)])
    spread = np.ptp(x, axis=dims)
    if count <= correction or name == "std" and np.min(spread) < 0.1:
        return                                             # 0/0, and √0 has no derivative
    ours, theirs = getattr(tc, name), getattr(torch, name)
    options = {"correction": correction, "keepdim": keepdim}
    check_grad(lambda x: ours(x, dim, **options), x, name=name)
    against_torch(lambda x: ours(x, dim, **options), lambda x: theirs(x, dims, **options), x)


def test_variance_is_right_far_from_zero():
    x = (1e4 + np.random.default_rng(0).standard_normal(10_000)).astype(np.float32)
    assert abs(tc.tensor(x).var().item() - x.astype(np.float64).var(ddof=1)) < 1e-3


@pytest.mark.parametrize("name", ["sum", "amax", "amin"])
@given(problem=reductions("integers", dtype=np.float32))
def test_whole_numbers_in_float32_are_exact(name, problem):
    x, dim, keepdim = problem
    expected = getattr(np, name)(x, axis=dim, keepdims=keepdim)
    y = getattr(tc, name)(tc.as_tensor(x), dim, keepdim)
    assert y.dtype == np.float32 and np.array_equal(y.data, expected)


@pytest.mark.parametrize("dtype, result", [(np.int64, np.int64), (np.int32, np.int64),
                                           (np.bool_, np.int64), (np.uint8, np.int64),
                                           (np.float16, np.float16)])
def test_sums_of_other_dtypes_as_pytorch(torch, dtype, result):
    x = np.array([[1, 0, 3], [1, 1, 1]]).astype(dtype)
    y = tc.as_tensor(x).sum(0)
    assert y.dtype == result and y.tolist() == x.sum(0).tolist()
    assert tc.as_tensor(x).sum().dtype == result


@pytest.mark.parametrize("shape, dim", [((65536, 3), 0), ((3, 65536), 1), ((65536,), None),
                                        ((64, 1024, 3), (0, 1))])
def test_long_float32_sums_lose_nothing_to_order(shape, dim):
    x = np.random.default_rng(0).random(shape).astype(np.float32)
    expected = x.astype(np.float64).sum(axis=dim)
    y = tc.tensor(x).sum(dim).data
    assert np.abs(y / expected - 1).max() < 2e-7
    bias = tc.zeros(3).requires_grad_()                    # and neither do gradients of a bias
    if shape[-1] == 3:
        (tc.tensor(x) * (bias + 0)).sum().backward()
        assert np.abs(bias.grad.data / x.astype(np.float64).reshape(-1, 3).sum(0) - 1).max() < 2e-7


# ---- products and running sums -------------------------------------------------------------------

@given(problem=reductions())
def test_products_to_second_order_and_as_pytorch(torch, against_torch, problem):
    x, dim, keepdim = problem
    check_grad(lambda x: tc.prod(x, dim, keepdim), x, name="prod")
    if dim is None:
        against_torch(lambda x: x.prod(), lambda x: x.prod(), x)
    elif not isinstance(dim, tuple):
        against_torch(lambda x: x.prod(dim, keepdim), lambda x: x.prod(dim, keepdim), x)
    assert tc.prod(tc.tensor(x), dim, keepdim).shape == x.prod(dim, keepdims=keepdim).shape


@pytest.mark.parametrize("zeros", [(), (1,), (1, 3), (0, 2, 4), (0, 1, 2, 3, 4)])
def test_derivatives_of_a_product_are_right_at_zeros(torch, against_torch, rng, zeros):
    x = rng.uniform(0.5, 2, (3, 5))
    x[1, list(zeros)] = 0
    check_grad(lambda x: x.prod(1), x, order=3)
    check_grad(lambda x: x.prod(), x, order=3)
    for dim in (1, 0):
        against_torch(lambda x: x.prod(dim), lambda x: x.prod(dim), x)

    def second(grad, x, v):
        (g,) = grad((x.prod(1) * x.sum(1)).sum(), x, create_graph=True)
        return grad((g * v).sum(), x)[0]
    v = rng.standard_normal(x.shape)
    ours = second(tc.grad, tc.tensor(x, requires_grad=True), tc.tensor(v))
    theirs = second(torch.autograd.grad, torch.tensor(x, requires_grad=True), torch.tensor(v))
    np.testing.assert_allclose(ours.data, theirs.numpy(), rtol=1e-12, atol=1e-12)


def test_long_products_do_not_overflow_half_way_and_cost_what_they_should():
    x = tc.tensor(np.float32([1e30, 1e30, 1e-30, 1e-30] * 250), requires_grad=True)
    y = x.prod()
    y.backward()
    assert y.item() == pytest.approx(1, rel=1e-4) and y.dtype == np.float32
    np.testing.assert_allclose(x.grad.data, 1 / x.data, rtol=1e-4)
    big = tc.ones(1_000_001).requires_grad_()
    big.prod().backward()
    assert (big.grad.data == 1).all()


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.bool_, np.uint8, np.float16, np.float32])
@pytest.mark.parametrize("name, args", [("prod", (0,)), ("prod", ()), ("cumsum", (0,)),
                                        ("cumsum", (-1,))])
def test_products_and_running_sums_of_other_dtypes_as_pytorch(torch, name, args, dtype):
    x = np.array([[1, 0, 3], [1, 1, 1]]).astype(dtype)
    y, t = getattr(tc.as_tensor(x), name)(*args), getattr(torch.tensor(x), name)(*args)
    assert y.dtype == t.numpy().dtype and y.tolist() == t.tolist()


@given(problem=reductions(one=True, min_side=0))
@example(problem=(np.array(2.5), 0, False))
@example(problem=(np.zeros((0, 3)), 0, False))
def test_running_sums_to_second_order_and_as_pytorch(against_torch, problem):
    x, dim, _ = problem
    dim = 0 if dim is None else dim
    check_grad(lambda x: tc.cumsum(x, dim), x, name="cumsum")
    against_torch(lambda x: x.cumsum(dim), lambda x: x.cumsum(dim), x)
    against_torch(lambda x: x.prod(dim), lambda x: x.prod(dim), x)


def test_a_long_running_sum_in_float32_loses_nothing_to_order():
    x = np.random.default_rng(0).random(65536).astype(np.float32)
    exact = np.cumsum(x.astype(np.float64))
    assert np.abs(tc.cumsum(tc.tensor(x), 0).data / exact - 1).max() < 2e-7


# ---- extremes, softmax ---------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["max", "min"])
@given(problem=reductions("distinct", one=True))
def test_extremes_along_a_dimension_come_with_their_places(torch, against_torch, name, problem):
    x, dim, keepdim = problem
    f = getattr(tc, name)
    against_torch(lambda x: f(x, dim, keepdim), lambda x: getattr(torch, name)(x, dim, keepdim), x)
    against_torch(f, getattr(torch, name), x)
    check_grad(lambda x: f(x, dim, keepdim).values, x, name=name)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@given(problem=reductions("integers", one=True))
def test_argmax_is_the_first(torch, name, problem):
    x, dim, keepdim = problem
    expected = getattr(np, name)(x, axis=dim, keepdims=keepdim)
    y = getattr(tc, name)(tc.as_tensor(x), dim, keepdim)
    assert y.dtype == np.int64 and np.array_equal(y.data, expected)
    assert getattr(tc, name)(tc.as_tensor(x)).item() == getattr(np, name)(x)


def test_equal_maxima_share_the_gradient_or_the_first_takes_it(against_torch):
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    against_torch(lambda x: tc.amax(x, 1), lambda x: x.amax(1), x)
    against_torch(lambda x: x.max(), lambda x: x.max(), x)
    first = tc.tensor(x, requires_grad=True)
    first.max(1).values.sum().backward()
    assert first.grad.tolist() == [[0, 1, 0], [1, 0, 0]]


def test_extremes_of_nan_are_nan(torch):
    x = np.array([[1.0, np.nan, 3.0], [2.0, 1.0, 0.0]])
    for name in ("max", "min"):
        y, t = getattr(tc.tensor(x), name)(1), getattr(torch.tensor(x), name)(1)
        assert np.array_equal(y.values.data, t.values, equal_nan=True)
        assert np.array_equal(y.indices.data, t.indices)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@given(problem=reductions(one=True))
@example(problem=(np.zeros((2, 1)), 1, False))
def test_softmax_family_to_second_order_and_as_pytorch(torch, against_torch, name, problem):
    x, dim, _ = problem
    check_grad(lambda x: getattr(tc, name)(x, dim), x, name=name)
    against_torch(lambda x: getattr(tc, name)(x, dim), lambda x: getattr(torch, name)(x, dim), x)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_family_at_extreme_logits_as_pytorch(torch, against_torch, name, dtype):
    x = np.array([[1e4, -1e4, 0], [1e4, 1e4, -np.inf], [-1e4, -1e4, -1e4], [88, 89, 90]], dtype)
    def theirs(x):           # in float64: PyTorch's gradient of logsumexp in float32 is off by 2e-4
        return getattr(torch, name)(x.double(), 1).to(x.dtype)
    against_torch(lambda x: getattr(tc, name)(x, 1), theirs, x)


@pytest.mark.parametrize("logits", [[np.inf, 0], [-np.inf, -np.inf], [np.inf] * 2, [-np.inf, 2]])
def test_logsumexp_of_infinite_logits_as_pytorch(torch, logits):
    with np.errstate(divide="ignore"):
        y = tc.logsumexp(tc.tensor(logits), 0)
    assert y.item() == torch.tensor(logits).logsumexp(0).item()


def test_softmax_along_a_long_first_dimension_loses_nothing_to_order():
    x = np.random.default_rng(0).standard_normal((65536, 3)).astype(np.float32)
    exact = tc.softmax(tc.tensor(x.astype(np.float64)), 0).data
    assert np.abs(tc.softmax(tc.tensor(x), 0).data / exact - 1).max() < 1e-6
    assert np.abs(tc.log_softmax(tc.tensor(x), 0).data - np.log(exact)).max() < 4e-6


@given(problem=reductions(min_side=0))
@example(problem=(np.zeros((0, 3)), None, False))
@example(problem=(np.zeros((0, 3)), (0, 1), True))
def test_sums_of_nothing_are_zero(against_torch, problem):
    x, dim, keepdim = problem
    dims = tuple(range(x.ndim)) if dim is None else dim
    against_torch(lambda x: tc.sum(x, dim, keepdim), lambda x: x.sum(dims, keepdim), x)


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "var", "argmax", "max", "softmax",
                                  "log_softmax", "logsumexp", "any", "prod", "cumsum"])
def test_a_dimension_that_is_not_there_is_an_error(name):
    named = {"var": "mean", "max": "argmax"}.get(name, name)      # what they are made of
    with pytest.raises(IndexError, match=f"{named}: .*3"):
        getattr(tc, name)(tc.ones(2, 2), 3)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "sum", "amax"])
def test_reductions_of_a_number_as_pytorch(torch, against_torch, name):
    against_torch(lambda x: getattr(tc, name)(x, 0), lambda x: getattr(torch, name)(x, 0),
                  np.array(2.5))


def test_bad_reductions_are_named():
    with pytest.raises(ValueError, match="twice"):
        tc.sum(tc.ones(2, 2), (0, -2))
    with pytest.raises(TypeError, match="mean.*int64"):
        tc.mean(tc.tensor([1, 2]))
    with pytest.raises((ValueError, IndexError)):
        tc.amax(tc.zeros(0, 3), 0)


def test_long_running_products_of_float32_lose_nothing_to_order(rng):
    x = (1 + 1e-3 * rng.standard_normal(5000)).astype(np.float32)
    exact = np.cumprod(x.astype(np.float64)).astype(np.float32)
    assert np.array_equal(tc.cumprod(tc.tensor(x), 0).data, exact)
