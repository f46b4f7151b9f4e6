"""Cross-entropy of rows equals its readable twin to a few roundings, the exponential NumPy's."""
import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyconv.kernels import cross_entropy
from tinyconv.kernels.reference import cross_entropy as reference
from tinyconv.testing.strategies import generators

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# rows that fill no vector, several vectors, and more than one task
SIZES = st.sampled_from([(0, 3), (1, 1), (5, 10), (128, 10), (7, 33), (40, 1000),
                         (3, cross_entropy.BLOCK + 5), (cross_entropy.BLOCK + 9, 2)])


@numba.njit
def _exponentials(x):
    y = np.empty_like(x)
    for i in range(x.size):
        y[i] = cross_entropy.exponential(x[i])
    return y


@DTYPES
def test_the_exponential_is_right_to_two_units_in_the_last_place(rng, dtype):
    lowest = cross_entropy.LOWEST[numba.from_dtype(np.dtype(dtype))]
    x = np.concatenate([lowest * rng.random(100_000), np.linspace(lowest, 0, 1000), -10.0 **
                        -np.arange(40), [0.0, -0.0]]).astype(dtype)
    exact = np.exp(x.astype(np.longdouble))
    y = _exponentials(x)
    assert y.dtype == dtype
    assert (abs(y - exact) <= 2 * np.spacing(exact.astype(dtype))).all()
    assert (y[-2:] == 1).all()


@DTYPES
def test_the_exponential_ends_at_zero_and_keeps_nan(dtype):
    lowest = cross_entropy.LOWEST[numba.from_dtype(np.dtype(dtype))]
    x = np.array([lowest - 1, -1e4, np.finfo(dtype).min, -np.inf, np.nan] * 9, dtype)
    assert np.array_equal(_exponentials(x), np.array([0, 0, 0, 0, np.nan] * 9, dtype),
                          equal_nan=True)


@DTYPES
@given(SIZES, generators(), st.sampled_from([0.1, 1.0, 30.0]), st.sampled_from([0, -50, 1e4]))
def test_losses_and_gradients_are_those_of_the_textbook(dtype, size, rng, scale, mean):
    x = (mean + scale * rng.standard_normal(size)).astype(dtype)
    t, g = rng.integers(0, size[1], size[0]), rng.standard_normal(size[0]).astype(dtype)
    y, stats = cross_entropy.losses(x, t)
    gx = cross_entropy.pull(g, x, t, stats)
    assert y.dtype == gx.dtype == dtype
    wide = np.longdouble if dtype == np.float64 else np.float64
    exact, exact_stats = reference.losses(x.astype(wide), t)
    eps = np.finfo(dtype).eps
    # a sum of up to C terms, each a few roundings off; ln of it is off by as much absolutely
    np.testing.assert_allclose(y, exact, rtol=2 * eps, atol=(8 + size[1] / 16) * eps)
    exact = reference.pull(g.astype(wide), x.astype(wide), t, exact_stats)
    bound = (8 + size[1] / 16) * eps * abs(g[:, None])
    assert (abs(gx - exact) <= bound).all()


@DTYPES
def test_unusual_logits(dtype):
    inf, nan = np.inf, np.nan
    x = np.array([[1e4, 0, -1e4], [-inf, 0, 0], [nan, 0, 0], [inf, 0, 0], [-inf] * 3], dtype)
    y, stats = cross_entropy.losses(x, np.array([1, 1, 1, 1, 1]))
    np.testing.assert_allclose(y, np.array([1e4, np.log(2), nan, nan, nan]), rtol=1e-6)
    gx = cross_entropy.pull(np.ones(5, dtype), x, np.array([1, 1, 1, 1, 1]), stats)
    assert np.array_equal(gx[0], [1, -1, 0]) and np.allclose(gx[1], [0, -0.5, 0.5])
    assert np.isnan(gx[2]).all() and np.isnan(gx[4]).all()
