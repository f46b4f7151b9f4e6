"""Third derivatives, alone and through a whole network, agree with finite differences."""
import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_grad


def away_from_kinks(rng, *shape):
    return (rng.permutation(int(np.prod(shape))).reshape(shape) / np.prod(shape) - 0.5) * 3


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "padding": 2},
                                     {"groups": 2, "padding": (0, 1)}])
def test_of_convolution(rng, options):
    x = rng.standard_normal((2, 4, 5, 5))
    w = rng.standard_normal((4, 4 // options.get("groups", 1), 3, 3))
    check_grad(lambda x, w, b: tc.tanh(F.conv2d(x, w, b, **options)), x, w, rng.standard_normal(4),
               order=3, name="conv2d")


@pytest.mark.parametrize("training", [True, False])
def test_of_batch_norm(rng, training):
    statistics = tc.tensor(np.array([0.3, -0.2])), tc.tensor(np.array([1.5, 0.7]))
    check_grad(lambda x, w, b: F.batch_norm(x, *(None, None) if training else statistics, w, b,
                                            training=training),
               rng.standard_normal((3, 2, 2, 2)), np.array([1.2, 0.8]), np.array([0.1, -0.3]),
               order=3, name="batch_norm")


@pytest.mark.parametrize("options", [{}, {"stride": 1}, {"padding": 1, "stride": 2}])
def test_of_max_pooling(rng, options):
    check_grad(lambda x: F.max_pool2d(x * x * x, 3, **options), away_from_kinks(rng, 2, 2, 6, 6),
               order=3, name="max_pool2d")


@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_of_cross_entropy(rng, smoothing):
    t = tc.tensor([1, 0, 2])
    check_grad(lambda x: F.cross_entropy(x, t, label_smoothing=smoothing),
               rng.standard_normal((3, 4)), order=3, name="cross_entropy")


@pytest.mark.parametrize("norm", [
    lambda x: F.layer_norm(x, x.shape[1:], eps=0.1), lambda x: F.group_norm(x, 2, eps=0.1),
    lambda x: F.instance_norm(x, eps=0.1), lambda x: F.local_response_norm(x, 3, alpha=0.5)])
def test_of_the_other_norms(rng, norm):
    check_grad(norm, rng.standard_normal((2, 4, 3, 2)), order=3)


def test_of_a_network_of_convolution_batch_norm_max_pooling_and_cross_entropy(rng):
    t = tc.tensor([1, 0])

    def loss(x, w, gamma, beta, v):
        h = F.batch_norm(F.conv2d(x, w, padding=1), None, None, gamma, beta, training=True)
        h = F.max_pool2d(h, 2)
        return F.cross_entropy(F.linear(h.flatten(1), v), t)
    shapes = (2, 2, 4, 4), (3, 2, 3, 3), (3,), (3,), (3, 12)
    args = [rng.standard_normal(s) * 0.5 for s in shapes]
    assert max(check_grad(loss, *args, order=3, name="the network")) < 1e-5
