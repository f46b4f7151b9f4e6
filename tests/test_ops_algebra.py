"""Matrix products and Einstein sums: exact on whole numbers, as PyTorch, to second order."""
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_adjoint, check_grad
from tinyconv.testing.strategies import arrays, broadcastable


@st.composite
def products(draw, dtype=np.float64, values="normal", min_side=1):
    """(a, b) that can be multiplied: matrices, stacks that broadcast, vectors on either side."""
    M, K, N = (draw(st.integers(min_side, 5)) for _ in range(3))
    left, right = draw(broadcastable(max_dims=2, max_side=3))
    kind = draw(st.sampled_from(["matrices", "matrices", "row", "column", "vectors"]))
    a = (K,) if kind in ("row", "vectors") else (*left, M, K)
    b = (K,) if kind in ("column", "vectors") else (*right, K, N)
    return draw(arrays(a, dtype, values)), draw(arrays(b, dtype, values))


@given(products())
def test_matmul_to_second_order(problem):
    check_grad(tc.matmul, *problem)


@given(products(dtype=np.float32, values="integers", min_side=0))
def test_matmul_of_whole_numbers_is_exact(problem):
    a, b = problem
    y = tc.as_tensor(a) @ tc.as_tensor(b)
    assert y.dtype == np.float32 and np.array_equal(y.data, a @ b)


@given(products(min_side=0))
@example((np.zeros((1, 0, 0)), np.zeros(0)))
@example((np.zeros((2, 3, 0)), np.zeros((0, 4))))
def test_matmul_as_pytorch(torch, against_torch, problem):
    against_torch(lambda a, b: a @ b, lambda a, b: a @ b, *problem)


