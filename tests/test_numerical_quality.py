"""How much round-off there is: bounded by what the length of a sum allows, and none where numbers
are large but differ.

Sums of K products in float32 err by at most (4 + log₂ K) · eps/2 · M, where M is the same sum of
absolute values and the numbers are random, so that their errors are, too. That is how pairwise
summation grows, with room of 2; one after another they would grow with K itself, and do so, up to
`CHUNK`, where all errors go the same way because one number is added again and again. (Where 3×3 convolutions are Winograd's, M is that of a whole tile:
`test_kernels_winograd.py`.)
"""
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.kernels.product import CHUNK
from tinyconv.testing.strategies import arrays, conv_problems, generators, pool_problems

UNIT = np.finfo(np.float32).eps / 2


def check_sum(f, K, *xs):
    """f in float32 against f in float64, where f is a sum of K products of the absolute values."""
    exact, size = (f(*(tc.tensor(g(x).astype(np.float64)) for x in xs)).data
                   for g in (lambda x: x, np.abs))
    y = f(*map(tc.tensor, xs))
    assert y.dtype == np.float32
    assert (np.abs(y.data - exact) <= (4 + np.log2(max(K, 1))) * UNIT * size).all()


def draw(data, *shapes):
    g = data.draw(generators())
    return [g.standard_normal(shape).astype(np.float32) for shape in shapes]


@given(p=conv_problems(), data=st.data())
def test_convolution(p, data):
    conv = getattr(F, f"conv{p.dims}d")
    x, w, b = draw(data, p.x_shape, p.w_shape, (p.O,))
    K = 1 + p.C // p.groups * int(np.prod(p.kernel))
    check_sum(lambda x, w, b: conv(x, w, b, **p.options), K, x, w, b)


@pytest.mark.parametrize("C, size", [(16, 12), (64, 8), (256, 6), (512, 1)])
def test_convolution_over_many_channels(rng, C, size):
    x, w = (rng.standard_normal(shape).astype(np.float32)
            for shape in [(2, C, size, size), (16, C, 1 if size == 1 else 3, 1 if size == 1 else 3)])
    check_sum(lambda x, w: F.conv2d(x, w, stride=2), w[0].size, x, w)


@given(st.integers(1, 40), st.integers(1, 3000), st.integers(1, 40), st.data())
def test_matrix_products(M, K, N, data):
    check_sum(tc.matmul, K, *draw(data, (M, K), (K, N)))


@given(st.integers(1, 10), st.integers(1, 3000), st.integers(1, 20), st.data())
def test_linear_layers(N, K, O, data):
    check_sum(F.linear, K + 1, *draw(data, (N, K), (O, K), (O,)))


@given(K=st.integers(1, 3000), g=generators(), shape=st.tuples(*[st.integers(1, 20)] * 2))
@example(K=90, g=np.random.default_rng(0), shape=(1, 1))      # 10.6 units where random ones have 2
def test_equal_numbers_err_by_no_more_than_one_rounding_for_each_that_is_added(K, g, shape):
    a, b = g.standard_normal(2).astype(np.float32)
    x, w = np.full((shape[0], K), a), np.full((shape[1], K), b)
    exact = K * np.float64(a) * np.float64(b)
    added = min(K, CHUNK) + K // CHUNK + 1
    for y in (F.linear(tc.tensor(x), tc.tensor(w)), tc.matmul(tc.tensor(x), tc.tensor(w.T))):
        assert (np.abs(y.data - exact) <= added * UNIT * abs(exact)).all()


@given(p=pool_problems(max_dilation=1), data=st.data())
def test_mean_pooling(p, data):
    x_shape = p.x_shape if p.dims < 3 else (*p.x_shape[:2], *map(max, p.size, p.kernel))
    check_sum(lambda x: getattr(F, f"avg_pool{p.dims}d")(x, **p.avg_options),
              int(np.prod(p.kernel)), *draw(data, x_shape))


