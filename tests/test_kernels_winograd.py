"""Winograd's convolution equals the plain one within its stated bound, whatever the size of the image,
the padding, and the channels."""
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tinyconv.kernels import convolution, winograd
from tinyconv.kernels.geometry import Geometry
from tinyconv.kernels.reference import convolution as plain
from tinyconv.kernels.reference import winograd as reference

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
LANES = max(winograd.ONE.width(4), winograd.NARROW.rows)


def geometry(size, before=(1, 1), after=(1, 1)):
    return Geometry((1, *size), (1, 3, 3), (1,) * 3, (0, *before), (0, *after), (1,) * 3)


@st.composite
def cases(draw):
    """(N, C, O, geometry): images of at least 2 × 2 outputs with any padding, even or odd."""
    small = st.integers(0, 3)
    before, after = draw(st.tuples(small, small)), draw(st.tuples(small, small))
    size = tuple(max(1, draw(st.integers(2, 9)) + 2 - b - a) for b, a in zip(before, after))
    C, O = (LANES * draw(st.integers(1, 5)) for _ in "CO")           # noqa: E741
    return draw(st.integers(1, 40)), C, O, geometry(size, before, after)


def numbers(rng, case, dtype):
    N, C, O, sizes = case                                            # noqa: E741
    return (rng.standard_normal(s).astype(dtype) for s in (
        (N, C, *sizes.size), (O, C, *sizes.kernel), (N, O, *sizes.output), (O,)))


def last(x):
    """(N, C, 1, H, W) → (N, H, W, C), contiguous"""
    return np.ascontiguousarray(x[:, :, 0].transpose(0, 2, 3, 1))


def first(x):
    return x.transpose(0, 3, 1, 2)[:, :, None]


def all_three(x, w, g, b, sizes):
    """conv, conv_input and conv_weight as `kernels/winograd.py` computes them."""
    y, gx, before = np.empty_like(last(g)), np.empty_like(last(x)), sizes.before[1:]
    winograd.conv(last(x), w[:, :, 0], b, before, y)
    winograd.conv_input(last(g), w[:, :, 0], before, gx)
    return first(y), first(gx), winograd.conv_weight(last(x), last(g), before)[:, :, None]


def errors_are_bounded(rng, case, dtype, change=lambda rng, a: a):
    """|error| ≤ (10 + log₂ K) u M, K the length of the sum at each place of a tile; the least
    normal number is added to every |number| and every product in M"""
    N, C, O, sizes = case                                            # noqa: E741
    exact, u = (np.float64 if dtype == np.float32 else np.longdouble), np.finfo(dtype).eps / 2
    x, w, g, b = (change(rng, a).astype(dtype) for a in numbers(rng, case, dtype))
    y, gx, gw = all_three(x, w, g, b, sizes)
    x, w, g, b = (a.astype(exact) for a in (x, w, g, b))
    least = exact(np.finfo(dtype).tiny)
    X, W, Y = (abs(a) + least for a in (x, w, g))
    out, back = (abs(m).sum(0).max() ** 2 for m in (reference.A, reference.G))

    def check(found, true, size, K, factor):
        size = size + factor * K * least
        assert (abs(found - true) <= (10 + np.log2(K)) * u * size).all()

    check(y, plain.conv(x, w, b, sizes, 1), reference.conv(X, W, b, sizes, abs), C, out)
    check(gw, plain.conv_weight(x, g, sizes, 1), reference.conv_weight(X, Y, sizes, abs),
          max(2, winograd.in_python(winograd.tile_count)(last(y))), back)
    turned, (top, left) = W.swapaxes(0, 1)[:, :, :, ::-1, ::-1], sizes.before[1:]
    turn = geometry(sizes.output[1:], (2 - top, 2 - left), tuple(
        n + t - m for n, m, t in zip(sizes.size[1:], sizes.output[1:], (top, left))))
    check(gx, plain.conv_input(g, w, sizes, 1), reference.conv(Y, turned, None, turn, abs), O, out)


@DTYPES
@given(cases(), st.integers(0, 2**32 - 1))
@example((16, LANES, LANES, geometry((8, 8))), 0)                    # two blocks, exactly
@example((17, LANES, 3 * LANES, geometry((8, 8))), 0)                # and a bit, half a panel
@example((1, LANES, LANES, geometry((1, 1), (1, 1), (1, 1))), 0)     # a tile that is mostly outside
@example((45, LANES, LANES, geometry((9, 9))), 0)                    # more blocks than tasks
def test_it_is_the_textbooks_convolution_within_the_bound(dtype, case, seed):
    errors_are_bounded(np.random.default_rng(seed), case, dtype)


