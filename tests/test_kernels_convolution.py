"""Convolution kernels equal their readable twins: exactly on whole numbers, within the bound on
others; whatever the tile, the layout, the groups and the number of images and channels."""
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyconv.kernels import convolution, geometry, neighbours, product, taps
from tinyconv.kernels.geometry import Geometry
from tinyconv.kernels.layout import channels_first, channels_last
from tinyconv.kernels.reference import convolution as reference
from tinyconv.kernels.tile import ONE
from tinyconv.testing.strategies import arrays, conv_problems

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
KINDS = range(len(product.SHAPES))
CHANNELS = 1, 5, 8, 9, 16, 17, 32, 33, 70        # that fill the lanes of some tiles, and do not
IMAGES = 0, 1, 2, 5, convolution.TASKS + 1
ONES, NONE = (1, 1, 1), (0, 0, 0)


@contextmanager
def in_tiles(kind):
    """For a while every product is computed in tiles of this one shape."""
    shape = product.SHAPES[kind]
    with pytest.MonkeyPatch.context() as patch:
        for module in convolution, taps:
            patch.setattr(module, "best_shape",
                          lambda columns, itemsize: (kind, shape.rows, shape.width(itemsize)))
        yield


def case(N, C, O, groups=1, size=(1, 4, 5), kernel=(1, 3, 3), stride=1,     # noqa: E741
         padding=1, dilation=1):
    """(N, C, O, groups, geometry), the padding being one pixel less at the low end."""
    after = tuple(padding * (k > 1) for k in kernel)
    before = tuple(max(0, p - 1) for p in after)
    return N, C, O, groups, Geometry(size, kernel, (stride,) * 3, before, after, (dilation,) * 3)


def shapes(N, C, O, groups, geometry):                                       # noqa: E741
    """The shapes of x, w and g."""
    return ((N, C, *geometry.size), (O, C // groups, *geometry.kernel), (N, O, *geometry.output))


@st.composite
def cases(draw):
    """Any geometry of one to three dimensions with any channels; dense, in groups or depthwise."""
    p = draw(conv_problems(max_out=3))
    one, none = (1,) * (3 - p.dims), (0,) * (3 - p.dims)
    after = tuple(q + draw(st.integers(0, 1)) for q in p.padding)
    geometry = Geometry(one + p.size, one + p.kernel, one + p.stride, none + p.padding,
                        none + after, one + p.dilation)
    few = CHANNELS if p.dims < 3 else CHANNELS[:4]
    C, O, groups = draw(st.one_of(                                           # noqa: E741
        st.tuples(st.sampled_from(few), st.sampled_from(few), st.just(1)),
        st.tuples(st.sampled_from((1, 3)), st.sampled_from((5, 9, 17)), st.sampled_from((2, 3))),
        st.tuples(st.just(1), st.sampled_from((1, 2)), st.sampled_from((5, 17, 33)))))
    N = draw(st.sampled_from(IMAGES if C * O < 1200 else IMAGES[:3]))
    return N, C * groups, O * groups, groups, geometry


def check_exactly(case, kind, x, w, g, b):
    *_, groups, geometry = case
    with in_tiles(kind):
        for name, args in (("conv", (x, w, b)), ("conv", (x, w, None)), ("conv_input", (g, w)),
                           ("conv_weight", (x, g))):
            y = getattr(convolution, name)(*args, geometry, groups)
            assert y.dtype == x.dtype
            assert np.array_equal(y, getattr(reference, name)(*args, geometry, groups)), name


# ---- exact on whole numbers ----------------------------------------------------------------------

@DTYPES
@given(cases(), st.sampled_from(KINDS), st.data())
def test_whole_numbers_give_the_textbooks_result_in_any_tile_and_layout(dtype, case, kind, data):
    N, C, O, groups, geometry = case                                         # noqa: E741
    x, w, g = (data.draw(arrays(s, dtype, "integers")) for s in shapes(*case))
    check_exactly(case, kind, x, w, g, data.draw(arrays((O,), dtype, "integers")))


@DTYPES
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", [
    case(convolution.TASKS + 1, 3, 5), case(2 * convolution.TASKS + 3, 5, 9, stride=2),
    case(1, 70, 33), case(2, 33, 70, stride=3), case(1, 16, 17, kernel=(3, 3, 3), size=(4, 4, 4)),
    case(17, 1, 6, size=(1, 20, 20), kernel=(1, 5, 5), padding=2),
    case(3, 66, 34, groups=2), case(2, 33, 33, groups=33, dilation=2, padding=2),
    case(17, 9, 18, groups=9), case(2, 8, 5, kernel=(1, 1, 1), stride=2, padding=0)],
    ids=["N=17", "N=35", "630 products", "630 products back", "432 products in 3-D",
         "400 pixels of 17 images", "2 groups of 33", "33 groups", "9 groups of 17 images", "1×1"])