@given(shape=st.sampled_from([(100_000,), (1000, 300), (3, 50_000), (50_000, 3)]), g=generators(),
       order=st.sampled_from("CF"))
def test_long_sums_and_means(shape, g, order):
    x = np.asarray(g.standard_normal(shape), np.float32, order=order)
    for dim in (None, 0):
        check_sum(lambda x, d=dim: tc.sum(x, d), x.size if dim is None else len(x), x)
        check_sum(lambda x, d=dim: tc.mean(x, d), x.size if dim is None else len(x), x)


# ---- large numbers that differ by little, or by much ---------------------------------------------

@given(st.integers(2, 20), generators(), st.sampled_from([np.float32, np.float64]))
def test_cross_entropy_is_exact_at_logits_of_ten_thousand(C, g, dtype):
    """Where one logit towers over the rest the loss is a difference of two logits, nothing else."""
    t = g.integers(0, C, 6)
    x = g.choice([-1e4, 0, 1e4], (6, C)).astype(dtype)
    x[np.arange(6), g.permutation(C)[:1]] = 2e4               # one is the largest
    top = x.max(1)
    assert F.cross_entropy(tc.tensor(x), tc.tensor(t), reduction="none").tolist() == (
        top - x[np.arange(6), t]).tolist()
    assert np.array_equal(F.log_softmax(tc.tensor(x), 1).data, x - top[:, None])


@given(st.integers(2, 20), generators(), st.sampled_from([-1e4, 1e4]))
def test_equal_logits_of_any_size_are_equally_likely(C, g, at):
    x = np.full((4, C), at, np.float32)
    t = g.integers(0, C, 4)
    losses = F.cross_entropy(tc.tensor(x), tc.tensor(t), reduction="none").data
    np.testing.assert_allclose(losses, np.log(C), rtol=1e-6)
    assert (F.softmax(tc.tensor(x), 1).data == np.float32(1) / np.float32(C)).all()


@given(generators(), st.sampled_from([-1e4, 1e4]), st.integers(1, 4))
def test_batch_norm_is_right_at_a_mean_of_ten_thousand(g, mean, C):
    x = (mean + g.standard_normal((32, C, 5, 5))).astype(np.float32)
    y = F.batch_norm(tc.tensor(x), None, None, training=True).data
    wide = x.astype(np.float64)
    axes = {"axis": (0, 2, 3), "keepdims": True}
    expected = (wide - wide.mean(**axes)) / np.sqrt(wide.var(**axes) + 1e-5)
    # the mean is rounded to float32 before it is subtracted: half a unit of 10⁴ in the last place
    assert np.abs(y - expected).max() <= 1e4 * UNIT * 1.2


@given(generators(), st.sampled_from([-1e4, 1e4]))
def test_variance_is_right_at_a_mean_of_ten_thousand(g, mean):
    x = (mean + g.standard_normal((200, 7))).astype(np.float32)
    np.testing.assert_allclose(tc.var(tc.tensor(x), 0).data, x.astype(np.float64).var(0, ddof=1),
                               rtol=1e-5)


@given(arrays(values="extreme", dtype=np.float32), st.sampled_from(
    [tc.sigmoid, tc.tanh, F.softplus, F.gelu, F.silu, tc.erf, tc.arctan]))
def test_saturating_functions_are_finite_and_their_gradients_are(x, f):
    x = tc.tensor(x, requires_grad=True)
    with np.errstate(over="ignore"):                           # e^(−x²) of an x² that is infinite
        y = f(x)
        y.backward(tc.ones_like(y))
    assert np.isfinite(y.data).all() and np.isfinite(x.grad.data).all()


@given(arrays(values="nonfinite", dtype=np.float32), st.sampled_from(
    [tc.exp, tc.tanh, tc.relu, tc.sigmoid, F.leaky_relu, F.softplus, tc.abs]))
def test_not_a_number_stays_visible(x, f):
    y = f(tc.tensor(x)).data
    assert np.isnan(y[np.isnan(x)]).all() and not np.isnan(y[x == np.inf]).any()
