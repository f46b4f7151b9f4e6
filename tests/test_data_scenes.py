"""Drawn scenes: what the truth says of an image is so."""
import time

import numpy as np
import pytest

from tinyconv.data import scenes


@pytest.fixture(scope="module")
def drawn():
    return scenes.draw(300, np.random.default_rng(0))


def test_scenes_have_the_shapes_and_dtypes_that_are_promised(drawn):
    images, masks, boxes, labels = drawn
    assert images.shape == (300, 3, 64, 64) and images.dtype == np.uint8
    assert masks.shape == (300, 64, 64) and masks.dtype == np.int64
    assert boxes.shape == (300, 4, 4) and boxes.dtype == np.float32
    assert labels.shape == (300, 4) and labels.dtype == np.int64
    small = scenes.draw(2, np.random.default_rng(0), size=32, shapes=2)
    assert small.images.shape == (2, 3, 32, 32) and small.boxes.shape == (2, 2, 4)


def test_a_seed_gives_the_same_scenes_and_another_others(drawn):
    first = drawn.part(slice(64))                  # those that are drawn together
    again, others = (scenes.draw(64, np.random.default_rng(seed)) for seed in (0, 1))
    assert all((a == b).all() for a, b in zip(first, again))
    assert (others.images != first.images).any((1, 2, 3)).all()


def test_every_class_comes_and_each_scene_has_one_to_four_shapes(drawn):
    assert set(np.unique(drawn.masks)) == set(range(len(scenes.CLASSES)))
    assert set((drawn.labels > 0).sum(1)) == {1, 2, 3, 4}


def test_where_there_is_no_label_there_is_no_box(drawn):
    assert (drawn.boxes[drawn.labels == 0] == 0).all()
    size = drawn.boxes[..., 2:] - drawn.boxes[..., :2]
    assert (size[drawn.labels > 0] >= 5).all() and (drawn.boxes <= 64).all()


def test_boxes_hold_all_pixels_of_their_class_and_touch_them_on_all_sides(drawn):
    for mask, boxes, labels in zip(drawn.masks, drawn.boxes.astype(int), drawn.labels):
        outside = mask.copy()
        for (x1, y1, x2, y2), label in zip(boxes, labels):
            if label:
                inside = mask[y1:y2, x1:x2] == label
                assert all(side.any() for side in (inside[0], inside[-1], inside[:, 0],
                                                   inside[:, -1]))
                part = outside[y1:y2, x1:x2]
                part[part == label] = 0
        assert (outside == 0).all()                # what is drawn is in some box of its class


def test_of_lone_shapes_the_area_fits_the_class(drawn):
    alone = (drawn.labels > 0).sum(1) == 1
    x1, y1, x2, y2 = np.moveaxis(drawn.boxes[alone, 0], -1, 0)
    filled = (drawn.masks[alone] > 0).sum((1, 2)) / ((x2 - x1) * (y2 - y1))
    label = drawn.labels[alone, 0]
    assert np.abs(filled[label == 1] - np.pi / 4).max() < 0.04             # discs
    assert (filled[label == 2] > 0.45).all()                               # squares: from 1/2 to 1
    assert (filled[label == 3] < 0.6).all() and (filled[label == 3] > 0.35).all()  # triangles


def test_shapes_overlap_but_hide_no_other_wholly(drawn):
    x1, y1, x2, y2 = np.moveaxis(drawn.boxes, -1, 0)
    width = np.minimum(x2[:, 0], x2[:, 1]) - np.maximum(x1[:, 0], x1[:, 1])
    height = np.minimum(y2[:, 0], y2[:, 1]) - np.maximum(y1[:, 0], y1[:, 1])
    both = (drawn.labels[:, :2] > 0).all(1)
    meet = both & (width > 0) & (height > 0)
    assert 0.1 < meet.sum() / both.sum() < 0.7
    for n, k in zip(*np.nonzero(drawn.labels)):
        a, b, c, d = drawn.boxes[n, k].astype(int)
        seen = (drawn.masks[n, b:d, a:c] == drawn.labels[n, k]).sum()
        assert seen > 0.2 * (c - a) * (d - b)


def test_a_shape_stands_out_from_its_ground(drawn):
    images = drawn.images / 255
    shape = drawn.masks > 0
    ground = [image[:, ~m].mean(1) for image, m in zip(images, shape)]
    colour = [image[:, m].mean(1) for image, m in zip(images, shape)]
    apart = np.linalg.norm(np.array(ground) - colour, axis=1)
    assert np.median(apart) > 0.3


def test_a_part_of_the_scenes_is_scenes(drawn):
    part = drawn.part(drawn.labels[:, 0] == 1)
    assert len(part.images) == len(part.masks) == len(part.boxes) == (drawn.labels[:, 0] == 1).sum()
    assert (part.labels[:, 0] == 1).all()


def test_a_thousand_scenes_are_drawn_in_seconds():
    begin = time.process_time()
    scenes.draw(1000, np.random.default_rng(0))
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("wrong", [{"n": 0}, {"size": 8}, {"shapes": 0}])
def test_scenes_of_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="draw: .*at least one scene"):
        scenes.draw(**{"n": 1, "generator": np.random.default_rng(0), **wrong})
