"""Normalisation kernels equal their readable twins: exactly where whole numbers allow it, else
within a few roundings. Their arrays are matrices (M, C) as `ops/normalization.py` makes them:
contiguous; other layouts are tested there and in test_functional_normalization.py."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyconv.kernels import normalization
from tinyconv.kernels.reference import normalization as reference
from tinyconv.testing.strategies import arrays, fill, generators

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# fewer rows than a line or a block has, just so many, and more
SIZES = st.tuples(st.sampled_from((1, 2, 17, 63, 64, 102, 2500, 8191, 8192)),
                  st.sampled_from((1, 5, 8, 17, 33, 600)))


def matrices(rng, shape, dtype, values, count):
    return [fill(rng, shape, values, dtype) for _ in range(count)]


def wide(*values):
    """The values in float64."""
    return [v.astype(np.float64) if isinstance(v, np.ndarray) else v for v in values]


# ---- statistics ----------------------------------------------------------------------------------

def exact_moments(x):
    return reference.moments(x.astype(np.longdouble if x.dtype == np.float64 else np.float64))


@DTYPES
@given(SIZES, generators(), st.sampled_from([0, 1, -30, 1e4]), st.sampled_from([1e-3, 1, 100]))
def test_mean_and_variance_keep_their_digits_however_large_the_mean(dtype, size, rng, mean, std):
    """|error of μ| ≤ 8 u (|μ| + 4 d) and |error of σ²| ≤ 32 u d² + 8 u |μ| d + (8 u μ)²

    where d is the largest deviation of an element from the mean. There is no term u μ².
    """
    x = (mean + std * rng.standard_normal(size)).astype(dtype)
    (mu, var), (exact_mu, exact_var) = normalization.moments(x), exact_moments(x)
    assert mu.dtype == var.dtype == np.float64
    u, d, size = np.finfo(dtype).eps / 2, abs(x - exact_mu).max(0), abs(exact_mu)
    assert (abs(mu - exact_mu) <= 8 * u * (size + 4 * d)).all()
    assert (abs(var - exact_var) <= 32 * u * d ** 2 + 8 * u * size * d + (8 * u * size) ** 2).all()


@pytest.mark.parametrize("C", [3, 64, 512, 600])
@pytest.mark.parametrize("outlier", [100, 1e4, -1e6])
@DTYPES
def test_the_variance_keeps_its_digits_where_the_first_row_lies_far_off(rng, dtype, outlier, C):
    """|error of σ²| ≤ 180 u σ²; with differences from the first row it would be thousands"""
    x = (3 + rng.standard_normal((30_000, C))).astype(dtype)
    _, block, _ = normalization._sizes(x)
    x[::block // C] = outlier                              # of every block
    (mean, var), (exact_mean, exact_var) = normalization.moments(x), exact_moments(x)
    u = np.finfo(dtype).eps / 2
    assert (abs(var - exact_var) <= 180 * u * exact_var).all()
    assert (abs(mean - exact_mean) <= 32 * u * np.sqrt(exact_var)).all()


@DTYPES
@given(SIZES, generators())
def test_a_constant_column_has_no_variance(dtype, size, rng):
    x = np.broadcast_to(rng.standard_normal(size[1]).astype(dtype), size).copy()
    mean, var = normalization.moments(x)
    np.testing.assert_allclose(mean, x[0], rtol=1e-15)
    assert (var <= 1e-30).all()


@DTYPES
@given(SIZES, generators(), st.booleans())
def test_sums_of_columns_are_exact_on_whole_numbers(dtype, size, rng, relu):
    g, y, x = matrices(rng, size, dtype, "integers", 3)
    mean, r, scale, bias = matrices(rng, size[1:], dtype, "integers", 4)
    for name, args in (("sums", (g, x, mean, r, *((scale, bias) if relu else ()))),
                       ("masked_sums", (g, y, x, mean, r))):
        fast, plain = (getattr(module, name)(*args) for module in (normalization, reference))
        for mine, exact in zip(fast, plain, strict=True):
            assert mine.dtype == dtype and np.array_equal(mine, exact), name


@pytest.mark.parametrize("M", [9, 128, 4096, 65_536])
@pytest.mark.parametrize("dtype, exact", [(np.float32, np.float64), (np.float64, np.longdouble)])
def test_rounding_errors_of_sums_stay_below_the_bound(rng, M, dtype, exact):
    """|error| ≤ (4 + log₂ M) u Σ |g|, and with three roundings more for Σ |g x̂|"""
    g, x = matrices(rng, (M, 9), dtype, "normal", 2)
    mean, r = matrices(rng, 9, dtype, "normal", 2)
    bound = (4 + np.log2(M)) * np.finfo(dtype).eps / 2
    sums = normalization.sums(g, x, mean, r)
    g, x, mean, r = (v.astype(exact) for v in (g, x, mean, r))
    products = g * ((x - mean) * r)
    assert (abs(sums[0] - g.sum(0)) <= bound * abs(g).sum(0)).all()
    extra = 3 * np.finfo(dtype).eps / 2
    assert (abs(sums[1] - products.sum(0)) <= (bound + extra) * abs(products).sum(0)).all()


# ---- there and back ------------------------------------------------------------------------------

@DTYPES
@given(SIZES, generators(), st.booleans(), st.booleans())
def test_normalising_and_its_gradient_are_exact_on_whole_numbers(dtype, size, rng, relu, adding):
    x, g, extra = matrices(rng, size, dtype, "integers", 3)
    vectors = matrices(rng, size[1:], dtype, "integers", 5)
    forward = x, *vectors[:3], extra if adding else None, relu
    backward = g, x, *vectors, rng.integers(-3, 4, size[1]).astype(dtype) if relu else None
    for name, args in (("normalize", forward), ("pull", backward)):
        fast, plain = (getattr(module, name)(*args) for module in (normalization, reference))
        assert fast.dtype == dtype and np.array_equal(fast, plain), name


@DTYPES
@given(SIZES, generators(), st.booleans())
def test_normalising_and_its_gradient_are_a_few_roundings_off(dtype, size, rng, relu):
    """|error| ≤ 8 u times the same formula of absolute values: no step but rounds once"""
    x, g, extra = matrices(rng, size, dtype, "normal", 3)
    mean, r, scale, bias, other = matrices(rng, size[1:], dtype, "normal", 5)
    u = np.finfo(dtype).eps / 2
    fast = normalization.normalize(x, mean, scale, bias, extra, relu)
    exact = reference.normalize(*wide(x, mean, scale, bias, extra), relu)
    terms = reference.normalize(*(abs(v) for v in wide(x, -abs(mean), scale, bias, extra)), False)
    sizes = terms + 2 * abs(mean * scale)                    # |x| − |mean| and twice |mean|
    assert fast.dtype == dtype and (abs(fast - exact) <= 8 * u * sizes).all()
    fast = normalization.pull(g, x, mean, r, scale, bias, other)
    exact = reference.pull(*wide(g, x, mean, r, scale, bias, other))
    sizes = abs(scale) * (abs(g) + abs(bias) + (abs(x) + abs(mean)) * abs(r * other))
    assert fast.dtype == dtype and (abs(fast - exact) <= 8 * u * sizes).all()


@DTYPES
def test_nan_is_not_lost_in_relu_or_in_its_mask(dtype):
    x, one = np.full((3, 2), np.nan, dtype), np.ones(2, dtype)
    assert np.isnan(normalization.normalize(x, one, one, one, None, True)).all()
    assert np.isnan(normalization.moments(x)).all()
    g = np.ones((3, 2), dtype)
    masked, total, _ = normalization.masked_sums(g, x, g, one, one)
    assert (masked == 1).all() and (total == 3).all()
    assert (normalization.sums(g, g, one, one, one, one * np.nan)[0] == 3).all()
