"""Pooling kernels equal their readable twins, with any windows; ties, NaN and infinities as well.
"""
import tracemalloc
from contextlib import contextmanager
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.kernels import pooling
from tinyconv.kernels.pooling import Range
from tinyconv.kernels.reference import pooling as reference
from tinyconv.testing.strategies import arrays, generators

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@st.composite
def ranges(draw):
    """(length, ranges) of one dimension: any, in any order, each with an element."""
    rng, n = draw(generators()), draw(st.integers(1, 6))
    start = rng.integers(0, n, draw(st.integers(0, 4)))
    stop = np.array([rng.integers(s + 1, n + 1) for s in start], np.intp)
    return n, Range(start.astype(np.intp), stop, draw(st.sampled_from((1, 2, 3))))


@st.composite
def images(draw, dtype):
    """x (N, C, *size) of whole numbers in any layout, with windows."""
    size, parts = zip(*(draw(ranges()) for _ in range(draw(st.integers(1, 3)))))
    N, C = draw(st.sampled_from((0, 1, 2, 17))), draw(st.sampled_from((1, 5, 8, 17)))
    return draw(arrays((N, C, *size), dtype, "integers")), pooling.windows(size, parts)


@contextmanager
def no_long_lists():
    """Windows are taken along one dimension after the other, if there are several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooling, "MOST", 0)
        patch.setattr(pooling, "TIMES", 0)
        yield


@given(st.lists(ranges(), min_size=1, max_size=3))
def test_windows_list_the_pixels_of_products_of_ranges(found):
    size, parts = zip(*found)
    w = pooling.windows(size, parts)
    assert w.size == size and w.outputs == tuple(len(r.start) for r in parts)
    expected = [[np.ravel_multi_index(place, size) for place in product(*axes)] for axes in product(
        *([range(a, b, r.step) for a, b in zip(r.start, r.stop)] for r in parts))]
    assert [list(pixels[:n]) for pixels, n in zip(w.pixels, w.counts)] == expected
    assert all((pixels[n:] == pixels[n - 1]).all() for pixels, n in zip(w.pixels, w.counts))


def assert_same(fast, plain, dtype):
    assert fast.dtype == dtype and np.array_equal(fast, plain, equal_nan=True)


@DTYPES
@given(st.data(), st.booleans(),
       st.sampled_from([(), (np.nan,), (np.inf, -np.inf), (np.nan, np.inf, -np.inf)]))
def test_maxima_and_their_places_are_those_of_the_textbook(dtype, data, relu, unusual):
    x, w = data.draw(images(dtype))
    if unusual:
        rng, x = data.draw(generators()), x.copy(order="K")
        x[...] = np.where(rng.random(x.shape) < 0.5, rng.choice(unusual, x.shape), x)
    (y, where), (plain, places) = (
        module.window_max(x, w, relu) for module in (pooling, reference))
    assert_same(y, plain, dtype)
    assert_same(where, places, np.int32)
    taken = pooling.take(x, where)
    assert_same(np.maximum(taken, 0) if relu else taken, y, dtype)


@DTYPES
@given(st.data())
def test_elements_are_taken_and_put_back_where_they_stood(dtype, data):
    N, C = data.draw(st.sampled_from([(0, 3), (1, 1), (2, 9), (17, 5)]))
    size, outputs = (data.draw(st.tuples(*[st.integers(least, 4)] * 3)) for least in (1, 0))
    where = data.draw(generators()).integers(0, np.prod(size), (N, C, *outputs)).astype(np.int32)
    x, g = (data.draw(arrays((N, C, *s), dtype, "integers")) for s in (size, outputs))
    assert_same(pooling.take(x, where), reference.take(x, where), dtype)
    assert_same(pooling.put(g, where, size), reference.put(g, where, size), dtype)
    y = np.where(g % 5 == 0, dtype(np.nan), data.draw(arrays(g.shape, dtype, "integers")))
    assert_same(pooling.put(g, where, size, y=y), reference.put(g, where, size, y=y), dtype)


@DTYPES
@given(st.data(), st.sampled_from((1, 5, 16, 33)))
def test_elements_are_put_back_into_windows_that_overlap_or_do_not(dtype, data, C):
    n, kernel, stride = (data.draw(st.integers(1, 4)) for _ in range(3))
    start = np.arange(0, n * stride, stride)
    w = pooling.windows((4 * n + 1, 3), [Range(start, start + kernel, 1),
                                         Range(np.array([0, 1]), np.array([1, 3]), 1)])
    assert w.disjoint == (kernel <= stride or n == 1)
    x = data.draw(arrays((2, C, *w.size), dtype, "integers"))
    y, where = pooling.window_max(x, w)
    g = data.draw(arrays(y.shape, dtype, "integers"))
    assert_same(pooling.put(g, where, w.size, w), reference.put(g, where, w.size), dtype)
    assert_same(pooling.put(g, where, w.size, w, y), reference.put(g, where, w.size, y=y), dtype)


@DTYPES
@given(st.data())
def test_sums_of_windows_and_their_adjoint_are_exact_on_whole_numbers(dtype, data):
    x, w = data.draw(images(dtype))
    scale = data.draw(generators()).choice([-2, 0.25, 0.5, 1, 3], len(w.pixels))
    y = pooling.window_sum(x, w, scale)
    assert_same(y, reference.window_sum(x, w, scale), dtype)
    g = data.draw(arrays(y.shape, dtype, "integers"))
    spread = pooling.window_spread(g, w, scale)
    assert_same(spread, reference.window_spread(g, w, scale), dtype)
    assert (y * g).sum() == (x * spread).sum()


@DTYPES
@given(st.data(), st.booleans())
def test_windows_without_a_list_of_all_pixels_have_the_same_results(dtype, data, nan):
    size, parts = zip(*(data.draw(ranges()) for _ in range(data.draw(st.integers(2, 3)))))
    x = data.draw(arrays((data.draw(st.sampled_from((0, 1, 3))), 5, *size), dtype, "integers"))
    if nan:
        x = np.where(data.draw(generators()).random(x.shape) < 0.3, dtype(np.nan), x)
    listed = pooling.windows(size, parts)
    with no_long_lists():
        w = pooling.windows(size, parts)
    assert w.outputs == listed.outputs and np.array_equal(w.counts, listed.counts)
    assert (w.pixels is None) == (0 not in listed.pixels.shape)
    for relu in (False, True):
        for found, expected in zip(pooling.window_max(x, w, relu),
                                   reference.window_max(x, listed, relu)):
            assert_same(found, expected, expected.dtype)
    scale = data.draw(generators()).choice([-2, 0.25, 0.5, 1, 3], len(w.counts))
    y = pooling.window_sum(x, w, scale)
    if not nan:
        assert_same(y, reference.window_sum(x, listed, scale), dtype)
        assert_same(pooling.window_spread(y, w, scale), reference.window_spread(y, listed, scale),
                    dtype)
    where = pooling.window_max(x, listed)[1]
    assert_same(pooling.put(y, where, w.size, w), pooling.put(y, where, w.size), dtype)


def test_large_windows_take_no_more_memory_than_a_few_images():
    x = tc.randn(1, 2, 128, 128)
    for pool in (F.avg_pool2d, F.max_pool2d):
        pool(x, 33, 1, 16)                       # compiles what there is to compile
        tracemalloc.start()
        pool(x, 65, 1, 32)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 16 * x.data.nbytes + (1 << 20)


@DTYPES
@given(st.data())
def test_means_of_windows_are_rounded_a_few_times_an_element(dtype, data):
    """|error| ≤ (K + 4) u Σ |x| |scale|, K elements being added one after another"""
    check_rounding(*data.draw(images(dtype)), dtype)


@DTYPES
def test_sixty_four_windows_of_one_pixel_give_it_back_with_as_many_roundings(dtype):
    part = Range(np.zeros(4, np.intp), np.ones(4, np.intp), 1)
    check_rounding(np.array([3, 1, 0, -2, -2], dtype).reshape(1, 5, 1, 1, 1),
                   pooling.windows((1, 1, 1), [part] * 3), dtype)


def check_rounding(x, w, dtype):
    x = (x * np.sqrt(2, dtype=dtype)).astype(dtype)
    scale = 1 / w.counts
    y = pooling.window_sum(x, w, scale)
    g = (y + 1 / 3).astype(dtype)
    for name, source in (("window_sum", x), ("window_spread", g)):
        plainly = getattr(reference, name)
        fast = getattr(pooling, name)(source, w, scale)
        plain, size = (plainly(a.astype(np.float64), w, scale) for a in (source, abs(source)))
        K = plainly(np.ones(source.shape), w, np.ones(len(scale)))       # that meet in an element
        assert fast.dtype == dtype
        assert (abs(fast - plain) <= (K + 4) * np.finfo(dtype).eps * size).all()
