"""The matrix product equals its readable twin: any sizes, any layout, any dimensions in front."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyconv.kernels import matrix, product
from tinyconv.kernels.reference import matrix as reference
from tinyconv.testing.strategies import arrays

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SIZES = st.sampled_from((0, 1, 5, 8, 9, 16, 17, 33, 70, 130))
FRONTS = st.sampled_from([((), ()), ((3,), ()), ((), (2,)), ((2, 1), (3,)), ((1, 3), (2, 1)),
                          ((2, 3), (2, 3)), ((0,), ()), ((0,), (1,))])


@DTYPES
@given(FRONTS, SIZES, SIZES, SIZES, st.sampled_from(range(len(product.SHAPES))), st.data())
def test_whole_numbers_are_multiplied_exactly_in_any_tile_and_layout(dtype, fronts, M, K, N, kind,
                                                                     data):
    shape = product.SHAPES[kind]
    a = data.draw(arrays((*fronts[0], M, K), dtype, "integers"))
    b = data.draw(arrays((*fronts[1], K, N), dtype, "integers"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix, "best_shape",
                      lambda columns, itemsize: (kind, shape.rows, shape.width(itemsize)))
        y = matrix.matmul(a, b)
    assert y.dtype == dtype and np.array_equal(y, reference.matmul(a, b))


# few rows; tiles that are not full; more than one task in either direction; more than one chunk;
# so many columns that the transposed product is made
@pytest.mark.parametrize("M, K, N", [(1, 5000, 140), (matrix.FEW, 300, 9), (matrix.FEW + 1, 33, 9),
                                     (matrix.ROWS + 9, 300, 2 * matrix.COLUMNS + 30),
                                     (20, product.CHUNK + 9, 500)])
@pytest.mark.parametrize("turned", ["neither", "a", "b", "both"])
@pytest.mark.parametrize("biased", [False, True])
@DTYPES
def test_every_way_is_exact_on_whole_numbers(rng, dtype, M, K, N, turned, biased):
    a, b = rng.integers(-4, 5, (M, K)).astype(dtype), rng.integers(-4, 5, (K, N)).astype(dtype)
    bias = rng.integers(-4, 5, N).astype(dtype) if biased else None
    expected = reference.matmul(a, b, bias)
    a = np.asfortranarray(a) if turned in ("a", "both") else a
    b = np.asfortranarray(b) if turned in ("b", "both") else b
    y = matrix.matmul(a, b, bias)
    assert y.dtype == dtype and np.array_equal(y, expected)


@DTYPES
@pytest.mark.parametrize("front", [(), (3,), (0,), (2, 1)])
def test_a_bias_is_added_to_every_row_of_a_stack(rng, dtype, front):
    a, b, bias = (rng.integers(-4, 5, s).astype(dtype) for s in ((*front, 7, 5), (5, 9), (9,)))
    assert np.array_equal(matrix.matmul(a, b, bias), reference.matmul(a, b, bias))
    b = np.broadcast_to(b, (*front, 5, 9))
    assert np.array_equal(matrix.matmul(a, b, bias), reference.matmul(a, b, bias))


@pytest.mark.parametrize("K", [9, 256, 300, 4096, 65_536])
@pytest.mark.parametrize("dtype, exact", [(np.float32, np.float64), (np.float64, np.longdouble)])
@pytest.mark.parametrize("M", [1, 7])
def test_rounding_errors_stay_below_the_bound(rng, K, dtype, exact, M):
    """|error| ≤ (4 + log₂ K) u Σ |a| |b|, for random numbers"""
    a, b = rng.standard_normal((M, K)).astype(dtype), rng.standard_normal((9, K)).astype(dtype).T
    error = abs(matrix.matmul(a, b) - reference.matmul(a.astype(exact), b.astype(exact)))
    size = reference.matmul(abs(a).astype(exact), abs(b).astype(exact))
    assert (error <= (4 + np.log2(K)) * np.finfo(dtype).eps / 2 * size).all()


@pytest.mark.parametrize("a, b", [(np.float16, np.float16), (np.int64, np.int64),
                                  (np.float32, np.float64), (np.int8, np.float32)])
def test_other_dtypes_are_multiplied_by_numpys_rules(rng, a, b):
    a, b = rng.integers(-4, 5, (3, 5)).astype(a), rng.integers(-4, 5, (5, 2)).astype(b)
    y = matrix.matmul(a, b)
    assert y.dtype == np.matmul(a, b).dtype and np.array_equal(y, reference.matmul(a, b))


@DTYPES
def test_what_is_not_finite_stays_in_its_row_and_column(rng, dtype):
    a, b = rng.standard_normal((20, 30)).astype(dtype), rng.standard_normal((30, 17)).astype(dtype)
    a[3, 4], b[5, 6] = np.nan, np.inf
    y = matrix.matmul(a, b)
    touched = np.zeros(y.shape, bool)
    touched[3], touched[:, 6] = True, True
    assert np.array_equal(~np.isfinite(y), touched) and np.isnan(y[3]).all()
