"""Losses of distances, probabilities and margins: PyTorch's numbers, gradients and errors."""
import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import fill

SIGN = np.array([1, -1, 1, -1, 1])
LABEL = np.array([0, 2, 1, 3, 3])
BITS = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])

# a name: the arguments that are constants, and how to make the others from distinct numbers in ±1/4
LOSSES = {
    "smooth_l1_loss": ({}, (2, 3), (2, 3)),
    "smooth_l1_loss narrow": ({"beta": 0.08}, (2, 3), (2, 3)),
    "smooth_l1_loss without": ({"beta": 0.0}, (2, 3), (2, 3)),
    "huber_loss": ({}, (2, 3), (2, 3)),
    "huber_loss narrow": ({"delta": 0.08}, (2, 3), (2, 3)),
    "huber_loss of numbers": ({}, (), ()),
    "kl_div": ({}, (2, 3), np.array([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])),
    "kl_div of logarithms": ({"log_target": True}, (2, 3), (2, 3)),
    "poisson_nll_loss": ({}, (2, 3), np.array([[0.0, 1.0, 2.0], [3.0, 5.5, 1.0]])),
    "poisson_nll_loss full": ({"full": True}, (2, 3), np.array([[0.0, 1.0, 2.0], [3.0, 5.5, 1.5]])),
    "poisson_nll_loss of rates": ({"log_input": False}, np.array([0.5, 2.0]), np.array([1.0, 3.0])),
    "gaussian_nll_loss": ({}, (2, 3), (2, 3), np.array([[0.5, 1.0, 2.0], [0.1, 3.0, 1.0]])),
    "gaussian_nll_loss full": ({"full": True}, (2, 3), (2, 3), np.array([0.5, 2.0])),
    "binary_cross_entropy": ({}, np.array([[0.1, 0.5, 0.9], [0.3, 0.6, 0.2]]), BITS),
    "binary_cross_entropy soft": ({}, np.array([0.1, 0.5]), np.array([0.3, 0.8])),
    "margin_ranking_loss": ({"margin": 0.04}, (5,), (5,), SIGN * 1.0),
    "hinge_embedding_loss": ({"margin": 0.04}, (5,), SIGN * 1.0),
    "cosine_embedding_loss": ({}, (5, 3), (5, 3), SIGN),
    "cosine_embedding_loss of two": ({"margin": -0.5}, (3,), (3,), np.array(-1)),
    "triplet_margin_loss": ({}, (5, 3), (5, 3), (5, 3)),
    "triplet_margin_loss swapped": ({"swap": True, "p": 3.0, "margin": 0.2}, (5, 3), (5, 3), (5, 3)),
    "soft_margin_loss": ({}, (5,), SIGN * 1.0),
    "multilabel_soft_margin_loss": ({}, (2, 3), BITS),
    "multi_margin_loss": ({}, (5, 4), LABEL),
    "multi_margin_loss squared": ({"p": 2, "margin": 0.5}, (5, 4), LABEL),
    "multi_margin_loss of one": ({}, (4,), np.array(2)),
}


def arrays(rng, given, dtype):
    return [fill(rng, a, "distinct", dtype) if isinstance(a, tuple)
            else a.astype(dtype) if a.dtype.kind == "f" else a for a in given]


def loss_of(F, name):
    return getattr(F, name.split()[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_pytorchs(torch, against_torch, rng, name, reduction, dtype):
    options, *given = LOSSES[name]
    options = {**options, "reduction": reduction}
    fixed = name in ("soft_margin_loss", "poisson_nll_loss full")     # no gradient there, and NaN

    def call(F, x, *others):
        return loss_of(F, name)(x, *(a.detach() if fixed else a for a in others), **options)
    against_torch(lambda *a: call(F, *a), lambda *a: call(torch.nn.functional, *a),
                  *arrays(rng, given, dtype))


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_has_its_derivatives_to_second_order(rng, name):
    options, *given = LOSSES[name]
    args = arrays(rng, given, np.float64)
    fixed = [i for i, a in enumerate(args) if np.array_equal(np.abs(a), np.abs(a) > 0)
             or a.dtype.kind != "f" or name.startswith("poisson") and i == 1]

    def loss(*xs):
        xs = iter(xs)
        return loss_of(F, name)(*(tc.tensor(args[i]) if i in fixed else next(xs)
                                  for i in range(len(args))), reduction="none", **options)
    check_grad(loss, *(a for i, a in enumerate(args) if i not in fixed), name=name)


# ---- where it is awkward -------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name, options, given", [
    ("binary_cross_entropy", {}, ([0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0])),
    ("kl_div", {}, ([-1.0, -2.0, -np.inf], [0.0, 1.0, 0.5])),
    ("smooth_l1_loss", {}, ([1.0, -1.0, 0.0, 1e30], [0.0, 0.0, 0.0, 0.0])),
    ("huber_loss", {}, ([1.0, -1.0, 0.0, 1e30], [0.0, 0.0, 0.0, 0.0])),
    ("soft_margin_loss", {}, ([80.0, -80.0, 0.0], [1.0, 1.0, -1.0])),
    ("multilabel_soft_margin_loss", {}, ([1e4, -1e4, 0.0], [0.0, 1.0, 0.5])),
    ("margin_ranking_loss", {}, ([1.0, 2.0], [1.0, 3.0], [1.0, 1.0])),
    ("hinge_embedding_loss", {}, ([1.0, 2.0, np.nan], [-1.0, -1.0, 1.0])),
    ("gaussian_nll_loss", {}, ([1.0, 2.0], [0.5, 2.0], [0.0, 1e-9]))])