@pytest.mark.parametrize("M, K, N", [(1, 1, 1), (17, 33, 65), (64, 64, 64), (100, 7, 130),
                                     (3, 300, 5), (37, 600, 19)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", ["nn", "nt", "tn", "tt"])
def test_matmul_of_larger_matrices_in_either_order_is_exact(rng, M, K, N, dtype, transposed):
    def whole(rows, columns, order):
        flip = order == "t"
        x = rng.integers(-4, 5, (columns, rows) if flip else (rows, columns)).astype(dtype)
        return x.T if flip else x
    a, b = whole(M, K, transposed[0]), whole(K, N, transposed[1])
    assert np.array_equal((tc.as_tensor(a) @ tc.as_tensor(b)).data, a @ b)


def test_matmul_in_float32_is_as_accurate_as_the_bound(rng):
    for K in (9, 1000, 65536):
        a, b = (rng.standard_normal(s).astype(np.float32) for s in ((3, K), (K, 4)))
        exact = a.astype(np.float64) @ b.astype(np.float64)
        bound = (4 + np.log2(K)) * np.finfo(np.float32).eps / 2 * (np.abs(a) @ np.abs(b))
        assert (np.abs((tc.tensor(a) @ tc.tensor(b)).data - exact) <= bound).all()


def test_linear_to_third_order(rng):
    check_grad(lambda *args: F.linear(*args) ** 3, rng.standard_normal((3, 2)),
               rng.standard_normal((4, 2)), rng.standard_normal(4), order=3)


@given(products(values="integers"))
def test_matmul_is_adjoint_to_the_transposed_product(problem):
    a, b = problem
    if a.ndim == b.ndim == 2:
        y = np.ones((a.shape[0], b.shape[1]))
        check_adjoint(lambda b: tc.matmul(a, b), lambda y: tc.matmul(a.T, y), b, y, rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(5,), (2, 5), (3, 2, 5), (0, 5), (2, 0, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(torch, against_torch, rng, shape, bias):
    args = [rng.standard_normal(s) for s in (shape, (4, 5), (4,))[:2 + bias]]
    against_torch(F.linear, torch.nn.functional.linear, *args)
    check_grad(F.linear, *args)


@pytest.mark.parametrize("equation, shapes", [
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ij->ji", [(2, 3)]),
    ("ij->", [(2, 3)]), ("ij->j", [(2, 3)]), ("ii->i", [(3, 3)]), ("ii->", [(3, 3)]),
    ("ii", [(3, 3)]), ("ba", [(2, 3)]), ("cb,ab", [(2, 3), (4, 3)]),
    ("bij,bjk->bik", [(2, 3, 4), (2, 4, 2)]), ("i,j->ij", [(3,), (2,)]), ("i,i", [(3,), (3,)]),
    ("bi,bj,bk->ijk", [(2, 3), (2, 4), (2, 2)]), ("...ij,...jk->...ik", [(2, 3, 4), (2, 4, 2)]),
    ("...ij,jk->...ik", [(5, 2, 3, 4), (4, 2)]), ("ij,ij->", [(2, 3), (2, 3)]),
    ("i,jk->k", [(2,), (3, 4)]), ("iij->j", [(2, 2, 3)]), ("b i j -> b j i", [(2, 3, 4)]),
    ("...ij,...jk->...ik", [(5, 1, 2, 3), (4, 3, 2)]), ("...i,...i->...", [(2, 1, 3), (5, 3)]),
    ("...,...", [(1, 3), (2, 1)]), ("...,...->", [(1,), (4,)]), ("...i->...", [(1, 3)]),
    ("ij,jk->ik", [(2, 1), (3, 4)]), ("ii,i->i", [(1, 1), (3,)])])
def test_einsum(torch, against_torch, rng, equation, shapes):
    args = [rng.standard_normal(s) for s in shapes]
    against_torch(lambda *t: tc.einsum(equation, *t), lambda *t: torch.einsum(equation, *t), *args)
    check_grad(lambda *t: tc.einsum(equation, *t), *args)


@pytest.mark.parametrize("f, complaint", [
    (lambda: tc.matmul(tc.ones(2, 3), tc.ones(2, 3)), r"matmul.*\(2, 3\)"),
    (lambda: tc.matmul(tc.tensor(1.0), tc.ones(2)), "matmul"),
    (lambda: tc.ones(2, 2) @ tc.ones(2, 2).double(), "matmul.*float32.*float64"),
    (lambda: tc.ones(2, 3, 3) @ tc.ones(4, 3, 3), r"\(2, 3, 3\)|\(4, 3, 3\)"),
    (lambda: F.linear(tc.ones(2, 3), tc.ones(4, 5)), r"linear.*\(2, 3\).*\(4, 5\)"),
    (lambda: F.linear(tc.ones(2, 3), tc.ones(4, 3), tc.ones(5)), r"linear: bias.*\(5,\)"),
    (lambda: F.linear(tc.ones(2, 3), tc.ones(4, 3), tc.ones(2, 4)), r"linear: bias.*\(2, 4\)"),
    (lambda: F.linear(tc.ones(2, 3), tc.ones(4, 3).double()), "linear.*float32.*weight.*float64"),
    (lambda: F.linear(tc.ones(2, 3), tc.ones(4, 3), tc.ones(4).double()), "linear.*bias.*float64"),
    (lambda: tc.einsum("ij,jk->ik", tc.ones(2, 3)), "einsum.*terms"),
    (lambda: tc.einsum("ij,jk->ik", tc.ones(2, 3), tc.ones(2, 3)), "einsum.*'j'"),
    (lambda: tc.einsum("ij,jk->ik", tc.ones(2, 2), tc.ones(3, 1)), "einsum.*'j'.*2 and 3"),
    (lambda: tc.einsum("...,...", tc.ones(2), tc.ones(3)), "einsum.*lengths 2 and 3"),
    (lambda: tc.einsum(tc.ones(2), "i"), "einsum: expected an equation .* got Tensor"),
    (lambda: tc.einsum("ijk->i", tc.ones(2, 3)), "einsum"),
    (lambda: tc.einsum("ij->ik", tc.ones(2, 3)), "einsum|k")])
def test_bad_products_are_named(f, complaint):
    with pytest.raises((ValueError, TypeError), match=complaint):
        f()
