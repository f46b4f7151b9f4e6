"""relu, its gradient and erf equal their readable twins in every layout; other dtypes are kept."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyconv.kernels import elementwise, special
from tinyconv.kernels.reference import elementwise as reference
from tinyconv.testing.layouts import LAYOUTS, lay_out
from tinyconv.testing.strategies import arrays, shapes

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
UNUSUAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 5e-324, 1e-38, -3, 3])
SHAPES = shapes(min_side=0, max_side=9)


@DTYPES
@given(SHAPES, st.data())
def test_relu_and_its_gradient_are_those_of_the_textbook(dtype, shape, data):
    x, g = (data.draw(arrays(shape, dtype, ("normal", "integers"))) for _ in range(2))
    y = elementwise.relu(x)
    assert y.dtype == dtype and np.array_equal(y, reference.relu(x))
    for mask in (x, y):
        pulled = elementwise.relu_pull(g, mask)
        assert pulled.dtype == dtype and np.array_equal(pulled, reference.relu_pull(g, mask))


@DTYPES
@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_several_blocks_with_unusual_numbers(rng, dtype, layout):
    shape = 3, 40, 20, 30
    assert np.prod(shape) > 2 * elementwise.BLOCK
    x = lay_out(rng.choice(UNUSUAL, shape).astype(dtype), layout)
    g = rng.standard_normal(shape).astype(dtype)
    same = {"equal_nan": True}
    assert np.array_equal(elementwise.relu(x), reference.relu(x), **same)
    assert np.array_equal(elementwise.relu_pull(g, x), reference.relu_pull(g, x), **same)
    assert np.array_equal(elementwise.relu_pull(x, g), reference.relu_pull(x, g), **same)
    np.testing.assert_allclose(special.erf(x), np.vectorize(math.erf)(x),
                               rtol=4 * np.finfo(dtype).eps,
                               atol=np.finfo(dtype).smallest_subnormal)


@DTYPES
@pytest.mark.parametrize("layout", ["contiguous", "fortran", "channels_last"])
def test_the_layout_of_a_dense_array_is_kept(rng, dtype, layout):
    x = lay_out(rng.standard_normal((2, 3, 4, 5)).astype(dtype), layout)
    for y in (elementwise.relu(x), elementwise.relu_pull(x.copy(), x), special.erf(x)):
        assert y.strides == x.strides and not np.shares_memory(x, y)


@DTYPES
@given(SHAPES, st.sampled_from((1e-6, 0.1, 1.0, 4.0, 100.0)), st.data())
def test_erf_is_its_integral_to_the_last_digits(dtype, shape, scale, data):
    x = (data.draw(arrays(shape, dtype)) * scale).astype(dtype)
    y = special.erf(x)
    assert y.dtype == dtype and y.shape == x.shape
    tolerance = 32 * 2.0**-52 if dtype == np.float64 else 2 * 2.0**-23       # 64 nodes are summed
    np.testing.assert_allclose(y, reference.erf(x.astype(np.float64)), rtol=tolerance, atol=0)


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, np.int8, np.int64, np.uint8, bool])
def test_dtypes_no_kernel_is_made_for_are_kept(dtype):
    x = np.array([[0, 1, 3], [7, 0, 1]]).astype(dtype)
    x = x if np.dtype(dtype).kind in "bu" else -x + x[::-1] + x.dtype.type(1)
    assert elementwise.relu(x).dtype == dtype
    assert np.array_equal(elementwise.relu(x), reference.relu(x))
    for other in (np.dtype(dtype), np.dtype(np.float32)):
        for g, y in ((x, x.astype(other)), (x.astype(other), x)):
            pulled = elementwise.relu_pull(g, y)
            assert pulled.dtype == g.dtype and np.array_equal(pulled, reference.relu_pull(g, y))


@pytest.mark.parametrize("dtype, result", [(np.float16, np.float16), (np.longdouble, np.longdouble),
                                           (np.int64, np.float64), (bool, np.float64)])
def test_erf_of_other_dtypes_is_computed_in_float64(dtype, result):
    x = np.array([0, 1, 2]).astype(dtype)
    y = special.erf(x)
    assert y.dtype == result
    assert np.array_equal(y, special.erf(x.astype(np.float64)).astype(result))


def test_nan_stays_nan_in_half_precision():
    x = np.array([np.nan, -1, 2], np.float16)
    assert np.array_equal(elementwise.relu(x), np.array([np.nan, 0, 2], np.float16), equal_nan=True)
    assert np.array_equal(elementwise.relu_pull(x, x), np.array([np.nan, 0, 2], np.float16),
                          equal_nan=True)