def test_extremes_and_kinks_as_pytorch(torch, name, options, given, dtype):
    x, *others = (np.array(a, dtype) for a in given)
    mine, other = tc.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    with np.errstate(over="ignore"):
        y = getattr(F, name)(mine, *map(tc.tensor, others), reduction="none", **options)
        t = getattr(torch.nn.functional, name)(other, *map(torch.tensor, others),
                                               reduction="none", **options)
        y.sum().backward(), t.sum().backward()
    np.testing.assert_allclose(y.data, t.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(mine.grad.data, other.grad.numpy(), rtol=1e-6)


def test_the_batchmean_of_a_divergence_is_the_divergence(torch):
    x, t = np.log([[0.2, 0.8], [0.5, 0.5]]), np.array([[0.3, 0.7], [0.1, 0.9]])
    y = F.kl_div(tc.tensor(x), tc.tensor(t), reduction="batchmean").item()
    assert y == pytest.approx((t * (np.log(t) - x)).sum() / 2)
    assert y == pytest.approx(torch.nn.functional.kl_div(
        torch.tensor(x), torch.tensor(t), reduction="batchmean").item())


@pytest.mark.parametrize("name, x, t, w", [
    ("binary_cross_entropy", np.array([[0.2, 0.7]] * 3), np.array([[0.0, 1.0]] * 3),
     np.array([1.0, 2.0])),
    ("multilabel_soft_margin_loss", np.array([[0.2, 0.7]] * 3), np.array([[0.0, 1.0]] * 3),
     np.array([1.0, 2.0])),
    ("multi_margin_loss", np.array([[0.2, 0.7]] * 3), np.array([0, 1, 1]), np.array([1.0, 2.0]))])
def test_weights(torch, name, x, t, w):
    y = getattr(F, name)(tc.tensor(x), tc.tensor(t), weight=tc.tensor(w)).item()
    expected = getattr(torch.nn.functional, name)(torch.tensor(x), torch.tensor(t),
                                                  weight=torch.tensor(w)).item()
    assert y == pytest.approx(expected, rel=1e-12)


x, y = tc.ones(3), tc.ones(2)


@pytest.mark.parametrize("f, complaint", [
    (lambda: F.huber_loss(x, y), r"huber_loss: input \(3,\) and target \(2,\)"),
    (lambda: F.huber_loss(x, x, delta=0), "huber_loss: delta should be greater than 0"),
    (lambda: F.smooth_l1_loss(x, x, beta=-1), "smooth_l1_loss: beta must not be negative"),
    (lambda: F.kl_div(x, x, reduction="none of it"), "kl_div: reduction should be"),
    (lambda: F.binary_cross_entropy(x * 2, x), "binary_cross_entropy: .*from 0 to 1, got.* 2.0"),
    (lambda: F.binary_cross_entropy(x * np.nan, x), "binary_cross_entropy: .*from 0 to 1"),
    (lambda: F.gaussian_nll_loss(x, x, y), "gaussian_nll_loss: var"),
    (lambda: F.gaussian_nll_loss(x, x, -x), "gaussian_nll_loss: var has a negative"),
    (lambda: F.margin_ranking_loss(x, x, y), "margin_ranking_loss: "),
    (lambda: F.cosine_embedding_loss(x, x, x), "cosine_embedding_loss: expected inputs"),
    (lambda: F.triplet_margin_loss(x, x, x, margin=0), "triplet_margin_loss: margin should be"),
    (lambda: F.multi_margin_loss(x, tc.tensor(3)), "multi_margin_loss: target has a label"),
    (lambda: F.multi_margin_loss(x, x), "multi_margin_loss: expected an input"),
    (lambda: F.multi_margin_loss(x, tc.tensor(1), p=3), "multi_margin_loss: p should be 1 or 2"),
])
def test_a_bad_loss_is_named(f, complaint):
    with pytest.raises((ValueError, IndexError), match=complaint):
        f()
