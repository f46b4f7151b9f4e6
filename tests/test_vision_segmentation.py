"""Segmentation: the Dice loss and the scores of masks."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import vision
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import arrays


# ---- scores --------------------------------------------------------------------------------------

def test_scores_by_hand():
    target = np.array([[0, 0, 0, 1], [0, 0, 1, 1]])
    predicted = np.array([[0, 0, 1, 1], [0, 0, 1, 0]])
    confusion = vision.confusion_matrix(predicted, target, 3)
    assert confusion.tolist() == [[4, 1, 0], [1, 2, 0], [0, 0, 0]]
    accuracy, iou, mean = vision.mask_scores(confusion)
    assert accuracy == 6 / 8
    np.testing.assert_allclose(iou, [4 / 6, 2 / 4, np.nan])
    assert mean == pytest.approx((4 / 6 + 2 / 4) / 2)          # of the classes that there are


@given(arrays((2, 5, 4), values="normal"), st.randoms(use_true_random=False))
def test_class_iou_is_a_share_of_pixels(x, random):
    target = np.array([random.randrange(4) for _ in range(40)]).reshape(2, 5, 4)
    predicted = np.floor(np.abs(np.asarray(x)) * 2).clip(0, 3).astype(int)
    confusion = vision.confusion_matrix(tc.tensor(predicted), tc.tensor(target), 4)
    accuracy, iou, _ = vision.mask_scores(confusion)
    assert accuracy == pytest.approx((predicted == target).mean())
    for c in range(4):
        p, t = set(np.flatnonzero(predicted == c)), set(np.flatnonzero(target == c))
        assert np.isnan(iou[c]) if not p | t else iou[c] == pytest.approx(len(p & t) / len(p | t))


def test_confusions_of_batches_add_up():
    rng = np.random.default_rng(0)
    p, t = rng.integers(0, 3, (2, 6, 4, 4))
    whole = vision.confusion_matrix(p, t, 3)
    assert whole.sum() == p.size
    assert (sum(vision.confusion_matrix(p[i:i + 2], t[i:i + 2], 3) for i in (0, 2, 4))
            == whole).all()


def test_nothing_has_no_score():
    accuracy, iou, mean = vision.mask_scores(np.zeros((2, 2)))
    assert np.isnan(accuracy) and np.isnan(iou).all() and np.isnan(mean)


@pytest.mark.parametrize("predicted, target, error, says", [
    (np.zeros((2, 3), int), np.zeros((2, 4), int), ValueError, r"\(2, 3\) and target \(2, 4\)"),
    (np.zeros(2), np.zeros(2, int), TypeError, r"predicted should be classes.*argmax\(1\)"),
    (np.zeros(2, int), np.array([0, 3]), ValueError, r"target should lie in 0 … 2, got 0 … 3"),
    (np.array([-1, 0]), np.zeros(2, int), ValueError, r"predicted should lie in .* got -1 … 0")])
def test_what_cannot_be_compared_is_refused(predicted, target, error, says):
    with pytest.raises(error, match=f"confusion_matrix: .*{says}"):
        vision.confusion_matrix(predicted, target, 3)


# ---- Dice ----------------------------------------------------------------------------------------

def test_dice_by_hand():
    logits = np.log(np.array([[[0.75, 0.5, 0.25], [0.25, 0.5, 0.75]]]))    # (1, 2, 3)
    target = np.array([[0, 0, 1]])
    # class 0: Σ p t = 1.25, Σ p = 1.5, Σ t = 2; class 1: Σ p t = 0.75, Σ p = 1.5, Σ t = 1
    for smooth in (0.0, 1.0):
        first, second = (2.5 + smooth) / (3.5 + smooth), (1.5 + smooth) / (2.5 + smooth)
        assert vision.dice_loss(logits, target, smooth).item() == pytest.approx(
            1 - (first + second) / 2)


def test_dice_is_0_where_all_is_right_and_nearly_1_where_all_is_wrong():
    target = np.random.default_rng(0).integers(0, 3, (2, 8, 8))
    right = 50 * np.moveaxis(np.eye(3)[target], -1, 1)
    assert vision.dice_loss(right, target).item() < 1e-9
    assert vision.dice_loss(np.roll(right, 1, 1), target).item() > 0.95


@given(arrays((2, 3, 2, 2)))
def test_dice_has_its_derivatives(x):
    target = np.arange(8).reshape(2, 2, 2) % 3
    check_grad(lambda x: vision.dice_loss(x, target), x, name="dice_loss")


def test_dice_gives_a_rare_class_its_weight():
    target = np.zeros((1, 10, 10), int)
    target[0, 0, 0] = 1                                    # one pixel of a hundred
    logits = np.zeros((1, 2, 10, 10))
    logits[:, 0] = 5                                       # "it is background everywhere"
    assert F.cross_entropy(logits, target).item() < 0.1
    assert vision.dice_loss(logits, target, smooth=0).item() > 0.4


def test_dice_says_which_shapes_do_not_fit():
    with pytest.raises(ValueError, match=r"dice_loss: .*\(2, 3, 4, 4\).*\(2, 4, 4\), got \(2, 4\)"):
        vision.dice_loss(np.zeros((2, 3, 4, 4)), np.zeros((2, 4), int))
