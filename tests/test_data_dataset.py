"""A Dataset is right from the moment it exists, and taking parts of it keeps it right."""
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinyconv import data
from tinyconv.data import DataError, Dataset


def small(n=10, C=1, classes=("cat", "dog")):
    images = np.random.default_rng(0).integers(0, 256, (n, C, 4, 5), dtype=np.uint8)
    return Dataset("pets", images, np.arange(n) % len(classes), classes)


@pytest.mark.parametrize("change, complaint", [
    (dict(images=np.zeros((10, 4, 5), np.uint8)), r"uint8 array \(N, C, H, W\); got uint8 array"),
    (dict(images=np.zeros((10, 1, 4, 5), np.float32)), "got float32 array"),
    (dict(images=[[1, 2]]), "got list"),
    (dict(images=np.zeros((0, 1, 4, 5), np.uint8)), "must not be empty"),
    (dict(labels=np.zeros(9, int)), r"labels must be an integer array \(10,\).*got int64.*\(9,\)"),
    (dict(labels=np.zeros(10)), "got float64"),
    (dict(labels=np.full(10, 2)), "label 2 of image 0 is outside 0…1"),
    (dict(labels=np.full(10, -1)), "label -1 of image 0"),
    (dict(classes=()), "classes must be a tuple of names"),
    (dict(classes=(1, 2)), "classes must be a tuple of names"),
    (dict(mean=(0.5, 0.5), std=(1, 1)), "one number for each of 1 channels"),
    (dict(mean=(0.5,), std=(0,)), "std above 0"),
])
def test_what_does_not_fit_together_is_refused_with_the_reason(change, complaint):
    fields = dict(name="pets", images=np.zeros((10, 1, 4, 5), np.uint8),
                  labels=np.zeros(10, int), classes=("cat", "dog"))
    with pytest.raises(DataError, match=complaint) as caught:
        Dataset(**fields | change)
    assert "'pets'" in str(caught.value)


def test_it_introduces_itself():
    assert repr(small()) == "Dataset 'pets': 10 images of 1×4×5, 2 classes (cat, dog)"


def test_it_cannot_be_changed_and_leaves_the_arrays_it_was_made_from_alone():
    images = np.zeros((2, 1, 4, 5), np.uint8)
    made = Dataset("pets", images, np.zeros(2, int), ("cat",))
    with pytest.raises(ValueError):
        made.images[0] = 1
    with pytest.raises(AttributeError):
        made.name = "other"
    images[0] = 1                                           # still the caller's to write


def test_parts_are_data_sets_with_the_normalisation_of_the_whole():
    whole = small()
    mask = np.arange(10) > 6
    for part, rows in ((whole.limit(3), [0, 1, 2]), (whole.limit(99), range(10)),
                       (whole[7:], [7, 8, 9]), (whole[mask], [7, 8, 9]),
                       (whole[np.array([4, 1])], [4, 1])):
        np.testing.assert_array_equal(part.images, whole.images[list(rows)])
        np.testing.assert_array_equal(part.labels, whole.labels[list(rows)])
        assert (part.mean, part.std, part.classes) == (whole.mean, whole.std, whole.classes)
    image, label = whole[3]
    assert image.shape == (1, 4, 5) and label == 1


def test_a_split_parts_every_image_once_and_depends_on_the_generator_alone():
    whole = small()
    rest, held_out = whole.split(3, np.random.default_rng(7))
    assert (len(rest), len(held_out)) == (7, 3)
    both = np.concatenate([rest.images, held_out.images]).reshape(10, -1)
    assert sorted(map(bytes, both)) == sorted(map(bytes, whole.images.reshape(10, -1)))
    again, _ = whole.split(3, np.random.default_rng(7))
    np.testing.assert_array_equal(rest.images, again.images)


@pytest.mark.parametrize("n", [0, 10, -1])
def test_a_split_that_leaves_one_side_empty_is_refused(n):
    with pytest.raises(DataError, match=f"got {n}"):
        small().split(n, np.random.default_rng(0))


def test_mean_and_std_are_those_of_the_pixels_per_channel():
    made = small(C=3)
    pixels = made.images / 255
    np.testing.assert_allclose(made.mean, pixels.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(made.std, pixels.std(axis=(0, 2, 3)), rtol=1e-12)


def test_a_constant_channel_can_still_be_divided_by_its_std():
    black = Dataset("night", np.zeros((2, 1, 4, 4), np.uint8), np.zeros(2, int), ("dark",))
    assert (black.mean, black.std) == ((0.0,), (1.0,))


def test_an_unknown_name_lists_the_known_ones_and_the_closest():
    with pytest.raises(DataError, match=r"'mnits'.*digits, mnist, .*did you mean 'mnist'\?"):
        data.load("mnits")
    with pytest.raises(DataError, match=r"'mnits'.*digits, mnist, .*did you mean 'mnist'\?"):
        data.describe("mnits")
    for nothing in (None, 3, ["digits"]):
        for asked in (data.load, data.describe):
            with pytest.raises(DataError, match="is named by a text .*got (None|int|list)"):
                asked(nothing)
    with pytest.raises(DataError, match="split must be 'train' or 'test', got 'val'"):
        data.load("digits", "val")
    with pytest.raises(DataError, match=r"no argument train; .* test images load\(name, 'test'\)"):
        data.load("digits", train=False)
    with pytest.raises(DataError, match="size is for image folders only"):
        data.load("digits", size=32)


def test_names_and_descriptions_need_no_files(monkeypatch, tmp_path):
    monkeypatch.delenv("TINYCONV_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data.names() == ("digits", "mnist", "fashion-mnist", "cifar10", "cifar100")
    for name in data.names():
        about = data.describe(name)
        assert len(about["mean"]) == len(about["std"]) == about["shape"][0]
        assert len(set(about["classes"])) == (100 if name == "cifar100" else 10)
    assert data.describe("CIFAR-10")["name"] == "cifar10"


def test_a_folder_does_not_take_the_name_of_a_known_set(monkeypatch, tmp_path):
    """Whoever means the folder says `./digits`."""
    monkeypatch.chdir(tmp_path)
    for kind, shade in (("day", 200), ("night", 20)):
        Path("digits", kind).mkdir(parents=True)
        for i in range(10):
            Image.fromarray(np.full((8, 8), shade, np.uint8)).save(f"digits/{kind}/{i}.png")
    assert not data.is_folder("digits") and data.is_folder("./digits")
    assert data.load("digits").classes == tuple("0123456789")
    assert data.load_both("digits")[1].classes == data.load("digits").classes
    assert data.describe("digits")["classes"] == list("0123456789")
    assert data.load("./digits").classes == ("day", "night")
    assert data.describe("./digits")["classes"] == ["day", "night"]
