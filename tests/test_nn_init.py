"""Initial weights: the distributions that the names promise, drawn from the generator given."""
import math

import numpy as np
import pytest
from scipy import stats

import tinyconv as tc
from tinyconv import nn
from tinyconv.nn import init

SHAPE = (64, 32, 3, 3)                                       # fan_in 288, fan_out 576


def filled(fill, shape=SHAPE, **arguments):
    return fill(tc.zeros(*shape).double(), generator=np.random.default_rng(3), **arguments).data


def assert_uniform(x, bound):
    assert np.abs(x).max() <= bound
    assert stats.kstest(x.ravel() / bound, stats.uniform(-1, 2).cdf).pvalue > 1e-3


def assert_normal(x, std):
    assert stats.kstest(x.ravel() / std, stats.norm.cdf).pvalue > 1e-3


@pytest.mark.parametrize("fill, arguments, bound", [
    (init.xavier_uniform_, {}, math.sqrt(6 / (288 + 576))),
    (init.xavier_uniform_, {"gain": 5 / 3}, 5 / 3 * math.sqrt(6 / (288 + 576))),
    (init.kaiming_uniform_, {}, math.sqrt(2) * math.sqrt(3 / 288)),
    (init.kaiming_uniform_, {"a": math.sqrt(5)}, 1 / math.sqrt(288)),
    (init.kaiming_uniform_, {"mode": "fan_out", "nonlinearity": "relu"},
     math.sqrt(2) * math.sqrt(3 / 576)),
    (init.uniform_, {"a": -2, "b": 2}, 2)])
def test_uniform_initialisers_fill_exactly_their_interval(fill, arguments, bound):
    assert_uniform(filled(fill, **arguments), bound)


@pytest.mark.parametrize("fill, arguments, std", [
    (init.xavier_normal_, {}, math.sqrt(2 / (288 + 576))),
    (init.kaiming_normal_, {}, math.sqrt(2 / 288)),
    (init.kaiming_normal_, {"mode": "fan_out", "nonlinearity": "tanh"}, 5 / 3 / math.sqrt(576)),
    (init.normal_, {"std": 0.5}, 0.5)])
def test_normal_initialisers_have_their_deviation(fill, arguments, std):
    assert_normal(filled(fill, **arguments), std)


def test_constants():
    assert (filled(lambda t, generator: init.constant_(t, 3)) == 3).all()
    assert (init.ones_(tc.empty(2)).data == 1).all() and (init.zeros_(tc.empty(2)).data == 0).all()


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_an_identity_passes_on_what_a_layer_can_hold(torch, shape):
    expected = torch.nn.init.eye_(torch.empty(*shape))
    np.testing.assert_array_equal(init.eye_(tc.empty(*shape)).data, expected.numpy())


@pytest.mark.parametrize("shape, groups", [((4, 4, 3), 1), ((3, 5, 4), 1), ((6, 2, 3, 5), 3),
                                           ((6, 1, 2, 2), 2), ((4, 3, 1, 2, 3), 2)])
def test_a_dirac_kernel_is_pytorchs(torch, shape, groups):
    expected = torch.nn.init.dirac_(torch.empty(*shape), groups)
    np.testing.assert_array_equal(init.dirac_(tc.empty(*shape), groups).data, expected.numpy())


def test_a_convolution_with_a_dirac_kernel_is_the_identity():
    conv = nn.Conv2d(4, 4, 3, padding="same", groups=2, bias=False)
    init.dirac_(conv.weight, groups=2)
    x = tc.randn(2, 4, 5, 6)
    np.testing.assert_array_equal(conv(x).data, x.data)


@pytest.mark.parametrize("sparsity, zeros", [(0, 0), (0.1, 10), (0.555, 56), (1, 100)])
def test_sparse_weights_have_their_zeros_in_every_column(sparsity, zeros):
    x = filled(init.sparse_, (100, 40), sparsity=sparsity, std=0.5)
    assert ((x == 0).sum(0) == zeros).all()
    if 0 < zeros < 100:
        assert len({tuple(column) for column in (x == 0).T}) > 30      # in places of its own
    if zeros < 100:
        assert_normal(x[x != 0], 0.5)


def test_the_truncated_normal_distribution_is_cut_and_not_clipped():
    x = filled(init.trunc_normal_, mean=0.5, std=2, a=-1, b=2)
    cut = stats.truncnorm((-1 - 0.5) / 2, (2 - 0.5) / 2, 0.5, 2)
    assert x.min() >= -1 and x.max() <= 2 and stats.kstest(x.ravel(), cut.cdf).pvalue > 1e-3
    with pytest.raises(ValueError, match="hardly any"):
        filled(init.trunc_normal_, mean=100)


