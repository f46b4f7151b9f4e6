"""Operations by PyTorch's names: results, dtypes and gradients as its, in a table of calls.

`t` in a call is tinyconv or PyTorch. Arrays are given by their shapes (and filled with distinct
numbers), or as they are.
"""
import numpy as np
import pytest

import tinyconv as tc
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import fill

INDEX = np.array([[0, 2, 1], [1, 1, 0]])
MASK = np.array([[True, False, True], [False, False, True]])

SMOOTH = {
    # elementary
    "asinh": (lambda t, x: t.asinh(x), (2, 3)),
    "acosh": (lambda t, x: t.acosh(x + 2), (2, 3)),
    "atanh": (lambda t, x: t.atanh(x), (2, 3)),
    "acos asin atan": (lambda t, x: t.acos(x) + t.asin(x) * t.atan(x), (2, 3)),
    "atan2": (lambda t, a, b: t.atan2(a, b), (2, 3), (3,)),
    "exp2": (lambda t, x: t.exp2(x), (2, 3)),
    "logaddexp": (lambda t, a, b: t.logaddexp(a, b), (2, 1), (3,)),
    "logaddexp of equals": (lambda t, a: t.logaddexp(a, a), (2, 3)),
    "xlogy": (lambda t, a, b: t.xlogy(a, b + 1), (2, 3), (3,)),
    "lerp": (lambda t, a, b, w: t.lerp(a, b, w), (2, 3), (2, 3), (2, 3)),
    "lerp by a number": (lambda t, a, b: t.lerp(a, b, 0.3), (2, 3), (2, 3)),
    "clip": (lambda t, x: t.clip(x, -0.04, 0.04), (2, 3)),
    # products
    "mm": (lambda t, a, b: t.mm(a, b), (2, 3), (3, 4)),
    "mm of nothing": (lambda t, a, b: t.mm(a, b), (2, 0), (0, 4)),
    "bmm": (lambda t, a, b: t.bmm(a, b), (2, 2, 3), (2, 3, 4)),
    "mv": (lambda t, a, b: t.mv(a, b), (2, 3), (3,)),
    "dot": (lambda t, a, b: t.dot(a, b), (3,), (3,)),
    "outer": (lambda t, a, b: t.outer(a, b), (3,), (2,)),
    "addmm": (lambda t, x, a, b: t.addmm(x, a, b, beta=0.5, alpha=3), (4,), (2, 3), (3, 4)),
    "addmm method": (lambda t, x, a, b: x.addmm(a, b), (2, 4), (2, 3), (3, 4)),
    "tensordot": (lambda t, a, b: t.tensordot(a, b), (2, 3, 4), (3, 4, 5)),
    "tensordot by 0": (lambda t, a, b: t.tensordot(a, b, 0), (2, 3), (2,)),
    "tensordot over lists": (lambda t, a, b: t.tensordot(a, b, dims=([0, -1], [1, 0])),
                             (2, 3, 4), (4, 2, 5)),
    # norms
    "norm": (lambda t, x: t.norm(x), (2, 3)),
    "norm of an order": (lambda t, x: t.norm(x, 3, dim=1, keepdim=True), (2, 3)),
    "norm method": (lambda t, x: x.norm(dim=(0, 2)), (2, 3, 4)),
    **{f"vector_norm {p}": (lambda t, x, p=p: t.linalg.vector_norm(x, p, dim=-1), (2, 3))
       for p in (1, 2, 3, 0.5, 1.5, -1, -2.0, np.inf, -np.inf)},
    "vector_norm of a number": (lambda t, x: t.linalg.vector_norm(x), ()),
    "vector_norm of nothing": (lambda t, x: t.linalg.vector_norm(x), (0, 3)),
    # running products
    "cumprod": (lambda t, x: t.cumprod(x + 1, 1), (2, 5)),
    "cumprod along the first": (lambda t, x: x.cumprod(0), (3, 2)),
    "cumprod of a number": (lambda t, x: t.cumprod(x, 0), ()),
    "cumprod of nothing": (lambda t, x: t.cumprod(x, 0), (0, 3)),
    "var unbiased": (lambda t, x: t.var(x, 1, unbiased=False), (2, 5)),
    "std unbiased": (lambda t, x: x.std(1, unbiased=True), (2, 5)),
    # order
    "sort": (lambda t, x: t.sort(x), (3, 4)),
    "sort down": (lambda t, x: x.sort(0, descending=True).values, (3, 4)),
    "sort a number": (lambda t, x: t.sort(x), ()),
    "topk": (lambda t, x: t.topk(x, 2), (3, 4)),
    "topk smallest": (lambda t, x: x.topk(3, dim=0, largest=False), (3, 4)),
    "topk of none": (lambda t, x: t.topk(x, 0), (3, 4)),
    # triangles and diagonals
    **{f"tril triu {k}": (lambda t, x, k=k: t.tril(x, k) + 2 * x.triu(k), (2, 3, 4))
       for k in (-2, 0, 1, 5)},
    **{f"diag {k} of {s}": (lambda t, x, k=k: t.diag(x, k), s)
       for k in (-1, 0, 2) for s in ((3,), (3, 4), (0,))},
    **{f"diagonal {k}": (lambda t, x, k=k: t.diagonal(x, k, -1, 0), (3, 2, 4))
       for k in (-4, -1, 0, 1, 3)},
    "diag_embed": (lambda t, x: t.diag_embed(x, 1, 0, 2), (2, 3)),
    "trace": (lambda t, x: t.trace(x), (3, 4)),
    # reading and writing along a dimension
    "take_along_dim": (lambda t, x, i: t.take_along_dim(x, i, 1), (2, 3), INDEX),
    "take_along_dim broadcasts": (lambda t, x, i: t.take_along_dim(x, i, 1), (4, 3), INDEX[:1]),
    "take_along_dim of one row": (lambda t, x, i: x.take_along_dim(i, dim=-1), (1, 3), INDEX),
    "take_along_dim flat": (lambda t, x, i: t.take_along_dim(x, i), (2, 3), INDEX),
    "gather": (lambda t, x, i: t.gather(x, 1, i), (3, 4), INDEX),
    "gather along the first": (lambda t, x, i: x.gather(0, i), (3, 4), INDEX),
    "gather of a number": (lambda t, x, i: x.gather(0, i), (), np.array(0)),
    "scatter": (lambda t, x, i, s: t.scatter(x, 1, i, s), (3, 4),
                np.array([[0, 2], [3, 1]]), (2, 2)),
    "scatter along the first": (lambda t, x, i, s: x.scatter(0, i, s), (4, 3),
                                np.array([[0, 2, 1], [1, 3, 0]]), (2, 3)),
    "scatter a number": (lambda t, x, i: x.scatter(1, i, 1.5), (2, 3), INDEX),
    "scatter a value": (lambda t, x, i: t.scatter(x, 1, i, value=1.5), (2, 3), INDEX),
    "scatter_add": (lambda t, x, i, s: t.scatter_add(x, 1, i, s), (2, 3), INDEX, (2, 3)),
    "scatter_add to the first": (lambda t, x, i, s: x.scatter_add(0, i, s), (3, 4), INDEX, (2, 3)),
    "index_add": (lambda t, x, i, s: t.index_add(x, 1, i, s, alpha=2), (2, 3),
                  np.array([0, 2, 0, 1]), (2, 4)),
    "masked_select": (lambda t, x, m: t.masked_select(x, m), (3,), MASK),
    "select": (lambda t, x: t.select(x, 1, -1), (2, 3, 2)),
    "narrow": (lambda t, x: t.narrow(x, 1, 1, 2), (2, 4)),
    "narrow from the end": (lambda t, x: x.narrow(0, -2, 2), (3, 4)),
    # arrangements
    "ravel": (lambda t, x: t.ravel(x), (2, 3)),
    "unbind": (lambda t, x: t.unbind(x, 1), (2, 3)),
    "unflatten": (lambda t, x: t.unflatten(x, 1, (-1, 2)), (2, 6)),
    "unflatten method": (lambda t, x: x.unflatten(0, (2, 1)), (2, 6)),
    "tile": (lambda t, x: t.tile(x, (2, 1, 3)), (2, 3)),
    "tile fewer": (lambda t, x: x.tile(2), (2, 3)),
    "tile none": (lambda t, x: t.tile(x, (0, 2)), (2, 3)),
    "repeat": (lambda t, x: x.repeat(2, 1, 3), (2, 3)),
    "repeat_interleave": (lambda t, x: t.repeat_interleave(x, 2, 1), (2, 3)),
    "repeat_interleave each": (lambda t, x, n: x.repeat_interleave(n, 0), (3, 2),
                               np.array([2, 0, 1])),
    "repeat_interleave flat": (lambda t, x: x.repeat_interleave(3), (2, 3)),
    "swapaxes": (lambda t, x: t.swapaxes(x, 0, 1), (2, 3)),
    "moveaxis": (lambda t, x: t.moveaxis(x, 0, -1), (2, 3, 4)),
    "meshgrid": (lambda t, a, b, c: t.meshgrid(a, b, c, indexing="ij"), (2,), (3,), ()),
    "meshgrid xy": (lambda t, a, b: t.meshgrid(a, b, indexing="xy"), (2,), (3,)),
    "broadcast_tensors": (lambda t, a, b: t.broadcast_tensors(a, b), (2, 1), (3,)),
    "broadcast_to": (lambda t, x: x.broadcast_to(2, 3), (3,)),
    "unfold": (lambda t, x: x.unfold(1, 3, 2), (2, 8)),
    "unfold of a number": (lambda t, x: x.unfold(0, 1, 1), ()),
    "vstack": (lambda t, a, b: t.vstack([a, b]), (3,), (2, 3)),
    "hstack": (lambda t, a, b: t.hstack([a, b]), (2, 1), (2, 3)),
    "hstack numbers": (lambda t, a, b: t.hstack([a, b]), (), (2,)),
    "where method": (lambda t, x, m: x.where(m, x * x), (2, 3), MASK),
}


