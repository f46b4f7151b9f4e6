"""Boxes by torchvision's names: against cases by hand, pixels counted, and plain loops."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
from tinyconv import vision
from tinyconv.testing import check_grad

SIDE = 12
corners = st.tuples(*[st.integers(0, SIDE - 1)] * 2, *[st.integers(1, 5)] * 2).map(
    lambda b: (b[0], b[1], min(b[0] + b[2], SIDE), min(b[1] + b[3], SIDE)))
some_boxes = st.lists(corners, min_size=1, max_size=6).map(lambda b: np.array(b, np.float64))


# ---- forms ---------------------------------------------------------------------------------------

def test_a_box_in_three_forms():
    xyxy, xywh, cxcywh = [[10, 20, 40, 60.]], [[10, 20, 30, 40.]], [[25, 40, 30, 40.]]
    forms = {"xyxy": xyxy, "xywh": xywh, "cxcywh": cxcywh}
    for a in forms:
        for b in forms:
            assert vision.box_convert(tc.tensor(forms[a]), a, b).tolist() == forms[b], (a, b)


def test_whole_numbers_stay_whole_but_for_centres():
    whole = np.array([[1, 2, 4, 4]])
    assert vision.box_convert(whole, "xyxy", "xywh").dtype == np.int64
    centre = vision.box_convert(whole, "xyxy", "cxcywh")
    assert centre.dtype == np.float32 and centre.tolist() == [[2.5, 3, 3, 2]]


def test_a_form_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="box_convert: .*xyxy, xywh, cxcywh, got 'yxyx'"):
        vision.box_convert(np.zeros((1, 4)), "xyxy", "yxyx")


def test_what_has_no_four_numbers_is_no_box():
    with pytest.raises(ValueError, match=r"box_area: .*four numbers.*\(2, 3\)"):
        vision.box_area(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"box_iou: expected .*\(4,\)"):
        vision.box_iou(np.zeros(4), np.zeros((1, 4)))
    with pytest.raises(ValueError, match="come in pairs"):
        vision.generalized_box_iou_loss(np.zeros((2, 4)), np.zeros((3, 4)))


def test_boxes_are_cut_at_the_border_of_the_image():
    cut = vision.clip_boxes_to_image(tc.tensor([[-5., 3, 40, 99], [50, 60, 70, 80]]), (20, 30))
    assert cut.tolist() == [[0, 3, 30, 20], [30, 20, 30, 20]]


# ---- overlap -------------------------------------------------------------------------------------

def test_overlap_by_hand():
    a, b = [[0, 0, 2, 2]], [[1, 1, 3, 3], [0, 0, 2, 2], [2, 0, 4, 2], [5, 5, 6, 6]]
    iou = vision.box_iou(a, b)
    assert iou.dtype == np.float32                 # whole numbers in, shares out
    np.testing.assert_allclose(iou.data, [[1 / 7, 1, 0, 0]], rtol=1e-6)
    # the least boxes around both have the areas 9, 4, 8 and 36; the unions 7, 4, 8 and 5
    np.testing.assert_allclose(vision.generalized_box_iou(a, b).data,
                               [[1 / 7 - 2 / 9, 1, 0, -31 / 36]], rtol=1e-6)
    # centres are √2, 0, 2 and √(4.5² + 4.5²) apart, diagonals √18, √8, √20 and √72
    np.testing.assert_allclose(vision.distance_box_iou(a, b).data,
                               [[1 / 7 - 2 / 18, 1, -4 / 20, -40.5 / 72]], rtol=1e-5)


def test_complete_iou_also_compares_the_shape_by_hand():
    wide, tall = np.array([[0, 0, 4, 2.]]), np.array([[1, -1, 3, 3.]])      # one centre
    v = 4 / math.pi ** 2 * (math.atan(2) - math.atan(0.5)) ** 2
    iou = 4 / 12
    expected = iou - v * v / (1 - iou + v)
    np.testing.assert_allclose(vision.complete_box_iou(wide, tall).data, [[expected]], rtol=1e-6)
    np.testing.assert_allclose(vision.complete_box_iou_loss(wide, tall).data, [1 - expected],
                               rtol=1e-6)


def pixels(box):
    """The pixels in a box of whole numbers."""
    x1, y1, x2, y2 = map(int, box)
    return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}


@given(some_boxes, some_boxes)
def test_overlaps_are_shares_of_pixels(a, b):
    iou, giou = vision.box_iou(a, b).data, vision.generalized_box_iou(a, b).data
    assert iou.shape == giou.shape == (len(a), len(b))
    for i, first in enumerate(a):
        for j, second in enumerate(b):
            p, q = pixels(first), pixels(second)
            around = pixels((*np.minimum(first, second)[:2], *np.maximum(first, second)[2:]))
            share = len(p & q) / len(p | q)
            assert iou[i, j] == pytest.approx(share, abs=1e-12)
            rest = len(around - (p | q)) / len(around)
            assert giou[i, j] == pytest.approx(share - rest, abs=1e-12)
            assert vision.box_area(a).data[i] == len(p)


@given(some_boxes)
def test_a_box_has_nothing_more_in_common_than_with_itself(a):
    b = a[::-1]
    for overlap in (vision.box_iou, vision.generalized_box_iou, vision.distance_box_iou,
                    vision.complete_box_iou):
        both = overlap(a, b).data
        np.testing.assert_allclose(both, overlap(b, a).data.T, atol=1e-6)
        assert both.max() <= 1 + 1e-9 and both.min() >= -2
        np.testing.assert_allclose(np.diag(overlap(a, a).data), 1, atol=1e-6)


def test_no_boxes_have_no_overlaps():
    assert vision.box_iou(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)


@pytest.mark.parametrize("loss", [vision.generalized_box_iou_loss, vision.complete_box_iou_loss])
def test_losses_have_slopes_even_where_boxes_do_not_meet(loss):
    a = np.array([[0.3, 0.2, 2.4, 2.1], [0, 0.1, 1, 1.3], [3, 3.2, 9.1, 8]])
    b = np.array([[1.1, 0.9, 3.3, 3.2], [5.2, 6, 7.1, 9.3], [4.2, 4, 8, 7]])
    if loss is vision.generalized_box_iou_loss:                # CIoU takes α as constant
        check_grad(loss, a, b)
    a = tc.tensor(a, requires_grad=True)
    loss(a, b, reduction="sum").backward()
    assert (np.abs(a.grad.data).sum(1) > 1e-3).all()


def test_the_losses_reduce_as_all_others_do():
    a, b = np.array([[0, 0, 2, 2.], [0, 0, 1, 1]]), np.array([[1, 1, 3, 3.], [0, 0, 1, 1]])
    for loss in (vision.generalized_box_iou_loss, vision.complete_box_iou_loss):
        each = loss(a, b).data
        assert loss(a, b, "mean").item() == pytest.approx(each.mean())
        assert loss(a, b, "sum").item() == pytest.approx(each.sum())


def test_complete_iou_takes_alpha_as_constant_and_has_the_slopes_of_the_rest():
    b, alpha = np.array([[1.1, 0.9, 3.3, 3.2]]), []

    def frozen(a):
        """1 − CIoU with the α of the point where it began."""
        iou = vision.box_iou(a, b)
        shape = (tc.atan((b[:, 2] - b[:, 0]) / (b[:, 3] - b[:, 1]))
                 - tc.atan((a[:, 2] - a[:, 0]) / (a[:, 3] - a[:, 1])))
        v = shape ** 2 * (4 / np.pi ** 2)
        alpha.append(v.data / (1 - iou.data[0] + v.data))
        return 1 - (vision.distance_box_iou(a, b)[0] - alpha[0] * v)

    slopes = []
    for loss in (lambda a: vision.complete_box_iou_loss(a, b), frozen):
        a = tc.tensor([[0.3, 0.2, 2.4, 3.1]], dtype=tc.float64, requires_grad=True)
        loss(a).sum().backward()
        slopes.append(a.grad.data)
    np.testing.assert_allclose(*slopes, rtol=1e-5)


# ---- suppression ---------------------------------------------------------------------------------

def test_of_three_boxes_on_one_thing_the_best_is_kept_by_hand():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 5], [20, 20, 30, 30.]])
    scores = np.array([0.6, 0.9, 0.7, 0.8])        # IoU with box 1: 9/11, –, 45/105, 0
    assert vision.nms(boxes, scores, 0.5).tolist() == [1, 3, 2]
    assert vision.nms(boxes, scores, 0.4).tolist() == [1, 3]
    assert vision.nms(boxes, scores, 0.9).tolist() == [1, 3, 2, 0]
    assert vision.nms(boxes[:0], scores[:0], 0.5).tolist() == []


def test_an_overlap_that_equals_the_threshold_is_no_reason_to_drop_a_box():
    assert vision.nms([[0, 0, 2, 2.], [0, 0, 2, 1]], np.array([0.9, 0.8]), 0.5).tolist() == [0, 1]


def test_of_equal_scores_the_first_goes_first():
    assert vision.nms([[0, 0, 2, 2.]] * 3, np.array([0.5, 0.5, 0.5]), 0.5).tolist() == [0]


@given(some_boxes, st.randoms(use_true_random=False), st.sampled_from([0.2, 0.5, 0.8]))
def test_suppression_is_a_plain_loop_within_each_group(boxes, random, threshold):
    scores = np.array([random.choice([0.1, 0.4, 0.7, 0.9]) for _ in boxes])
    groups = np.array([random.choice([2, 5]) for _ in boxes])
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        def overlap(j):
            p, q = pixels(boxes[i]), pixels(boxes[j])
            return len(p & q) / len(p | q)
        if all(groups[i] != groups[j] or overlap(j) <= threshold for j in kept):
            kept.append(i)
    assert vision.batched_nms(boxes, scores, groups, threshold).tolist() == kept
    alone = [i for i in kept if groups[i] == 2]
    mine = np.flatnonzero(groups == 2)
    assert mine[vision.nms(boxes[mine], scores[mine], threshold).data].tolist() == alone


def test_suppression_says_which_shapes_do_not_fit():
    with pytest.raises(ValueError, match=r"nms: expected .*\(3, 4\) and \(2,\)"):
        vision.nms(np.zeros((3, 4)), np.zeros(2), 0.5)
    with pytest.raises(ValueError, match=r"batched_nms: .*each of 3 boxes.*\(2,\)"):
        vision.batched_nms(np.zeros((3, 4)), np.zeros(3), np.zeros(2, int), 0.5)
