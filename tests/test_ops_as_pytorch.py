"""Operations where they are awkward, in other dtypes, and called wrongly: as PyTorch has it.

`t` in a call is tinyconv or PyTorch. The ordinary calls are in `calls_of_ops.py`.
"""
import numpy as np
import pytest

import tinyconv as tc
from tinyconv.testing import check_grad

INDEX = np.array([[0, 2, 1], [1, 1, 0]])

# ---- where it is awkward -------------------------------------------------------------------------

nan, inf = np.nan, np.inf
AWKWARD = {
    "std of equal numbers": (lambda t, x: t.std(x), [0.5, 0.5]),
    "std of one number": (lambda t, x: t.std(x), [0.5]),
    "cumprod with zeros": (lambda t, x: t.cumprod(x, 0), [2.0, 0.0, 3.0, 0.0, 5.0]),
    **{f"norm {p} of zeros": (lambda t, x, p=p: t.norm(x, p, dim=1), [[0.0, 0.0], [0.0, 2.0]])
       for p in (1, 2, 3, 1.5, 0.5, inf)},
    "norm of equal numbers": (lambda t, x: t.norm(x, inf), [1.0, -1.0, 0.5]),
    "norm of NaN": (lambda t, x: t.norm(x), [1.0, nan]),
    "xlogy at zero": (lambda t, a, b: t.xlogy(a, b), [0.0, 0.0, 0.0, 2.0], [0.0, 2.0, nan, inf]),
    "atan2 at the origin": (lambda t, a, b: t.atan2(a, b), [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]),
    "sort with NaN": (lambda t, x: t.sort(x), [1.0, nan, -inf, inf, nan]),
    "sort down with NaN": (lambda t, x: t.sort(x, descending=True, stable=True),
                           [1.0, nan, 1.0, inf, nan]),
    "topk with NaN": (lambda t, x: t.topk(x, 2).values, [1.0, nan, 3.0]),
    "addmm without the input": (lambda t, x, a: t.addmm(x, a, a, beta=0), [[nan]], [[2.0]]),
    "masked NaN": (lambda t, x: t.tril(x), [[1.0, nan], [nan, inf]]),
    **{f"{op} with NaN": (lambda t, a, b, op=op: getattr(t, op)(a, b), [nan, 1.0, 1.0, inf],
                          [1.0, nan, 1.0, inf]) for op in ("maximum", "minimum")},
    "powers of zero": (lambda t, a, b: a ** b, [0.0, 0.0, 0.0], [-1.0, 0.0, 2.0]),
    "clamp at its ends": (lambda t, x, a, b: t.clamp(x, a, b), [1.0, 2.0, inf],
                          [1.0, 0.0, 0.0], [3.0, 2.0, 1.0]),
    "clamp between bounds that cross": (lambda t, x, a, b: t.clamp(x, a, b), [0.0, 2.0, 4.0],
                                        [3.0, 3.0, 3.0], [1.0, 1.0, 1.0]),
    "logsumexp of nothing": (lambda t, x: t.logsumexp(x, 1), np.zeros((2, 0))),
    "logaddexp of infinities": (lambda t, a, b: t.logaddexp(a, b), [inf, -inf, 5.0],
                                [0.0, 1.0, -inf]),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_call_is_pytorchs(torch, against_torch, name):
    f, *given = AWKWARD[name]
    with np.errstate(all="ignore"):
        against_torch(lambda *a: f(tc, *a), lambda *a: f(torch, *a), *map(np.array, given))


@pytest.mark.parametrize("f", [
    lambda t, x: t.sign(x), lambda t, x: t.norm(x, 0), lambda t, x: t.isclose(x, x * (1 + 1e-7)),
    lambda t, x: t.isclose(x, x, equal_nan=True)])
def test_steps_are_pytorchs_and_constant(torch, f):
    x = np.array([nan, -0.0, inf, -inf, -2.0])
    y = f(tc, tc.tensor(x, requires_grad=True))
    assert not y.requires_grad
    np.testing.assert_array_equal(y.data, f(torch, torch.tensor(x)).numpy())


@pytest.mark.parametrize("dtype", [np.float16, np.int32, np.uint8, np.bool_])
@pytest.mark.parametrize("f", [
    lambda t, x: t.tril(x), lambda t, x: t.diag(x), lambda t, x: t.sort(x).values,
    lambda t, x: t.argsort(x), lambda t, x: t.cumprod(x, 0),
    lambda t, x: t.tile(x, (2,)), lambda t, x: t.unbind(x)[0], lambda t, x: t.nonzero(x),
    lambda t, x: t.masked_select(x, x > 0), lambda t, x: t.gather(x, 0, t.as_tensor(INDEX)),
    lambda t, x: x.scatter(0, t.as_tensor(INDEX), 1), lambda t, x: t.diag_embed(x),
    lambda t, x: t.exp(x), lambda t, x: t.sqrt(x) + x.log1p(), lambda t, x: t.logsumexp(x, 0),
    lambda t, x: t.div(x + 1, 2, rounding_mode="floor"), lambda t, x: t.max(x, x.flip(0)),
    lambda t, x: t.div(x * 2 - 5, 2, rounding_mode="trunc"), lambda t, x: x.masked_fill(x > 1, 1),
    lambda t, x: t.count_nonzero(x), lambda t, x: x.count_nonzero(0),
    lambda t, x: t.concat([x, x], 1), lambda t, x: t.rand_like(x.float()) > 1,
    lambda t, x: t.randn_like(x.float()) > 99])
def test_other_dtypes_stay_as_in_pytorch(torch, f, dtype):
    x = np.array([[0, 1, 3], [2, 0, 1], [1, 1, 0]]).astype(dtype)
    y, expected = f(tc, tc.tensor(x)), f(torch, torch.tensor(x)).numpy()
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y.data, expected, rtol=2e-3 if dtype == np.float16 else 1e-6)