def test_many_images_long_sums_and_groups_are_exact(rng, case, kind, dtype):
    x, w, g, b = (rng.integers(-4, 5, s).astype(dtype) for s in (*shapes(*case), case[2:3]))
    check_exactly(case, kind, x, w, g, b)


@DTYPES
def test_images_of_one_channel_may_be_dilated_and_padded_otherwise_along_each_dimension(rng, dtype):
    geometry = Geometry((4, 7, 6), (2, 3, 3), (1, 1, 1), (1, 0, 2), (0, 2, 1), (2, 3, 1))
    one = 3, 1, 5, 1, geometry
    x, w, g, b = (rng.integers(-4, 5, s).astype(dtype) for s in (*shapes(*one), (5,)))
    check_exactly(one, 0, x, w, g, b)


@DTYPES
@pytest.mark.parametrize("C", CHANNELS)
def test_channels_that_do_not_fill_the_lanes_are_exact(rng, C, dtype):
    for O in CHANNELS:                                                       # noqa: E741
        one = case(2, C, O, stride=2)
        x, w, g, b = (rng.integers(-4, 5, s).astype(dtype) for s in (*shapes(*one), (O,)))
        check_exactly(one, product.best_shape(O, x.itemsize)[0], x, w, g, b)


@pytest.mark.parametrize("itemsize", [4, 8])
def test_the_tile_that_is_chosen_wastes_less_than_a_tile_of_the_smallest_width(itemsize):
    for columns in range(1, 200):
        kind, rows, width = product.best_shape(columns, itemsize)
        assert (rows, width) == (product.SHAPES[kind].rows, product.SHAPES[kind].width(itemsize))
        slim = product.SHAPES[2].width(itemsize)
        assert -(-columns // width) * width <= 1.2 * -(-columns // slim) * slim


# ---- rounding ------------------------------------------------------------------------------------

@pytest.mark.parametrize("K, dtype, exact", [
    *((K, np.float32, np.float64) for K in (9, 144, 4096, 65_536)),
    *((K, np.float64, np.longdouble) for K in (9, 144, 4096))])
def test_rounding_errors_stay_below_the_bound(rng, K, dtype, exact):
    """|error| ≤ (4 + log₂ K) u M with M = Σ |a| |b| (+ |bias|), for sums of K random products"""
    k = 3 if K < 1000 else 4
    channels, u = K // k ** 2, np.finfo(dtype).eps / 2

    def check(name, case, *args):
        *_, groups, geometry = case
        y = getattr(convolution, name)(*args, geometry, groups)
        args = [None if a is None else a.astype(exact) for a in args]
        f = getattr(reference, name)
        size = f(*(None if a is None else abs(a) for a in args), geometry, groups)
        assert (abs(y - f(*args, geometry, groups)) <= (4 + np.log2(K)) * u * size).all()

    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)

    there = case(2, channels, 9, size=(1, 5, 5), kernel=(1, k, k), padding=0)
    x, w, _ = shapes(*there)
    check("conv", there, draw(*x), draw(*w), draw(9))
    back = case(2, 9, channels, size=(1, 5, 5), kernel=(1, k, k), padding=0)
    _, w, g = shapes(*back)
    check("conv_input", back, draw(*g), draw(*w))
    side = int(np.sqrt(K // 16 if K > 1000 else 9))                          # K = N · side²
    weight = case(K // side ** 2, 3, 9, size=(1, side + 1, side + 1), kernel=(1, 2, 2), padding=0)
    x, _, g = shapes(*weight)
    check("conv_weight", weight, draw(*x), draw(*g))


# ---- the tables ----------------------------------------------------------------------------------

@given(cases(), st.sampled_from((1, 4, 16)), st.data())
def test_the_tables_address_the_patch_matrix(case, rows, data):
    """padded image[row[m] + off[r]] is element (m, r) of im2col's matrix"""
    _, C, O, groups, geometry = case                                         # noqa: E741
    plan = convolution.forward(geometry, C, O, groups, rows)
    x = data.draw(arrays((1, C, *geometry.size), values="integers", layouts=("contiguous",)))
    padded = np.zeros((C, *plan.size))
    padded[(slice(None), *(slice(s, s + n) for s, n in zip(plan.shift, geometry.size)))] = x[0]
    image, M = np.moveaxis(padded, 0, -1).reshape(-1), int(np.prod(geometry.output))
    matrix = reference.patches(x, geometry)[0, :C // groups]                 # of the first group
    matrix = np.moveaxis(matrix, 0, 3).reshape(-1, M).T                      # (m, (tap, channel))
    assert len(plan.row) % rows == 0 and (plan.row[M:] == plan.row[M - 1]).all()
    assert np.array_equal(image[plan.row[:M, None] + plan.off], matrix)


def test_tables_of_ever_new_sizes_do_not_pile_up():
    for n in range(1, 3 * geometry.KEPT):
        sizes = Geometry((1, 1, n), (1,) * 3, (1,) * 3, (0,) * 3, (0,) * 3, (1,) * 3)
        for direction in geometry.forward, geometry.backward:
            direction(sizes, 1, 1, 1, 1)
            assert direction.cache_info().currsize <= geometry.KEPT


def test_the_example_of_the_reference_is_right():
    x = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [9, 0, 1, 2.]]).reshape(1, 1, 1, 3, 4)
    sizes = Geometry((1, 3, 4), (1, 2, 2), (1,) * 3, (0,) * 3, (0,) * 3, (1,) * 3)
    patches = reference.patches(x, sizes).reshape(4, 6).T
    assert patches.tolist() == [[1, 2, 5, 6], [2, 3, 6, 7], [3, 4, 7, 8], [5, 6, 9, 0],
                                [6, 7, 0, 1], [7, 8, 1, 2]]
    for module in reference, convolution:
        y = module.conv(x, np.eye(2).reshape(1, 1, 1, 2, 2), None, sizes, 1)
        assert y[0, 0, 0].tolist() == [[7, 9, 11], [5, 7, 9]]


# ---- tap by tap ----------------------------------------------------------------------------------

@contextmanager
def tap_by_tap():
    """For a while every convolution without groups is one matrix product a tap."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taps, "fits", lambda geometry, N, S, O, groups, dtype: groups == 1)
        patch.setattr(convolution, "_way", convolution._way.__wrapped__)
        yield


@DTYPES
@given(cases(), st.sampled_from(KINDS), st.data())
def test_tap_by_tap_whole_numbers_give_the_textbooks_result(dtype, case, kind, data):
    N, C, O, groups, geometry = case                                         # noqa: E741
    x, w, g = (data.draw(arrays(s, dtype, "integers")) for s in shapes(*case))
    with tap_by_tap():
        check_exactly(case, kind, x, w, g, data.draw(arrays((O,), dtype, "integers")))


@pytest.mark.parametrize("case", [case(300, 5, 33, size=(1, 2, 2)), case(9, 300, 40, size=(1, 3, 2)),
                                  case(3, 33, 70, size=(1, 5, 7), stride=2)],
                         ids=["300 images", "300 channels", "stride 2"])
def test_tap_by_tap_long_sums_are_exact_and_results_are_finished(rng, case):
    N, _, O, _, geometry = case                                              # noqa: E741
    x, w, g, a, scale, shift = (rng.integers(-4, 5, s).astype(np.float32) for s in (
        *shapes(*case), shapes(*case)[0], (O,), (O,)))
    with tap_by_tap():
        check_exactly(case, product.best_shape(O, 4)[0], x, w, g, shift)
        back = convolution.conv_input(g, w, geometry, 1, a)
        y = convolution.conv(x, channels_first(channels_last(w)), shift, geometry, 1,
                             convolution.Finish(scale, g, True))
    assert np.array_equal(back, reference.conv_input(g, w, geometry, 1) + a)
    plain = reference.conv(x, w, None, geometry, 1) * scale.reshape(1, O, 1, 1, 1)
    assert np.array_equal(y, np.maximum(plain + shift.reshape(1, O, 1, 1, 1) + g, 0))


@given(cases())
def test_the_pairs_of_a_tap_are_the_outputs_that_see_a_pixel_and_the_pixel(case):
    *_, geometry = case
    pixels = np.arange(1.0, 1 + np.prod(geometry.size)).reshape(1, 1, *geometry.size)
    seen = reference.patches(pixels, geometry).reshape(np.prod(geometry.kernel), -1)   # 0: padding
    starts, p, q = taps.pairs(geometry)
    assert len(p) == len(q) == starts[-1]
    for tap, begin, end in zip(seen, starts[:-1], starts[1:], strict=True):
        assert np.array_equal(p[begin:end], np.flatnonzero(tap))
        assert np.array_equal(q[begin:end], tap[tap > 0] - 1)


def test_small_images_with_many_weights_go_tap_by_tap():
    def fits(N, size, C, O, groups=1):                                       # noqa: E741
        geometry = case(N, C, O, groups, size=(1, size, size))[-1]
        return taps.fits(geometry, N, C, O, groups, np.dtype(np.float32))
    assert fits(64, 2, 512, 512) and fits(1, 8, 256, 512)
    assert not fits(64, 32, 256, 256)                          # large images
    assert not fits(64, 2, 512, 16)                            # work for one core
    assert not fits(64, 2, 512, 512, groups=2)


# ---- to few channels -----------------------------------------------------------------------------

@pytest.mark.parametrize("O, K, stride, W", [(6, 5, 1, 28), (1, 3, 1, 12), (3, 4, 2, 10),
                                             (4, 7, 3, 9), (8, 3, 1, 6), (5, 11, 1, 7)])
def test_pixels_side_by_side_taken_for_one_give_the_same_convolution(O, K, stride, W):
    N, size = neighbours.PIXELS // 4, (W - 1) * stride + K - 2
    geometry = Geometry((1, 5, size), (1, 2, K), (1, 1, stride), (0, 0, 1), (0, 0, 1), (1, 1, 1))
    rng = np.random.default_rng(0)
    x, w, g = (rng.integers(-9, 9, shape).astype(np.float32)
               for shape in ((N, 2, 1, 5, size), (O, 2, 1, 2, K), (N, O, 1, 4, W)))
    bias = np.arange(O, dtype=np.float32)
    assert np.array_equal(convolution.conv(x, w, bias, geometry, 1),
                          reference.conv(x, w, bias, geometry, 1))
    assert np.array_equal(convolution.conv_weight(x, g, geometry, 1),
                          reference.conv_weight(x, g, geometry, 1))


@pytest.mark.parametrize("groups, dilation", [(1, 1), (2, 1), (1, 2)])
def test_many_pixels_of_few_channels_in_groups_dilated_and_finished(groups, dilation):
    size = 10 + 2 * dilation
    geometry = Geometry((1, 5, size), (1, 2, 3), ONES, NONE, NONE, (1, 1, dilation))
    rng, N, O = np.random.default_rng(0), neighbours.PIXELS // 4, 4                 # noqa: E741
    x, w, g = (rng.integers(-9, 9, shape).astype(np.float32)
               for shape in ((N, 2, 1, 5, size), (O, 2 // groups, 1, 2, 3), (N, O, 1, 4, 10)))
    scale, shift = np.float32([1, -2, 3, 4]), np.float32([5, 6, -7, 8])
    y = convolution.conv(x, w, shift, geometry, groups, convolution.Finish(scale, g, True))
    plain = reference.conv(x, w, None, geometry, groups)
    line = plain * scale.reshape(1, O, 1, 1, 1) + shift.reshape(1, O, 1, 1, 1)
    assert np.array_equal(y, np.maximum(line + g, 0))
    assert np.array_equal(convolution.conv_weight(x, g, geometry, groups),
                          reference.conv_weight(x, g, geometry, groups))


def test_lenet_takes_two_pixels_for_one_where_a_vector_has_room():
    geometry = Geometry((1, 28, 28), (1, 5, 5), (1, 1, 1), (0, 2, 2), (0, 2, 2), (1, 1, 1))
    assert neighbours.number(geometry, 64, 6, 1, 4) == (2 if ONE.width(4) >= 12 else 1)
    assert neighbours.number(geometry, 1, 6, 1, 4) == 1


def test_a_nan_reaches_the_windows_it_lies_in_and_the_pixels_taken_for_one_with_them():
    geometry = Geometry((1, 8, 12), (1, 3, 3), (1, 1, 1), (0, 1, 1), (0, 1, 1), (1, 1, 1))
    x, w = np.ones((11, 1, 1, 8, 12), np.float32), np.ones((5, 1, 1, 3, 3), np.float32)
    x[3, 0, 0, 4, 6] = np.nan
    s = neighbours.number(geometry, len(x), len(w), 1, 4)
    places = np.argwhere(np.isnan(convolution.conv(x, w, None, geometry, 1)))
    windows = {(h, v) for h in (3, 4, 5) for v in (5, 6, 7)}
    together = {(h, v) for h, near in windows for v in range(12) if v // s == near // s}
    assert {(n, h, v) for n, _, _, h, v in places.tolist()} == {(3, h, v) for h, v in together}
