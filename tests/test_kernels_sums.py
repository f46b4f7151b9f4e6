"""Sums over some dimensions: exact on whole numbers, whatever the layout and however long."""
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyconv.kernels import sums
from tinyconv.kernels.reference import sums as reference
from tinyconv.testing.strategies import arrays, fill, generators

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@DTYPES
@given(st.sampled_from((0, 1, 3)), st.sampled_from((0, 1, 7, 300, 9000)),
       st.sampled_from((0, 1, 5, 16, 600)), generators())
def test_sums_over_the_middle_are_exact_on_whole_numbers(dtype, A, R, B, rng):
    x = fill(rng, (A, R, B), "integers", dtype)
    y = sums.middle_sums(x)
    assert y.dtype == dtype and np.array_equal(y, reference.middle_sums(x))


@DTYPES
@given(st.data())
def test_sums_over_any_dimensions_of_any_layout(dtype, data):
    shape = data.draw(st.lists(st.sampled_from((1, 2, 40)), max_size=4))
    x = data.draw(arrays(tuple(shape), dtype, "integers"))
    dims = tuple(data.draw(st.sets(st.sampled_from(range(x.ndim))))) if x.ndim else ()
    for keepdim in (False, True):
        y, plain = (module.sums(x, dims, keepdim) for module in (sums, reference))
        assert y.dtype == dtype and y.shape == plain.shape and np.array_equal(y, plain)


@pytest.mark.parametrize("R", [10, 8192, 1 << 20])
def test_long_sums_lose_no_digits(rng, R):
    x = rng.random((1, R, 3)).astype(np.float32)
    exact = reference.middle_sums(x)
    assert (abs(sums.middle_sums(x) - exact) <= 3 * np.finfo(np.float32).eps * exact).all()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 3, 1, 2), (3, 2, 1, 0)])
def test_many_numbers_are_summed_over_the_dimensions_asked_for(rng, order):
    x = rng.integers(-9, 10, (6, 8, 9, 10)).astype(np.float32).transpose(order)
    for n in range(1, 5):
        for dims in itertools.combinations(range(4), n):
            assert np.array_equal(sums.sums(x, dims), x.sum(dims))
