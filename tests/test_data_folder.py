"""Any folder of pictures is a data set; a picture that is none is named or counted."""

import os
import struct
import sys
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


def saved(path, image, **options):
    image.save(path, **options)
    return path


def kinds_of_picture(folder):
    """A picture that is red on its left and transparent, or white, on its right, of every kind."""
    red = Image.new("RGB", (8, 4), "red")
    red.paste("white", (4, 0, 8, 4))
    clear = red.convert("RGBA")
    clear.paste((0, 0, 0, 0), (4, 0, 8, 4))
    palette = red.quantize(4)
    place = palette.getpixel((7, 0))
    film = [red, Image.new("RGB", (8, 4), "blue")]
    yield saved(folder / "plain.PNG", red)
    yield saved(folder / "clear.png", clear)
    yield saved(folder / "palette.png", palette)
    yield saved(folder / "clear palette.png", palette, transparency=place)
    yield saved(folder / "half clear palette.png", palette,
                transparency=bytes(0 if i == place else 255 for i in range(4)))
    yield saved(folder / "clear colour.png", red, transparency=(255, 255, 255))
    yield saved(folder / "printed.jpeg", red.convert("CMYK"), quality=95, subsampling=0)
    yield saved(folder / "Photo.JPG", red, quality=95, subsampling=0)
    yield saved(folder / "old.bmp", red)
    yield saved(folder / "film.gif", film[0], save_all=True, append_images=film[1:])
    yield saved(folder / "film.png", film[0], save_all=True, append_images=film[1:])
    yield saved(folder / "film.webp", film[0], save_all=True, append_images=film[1:], lossless=True)
    yield saved(folder / "Ünïcode 猫.png", red)


def test_every_kind_of_pixels_shows_what_people_see(tmp_path):
    for path in kinds_of_picture(tmp_path):
        pixels = read_image(path).astype(int)
        assert pixels.shape == (3, 4, 8), path
        left, right = pixels[:, :, :3], pixels[:, :, 5:]
        assert (left[0] > 240).all() and (left[1:] < 20).all(), path
        assert (right > 240).all(), path
    assert read_image(tmp_path / "plain.PNG", 2).shape == (3, 2, 2)


def test_pixels_of_which_nobody_knows_what_is_white_are_refused(tmp_path):
    saved(tmp_path / "measured.ppm", Image.fromarray(np.ones((4, 4), np.float32)))
    with pytest.raises(FormatError, match="measured.ppm: its pixels are numbers with a fraction"):
        read_image(tmp_path / "measured.ppm")


def test_a_picture_taken_sideways_is_turned_upright(tmp_path):
    pixels = np.zeros((4, 8), np.uint8)
    pixels[:, :4] = 255                                     # white on the left
    exif = Image.Exif()
    exif[0x0112] = 6                                        # "turn by 90° clockwise to see it"
    Image.fromarray(pixels).save(tmp_path / "side.png", exif=exif)
    upright = read_image(tmp_path / "side.png", mode="grey")[0]
    assert upright.shape == (8, 4) and (upright[:4] == 255).all() and (upright[4:] == 0).all()


def bomb(side=60_000, kind=b"tEXt", body=b"a\0b"):
    """A PNG of few bytes: with very many pixels, or with another chunk that unpacks to very many."""
    def chunk(kind, body):
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(kind, body)
            + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b""))


