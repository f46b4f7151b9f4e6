"""Dropout: what is kept, how it is scaled, and that it sleeps in evaluation."""
from functools import partial

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import nn
from tinyconv.testing import check_linear


def test_each_element_is_dropped_with_probability_p_and_the_mean_stays():
    tc.manual_seed(1)
    y = nn.Dropout(0.3)(tc.ones(200, 500)).data
    assert y.dtype == np.float32 and set(np.unique(y)) == {0, np.float32(1 / 0.7)}
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.006)
    assert y.mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("layer, shape", [
    (nn.Dropout1d, (40, 50, 6)), (nn.Dropout2d, (40, 50, 3, 2)),
    (nn.Dropout3d, (40, 50, 2, 3, 2)), (nn.Dropout2d, (2000, 3, 2))])
def test_whole_channels_are_dropped(layer, shape):
    tc.manual_seed(1)
    spatial = int(layer.__name__[-2])
    y = layer(0.25)(tc.ones(*shape)).data.reshape(-1, int(np.prod(shape[-spatial:])))
    assert (y == y[:, :1]).all() and (y[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.04)


def test_in_evaluation_nothing_happens():
    x = tc.randn(5, 5)
    assert nn.Dropout().eval()(x) is x
    assert F.dropout(x, 0.5, training=False) is x and F.dropout(x, 0.0) is x


def test_everything_may_be_dropped():
    assert (F.dropout(tc.ones(10), 1.0).data == 0).all()


def test_the_gradient_passes_where_the_value_did(rng):
    x = tc.tensor(rng.standard_normal((30, 30)), requires_grad=True)
    y = F.dropout(x, 0.4)
    assert y.dtype == np.float64
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data * x.data, y.data)


@pytest.mark.parametrize("f, shape", [
    (F.dropout, (3, 4)), (F.dropout1d, (3, 2, 4)), (F.dropout2d, (2, 3, 2, 2)),
    (F.dropout3d, (2, 3, 1, 2, 2)), (partial(F.stochastic_depth, mode="row"), (4, 3))])
def test_with_the_same_numbers_drawn_dropout_is_linear(rng, f, shape):
    check_linear(lambda x: f(x, p=0.4, generator=np.random.default_rng(3)),
                 rng.standard_normal(shape))


def test_the_same_seed_drops_the_same():
    x = tc.ones(100)
    masks = [F.dropout(x, 0.5, generator=np.random.default_rng(s)).data for s in (1, 1, 2)]
    assert (masks[0] == masks[1]).all() and (masks[0] != masks[2]).any()
    tc.manual_seed(3)
    a = F.dropout(x).data
    tc.manual_seed(3)
    assert (F.dropout(x).data == a).all()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="dropout: p is a probability between 0 and 1, got 1.5"):
        F.dropout(tc.ones(1), 1.5)
    with pytest.raises(ValueError, match="Dropout2d: p is a probability"):
        nn.Dropout2d(-1)
    words = r"dropout2d: input has shape \(3, 4\), expected 4 dimensions"
    with pytest.raises(ValueError, match=words):
        F.dropout2d(tc.ones(3, 4))


# ---- alpha dropout -------------------------------------------------------------------------------

def test_alpha_dropout_keeps_mean_and_variance_and_rests_in_evaluation():
    tc.manual_seed(0)
    x = tc.randn(400, 500)
    y = F.alpha_dropout(x, 0.3, training=True).data
    assert abs(y.mean()) < 0.01 and abs(y.var() - 1) < 0.02
    assert np.array_equal(F.alpha_dropout(x, 0.3, training=False).data, x.data)


def test_alpha_dropout_of_features_drops_whole_channels():
    tc.manual_seed(0)
    y = F.feature_alpha_dropout(tc.zeros(8, 50, 6, 6), 0.5, training=True).data
    assert (y == y[:, :, :1, :1]).all() and len(np.unique(y)) == 2


# ---- stochastic depth ----------------------------------------------------------------------------

def test_stochastic_depth_drops_samples_each_by_its_own_chance_or_the_batch_as_a_whole():
    tc.manual_seed(0)
    x = tc.ones(2000, 2, 3)
    y = F.stochastic_depth(x, 0.25, "row").data
    assert (y == y[:, :1, :1]).all() and set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert abs((y[:, 0, 0] == 0).mean() - 0.25) < 0.03
    batches = [F.stochastic_depth(x, 0.5, "batch").data for _ in range(40)]
    assert all((y == y[0, 0, 0]).all() for y in batches)
    assert {y[0, 0, 0] for y in batches} == {0, 2}


def test_stochastic_depth_rests_in_evaluation_and_names_what_is_wrong():
    layer, x = nn.StochasticDepth(0.5, "row"), tc.ones(8, 3)
    assert (layer.eval()(x).data == 1).all() and repr(layer) == "StochasticDepth(p=0.5, mode=row)"
    assert (nn.StochasticDepth(1, "batch")(x).data == 0).all()
    for call in (lambda: nn.StochasticDepth(0.5, "column"),
                 lambda: F.stochastic_depth(x, 0.5, "column")):
        with pytest.raises(ValueError, match="mode should be 'batch' or 'row', got 'column'"):
            call()
    with pytest.raises(ValueError, match=r"input should be \(N, …\), got a single number"):
        F.stochastic_depth(tc.tensor(1.0), 0.5, "row")
    with pytest.raises(ValueError, match="stochastic_depth: p is a probability"):
        F.stochastic_depth(x, 2, "row")