@pytest.mark.parametrize("wide, number", [(np.float16, np.float32), (np.float32, np.float64),
                                          (np.float16, np.int64), (np.int32, np.int64),
                                          (np.uint8, np.int64), (np.int32, np.float32),
                                          (np.bool_, np.int64), (np.float16, np.bool_)])
@pytest.mark.parametrize("f", [lambda a, b: a + b, lambda a, b: b * a, lambda a, b: a / b,
                               lambda a, b: a ** b, lambda a, b: b >= a])
def test_a_tensor_without_dimensions_widens_nothing_of_its_kind(torch, f, wide, number):
    a, b = np.array([1, 0, 1]).astype(wide), np.array(1, number)
    y, expected = f(tc.tensor(a), tc.tensor(b)), f(torch.tensor(a), torch.tensor(b)).numpy()
    assert y.dtype == expected.dtype
    np.testing.assert_array_equal(y.data, expected)


def test_what_is_assigned_lies_where_it_would_be_read(torch):
    for key in [(0, slice(None), [1, 0]), ([1, 0], 2), (..., [0, 3], None, 1, slice(None))]:
        x = np.arange(24.0).reshape(2, 3, 4) if len(key) < 4 else np.arange(16.0).reshape(2, 4, 2, 1)
        mine, other = tc.tensor(x), torch.tensor(x)
        assert mine[key].shape == tuple(other[key].shape)
        for y, t in ((mine, tc), (other, torch)):
            y[key] = t.arange(y[key].numel()).reshape(y[key].shape).double()
        np.testing.assert_array_equal(mine.data, other.numpy())


def test_of_a_source_larger_than_the_index_the_rest_is_not_read(rng):
    s, i = tc.tensor(rng.standard_normal((3, 3))), tc.tensor([[0, 2], [1, 1]])
    x = tc.zeros(2, 4, dtype=tc.float64)
    assert tc.equal(x.scatter_add(1, i, s), x.scatter_add(1, i, s[:2, :2]))
    check_grad(lambda x, s: x.scatter_add(1, i, s), x, s)
    check_grad(lambda x, s: x.scatter(1, i, s), x, s)


def test_of_what_is_scattered_to_one_place_the_last_is_written_and_has_the_gradient(rng):
    x, s = tc.zeros(3, dtype=tc.float64), tc.tensor(rng.standard_normal(4))
    i = tc.tensor([1, 0, 1, 1])
    s.requires_grad_()
    y = x.scatter(0, i, s)
    assert y.tolist() == [s[1].item(), s[3].item(), 0]
    y.sum().backward()
    assert s.grad.tolist() == [0, 1, 0, 1]
    check_grad(lambda x, s: x.scatter(0, i, s), x, s.detach())


def test_a_number_that_is_not_zero_has_a_position_without_coordinates(torch):
    for number in (0.0, 2.0):
        assert tc.nonzero(tc.tensor(number)).shape == tuple(torch.nonzero(torch.tensor(number)).shape)
        assert [i.tolist() for i in tc.nonzero(tc.tensor(number), as_tuple=True)] == [
            i.tolist() for i in torch.nonzero(torch.tensor(number), as_tuple=True)]


def test_whole_comparisons_answer_yes_or_no():
    x = tc.tensor([1.0, float("nan")])
    assert tc.equal(tc.ones(2), tc.ones(2)) is True and tc.equal(tc.ones(2), tc.ones(3)) is False
    assert tc.allclose(x, x) is False and tc.allclose(x, x, equal_nan=True) is True


def test_the_length_of_long_vectors_of_zeros_and_noise_is_as_accurate_as_its_sum(rng):
    x = rng.standard_normal(100_000).astype(np.float32)
    exact = np.sqrt((x.astype(np.float64) ** 2).sum())
    assert abs(tc.norm(tc.tensor(x)).item() - exact) <= 2 * np.spacing(np.float32(exact))


x23 = tc.ones(2, 3)


