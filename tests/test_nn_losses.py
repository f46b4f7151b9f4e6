"""Losses: PyTorch's numbers for every argument, exact at extreme logits, clear on bad targets."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import nn

shapes = st.sampled_from([(5, 4), (3, 1), (1, 7), (2, 3, 4), (2, 5, 2, 3), (6,)])
seeds = st.integers(0, 2**32 - 1)
reductions = st.sampled_from(["mean", "sum", "none"])


def tensors(*arrays):
    return [tc.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]


def number_of_classes(shape):
    return shape[min(1, len(shape) - 1)]


def classes_for(shape, generator):
    size = shape[:1] + shape[2:] if len(shape) > 1 else ()
    return generator.integers(0, number_of_classes(shape), size)


def weight_for(shape, generator):
    return {"weight": generator.uniform(0.1, 2, number_of_classes(shape))}


# ---- against PyTorch -----------------------------------------------------------------------------

def assert_equal_torch(torch, loss, reference, arrays, constants, **arguments):
    """Value, gradient, and the gradient of a function of the gradient, for all arrays of floats."""
    ours = tensors(*arrays)
    theirs = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    y = loss(*ours, **{k: tc.tensor(v) for k, v in constants.items()}, **arguments)
    z = reference(*theirs, **{k: torch.tensor(v) for k, v in constants.items()}, **arguments)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert y.dtype == z.detach().numpy().dtype
    g = np.random.default_rng(0).standard_normal(y.shape)
    leaves, others = [x for x in ours if x.requires_grad], [x for x in theirs if x.requires_grad]
    first = tc.grad(y, leaves, tc.tensor(g), create_graph=True)
    there = torch.autograd.grad(z, others, torch.tensor(g), create_graph=True)
    for a, b in zip(first, there, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-9, atol=1e-12)
    first, there = [a for a in first if a.requires_grad], [b for b in there if b.requires_grad]
    second = tc.grad([a ** 3 for a in first], leaves, [tc.ones_like(a) for a in first],
                     allow_unused=True) if first else [None] * len(leaves)
    there = torch.autograd.grad([b ** 3 for b in there], others,
                                [torch.ones_like(b) for b in there],
                                allow_unused=True) if there else [None] * len(leaves)
    for a, b in zip(second, there, strict=True):           # None and zeros both say: it is constant
        a, b = 0 if a is None else a.data, 0 if b is None else b.numpy(force=True)
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-12)


@pytest.mark.torch
@given(shape=shapes, seed=seeds, reduction=reductions, weighted=st.booleans(),
       smoothing=st.sampled_from([0.0, 0.1, 1.0]), ignored=st.booleans())
def test_cross_entropy_of_classes_is_pytorchs(torch, shape, seed, reduction, weighted, smoothing,
                                              ignored):
    generator = np.random.default_rng(seed)
    x, t = generator.standard_normal(shape), classes_for(shape, generator)
    weight = weight_for(shape, generator) if weighted else {}
    ignored = ignored and len(set(t.flat)) > 1             # some are left
    arguments = {"ignore_index": int(t.flat[0])} if ignored else {}
    assert_equal_torch(torch, F.cross_entropy, torch.nn.functional.cross_entropy, [x, t], weight,
                       reduction=reduction, label_smoothing=smoothing, **arguments)


@pytest.mark.torch
@given(shape=shapes, seed=seeds, reduction=reductions, weighted=st.booleans(),
       smoothing=st.sampled_from([0.0, 0.1]))
def test_cross_entropy_of_probabilities_is_pytorchs(torch, shape, seed, reduction, weighted,
                                                    smoothing):
    generator = np.random.default_rng(seed)
    x, q = generator.standard_normal(shape), generator.uniform(size=shape)
    weight = weight_for(shape, generator) if weighted else {}
    assert_equal_torch(torch, F.cross_entropy, torch.nn.functional.cross_entropy, [x, q], weight,
                       reduction=reduction, label_smoothing=smoothing)


@pytest.mark.torch
@given(shape=shapes, seed=seeds, reduction=reductions, weighted=st.booleans())
def test_nll_loss_is_pytorchs(torch, shape, seed, reduction, weighted):
    generator = np.random.default_rng(seed)
    x, t = generator.standard_normal(shape), classes_for(shape, generator)
    weight = weight_for(shape, generator) if weighted else {}
    assert_equal_torch(torch, F.nll_loss, torch.nn.functional.nll_loss, [x, t], weight,
                       reduction=reduction)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "binary_cross_entropy_with_logits"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_element_wise_losses_are_pytorchs(torch, rng, name, reduction, shape):
    arrays = [rng.standard_normal(shape) * 3, rng.uniform(size=shape)]
    assert_equal_torch(torch, getattr(F, name), getattr(torch.nn.functional, name), arrays, {},
                       reduction=reduction)


@pytest.mark.torch
def test_binary_cross_entropy_takes_weights(torch, rng):
    x, t = rng.standard_normal((4, 3)) * 3, rng.uniform(size=(4, 3))
    x[0, 0] = 0
    constants = {"weight": rng.uniform(size=(4, 1)), "pos_weight": rng.uniform(1, 5, 3)}
    assert_equal_torch(torch, F.binary_cross_entropy_with_logits,
                       torch.nn.functional.binary_cross_entropy_with_logits, [x, t], constants)


@pytest.mark.torch
def test_loss_layers_take_pytorchs_arguments(torch, rng):
    x, t, w = rng.standard_normal((5, 3)), rng.integers(0, 3, 5), rng.uniform(size=3)
    for name, arguments in [("CrossEntropyLoss", {"label_smoothing": 0.1, "ignore_index": 1}),
                            ("NLLLoss", {"ignore_index": 1})]:
        ours = getattr(nn, name)(tc.tensor(w), reduction="sum", **arguments)
        theirs = getattr(torch.nn, name)(torch.tensor(w), reduction="sum", **arguments)
        assert list(ours.state_dict()) == list(theirs.state_dict()) == ["weight"]
        assert ours(tc.tensor(x), tc.tensor(t)).item() == pytest.approx(
            theirs(torch.tensor(x), torch.tensor(t)).item(), rel=1e-12)
    for name in ("MSELoss", "L1Loss", "BCEWithLogitsLoss"):
        assert getattr(nn, name)()(tc.tensor(x), tc.tensor(x * 0 + 0.5)).item() == pytest.approx(
            getattr(torch.nn, name)()(torch.tensor(x), torch.tensor(x * 0 + 0.5)).item(), rel=1e-12)


# ---- extremes ------------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_is_exact_at_logits_of_ten_thousand(dtype):
    x = tc.tensor([[1e4, -1e4, 0], [-1e4, 1e4, 1e4], [-1e4, -1e4, -1e4]], dtype, requires_grad=True)
    losses = F.cross_entropy(x, tc.tensor([1, 1, 0]), reduction="none")
    assert losses.dtype == dtype
    expected = np.array([2e4, np.log(dtype(2)), np.log(dtype(3))], dtype)
    np.testing.assert_array_equal(losses.data, expected)
    losses.sum().backward()
    expected = [[1, -1, 0], [0, -0.5, 0.5], [-2 / 3, 1 / 3, 1 / 3]]
    np.testing.assert_allclose(x.grad.data, expected, rtol=1e-6)
    smooth = F.cross_entropy(x[:1], tc.tensor([0]), label_smoothing=0.3)
    assert smooth.item() == pytest.approx(0.1 * (2e4 + 1e4), rel=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_in_half_precision_is_that_in_single_rounded(rng, reduction):
    x, t = rng.standard_normal((3, 4, 5)).astype(np.float16), rng.integers(0, 4, (3, 5))
    half = F.cross_entropy(tc.tensor(x), tc.tensor(t), reduction=reduction)
    single = F.cross_entropy(tc.tensor(x.astype(np.float32)), tc.tensor(t), reduction=reduction)
    assert half.dtype == np.float16
    np.testing.assert_allclose(half.data, single.data, rtol=5e-3)


def test_a_logit_of_minus_infinity_is_a_class_that_cannot_be():
    x = tc.tensor([[0.0, 0.0, -np.inf]], requires_grad=True)
    loss = F.cross_entropy(x, tc.tensor([0]))
    assert loss.item() == pytest.approx(np.log(2))
    loss.backward()
    np.testing.assert_allclose(x.grad.data, [[-0.5, 0.5, 0]])


def test_nothing_left_but_ignored_positions_gives_nan_for_the_mean_and_zero_for_the_sum():
    x, t = tc.randn(2, 3), tc.tensor([-100, -100])
    with np.errstate(invalid="ignore"):
        assert np.isnan(F.cross_entropy(x, t).item())
    assert F.cross_entropy(x, t, reduction="sum").item() == 0


def test_gradients_of_cross_entropy_add_up_to_nothing_over_the_classes(rng):
    x = tc.tensor(rng.standard_normal((6, 5)), requires_grad=True)
    F.cross_entropy(x, tc.tensor(rng.integers(0, 5, 6))).backward()
    np.testing.assert_allclose(x.grad.data.sum(1), 0, atol=1e-16)


def test_a_soft_target_may_learn_too(rng):
    x, q = tensors(rng.standard_normal((4, 3)), rng.uniform(size=(4, 3)))
    gx, gq = tc.grad(F.cross_entropy(x, q), [x, q])
    np.testing.assert_allclose(gq.data, -F.log_softmax(x, 1).data / 4, rtol=1e-12)


def test_any_whole_number_dtype_and_plain_arrays_are_classes():
    x = tc.randn(3, 4)
    expected = F.cross_entropy(x, tc.tensor([1, 0, 3])).item()
    for dtype in (np.uint8, np.int32, np.int64):
        assert F.cross_entropy(x, np.array([1, 0, 3], dtype)).item() == expected


# ---- bad targets ---------------------------------------------------------------------------------

@pytest.mark.parametrize("target, error, words", [
    (np.array([1, 2, 3, 10, 0]), IndexError,
     "cross_entropy: target has label 10 at index 3 but input has 10 classes (0..9)"),
    (np.array([1, -1, 3, 4, 0]), IndexError,
     "cross_entropy: target has label -1 at index 1 but input has 10 classes (0..9)"),
    (np.array([1, 2, 3]), ValueError, "needs classes of shape (5,), got a target of shape (3,)"),
    (np.array([[1], [2], [3], [4], [5]]), ValueError,
     "needs classes of shape (5,), got a target of shape (5, 1)"),
    (np.zeros(5), TypeError, "classes are integers, got a target of float64; write target.long()"),
    (np.zeros((5, 10), int), TypeError,
     "holds probabilities and should be floating point, got int64"),
    (np.zeros((5, 9)), ValueError, "got a target of shape (5, 9)")])
def test_a_bad_target_is_named(target, error, words):
    with pytest.raises(error) as info:
        F.cross_entropy(tc.randn(5, 10), target)
    assert words in str(info.value)


@pytest.mark.parametrize("f", [
    lambda x, t, w: F.cross_entropy(x, t, weight=w), lambda x, t, w: F.nll_loss(x, t, weight=w),
    lambda x, t, w: nn.CrossEntropyLoss(weight=w)(x, t),
    lambda x, t, w: F.mse_loss(x, x), lambda x, t, w: F.l1_loss(x, x),
    lambda x, t, w: F.binary_cross_entropy_with_logits(x, x, weight=w, pos_weight=w)])
def test_arrays_and_lists_are_taken_as_tensors(rng, f):
    x, t, w = rng.standard_normal((5, 3)), np.array([0, 2, 1, 1, 0]), np.array([1.0, 2.0, 0.5])
    expected = f(tc.tensor(x), tc.tensor(t), tc.tensor(w)).item()
    assert f(x, t, w).item() == expected
    assert f(tc.tensor(x), t.tolist(), w.tolist()).item() == expected


def test_a_target_may_change_after_the_loss_was_computed():
    x, t = tc.randn(4, 3, requires_grad=True), tc.tensor([0, 1, 2, 0])
    expected = tc.grad(F.cross_entropy(x, t), x)[0]
    loss = F.cross_entropy(x, t)
    t[0] = 2
    assert tc.grad(loss, x)[0].tolist() == expected.tolist()


@pytest.mark.parametrize("arguments, words", [
    ({"reduction": "average"}, "reduction should be 'none', 'mean' or 'sum', got 'average'"),
    ({"label_smoothing": 1.5}, "label_smoothing lies between 0 and 1, got 1.5"),
    ({"weight": np.ones(3)},
     "weight should have one value for each of the 10 classes, got shape (3,)")])
def test_a_bad_argument_is_named(arguments, words):
    with pytest.raises(ValueError) as info:
        F.cross_entropy(tc.randn(5, 10), np.zeros(5, int), **arguments)
    assert words in str(info.value)


def test_bad_inputs_and_shapes_are_named():
    with pytest.raises(IndexError, match=r"label 7 at index \(1, 0, 1\)"):
        F.nll_loss(tc.randn(2, 3, 1, 2), np.array([[[0, 1]], [[2, 7]]]))
    with pytest.raises(ValueError, match="input should be floating point"):
        F.cross_entropy(tc.tensor([[1, 2]]), tc.tensor([0]))
    with pytest.raises(ValueError, match=r"mse_loss: input \(2, 3\) and target \(3,\)"):
        F.mse_loss(tc.randn(2, 3), tc.randn(3))
    with pytest.raises(ValueError, match="reduction should be"):
        nn.MSELoss(reduction="max")
