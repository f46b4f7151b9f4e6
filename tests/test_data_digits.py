"""The embedded digits: reproducible, balanced, in MNIST's convention, and legible."""

import numpy as np
import pytest

from tinyconv import data
from tinyconv.data import digits
from tinyconv.data.curves import Hand, evenly, line, point
from tinyconv.data.handwriting import STYLES


@pytest.fixture(scope="module")
def drawn():
    return digits.draw(500, np.random.default_rng(3))


def test_the_same_seed_draws_the_same_images_and_another_seed_draws_others(drawn):
    images, labels = digits.draw(500, np.random.default_rng(3))
    np.testing.assert_array_equal(images, drawn[0])
    np.testing.assert_array_equal(labels, drawn[1])
    assert not np.array_equal(digits.draw(500, np.random.default_rng(4))[0], images)


def test_images_and_labels_have_the_promised_shapes_and_equal_classes(drawn):
    images, labels = drawn
    assert images.shape == (500, 1, 28, 28) and images.dtype == np.uint8
    assert labels.dtype == np.int64 and (np.bincount(labels) == 50).all()


def test_a_number_that_ten_does_not_divide_is_spread_as_evenly_as_can_be():
    _, labels = digits.draw(23, np.random.default_rng(0))
    assert sorted(np.bincount(labels)) == [2] * 7 + [3] * 3


def test_digits_are_white_on_black_centred_by_mass_with_a_dark_border(drawn):
    images = drawn[0][:, 0] / 255
    assert images.max(axis=(1, 2)).min() > 0.9              # the ink of each is white somewhere
    assert 0.08 < images.mean() < 0.2                       # MNIST: 0.131
    edge = images.copy()
    edge[:, 2:-2, 2:-2] = 0
    assert (edge.sum(axis=(1, 2)) == 0).mean() > 0.75       # MNIST: 0.87; a few reach further
    grid = np.arange(28)
    for axis in (1, 2):
        centre = (images.sum(axis=3 - axis) @ grid) / images.sum(axis=(1, 2))
        offset = np.abs(centre - 13.5)
        assert offset.mean() < 0.6 and offset.max() < 3     # pixels; where lines overlap, more


def test_every_style_of_every_digit_draws_inside_its_page():
    for digit, styles in STYLES.items():
        for write in styles:
            drawing = write(Hand(200, np.random.default_rng(0)))
            for curve in drawing:
                assert curve.shape[::2] == (200, 2) and np.isfinite(curve).all(), write.__name__
                assert -0.6 < curve.min() and curve.max() < 1.6, write.__name__


def test_pen_positions_are_evenly_spaced_along_the_ink_and_none_between_strokes():
    strokes = [line(point([0.0], 0), point([1.0], 0)), line(point([5.0], 0), point([6.0], 0))]
    [path] = evenly(strokes, 8)
    np.testing.assert_allclose(path[:, 0], [0.125, 0.375, 0.625, 0.875, 5.125, 5.375, 5.625, 5.875])


def test_the_embedded_set_has_two_splits_that_share_no_image():
    train, test = data.load("digits"), data.load("digits", "test")
    assert (len(train), len(test)) == (20_000, 2_000)
    assert (np.bincount(train.labels) == 2000).all() and (np.bincount(test.labels) == 200).all()
    seen = {image.tobytes() for image in train.images}
    assert len(seen) == len(train) and not any(image.tobytes() in seen for image in test.images)
    mean, std = data.statistics(train.images)
    np.testing.assert_allclose((train.mean, train.std), (mean, std), atol=1e-3)
    assert train.mean == test.mean


def test_the_classes_are_told_apart_by_the_nearest_of_2000_images():
    # A crude reader, 1-nearest neighbour on blurred pixels: guards against unreadable drawings.
    train, test = data.load("digits").limit(2000), data.load("digits", "test").limit(300)

    def blurred(images):
        pooled = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    nearest = (blurred(test.images) @ blurred(train.images).T).argmax(axis=1)
    assert (train.labels[nearest] == test.labels).mean() > 0.85