def bad_pictures(good):
    yield "empty", b""
    yield "cut.short", good[:len(good) // 2]
    yield "text", b"this is not a picture"
    yield "script", b"%!PS-Adobe-3.0\n"                     # Pillow would start Ghostscript
    yield "bomb", bomb()
    yield "cut.behind.header", good[:33]
    yield "text.bomb", bomb(8, b"zTXt", b"a\0\0" + zlib.compress(bytes(10 ** 8)))
    yield "profile.bomb", bomb(8, b"iCCP", b"a\0\0" + zlib.compress(bytes(10 ** 8)))
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
    with pytest.raises(FormatError, match=r"train/red/bomb.png: .*bomb.*; 8 more cannot be read: "
                       r"train/red/.*\.png, ") as error:
        data.load(split_folder)
    assert all(f"red/{what}.png" in str(error.value) for what, _ in bad_pictures(good_png))
    with pytest.warns(UserWarning, match="skipped 9 bad pictures, the first: .*bomb.png"):
        train = data.load(split_folder, on_error="skip")
    assert len(train) == 8


def test_of_a_single_bad_picture_nothing_but_its_fault_is_said(flat_folder):
    bad = next((flat_folder / "b").iterdir())
    bad.write_bytes(bad.read_bytes()[:40])
    with pytest.raises(FormatError, match=rf"b/{bad.name}: not a readable picture \([^;]*\)$"):
        data.load(flat_folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only POSIX has named pipes")
def test_a_pipe_a_device_and_a_circle_of_links_are_named_and_not_waited_for(split_folder):
    red = split_folder / "train" / "red"
    os.mkfifo(red / "pipe.png")
    for name, target in (("a.png", "b.png"), ("b.png", "a.png"), ("gone.png", "nowhere.png"),
                         ("zero.png", "/dev/zero")):
        (red / name).symlink_to(target)
    (red / "album.png").mkdir()                             # a folder is no picture of the class
    (red / "round").symlink_to("..")                        # nor is it walked into
    for name in ("pipe.png", "zero.png"):
        with pytest.raises(FormatError, match=f"{name}: a folder, pipe or device, not a picture"):
            read_image(red / name)
    with pytest.warns(UserWarning, match="skipped 5 bad pictures, the first: .*red/a.png"):
        assert len(data.load(split_folder, on_error="skip")) == 8


def test_metadata_that_are_damaged_do_not_matter_and_are_not_talked_about(tmp_path, recwarn):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x05")
    assert read_image(tmp_path / "a.jpg", 4).shape == (3, 4, 4)
    assert not recwarn.list


def test_a_file_too_large_to_be_a_picture_is_not_opened(split_folder, monkeypatch):
    monkeypatch.setattr(folder_module, "MAX_BYTES", 50)
    with pytest.raises(FormatError, match="bytes, at most 50 are read"):
        data.load(split_folder)


@pytest.mark.parametrize("classes, found", [("", "none"), ("a", "a")])
def test_less_than_two_classes_are_nothing_to_tell_apart(tmp_path, classes, found):
    for name in classes:
        picture(tmp_path / name / "1.png", 0)
    with pytest.raises(DataError, match=rf"folder of pictures \(.*\) for each of two.*found {found}"):
        data.load(tmp_path)


def test_a_class_without_pictures_is_not_dropped_in_silence(flat_folder):
    (flat_folder / "c" / "deeper").mkdir(parents=True)
    picture(flat_folder / "c" / "deeper" / "1.png", 0)
    (flat_folder / "c" / "1.heic").write_bytes(b"")
    (flat_folder / ".git").mkdir()                          # passed over
    with pytest.raises(DataError, match=r"there is no picture \(.*\.png.*\) in c; if that is no"):
        data.load(flat_folder)


def test_a_class_of_which_no_picture_can_be_read_is_named(flat_folder):
    for path in (flat_folder / "b").iterdir():
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="no readable picture to train on of b"):
        data.load(flat_folder, on_error="skip")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there names of files are text")
def test_a_class_whose_name_is_not_text_is_refused(flat_folder):
    (flat_folder / "b").rename(flat_folder / "\udcff")
    with pytest.raises(DataError, match=r"the name of the folder '\\udcff' is not text"):
        data.load(flat_folder)
    (flat_folder / "\udcff").rename(flat_folder / "Bäume 猫 👩‍🔬")
    assert data.load(flat_folder).classes == ("Bäume 猫 👩‍🔬", "a")


def test_a_class_that_only_the_test_set_has_is_named(split_folder):
    picture(split_folder / "test" / "green" / "1.png", (0, 255, 0))
    with pytest.raises(DataError, match="test has classes that train lacks: green"):
        data.load(split_folder)


@pytest.mark.parametrize("option", [dict(on_error="ignore"), dict(mode="cmyk"), dict(size=0),
                                    dict(test_share=1.0), dict(test_share=float("nan"))])
def test_an_option_that_makes_no_sense_is_refused(split_folder, option):
    [(name, value)] = option.items()
    with pytest.raises(DataError, match=f"{name} must be .*got {value!r}"):
        data.load(split_folder, **option)