@DTYPES
@pytest.mark.parametrize("C", [4 * LANES, 16 * LANES])
def test_rounding_errors_of_many_channels_stay_below_the_bound(rng, C, dtype):
    errors_are_bounded(rng, (24, C, LANES, geometry((7, 6))), dtype)


@DTYPES
@pytest.mark.parametrize("change", [
    lambda rng, a: np.where(rng.random(a.shape) < 0.002, 1e8 * a, a),
    lambda rng, a: a * 10.0 ** rng.uniform(-8, 8, a.shape),
    lambda rng, a: np.sign(a) * (1 + abs(a) / 1000),
    lambda rng, a: np.full_like(a, 1 / 3)], ids=["outliers", "of any size", "signs", "all alike"])
def test_the_bound_holds_for_awkward_numbers(rng, change, dtype):
    errors_are_bounded(rng, (8, 8 * LANES, LANES, geometry((7, 6))), dtype, change)


@DTYPES
@pytest.mark.parametrize("sizes", [(1, 0), (0, 1), (0.5, 0.5), (0.6, 0.6), (1.05, -0.3), (1.05, 0)])
def test_the_bound_holds_below_the_normal_numbers(rng, sizes, dtype):
    """x, w and g about as large as the least normal number to these powers."""
    least, powers = float(np.finfo(dtype).tiny), iter(np.array(sizes)[[0, 1, 1, 0]])
    errors_are_bounded(rng, (8, 8 * LANES, LANES, geometry((7, 6))), dtype,
                       lambda rng, a: a * least ** next(powers))


@DTYPES
@pytest.mark.parametrize("which", range(3))
def test_the_bound_holds_for_numbers_up_to_a_seventieth_of_the_largest(rng, which, dtype):
    """x, w or g consists of them; the others are so small that M stays below a sixth of it."""
    most, turn = float(np.finfo(dtype).max), iter(range(4))
    large = [k == which for k in range(3)] + [False]                 # (the bias is small)

    def change(rng, a):
        return np.sign(a) * (most / 70 if large[next(turn)] else 1e-4)
    errors_are_bounded(rng, (8, 2 * LANES, LANES, geometry((7, 6))), dtype, change)


@given(cases(), st.integers(0, 2**32 - 1))
def test_the_readable_twin_is_a_convolution(case, seed):
    x, w, g, b = numbers(np.random.default_rng(seed), case, np.float64)
    near = {"rtol": 1e-12, "atol": 1e-11}
    np.testing.assert_allclose(reference.conv(x, w, b, case[-1]), plain.conv(x, w, b, case[-1], 1),
                               **near)
    np.testing.assert_allclose(reference.conv_weight(x, g, case[-1]),
                               plain.conv_weight(x, g, case[-1], 1), **near)


@pytest.mark.parametrize("C", [LANES, 4 * LANES])
def test_the_error_is_about_three_times_that_of_the_plain_sum(rng, C):
    """Root mean square over all outputs, float32, numbers from a normal distribution."""
    case = 64, C, C, geometry((8, 8))
    x, w, g, b = numbers(rng, case, np.float32)
    true = plain.conv(x.astype(float), w.astype(float), None, case[-1], 1)
    fast = all_three(x, w, g, np.zeros_like(b), case[-1])[0]
    slow = np.concatenate([convolution.conv(x[i:i + 1], w, None, case[-1], 1) for i in range(64)])
    error, usual = (np.sqrt(np.mean((y - true) ** 2)) for y in (fast, slow))
    assert usual < error <= 4 * usual


def test_it_is_chosen_for_what_it_can_do_and_for_nothing_else():
    def fits(sizes, N=64, C=LANES, O=LANES, groups=1, dtype=np.float32):     # noqa: E741
        return winograd.fits(sizes, N, C, O, groups, dtype)

    good = geometry((8, 8))
    assert fits(good) and fits(geometry((9, 7), (0, 2), (3, 1))) and fits(good, dtype=np.float64)
    assert not fits(good, groups=2) and not fits(good, C=LANES + 1) and not fits(good, O=LANES // 4)
    assert not fits(good, N=1)                   # transforming the weights would take longer
    assert not fits(geometry((2, 2)), N=1024)    # tiles would be mostly outside
    for change in ({"stride": (1, 2, 2)}, {"dilation": (1, 2, 2)}, {"kernel": (1, 3, 5)},
                   {"kernel": (3, 3, 3)}, {"size": (2, 8, 8)}):
        assert not fits(good._replace(**change)), change
