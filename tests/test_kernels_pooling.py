"""Pooling kernels equal their readable twins, with any windows; ties, NaN and infinities as well.
"""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyconv.kernels import pooling
from tinyconv.kernels.pooling import Windows
from tinyconv.kernels.reference import pooling as reference
from tinyconv.testing.strategies import arrays, generators

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@st.composite
def windows(draw, steps=(1, 2, 3)):
    """(length, windows) of one dimension: any windows, in any order, each with an element."""
    rng, n = draw(generators()), draw(st.integers(1, 6))
    start = rng.integers(0, n, draw(st.integers(0, 4)))
    stop = np.array([rng.integers(s + 1, n + 1) for s in start], np.intp)
    return n, Windows(start.astype(np.intp), stop, draw(st.sampled_from(steps)))


@st.composite
def images(draw, dtype, **options):
    """x (N, C, D, H, W) of whole numbers in any layout, with windows of each dimension."""
    size, w = zip(*(draw(windows(**options)) for _ in range(3)))
    N, C = draw(st.sampled_from((0, 1, 2, 17))), draw(st.sampled_from((1, 5, 8, 17)))
    return draw(arrays((N, C, *size), dtype, "integers")), w


def assert_same(fast, plain, dtype):
    assert fast.dtype == dtype and np.array_equal(fast, plain, equal_nan=True)


@DTYPES
@given(st.data(), st.sampled_from([(), (np.nan,), (np.inf, -np.inf), (np.nan, np.inf, -np.inf)]))
def test_maxima_and_their_places_are_those_of_the_textbook(dtype, data, unusual):
    x, w = data.draw(images(dtype))
    if unusual:
        rng, x = data.draw(generators()), x.copy(order="K")
        x[...] = np.where(rng.random(x.shape) < 0.5, rng.choice(unusual, x.shape), x)
    (y, where), (plain, places) = (module.window_max(x, w) for module in (pooling, reference))
    assert_same(y, plain, dtype)
    assert_same(where, places, np.int32)
    assert_same(pooling.take(x, where), y, dtype)


@DTYPES
@given(st.data())
def test_elements_are_taken_and_put_back_where_they_stood(dtype, data):
    N, C = data.draw(st.sampled_from([(0, 3), (1, 1), (2, 9), (17, 5)]))
    size, outputs = (data.draw(st.tuples(*[st.integers(least, 4)] * 3)) for least in (1, 0))
    where = data.draw(generators()).integers(0, np.prod(size), (N, C, *outputs)).astype(np.int32)
    x, g = (data.draw(arrays((N, C, *s), dtype, "integers")) for s in (size, outputs))
    assert_same(pooling.take(x, where), reference.take(x, where), dtype)
    assert_same(pooling.put(g, where, size), reference.put(g, where, size), dtype)


@DTYPES
@given(st.data())
def test_sums_of_windows_and_their_adjoint_are_exact_on_whole_numbers(dtype, data):
    x, w = data.draw(images(dtype, steps=(1,)))
    scales = [data.draw(generators()).choice([-2, 0.25, 0.5, 1, 3], len(v.start)) for v in w]
    y = pooling.window_sum(x, w, scales)
    assert_same(y, reference.window_sum(x, w, scales), dtype)
    g = data.draw(arrays(y.shape, dtype, "integers"))
    spread = pooling.window_spread(g, w, scales, x.shape[2:])
    assert_same(spread, reference.window_spread(g, w, scales, x.shape[2:]), dtype)
    assert (y * g).sum() == (x * spread).sum()


@DTYPES
@given(st.data())
def test_means_of_windows_are_rounded_a_few_times_an_element(dtype, data):
    """|error| ≤ (K + 4) u Σ |x| |scale|, K elements being added one after another"""
    x, w = data.draw(images(dtype, steps=(1,)))
    x = (x * np.sqrt(2, dtype=dtype)).astype(dtype)
    scales = [1 / (v.stop - v.start) for v in w]
    y = pooling.window_sum(x, w, scales)
    g = (y + 1 / 3).astype(dtype)
    spread = pooling.window_spread(g, w, scales, x.shape[2:])
    for fast, name, source, more in ((y, "window_sum", x, ()),
                                     (spread, "window_spread", g, (x.shape[2:],))):
        plain, size = (getattr(reference, name)(a.astype(np.float64), w, scales, *more)
                       for a in (source, abs(source)))
        K = source[0, 0].size if len(source) else 0
        assert fast.dtype == dtype
        assert (abs(fast - plain) <= (K + 4) * np.finfo(dtype).eps * size).all()