@pytest.mark.parametrize("shape", [(5, 20), (20, 5), (8, 2, 2, 2), (4, 3, 3)])
def test_orthogonal_weights_have_orthonormal_rows_or_columns(shape):
    q = filled(init.orthogonal_, shape, gain=2).reshape(shape[0], -1) / 2
    small = q @ q.T if len(q) <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-12)


def test_orthogonal_weights_prefer_no_direction():
    generator = np.random.default_rng(0)
    corners = [init.orthogonal_(tc.zeros(3, 3), generator=generator).data[0, 0] for _ in range(400)]
    assert abs(np.mean(corners)) < 0.1             # of the mean, √(1/3) / √400 = 0.03 is chance


def test_gains_are_those_of_the_literature():
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu", 0.2) == pytest.approx(math.sqrt(2 / 1.04))
    assert init.calculate_gain("leaky_relu") == pytest.approx(math.sqrt(2 / (1 + 1e-4)))
    with pytest.raises(ValueError, match="unknown nonlinearity 'rellu'.*relu"):
        init.calculate_gain("rellu")


def test_initialisers_fill_in_place_and_name_what_is_wrong():
    p = nn.Parameter(np.zeros((2, 3), np.float32))
    data = p.data
    assert init.normal_(p) is p and p.data is data and (data != 0).all()
    with pytest.raises(ValueError, match=r"got shape \(5,\)"):
        init.kaiming_normal_(tc.zeros(5))
    with pytest.raises(ValueError, match="'fan_in' or 'fan_out', got 'fan_avg'"):
        init.kaiming_normal_(p, mode="fan_avg")
    for fill, shape, words in (
            (init.eye_, (2, 3, 4), "eye_: expected 2 dimensions"),
            (init.dirac_, (2, 3), "dirac_: expected the weight of a convolution"),
            (lambda t: init.dirac_(t, 2), (3, 3, 3), "groups should divide the 3 output channels"),
            (lambda t: init.sparse_(t, 0.1), (3,), "sparse_: expected 2 dimensions"),
            (lambda t: init.sparse_(t, 1.5), (3, 3), "sparsity is a part")):
        with pytest.raises(ValueError, match=words):
            fill(tc.zeros(*shape))
    with pytest.raises(RuntimeError, match="fills a leaf"):
        init.zeros_(p * 2)


def test_layers_begin_the_same_after_the_same_seed_and_in_either_precision():
    tc.manual_seed(5)
    a = nn.Conv2d(3, 4, 3)
    tc.manual_seed(5)
    b = nn.Conv2d(3, 4, 3)
    np.testing.assert_array_equal(a.weight.data, b.weight.data)
    c = nn.Conv2d(3, 4, 3)
    assert (c.weight.data != b.weight.data).any()
    state = np.random.get_state()[1].copy()
    nn.Linear(3, 3)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


@pytest.mark.torch
@pytest.mark.parametrize("name, arguments", [
    ("Linear", (90, 30)), ("Conv1d", (6, 200, 5)), ("Conv2d", (8, 60, 3, 1, 0, 1, 2)),
    ("Conv3d", (4, 40, 3)), ("ConvTranspose1d", (80, 12, 3)),
    ("ConvTranspose2d", (40, 12, 3, 1, 0, 0, 2))])
def test_layers_begin_within_pytorchs_bounds(torch, name, arguments):
    tc.manual_seed(0), torch.manual_seed(0)
    ours, theirs = getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments)
    for kind in ("weight", "bias"):
        x, y = getattr(ours, kind).data, getattr(theirs, kind).detach().numpy()
        assert x.shape == y.shape and x.dtype == y.dtype
        bound = 1 / math.sqrt(init.fans(ours.weight)[0])
        assert np.abs(y).max() <= bound * (1 + 1e-6)
        assert stats.ks_2samp(x.ravel(), y.ravel()).pvalue > 1e-4
        assert_uniform(x.astype(np.float64), bound * (1 + 1e-6))


def test_drawing_by_blocks_gives_the_numbers_of_a_single_draw():
    n = 2 * init.BLOCK + 5
    for name in ("uniform", "normal"):
        whole = getattr(np.random.default_rng(3), name)(-1, 2, n).astype(np.float32)
        x = getattr(init, name + "_")(tc.empty(n), -1, 2, generator=np.random.default_rng(3))
        np.testing.assert_array_equal(x.data, whole)
