"""Arrays from channels-last to C order and back: the same numbers, in the other order of memory."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
from tinyconv.kernels import turning
from tinyconv.kernels.layout import channels_last, images_in_order
from tinyconv.testing.strategies import arrays

SHAPES = st.tuples(st.sampled_from((0, 1, 2, 17)), st.integers(1, 40), st.integers(1, 40))


@pytest.fixture(params=["short", "long"], autouse=True)
def few(request, monkeypatch):
    """Also the least arrays take the kernel, or none that are drawn here."""
    monkeypatch.setattr(turning, "FEW", 0 if request.param == "short" else 1 << 20)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
@given(shape=SHAPES)
def test_the_last_two_dimensions_are_exchanged(dtype, shape):
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    for read_only in (False, True):
        x.flags.writeable = not read_only
        y = turning.turned(x)
        assert y.dtype == dtype and y.flags.c_contiguous
        assert np.array_equal(y, x.transpose(0, 2, 1))


@given(st.data(), SHAPES, st.integers(0, 3))
def test_images_in_any_layout_are_laid_as_asked(data, shape, dims):
    N, C, P = shape
    x = data.draw(arrays((N, C, *(P, 2, 3)[:dims]), np.float32))
    last, order = channels_last(x), images_in_order(x)
    assert last.flags.carray and np.array_equal(last, np.moveaxis(x, 1, -1)), "writeable, too"
    assert np.array_equal(order, x) and order.shape == x.shape
    if np.moveaxis(x, 1, -1).flags.c_contiguous:
        assert order.flags.c_contiguous


def test_images_flattened_are_those_of_numpy_in_either_layout():
    x = np.random.default_rng(0).standard_normal((5, 3, 4, 6)).astype(np.float32)
    for laid in (x, np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)):
        y = tc.tensor(laid).flatten(1)
        assert y.data.flags.c_contiguous and np.array_equal(y.data, x.reshape(5, 72))


def test_a_view_that_needs_no_copy_stays_one():
    x = np.zeros((4, 5, 6, 3), np.float32).transpose(0, 3, 1, 2)
    y = tc.Tensor(x).flatten(2)
    assert y.shape == (4, 3, 30) and np.shares_memory(x, y.data)
