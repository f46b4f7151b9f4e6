"""Any folder of pictures is a data set; a picture that is none is named or counted."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tinyconv import data
from tinyconv.data import DataError, FormatError, load_folder, read_image
from tinyconv.data import folder as folder_module


def picture(path, colour, size=(20, 14), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


@pytest.fixture
def split_folder(tmp_path):
    """train and test with the classes red and blue, in several formats and sizes."""
    for part, n in (("train", 4), ("test", 2)):
        for number, suffix in zip(range(n), (".png", ".jpg", ".bmp", ".PNG")):
            picture(tmp_path / part / "red" / f"{number}{suffix}", (250, 10, 10), (20 + number, 14))
            picture(tmp_path / part / "blue" / f"{number}{suffix}", (10, 10, 250), (9, 30))
    (tmp_path / "train" / "red" / "notes.txt").write_text("not a picture, and not taken for one")
    (tmp_path / "train" / "red" / ".hidden.png").write_text("nor this")
    return tmp_path


@pytest.fixture
def flat_folder(tmp_path):
    for name in ("a", "b"):
        for number in range(10):
            picture(tmp_path / name / f"{number}.png", number * 20, mode="L")
    return tmp_path


def test_a_folder_with_train_and_test_is_loaded_by_its_path(split_folder):
    train, test = data.load(split_folder), data.load(str(split_folder), "test")
    assert train.classes == test.classes == ("blue", "red")
    assert train.images.shape == (8, 3, 32, 32) and test.images.shape == (4, 3, 32, 32)
    assert train.labels.tolist() == [0] * 4 + [1] * 4
    assert (train.images[-1, 0] > 200).all() and (train.images[-1, 2] < 60).all()
    assert (train.mean, train.std) == (test.mean, test.std)
    assert train.name == split_folder.name


def test_a_folder_without_a_split_sets_a_fifth_of_each_class_aside(flat_folder):
    train, test = load_folder(flat_folder, size=8)
    assert train.images.shape == (16, 1, 8, 8)              # all grey: one channel
    assert np.bincount(train.labels).tolist() == [8, 8]
    assert np.bincount(test.labels).tolist() == [2, 2]
    for label in (0, 1):
        values = [set(part.images[part.labels == label, 0, 0, 0].tolist())
                  for part in (train, test)]
        assert not values[0] & values[1] and len(values[0] | values[1]) == 10
    again, _ = load_folder(flat_folder, size=8)
    np.testing.assert_array_equal(again.images, train.images)
    other, _ = load_folder(flat_folder, size=8, seed=1)
    assert not np.array_equal(other.images, train.images)


def test_grey_and_colour_are_not_mixed(flat_folder):
    picture(flat_folder / "a" / "colourful.png", (255, 0, 0))
    train, _ = load_folder(flat_folder)
    assert train.shape == (3, 32, 32)
    train, _ = load_folder(flat_folder, mode="grey")
    assert train.shape == (1, 32, 32)


def test_the_largest_square_in_the_middle_is_kept(tmp_path):
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 255
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    assert (read_image(tmp_path / "wide.png", 10) == 255).all()
    assert read_image(tmp_path / "wide.png").shape == (3, 10, 30)


def test_transparency_shows_white_and_16_bits_become_8(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_image(tmp_path / "clear.png") == 255).all()
    Image.fromarray(np.full((4, 4), 0x8000, np.uint16)).save(tmp_path / "deep.png")
    assert (read_image(tmp_path / "deep.png", mode="grey") == 0x80).all()


def test_a_picture_taken_sideways_is_turned_upright(tmp_path):
    pixels = np.zeros((4, 8), np.uint8)
    pixels[:, :4] = 255                                     # white on the left
    exif = Image.Exif()
    exif[0x0112] = 6                                        # "turn by 90° clockwise to see it"
    Image.fromarray(pixels).save(tmp_path / "side.png", exif=exif)
    upright = read_image(tmp_path / "side.png", mode="grey")[0]
    assert upright.shape == (8, 4) and (upright[:4] == 255).all() and (upright[4:] == 0).all()


def bomb():
    """A PNG of a few hundred bytes that claims 60 000 × 60 000 pixels."""
    def chunk(kind, body):
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b""))


def bad_pictures(good):
    yield "empty", b""
    yield "cut.short", good[:len(good) // 2]
    yield "text", b"this is not a picture"
    yield "script", b"%!PS-Adobe-3.0\n"                     # Pillow would start Ghostscript
    yield "bomb", bomb()
    yield "flipped", good[:60] + bytes(b ^ 0xFF for b in good[60:90]) + good[90:]


@pytest.fixture
def good_png(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    return (tmp_path / "noise.png").read_bytes()


def test_a_bad_picture_is_named_whatever_is_wrong_with_it(tmp_path, good_png):
    for what, content in bad_pictures(good_png):
        path = tmp_path / f"{what}.png"
        path.write_bytes(content)
        with pytest.raises(FormatError, match=f"{what}.png: "):
            read_image(path, 8)


def test_a_bad_picture_stops_the_loading_or_is_skipped_and_counted(split_folder, good_png):
    for what, content in bad_pictures(good_png):
        (split_folder / "train" / "red" / f"{what}.png").write_bytes(content)
    with pytest.raises(FormatError, match=r"train/red/bomb.png: .*bomb"):
        data.load(split_folder)
    with pytest.warns(UserWarning, match="skipped 6 bad pictures, the first: .*bomb.png"):
        train = data.load(split_folder, on_error="skip")
    assert len(train) == 8


def test_a_file_too_large_to_be_a_picture_is_not_opened(split_folder, monkeypatch):
    monkeypatch.setattr(folder_module, "MAX_BYTES", 50)
    with pytest.raises(FormatError, match="bytes, at most 50 are read"):
        data.load(split_folder)


def test_a_folder_that_holds_no_classes_says_what_was_expected(tmp_path):
    with pytest.raises(DataError, match="expected a folder of pictures for each class, found none"):
        data.load(tmp_path)


def test_a_class_that_only_the_test_set_has_is_named(split_folder):
    picture(split_folder / "test" / "green" / "1.png", (0, 255, 0))
    with pytest.raises(DataError, match="test has classes that train lacks: green"):
        data.load(split_folder)


@pytest.mark.parametrize("option", [dict(on_error="ignore"), dict(mode="cmyk"), dict(size=0)])
def test_an_option_that_makes_no_sense_is_refused(split_folder, option):
    [(name, value)] = option.items()
    with pytest.raises(DataError, match=f"{name} must be .*got {value!r}"):
        data.load(split_folder, **option)