def arrays(rng, given, dtype):
    return [fill(rng, a, "distinct", dtype) if isinstance(a, tuple) else a for a in given]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SMOOTH)
def test_a_call_is_pytorchs(torch, against_torch, rng, name, dtype):
    f, *given = SMOOTH[name]
    against_torch(lambda *a: f(tc, *a), lambda *a: f(torch, *a), *arrays(rng, given, dtype))


@pytest.mark.parametrize("name", SMOOTH)
def test_a_call_has_its_derivatives_to_second_order(rng, name):
    f, *given = SMOOTH[name]
    args = [tc.tensor(a) if a.dtype.kind != "f" else a for a in arrays(rng, given, np.float64)]
    check_grad(lambda *a: f(tc, *a), *args, name=name)


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
    lambda t, x: t.rand_like(x.float()) > 1, lambda t, x: t.randn_like(x.float()) > 99])
def test_other_dtypes_stay_as_in_pytorch(torch, f, dtype):
    x = np.array([[0, 1, 3], [2, 0, 1], [1, 1, 0]]).astype(dtype)
    y, expected = f(tc, tc.tensor(x)), f(torch, torch.tensor(x)).numpy()
    assert y.dtype == expected.dtype
    np.testing.assert_array_equal(y.data, expected)


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
    (lambda: tc.unbind(tc.tensor(1.0)), "unbind: expected at least 1 dimension"),
])
def test_a_bad_call_is_named(f, complaint):
    with pytest.raises((ValueError, TypeError, IndexError), match=complaint):
        f()
