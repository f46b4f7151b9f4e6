"""Average precision: against cases by hand, and against its definition in plain loops."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyconv import vision
from tinyconv.vision.precision import Boxes

SQUARE = [0, 0, 10, 10]


def image(*boxes):
    """(x1, y1, x2, y2, label) or (x1, y1, x2, y2, label, score), …"""
    rows = np.array(boxes, float) if boxes else np.zeros((0, 6))
    return Boxes(rows[:, :4], rows[:, 4].astype(int), rows[:, 5] if rows.shape[1] == 6 else None)


# ---- by hand -------------------------------------------------------------------------------------

def test_all_found_is_1_and_nothing_found_is_0():
    truth = [image((*SQUARE, 1), (20, 20, 30, 30, 2)), image((*SQUARE, 2))]
    found = [Boxes(t.boxes, t.labels, np.ones(len(t.labels))) for t in truth]
    assert vision.average_precision(found, truth)[:2] == (1, 1)
    assert vision.average_precision([image(), image()], truth)[:2] == (0, 0)


def test_a_wrong_box_costs_what_comes_after_it():
    truth = [image((*SQUARE, 1), (20, 20, 30, 30, 1))]
    wrong = (40, 40, 50, 50, 1)
    def ap50(*scores):
        return vision.average_precision([image((*SQUARE, 1, scores[0]), (*wrong, scores[1]),
                                               (20, 20, 30, 30, 1, scores[2]))], truth).ap50
    # right, wrong, right: precision 1 up to recall 1/2 (51 of 101), then 2/3
    assert ap50(0.9, 0.8, 0.7) == pytest.approx((51 + 50 * 2 / 3) / 101)
    # wrong, right, right: best precision 2/3 at every recall
    assert ap50(0.7, 0.9, 0.8) == pytest.approx(2 / 3)
    assert ap50(0.9, 0.1, 0.8) == 1                        # after the last right one it costs none


def test_a_second_box_on_the_same_thing_is_wrong():
    truth = [image((*SQUARE, 1), (20, 20, 30, 30, 1))]
    found = [image((*SQUARE, 1, 0.9), (0, 0, 10, 9, 1, 0.8), (20, 20, 30, 30, 1, 0.7))]
    ap = vision.average_precision(found, truth)
    assert ap.ap50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_box_claims_what_is_left_if_its_best_is_taken():
    truth = [image((0, 0, 10, 10, 1), (0, 0, 10, 8, 1))]
    found = [image((0, 0, 10, 10, 1, 0.9), (0, 0, 10, 9.9, 1, 0.8))]
    assert vision.average_precision(found, truth).ap50 == 1
    assert vision.average_precision(found, truth, [0.9]).ap == pytest.approx(51 / 101)


def test_the_mean_over_thresholds():
    truth, found = [image((*SQUARE, 1))], [image((0, 0, 10, 7.2, 1, 0.5))]      # IoU 0.72
    ap = vision.average_precision(found, truth)
    assert ap.table.ravel().tolist() == [1] * 5 + [0] * 5 and ap.ap == 0.5 and ap.ap50 == 1
    assert ap.thresholds == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def test_an_iou_that_equals_the_threshold_counts():
    found = [image((0, 0, 10, 5, 1, 0.5))]
    assert vision.average_precision(found, [image((*SQUARE, 1))], [0.5]).ap50 == 1


def test_label_0_is_padding_and_classes_not_in_the_truth_count_nothing():
    truth = [image((*SQUARE, 1), (*SQUARE, 0))]
    found = [image((*SQUARE, 1, 0.5), (*SQUARE, 3, 0.9), (*SQUARE, 0, 0.9))]
    ap = vision.average_precision(found, truth)
    assert ap.classes == (1,) and ap[:2] == (1, 1)


def test_the_right_box_of_the_wrong_class_or_image_is_wrong():
    truth = [image((*SQUARE, 1)), image((*SQUARE, 2))]
    found = [image((*SQUARE, 2, 0.9)), image((*SQUARE, 1, 0.9))]
    assert vision.average_precision(found, truth).ap == 0


def test_nothing_to_find_has_no_precision():
    ap = vision.average_precision([image((*SQUARE, 1, 0.9))], [image()])
    assert math.isnan(ap.ap) and math.isnan(ap.ap50) and ap.classes == ()
    assert math.isnan(vision.average_precision([image()], [image((*SQUARE, 1))], [0.75]).ap50)
    with pytest.raises(ValueError, match="found in 1 images, but the truth of 2"):
        vision.average_precision([image()], [image(), image()])


# ---- the definition, in plain loops --------------------------------------------------------------

def overlap(a, b):
    w, h = (max(0.0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    union = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)) - w * h
    return w * h / union


def plainly(found, truth, label, threshold):
    """AP of one class at one threshold, by its definition."""
    boxes = [(-s, n, k) for n, mine in enumerate(found)
             for k, s in enumerate(mine.scores) if mine.labels[k] == label]
    there = {(n, k) for n, real in enumerate(truth)
             for k, c in enumerate(real.labels) if c == label}
    claimed, points = set(), []
    for place, (_, n, k) in enumerate(sorted(boxes), 1):
        near = [(overlap(found[n].boxes[k], truth[m].boxes[j]), -j, (m, j))
                for m, j in there - claimed if m == n]
        if near and max(near)[0] >= threshold:
            claimed.add(max(near)[2])
        points.append((len(claimed) / len(there), len(claimed) / place))
    return sum(max((p for r, p in points if r >= wanted / 100 - 1e-12), default=0.0)
               for wanted in range(101)) / 101


box = st.tuples(*[st.integers(0, 6)] * 2, *[st.integers(1, 6)] * 2, st.integers(1, 2)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3], b[4]))


@given(st.lists(st.tuples(st.lists(box, max_size=4), st.lists(box, max_size=5)),
                min_size=1, max_size=4), st.permutations(range(1, 21)))
def test_average_precision_is_what_its_definition_says(images, ranks):
    ranks = iter(ranks)                                    # scores that differ: order is unique
    truth = [image(*real) for real, _ in images]
    found = [image(*((*b, next(ranks) / 20) for b in mine)) for _, mine in images]
    ap = vision.average_precision(found, truth, [0.3, 0.5, 0.75])
    for row, threshold in zip(ap.table, ap.thresholds):
        for value, label in zip(row, ap.classes):
            assert value == pytest.approx(plainly(found, truth, label, threshold))
    if ap.classes:
        assert ap.ap == pytest.approx(ap.table.mean())
        assert ap.ap50 == pytest.approx(ap.table[1].mean())
