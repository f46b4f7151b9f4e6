"""More augmentations: each is what a plain loop, PyTorch or the paper's formula says, for any image."""
import colorsys

import numpy as np
import pytest

from tinyconv import data
from tinyconv.data import (AlternatingFlip, ColorJitter, CutMix, Cutout, MixUp, RandomAffine,
                           RandomErasing, RandomRotation, augmentations)
from tinyconv.data.geometric import affine_maps
from tinyconv.data.mixing import one_hot
from tinyconv.kernels import images as kernels


def batch(N=6, C=3, H=9, W=7, seed=0, dtype=np.uint8):
    images = np.random.default_rng(seed).integers(0, 256, (N, C, H, W)).astype(dtype)
    images.setflags(write=False)                            # nothing writes to its input
    return images


def rng(seed=0):
    return np.random.default_rng(seed)


CHANGES = [RandomRotation(30), RandomRotation(30, "bilinear"), RandomAffine(10, (0.2, 0.1)),
           RandomAffine((5, 9), scale=(0.5, 2), shear=(1, 2, 3, 4), interpolation="bilinear"),
           ColorJitter(0.4, 0.4, 0.4, 0.1), RandomErasing(1), RandomErasing(1, value="random"),
           RandomErasing(0.5, value=(1, 2, 3)), Cutout(4), Cutout(99), Cutout(1, 0)]


