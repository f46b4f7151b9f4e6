"""The grid of a detector: numbers into boxes and back, its loss, and what it finds."""
import math

import numpy as np
import pytest

import tinyconv as tc
from tinyconv import data, models, optim, vision
from tinyconv.testing import check_grad

GRID = vision.Grid(8, ((6.0, 6.0), (16.0, 12.0)))
BOXES = np.array([[[2, 1, 8, 7.], [9, 4, 25, 16]], [[0, 0, 0, 0], [17, 9, 23, 15]]])
LABELS = np.array([[3, 1], [0, 2]])                        # three boxes, one place for padding


def numbers(rng, C=3, N=2):
    """What a detector might say of images of 24×32."""
    return tc.tensor(rng.standard_normal((N, 2 * (5 + C), 3, 4)), requires_grad=True)


def perfect(boxes, labels, C=3):
    """The numbers that say just these boxes, one after the other."""
    y = np.zeros((len(boxes), 2, 5 + C, 3, 4))
    y[:, :, 4] = -20
    places = GRID.assign(boxes, labels, (3, 4))
    for n, b, i, j, (x1, y1, x2, y2), c in zip(*places.where, places.boxes, places.classes):
        u, v = (x1 + x2) / 2 / 8 - j, (y1 + y2) / 2 / 8 - i
        w, h = (x2 - x1) / GRID.anchors[b][0], (y2 - y1) / GRID.anchors[b][1]
        y[n, b, :4, i, j] = *(math.log(a / (1 - a)) for a in (u, v)), math.log(w), math.log(h)
        y[n, b, [4, 5 + c], i, j] = 20
    return tc.tensor(y.reshape(len(boxes), -1, 3, 4))


# ---- reading -------------------------------------------------------------------------------------

def test_zeros_are_the_anchors_in_the_middle_of_their_cells():
    read = GRID.read(tc.zeros(1, 16, 3, 4))
    assert read.boxes.shape == (1, 2, 3, 4, 4)
    assert read.boxes[0, 0, 0, 0].tolist() == [1, 1, 7, 7]             # centre 4, 4
    assert read.boxes[0, 1, 2, 3].tolist() == [20, 14, 36, 26]         # centre 28, 20
    assert read.sure.shape == (1, 2, 3, 4) and read.classes.shape == (1, 2, 3, 4, 3)


def test_numbers_are_read_by_the_equations(rng):
    y = numbers(rng).data
    read = GRID.read(tc.tensor(y))
    for n, b, i, j in np.ndindex(2, 2, 3, 4):
        tx, ty, tw, th, to, *classes = y[n, 8 * b:8 * b + 8, i, j]
        x, v = (j + 1 / (1 + math.exp(-tx))) * 8, (i + 1 / (1 + math.exp(-ty))) * 8
        w, h = GRID.anchors[b][0] * math.exp(tw), GRID.anchors[b][1] * math.exp(th)
        np.testing.assert_allclose(read.boxes.data[n, b, i, j],
                                   [x - w / 2, v - h / 2, x + w / 2, v + h / 2])
        assert read.sure.data[n, b, i, j] == to
        assert read.classes.data[n, b, i, j].tolist() == classes


def test_channels_that_do_not_fit_the_anchors_are_refused():
    with pytest.raises(ValueError, match=r"2 anchors need 2·\(5 \+ classes\) channels, got 15"):
        GRID.read(tc.zeros(1, 15, 3, 4))


# ---- writing -------------------------------------------------------------------------------------

def test_a_box_belongs_to_the_cell_of_its_centre_and_the_anchor_most_like_it():
    (image, anchor, row, column), boxes, classes = GRID.assign(BOXES, LABELS, (3, 4))
    assert sorted(zip(image, anchor, row, column, classes)) == [
        (0, 0, 0, 0, 2), (0, 1, 1, 2, 0), (1, 0, 1, 2, 1)]
    assert len(boxes) == 3


def test_where_a_place_is_taken_the_other_anchor_answers_and_then_none():
    boxes = np.array([[[1, 1, 7, 7.], [1, 1, 7, 6], [2, 2, 7, 7]]])
    (_, anchor, _, _), kept, classes = GRID.assign(boxes, np.array([[1, 2, 3]]), (3, 4))
    assert anchor.tolist() == [0, 1] and classes.tolist() == [0, 1]
    assert (kept == boxes[0, :2]).all()


def test_a_centre_on_the_far_border_belongs_to_the_last_cell():
    box = np.array([[[30, 22, 34, 26.]]])
    (_, _, row, column), _, _ = GRID.assign(box, np.array([[1]]), (3, 4))
    assert (row.tolist(), column.tolist()) == ([2], [3])


def test_anchors_are_the_sizes_around_which_boxes_lie(rng):
    sizes = np.concatenate([rng.normal((10, 20), 0.5, (50, 2)), rng.normal((40, 30), 1, (90, 2))])
    small, large = vision.choose_anchors(sizes, 2, rng)
    np.testing.assert_allclose([small, large], [(10, 20), (40, 30)], atol=0.5)
    with pytest.raises(ValueError, match="3 anchors need as many sizes above 0, got 2"):
        vision.choose_anchors([[1, 1], [2, 2]], 3, rng)


# ---- the loss ------------------------------------------------------------------------------------