@pytest.mark.parametrize("f, complaint", [
    (lambda: tc.mm(x23, x23), r"3 elements \(2, 3\)"),
    (lambda: tc.mm(x23, tc.ones(3)), r"mm: .*2 and 2 dimensions.*\(2, 3\) and \(3,\)"),
    (lambda: tc.bmm(tc.ones(1, 2, 3), tc.ones(2, 3, 2)), "bmm: 1 matrices"),
    (lambda: tc.dot(x23, x23), "dot: expected tensors of 1 and 1"),
    (lambda: tc.tensordot(x23, x23, 1), r"tensordot: .*lengths \(3,\) but .* \(2,\)"),
    (lambda: tc.tensordot(x23, x23, 3), "tensordot: dims 3 is out of range"),
    (lambda: tc.norm(x23, "nuc"), "norm: p should be a number or 'fro', got 'nuc'"),
    (lambda: tc.norm(tc.arange(3)), "vector_norm: expected a floating point tensor, got int64"),
    (lambda: tc.linalg.vector_norm(x23, True), "vector_norm: ord should be a number, got True"),
    (lambda: tc.cumprod(x23, 2), "cumprod: dim 2 is out of range"),
    (lambda: tc.var(tc.arange(3)), "var: expected a floating point tensor"),
    (lambda: tc.sort(x23, 2), "sort: dim 2 is out of range"),
    (lambda: tc.topk(x23, 4), "topk: k should be from 0 to 3.*got 4"),
    (lambda: tc.tril(tc.ones(3)), r"tril: expected at least 2 dimensions, got shape \(3,\)"),
    (lambda: tc.diag(tc.ones(2, 2, 2)), "diag: expected a vector or a matrix"),
    (lambda: tc.diagonal(x23, 0, 1, -1), "diagonal: expected two different dimensions"),
    (lambda: tc.trace(tc.ones(3)), "trace: expected a matrix"),
    (lambda: tc.gather(x23, 1, tc.tensor([[3]])), r"gather: index 3 at \(0, 0\) is out of range"),
    (lambda: tc.gather(x23, 1, tc.tensor([[-1]])), "gather: index -1"),
    (lambda: tc.gather(x23, 1, tc.tensor([0])), r"gather: an index of shape \(1,\) does not fit"),
    (lambda: tc.gather(x23, 1, tc.ones(2, 3)), "gather: indices should be whole numbers"),
    (lambda: x23.scatter(1, tc.tensor([[0, 1]]), tc.ones(1, 1)), "scatter: .*no larger than src"),
    (lambda: x23.scatter(1, tc.tensor([[0]])), "scatter: expected either src or value"),
    (lambda: x23.scatter_add(1, tc.tensor([[0]]), x23.double()), "scatter_add: x is float32"),
    (lambda: x23.index_add(0, tc.tensor([0]), tc.ones(1, 2)), "index_add: 1 positions"),
    (lambda: tc.masked_select(x23, x23), "masked_select: mask should be boolean"),
    (lambda: tc.take_along_dim(x23, tc.tensor([0]), 0), "take_along_dim: indices should have"),
    (lambda: tc.narrow(x23, 1, 2, 2), "narrow: 2 positions from 2 on"),
    (lambda: tc.unflatten(x23, 1, (2, 2)), "unflatten: sizes"),
    (lambda: x23.repeat(2), "repeat: 1 numbers"),
    (lambda: tc.tile(x23, (-1,)), "tile: expected numbers of at least 0"),
    (lambda: tc.repeat_interleave(x23, tc.tensor([1, 2, 3]), 0), "repeat_interleave: repeats"),
    (lambda: tc.meshgrid(x23), "meshgrid: expected vectors"),
    (lambda: tc.meshgrid(tc.ones(2), indexing="ji"), "meshgrid: indexing"),
    (lambda: tc.broadcast_tensors(x23, tc.ones(2)), "broadcast_tensors: the shapes"),
    (lambda: x23.unfold(1, 4, 1), "unfold: windows of 4"),
    (lambda: x23.index_select(0, tc.tensor([-1])), "index_select: positions .* within 0 … 1"),
    (lambda: x23.index_select(0, tc.tensor([[0]])), "index_select: index should be a vector"),
    (lambda: tc.softmax(tc.arange(3), 0), "softmax: expected a floating point tensor, got int64"),
    (lambda: tc.where(tc.arange(3), 1.0, 0.0), "where: the condition should be boolean, got int64"),
    (lambda: x23.masked_fill(x23, 0), "where: the condition should be boolean"),
    (lambda: tc.arange(3).masked_fill(tc.arange(3) > 1, 0.5), "masked_fill: int64 cannot hold 0.5"),
    (lambda: tc.clamp(x23), "clamp: expected min or max, got neither"),
    (lambda: tc.div(x23, x23, rounding_mode="up"), "div: rounding_mode should be"),
    (lambda: tc.arange(3, 1), "arange: steps of 1 from 3 do not lead to 1"),
    (lambda: tc.flatten(tc.tensor(1.0), 1), "flatten: dim 1 is out of range"),
    (lambda: tc.unbind(tc.tensor(1.0)), "unbind: expected at least 1 dimension"),
])
def test_a_bad_call_is_named(f, complaint):
    with pytest.raises((ValueError, TypeError, IndexError), match=complaint):
        f()