@pytest.mark.parametrize("change", CHANGES, ids=repr)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_an_augmentation_keeps_shape_and_dtype_and_depends_on_the_generator_alone(change, dtype):
    images = batch(dtype=dtype) if dtype == np.uint8 else batch(dtype=dtype) / np.float32(255)
    first, again, other = (change(images, rng(seed)) for seed in (1, 1, 2))
    assert first.shape == images.shape and first.dtype == dtype
    assert np.array_equal(first, again) and not np.array_equal(first, images)
    assert not np.array_equal(first, other) or "99" in repr(change)
    lying = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(change(lying, rng(1)), first, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("change", CHANGES, ids=repr)
def test_grey_images_and_a_single_one_will_do(change):
    if getattr(change, "value", None) != (1, 2, 3):
        assert change(batch(1, 1), rng()).shape == (1, 1, 9, 7)


# ---- turned and sheared --------------------------------------------------------------------------

def test_a_quarter_turn_is_exact_and_clockwise():
    images = batch(H=8, W=8)
    for mode in ("nearest", "bilinear"):
        turned = RandomRotation((90, 90), mode)(images, rng())
        assert np.array_equal(turned, np.rot90(images, -1, (2, 3)))


def test_no_turn_changes_nothing_and_a_move_is_a_shift():
    images = batch()
    assert np.array_equal(RandomRotation(0, "bilinear")(images, rng()), images)
    zero = np.zeros(6)
    maps = affine_maps(zero, zero + 2, zero - 1, zero + 1, zero, zero)
    moved = kernels.warp(images, maps, True)
    assert np.array_equal(moved[:, :, :-1, 2:], images[:, :, 1:, :-2])
    assert not moved[:, :, :, :2].any() and not moved[:, :, -1].any()


def test_the_map_undoes_a_shear_a_turn_a_scale_and_a_move():
    angle, scale, x, y = np.radians(20), 1.5, np.radians(10), np.radians(-5)
    shears = np.array([[1, 0], [-np.tan(y), 1]]) @ np.array([[1, -np.tan(x)], [0, 1]])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    forward = scale * turn @ shears
    a, b, c, d, e, f = affine_maps(*(np.array([v]) for v in (20, 3, -2, 1.5, 10, -5)))[0]
    np.testing.assert_allclose(np.array([[a, b], [d, e]]) @ forward, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(np.array([[a, b], [d, e]]) @ [3, -2] + [c, f], 0, atol=1e-12)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_an_affine_map_gives_what_pytorch_samples(torch, mode):
    x, (N, C, H, W) = batch(8, dtype=np.float32), (8, 3, 9, 7)
    generator = rng(3)
    maps = affine_maps(*generator.uniform([-40, -2, -2, 0.7, -9, -9], [40, 2, 2, 1.4, 9, 9], (N, 6)).T)
    ours = kernels.warp(x, maps, mode == "bilinear")
    v, u = np.mgrid[:H, :W] - np.array([(H - 1) / 2, (W - 1) / 2])[:, None, None]
    a, b, c, d, e, f = maps.T[:, :, None, None]
    grid = np.stack([(a * u + b * v + c) * 2 / W, (d * u + e * v + f) * 2 / H], axis=-1)
    theirs = torch.nn.functional.grid_sample(torch.tensor(x).double(), torch.tensor(grid), mode,
                                             "zeros", align_corners=False)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-3)


# ---- colours -------------------------------------------------------------------------------------

def fixed(**factors):
    return ColorJitter(**{name: (value, value) for name, value in factors.items()})


def test_brightness_contrast_and_saturation_of_0_are_black_the_mean_grey_and_grey():
    x = batch(dtype=np.float32) / 255
    grey = (x * np.array([0.2989, 0.5870, 0.1140])[:, None, None]).sum(1, keepdims=True)
    assert not fixed(brightness=0)(x, rng()).any()
    flat = fixed(contrast=0)(x, rng())
    np.testing.assert_allclose(flat, np.broadcast_to(grey.mean((1, 2, 3), keepdims=True), x.shape),
                               rtol=1e-4)
    np.testing.assert_allclose(fixed(saturation=0)(x, rng()), np.broadcast_to(grey, x.shape),
                               atol=1e-5)
    np.testing.assert_allclose(fixed(brightness=2)(x, rng()), np.minimum(2 * x, 1), atol=1e-6)


@pytest.mark.parametrize("turn", [-0.5, -0.2, 0.1, 0.4])
def test_a_turn_of_the_hue_is_that_of_the_colour_circle(turn):
    x = batch(2, 3, 4, 4, dtype=np.float32) / 255
    y = fixed(hue=turn)(x, rng())
    for (n, i, j) in np.ndindex(2, 4, 4):
        h, s, v = colorsys.rgb_to_hsv(*x[n, :, i, j].tolist())
        np.testing.assert_allclose(y[n, :, i, j], colorsys.hsv_to_rgb((h + turn) % 1, s, v), atol=1e-5)


def test_a_jitter_of_bytes_with_factors_of_1_changes_nothing():
    images = batch()
    jitter = ColorJitter((1, 1), (1, 1), (1, 1), 0)
    assert np.array_equal(jitter(images, rng()), images)


# ---- erased --------------------------------------------------------------------------------------

def test_an_erased_rectangle_has_the_area_and_the_shape_asked_for():
    images = np.full((3000, 1, 20, 20), 9, np.uint8)
    erased = RandomErasing(0.5, (0.1, 0.2), (0.5, 2), value=7)(images, rng())[:, 0] == 7
    touched = erased.any(axis=(1, 2))
    assert 0.45 < touched.mean() < 0.55
    heights, widths = (erased[touched].any(axis=axis).sum(axis=1) for axis in (2, 1))
    assert (erased[touched].sum(axis=(1, 2)) == heights * widths).all()      # one rectangle
    assert 0.08 < (heights * widths / 400).min() and (heights * widths / 400).max() < 0.24
    assert 0.4 < (heights / widths).min() and (heights / widths).max() < 2.4
    where = erased[touched].mean(axis=0)
    assert (where > 0).all()                                              # anywhere


def test_a_rectangle_that_never_fits_erases_nothing():
    images = batch()
    assert np.array_equal(RandomErasing(1, (1, 1), (1, 1))(images, rng()), images)


def test_cutout_fills_a_square_around_a_centre_in_the_image_with_its_mean_colour():
    images = batch(200, H=16, W=16)
    cut = Cutout(6)(images, rng())
    changed = (cut != images).any(axis=1)
    for n in range(200):
        rows, columns = np.flatnonzero(changed[n].any(1)), np.flatnonzero(changed[n].any(0))
        assert len(rows) in (3, 4, 5, 6) and len(columns) in (3, 4, 5, 6)    # part may be outside
        inside = cut[n, :, rows[0] + 1, columns[0] + 1]
        np.testing.assert_array_equal(inside, np.rint(images[n].mean(axis=(1, 2))))


# ---- mixed ---------------------------------------------------------------------------------------

def test_mixup_mixes_images_and_targets_in_the_same_share():
    x, y = rng(1).standard_normal((5, 3, 4, 4)).astype("f"), one_hot(np.arange(5), 5)
    mixed, targets = MixUp(1.0)(x, y, rng())
    share = targets[0, 0]
    assert 0 < share < 1 and mixed.dtype == targets.dtype == np.float32
    np.testing.assert_allclose(mixed, share * x + (1 - share) * np.roll(x, 1, 0), atol=1e-6)
    np.testing.assert_allclose(targets, share * np.eye(5) + (1 - share) * np.roll(np.eye(5), 1, 0),
                               atol=1e-6)


def test_cutmix_takes_a_rectangle_of_the_neighbour_and_targets_count_its_pixels():
    x = np.arange(5, dtype="f")[:, None, None, None] * np.ones((1, 1, 8, 10), "f")
    areas = []
    for seed in range(40):
        mixed, targets = CutMix()(x, one_hot(np.arange(5), 5), rng(seed))
        foreign = mixed[2, 0] == 1
        assert np.isin(mixed[2], (1, 2)).all()
        np.testing.assert_allclose(targets[2], [0, foreign.mean(), 1 - foreign.mean(), 0, 0], atol=1e-6)
        areas.append(foreign.mean())
    assert min(areas) < 0.1 and max(areas) > 0.5


def test_what_mixes_wants_shares_not_numbers_of_classes():
    with pytest.raises(ValueError, match=r"expected targets \(2, K\) of floats, got int64 \(2,\)"):
        MixUp()(np.zeros((2, 1, 3, 3), "f"), np.zeros(2, np.int64), rng())


# ---- in the loader -------------------------------------------------------------------------------

def some(N=50):
    images = batch(N, 1, 6, 6)
    return data.Dataset("some", images, np.arange(N) % 3, tuple("abc"))


def test_a_loader_that_mixes_gives_shares_and_one_that_does_not_gives_classes():
    for augment, mixes in (("mixup", True), ("cutmix,flip", True), ("flip", False), ("", False)):
        loader = data.Loader(some(), 16, shuffle=True, generator=rng(), augment=augmentations(augment))
        x, y = next(iter(loader))
        assert y.shape == ((16, 3) if mixes else (16,)) and x.dtype == np.float32
        assert not mixes or np.allclose(y.sum(axis=1), 1)


def test_an_epoch_can_be_taken_up_in_its_middle_whatever_is_drawn():
    spec = "shift,altflip,rotation,jitter,cutout=3,erasing,mixup"
    whole = data.Loader(some(), 16, shuffle=True, generator=rng(), augment=augmentations(spec))
    part = data.Loader(some(), 16, shuffle=True, generator=rng(), augment=augmentations(spec))
    for (x, y), (a, b) in zip(list(whole.epoch(number=3))[2:], part.epoch(2, number=3), strict=True):
        assert np.array_equal(x, a) and np.array_equal(y, b)


def test_alternating_flip_shows_each_image_in_both_forms_in_any_two_epochs():
    dataset = some()
    loader = data.Loader(dataset, 50, generator=rng(), augment=AlternatingFlip(), mean=0, std=1)
    first, second, third = ((next(loader.epoch())[0] * 255).round() for _ in range(3))
    assert np.array_equal(first, third) and np.array_equal(first, second[..., ::-1])
    straight = (first == dataset.images).all(axis=(1, 2, 3))
    assert 15 < straight.sum() < 35                              # about half of them, at first
    assert (straight | (first == dataset.images[..., ::-1]).all(axis=(1, 2, 3))).all()
    assert not np.array_equal(AlternatingFlip(0).first(np.arange(99)), AlternatingFlip(1).first(np.arange(99)))


# ---- by name -------------------------------------------------------------------------------------

def test_short_names_stand_for_augmentations_in_their_order():
    found = augmentations("crop=2, flip,cutout=3,mixup=0.5")
    assert [repr(f) for f in found] == ["RandomCrop(size=None, padding=2)",
                                        "RandomHorizontalFlip(0.5)", "Cutout(3, 'mean')",
                                        "MixUp(alpha=0.5)"]
    assert augmentations("") == augmentations("none") == []
    every = augmentations(",".join(data.choosing.CHOICES))
    assert len({type(f) for f in every}) == len(every) == 11


@pytest.mark.parametrize("make, says", [
    (lambda: augmentations("crop,fllip"), "'fllip' is unknown; there are none, or any of shift=2"),
    (lambda: augmentations("flip,flip=1"), "'flip' is named twice"),
    (lambda: augmentations("cutout=2.5"), "cutout=2.5: Cutout: size must be a whole number"),
    (lambda: augmentations("crop=many"), "crop=many"),
    (lambda: augmentations("crop=inf"), "crop=inf: RandomCrop: padding must be a whole number"),
    (lambda: augmentations("rotation=inf"), "rotation=inf: RandomRotation: degrees must be"),
    (lambda: data.views("rotation"), "expected flip, shift, or both"),
    (lambda: RandomAffine(-3), "degrees must be a number of at least 0 or a pair"),
    (lambda: RandomAffine(3, (0.5, 2)), "translate must be two parts"),
    (lambda: RandomAffine(3, scale=(0, 1)), "scale must be two factors above 0"),
    (lambda: RandomRotation(3, "cubic"), "RandomRotation: interpolation must be one of nearest, bil"),
    (lambda: ColorJitter(-1), "brightness must be a number of at least 0"),
    (lambda: ColorJitter(hue=0.6), "hue must be a number in"),
    (lambda: RandomErasing(2), "p must be a probability"),
    (lambda: RandomErasing(scale=(0.5, 0.2)), "scale must be a pair"),
    (lambda: RandomErasing(1, value="blue")(batch(), rng()), "value must be a number, one for each"),
    (lambda: Cutout(0), "size must be a whole number of at least 1"),
    (lambda: MixUp(0), "MixUp: alpha must be a number above 0")])
def test_an_argument_that_makes_no_sense_is_refused_by_name(make, says):
    with pytest.raises(ValueError, match=says):
        make()
