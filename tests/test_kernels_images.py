"""Kernels for images move and look up exactly what their readable twins do."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyconv.kernels import images
from tinyconv.kernels.reference import images as reference
from tinyconv.testing.layouts import LAYOUTS, lay_out
from tinyconv.testing.strategies import arrays, generators


@st.composite
def pictures(draw, dtype=(np.uint8, np.float32, np.float64, np.float16, np.int32)):
    """(N, C, H, W) of whole numbers in any layout and dtype, at times without an image."""
    N, C = draw(st.sampled_from((0, 1, 2, 9))), draw(st.sampled_from((1, 2, 3, 5)))
    H, W = (draw(st.integers(1, 9)) for _ in range(2))
    x = draw(arrays((N, C, H, W), values="integers", layouts=("contiguous",)))
    return lay_out(x.astype(draw(st.sampled_from(dtype))), draw(st.sampled_from(LAYOUTS)))


def assert_same(fast, plain, dtype):
    assert fast.dtype == dtype and np.array_equal(fast, plain)
    assert fast.transpose(0, 2, 3, 1).flags.c_contiguous


@given(pictures(), st.tuples(st.integers(1, 12), st.integers(1, 12)), generators())
def test_a_window_may_lie_anywhere_and_is_black_where_there_is_no_image(x, size, rng):
    top, left = rng.integers(-14, 14, (2, len(x)))
    before = x.copy()
    assert_same(images.crop(x, top, left, size), reference.crop(x, top, left, size), x.dtype)
    assert np.array_equal(x, before)


@given(pictures(), generators())
def test_only_the_chosen_pictures_are_mirrored(x, rng):
    chosen, before = rng.random(len(x)) < 0.5, x.copy()
    assert_same(images.mirror(x, chosen), reference.mirror(x, chosen), x.dtype)
    assert np.array_equal(x, before)


@given(pictures((np.uint8,)), generators())
def test_each_channel_is_looked_up_in_its_own_table(x, rng):
    for dtype in np.float32, np.float64:
        tables = rng.standard_normal((x.shape[1], 256)).astype(dtype)
        assert_same(images.look_up(x, tables), reference.look_up(x, tables), dtype)


@pytest.mark.parametrize("value", [0, 127, 128, 255])
def test_every_byte_has_its_place_in_a_table(value):
    tables = np.arange(512, dtype=np.float32).reshape(2, 256)
    y = images.look_up(np.full((1, 2, 1, 1), value, np.uint8), tables)
    assert y.reshape(-1).tolist() == [value, 256 + value]


@given(pictures((np.uint8, np.float32, np.float64)), st.booleans(), generators())
def test_each_picture_is_seen_through_its_own_affine_map(x, smooth, rng):
    maps = np.array([1, 0, 0, 0, 1, 0]) + rng.standard_normal((len(x), 6))
    maps[::2] = np.rint(maps[::2])                           # also to pixels and halves of them
    before = x.copy()
    fast, plain = images.warp(x, maps, smooth), reference.warp(x, maps, smooth)
    assert fast.dtype == x.dtype and fast.transpose(0, 2, 3, 1).flags.c_contiguous
    if x.dtype == np.uint8:
        assert np.abs(fast.astype(int) - plain).max(initial=0) <= smooth     # a half may round up
    else:
        assert np.allclose(fast, plain, rtol=1e-5, atol=1e-4)
    assert np.array_equal(x, before)
