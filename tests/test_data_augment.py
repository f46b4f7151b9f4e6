"""Augmentations do to a whole batch what a plain loop would do to each image."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tinyconv.data import Normalize, RandomCrop, RandomHorizontalFlip, RandomShift


def batch(N=6, C=3, H=5, W=7, seed=0, channels_last=False, dtype=np.uint8):
    images = np.random.default_rng(seed).integers(0, 256, (N, C, H, W)).astype(dtype)
    if channels_last:
        images = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    images.setflags(write=False)                            # nothing writes to its input
    return images


@given(st.integers(1, 5), st.sampled_from([1, 3]), st.integers(1, 6), st.integers(1, 6),
       st.integers(0, 3), st.booleans(), st.integers(0, 1000))
@settings(deadline=None)
def test_a_crop_is_a_window_of_the_padded_image(N, C, H, W, padding, channels_last, seed):
    images = batch(N, C, H, W, seed, channels_last)
    result = RandomCrop(padding=padding)(images, np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    top, left = (rng.integers(0, 2 * padding + 1, N) for _ in range(2))
    for n in range(N):
        padded = np.pad(images[n], ((0, 0), (padding, padding), (padding, padding)))
        expected = padded[:, top[n]:top[n] + H, left[n]:left[n] + W]
        np.testing.assert_array_equal(result[n], expected)
    assert result.dtype == np.uint8 and result.transpose(0, 2, 3, 1).flags.c_contiguous


def test_a_crop_may_have_another_size():
    images = batch()
    assert RandomCrop(3, padding=0)(images, np.random.default_rng(0)).shape == (6, 3, 3, 3)
    assert RandomCrop((6, 8), padding=1)(images, np.random.default_rng(0)).shape == (6, 3, 6, 8)
    with pytest.raises(ValueError, match="window of 9×9 does not fit into images of 5×7 with pad"):
        RandomCrop(9, padding=1)(images, np.random.default_rng(0))


def test_a_shift_reaches_every_offset_and_leaves_black_behind():
    images = np.full((2000, 1, 5, 5), 255, np.uint8)
    result = RandomShift(2)(images, np.random.default_rng(0))
    rows, columns = (5 - (result[:, 0].max(axis=axis) > 0).sum(axis=1) for axis in (2, 1))
    assert set(rows) == set(columns) == {0, 1, 2}
    assert set(np.unique(result)) == {0, 255}


@given(st.integers(1, 20), st.booleans(), st.integers(0, 1000))
@settings(deadline=None)
def test_a_flip_mirrors_the_chosen_images_and_no_others(N, channels_last, seed):
    images = batch(N, 3, 4, 5, seed, channels_last)
    result = RandomHorizontalFlip()(images, np.random.default_rng(seed))
    flipped = np.random.default_rng(seed).random(N) < 0.5
    for n in range(N):
        np.testing.assert_array_equal(result[n], images[n, :, :, ::-1] if flipped[n] else images[n])
    assert result.transpose(0, 2, 3, 1).flags.c_contiguous


def test_a_flip_with_probability_0_or_1_is_certain():
    images, rng = batch(), np.random.default_rng(0)
    np.testing.assert_array_equal(RandomHorizontalFlip(0)(images, rng), images)
    np.testing.assert_array_equal(RandomHorizontalFlip(1)(images, rng), images[..., ::-1])


@pytest.mark.parametrize("channels_last", [False, True])
def test_normalising_is_pixel_over_255_minus_mean_over_std_rounded_once(channels_last):
    images = batch(channels_last=channels_last)
    mean, std = (0.5, 0.25, 0.1), (0.2, 0.3, 0.4)
    x = Normalize(mean, std)(images)
    m, s = (np.array(v)[:, None, None] for v in (mean, std))
    np.testing.assert_array_equal(x, ((images / 255 - m) / s).astype(np.float32))
    assert x.dtype == np.float32 and x.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("make, complaint", [
    (lambda: RandomCrop(padding=-1), "padding must be a whole number of at least 0, got -1"),
    (lambda: RandomCrop(padding=1.5), "got 1.5"),
    (lambda: RandomCrop(0), "size must be a whole number of at least 1, got 0"),
    (lambda: RandomShift(-2), "pixels must be a whole number of at least 0, got -2"),
    (lambda: RandomHorizontalFlip(1.5), "must be a probability, got 1.5"),
    (lambda: RandomHorizontalFlip(float("nan")), "must be a probability, got nan"),
    (lambda: Normalize((0.5,), (0,)), "std above 0"),
    (lambda: Normalize((0.5,), (1, 1)), "one number for each channel"),
    (lambda: Normalize(0.5, 1)(batch()), "expected uint8 images of 1 channels, got uint8"),
])
def test_an_argument_that_makes_no_sense_is_refused_by_name(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