def test_the_loss_is_what_its_equation_says(rng):
    y = numbers(rng)
    read, total = GRID.read(y), dict(box=0.0, sure=0.0, classes=0.0)
    answers = {(0, 0, 0, 0): (BOXES[0, 0], 2), (0, 1, 1, 2): (BOXES[0, 1], 0),
               (1, 0, 1, 2): (BOXES[1, 1], 1)}
    for place in np.ndindex(2, 2, 3, 4):
        mine, o = read.boxes.data[place], 1 / (1 + math.exp(-read.sure.data[place]))
        truths = BOXES[place[0]][LABELS[place[0]] > 0]
        wanted = 0.0
        if place in answers:
            box, c = answers[place]
            wanted = vision.box_iou(mine[None], box[None]).item()
            total["box"] += 2 * (1 - vision.generalized_box_iou(mine[None], box[None]).item())
            p = np.exp(read.classes.data[place])
            total["classes"] -= math.log(p[c] / p.sum())
        elif vision.box_iou(mine[None], truths).data.max() > 0.5:
            continue
        total["sure"] -= wanted * math.log(o) + (1 - wanted) * math.log(1 - o)
    loss = vision.detection_loss(y, BOXES, LABELS, GRID)
    for name, value in total.items():
        assert getattr(loss, name).item() == pytest.approx(value / 3, rel=1e-5), name
    assert loss.total.item() == pytest.approx(sum(total.values()) / 3, rel=1e-5)


def test_a_place_that_overlaps_the_truth_but_does_not_answer_is_left_alone():
    y = np.zeros((1, 2, 8, 3, 4))
    y[0, :, 4] = -3
    y[0, 0, 4, 1, 1], y[0, 1, 2:4, 1, 1] = 3, np.log([6 / 16, 6 / 12])      # both are the truth
    y = tc.tensor(y.reshape(1, 16, 3, 4), requires_grad=True)
    vision.detection_loss(y, np.array([[[9, 9, 15, 15.]]]), np.array([[1]]), GRID).total.backward()
    slopes = y.grad.data.reshape(2, 8, 3, 4)[:, 4]
    assert slopes[1, 1, 1] == 0 and (np.delete(slopes.ravel(), 12 + 5) != 0).all()


def test_the_loss_has_its_derivatives(rng):
    y = numbers(rng)
    def trained(y):                                # o* is constant: so it is not in this check
        loss = vision.detection_loss(y, BOXES, LABELS, GRID)
        return loss.box + loss.classes
    check_grad(trained, y.data)
    wanted = vision.box_iou(GRID.read(y).boxes.data[0, 0, 0, 0][None], BOXES[0, :1]).item()
    vision.detection_loss(y, BOXES, LABELS, GRID).sure.backward()
    o = 1 / (1 + math.exp(-y.data[0, 4, 0, 0]))
    assert y.grad.data[0, 4, 0, 0] == pytest.approx((o - wanted) / 3, rel=1e-5)
    others = y.grad.data.reshape(2, 2, 8, 3, 4)[:, :, [0, 1, 2, 3, 5, 6, 7]]
    assert (others == 0).all()


def test_the_perfect_answer_has_no_loss_and_nothing_to_find_has_a_loss():
    loss = vision.detection_loss(perfect(BOXES, LABELS), BOXES, LABELS, GRID)
    assert loss.total.item() < 1e-5
    y = tc.zeros(2, 16, 3, 4)
    loss = vision.detection_loss(y, BOXES, 0 * LABELS, GRID)
    assert loss.box.item() == loss.classes.item() == 0
    assert loss.sure.item() == pytest.approx(48 * math.log(2))


def test_arrays_that_do_not_fit_are_refused(rng):
    y = numbers(rng)
    with pytest.raises(ValueError, match=r"boxes should be \(N, K, 4\).*got \(2, 2, 4\)"):
        vision.detection_loss(y, BOXES, LABELS[:, :1], GRID)
    with pytest.raises(ValueError, match=r"y has 3 classes.*to 3, got 0 … 4"):
        vision.detection_loss(y, BOXES, LABELS + (LABELS > 0) * 1, GRID)


# ---- finding -------------------------------------------------------------------------------------

def test_what_is_written_is_found():
    found = vision.detect(perfect(BOXES, LABELS), GRID)
    assert [f.labels.tolist() for f in found] in ([[3, 1], [2]], [[1, 3], [2]])
    np.testing.assert_allclose(found[1].boxes, BOXES[1, 1:], atol=1e-9)
    np.testing.assert_allclose(found[1].scores, [1], atol=1e-6)
    assert vision.average_precision(found, [*map(vision.Boxes, BOXES, LABELS)]).ap == 1


def test_what_is_found_is_likely_sorted_and_not_twice_there(rng):
    y = numbers(rng)
    everything = vision.detect(y, GRID, score_threshold=0, iou_threshold=1)
    assert [len(f.boxes) for f in everything] == [24, 24]
    for boxes, labels, scores in vision.detect(y, GRID, score_threshold=0.3, iou_threshold=0.4):
        assert (scores >= 0.3).all() and (np.diff(scores) <= 0).all()
        alike = (vision.box_iou(boxes, boxes).data > 0.4) & (labels[:, None] == labels)
        assert alike.sum() == len(boxes)                   # each with itself alone
    few = vision.detect(y, GRID, score_threshold=0, most=3)
    assert [len(f.boxes) for f in few] == [3, 3]


@pytest.mark.compiled
def test_the_detector_learns_four_scenes_by_heart():
    tc.manual_seed(0)
    drawn = data.scenes.draw(4, np.random.default_rng(3), size=32, shapes=2)
    model = models.create("detector", num_classes=4, boxes=2, widths=(8, 16))
    grid = vision.Grid(model.stride, ((8.0, 8.0), (14.0, 14.0)))
    x = tc.tensor(drawn.images / np.float32(255) - np.float32(0.5))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        loss = vision.detection_loss(model(x), drawn.boxes, drawn.labels, grid).total
        optimizer.zero_grad(), loss.backward(), optimizer.step()
    ap = vision.average_precision(vision.detect(model(x), grid), [*map(vision.Boxes, *drawn[2:])])
    assert ap.ap50 == 1 and ap.ap > 0.7
