"""A data set from a folder of pictures, one folder for each class.

    FOLDER/train/CLASS/picture.png   or   FOLDER/CLASS/picture.png
    FOLDER/test/CLASS/picture.png         (a fifth of each class is set aside for testing)

or of pictures with several labels each, if there is a table FOLDER/labels.csv (see `labelled`).
The classes are the folders' names in sorted order, two or more, each with pictures; what begins
with a dot is passed over, as are files that do not end like a picture.  Pictures are turned
upright as their camera noted, cut to the largest square in their middle and scaled to one size.
"""

import os
import stat
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .dataset import Dataset
from .errors import DataError, FormatError
from .labelled import TABLE, listing

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm"}
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
MAX_BYTES = 64 << 20                   # of a file
MAX_PIXELS = 50_000_000                # of a picture, read from its header before it is decoded


def load_folder(folder, size=32, mode=None, on_error="raise", seed=0, test_share=0.2):
    """The pair (training Dataset, test Dataset) of an image folder.

    size        pixels: pictures become (C, size, size)
    mode        "grey" (C = 1) or "rgb" (C = 3); None takes grey if all pictures are grey
    on_error    "raise" names the pictures that cannot be read; "skip" leaves them out and warns how
                many there were
    seed        of the split, used only where the folder has none of its own; the same files and the
                same seed give the same split
    test_share  part of each class that this split sets aside

    A picture is bad if it is damaged, no picture at all, or larger than `MAX_BYTES` or `MAX_PIXELS`
    (its header is asked before anything is decoded).  Raises DataError if the folders are not
    classes of pictures, FormatError for a bad picture.
    """
    folder = Path(folder)
    if on_error not in ("raise", "skip"):
        raise DataError(f"image folder {folder}: on_error must be 'raise' or 'skip', "
                        f"got {on_error!r}")
    if mode not in (None, "grey", "rgb"):
        raise DataError(f"image folder {folder}: mode must be 'grey', 'rgb' or None, got {mode!r}")
    if not (isinstance(size, (int, np.integer)) and 1 <= size <= 4096):
        raise DataError(f"image folder {folder}: size must be between 1 and 4096 pixels, "
                        f"got {size!r}")
    if not 0 < test_share < 1:
        raise DataError(f"image folder {folder}: test_share must be between 0 and 1, "
                        f"got {test_share!r}")
    table = (folder / TABLE).is_file()
    classes, train, test = (listing(folder, seed, test_share, SUFFIXES) if table else
                            _listing(folder, seed, test_share))
    bad = {}                           # what is wrong with a picture, by its path

    def attempt(read, path, *arguments):
        """What `read` finds in a picture; None if that is a bad one."""
        try:
            return read(path, *arguments)
        except FormatError as error:
            bad[path] = error

    grey = {path: attempt(_is_grey, path) for path, _ in train + test}
    if mode is None:
        mode = "grey" if False not in grey.values() else "rgb"
    sets = []
    for part, pictures in (("train", train), ("test", test)):
        images, labels = [], []
        for path, label in pictures:
            if grey[path] is not None:
                image = attempt(read_image, path, size, mode)
                if image is not None:
                    images.append(image)
                    labels.append(label)
        if bad and on_error == "raise":
            raise _named(folder, bad)
        if not images:
            raise DataError(f"image folder {folder}: no readable picture for the {part} set")
        if part == "train" and not table and len(set(labels)) < len(classes):
            lacking = ", ".join(name for i, name in enumerate(classes) if i not in labels)
            raise DataError(f"image folder {folder}: no readable picture to train on of {lacking}")
        # statistics are those of the training pictures, for both
        mean, std = (sets[0].mean, sets[0].std) if sets else (None, None)
        sets.append(Dataset(folder.name or str(folder), np.stack(images),
                            np.array(labels, np.int64), classes, mean, std))
    if bad:
        several = "s, the first" if len(bad) > 1 else ""
        warnings.warn(f"image folder {folder}: skipped {len(bad)} bad picture{several}: "
                      f"{next(iter(bad.values()))}", stacklevel=2)
    return tuple(sets)


def _named(folder, bad, most=20):
    """The error that says what is wrong with the first bad picture, and names the others, so that
    nobody has to find them one by one."""
    error, *others = bad.values()
    if not others:
        return error
    names = ", ".join(str(path.relative_to(folder)) for path in [*bad][1:most + 1])
    return FormatError(f"{error}; {len(others)} more cannot be read: {names}"
                       + (", …" if len(others) > most else ""))


def read_image(path, size=None, mode="rgb"):
    """One picture as uint8 (C, H, W): (C, size, size) if `size` is given, else as large as it is.

    Any kind of pixels is taken: palettes, 16 bits, CMYK, and through what is transparent white
    paper shows.  Of a film it is the first picture.  Raises FormatError naming the file for
    anything that is not a whole, sane picture.
    """
    from PIL import Image, ImageOps
    with _opened(path) as image:
        ImageOps.exif_transpose(image, in_place=True)       # cameras note which way is up
        if image.mode == "F":
            raise FormatError(f"{path}: its pixels are numbers with a fraction, which do not say "
                              "what is white")
        if image.mode.startswith("I"):                      # 16-bit grey: keep the upper byte
            image = Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8))
        plain = "L" if mode == "grey" else "RGB"
        wanted = "RGBA" if image.has_transparency_data else plain
        if image.mode != wanted:
            image = image.convert(wanted)
        if size is not None:
            image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
        if wanted == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            image = image.convert(plain)
        pixels = np.asarray(image)
    return pixels[None] if mode == "grey" else pixels.transpose(2, 0, 1)


def _is_grey(path):
    """Whether the header says so; the pixels are not decoded."""
    with _opened(path) as image:
        return image.mode in ("1", "L", "LA") or image.mode.startswith("I")


@contextmanager
def _opened(path):
    """A picture opened with limits, in whose `with` block every error is a FormatError.

    What Pillow only warns of (damaged metadata, say) does not concern the pixels: it is silent.
    """
    from PIL import Image
    try:
        about = os.stat(path)
        if not stat.S_ISREG(about.st_mode):                 # to open a pipe would be to wait
            raise FormatError(f"{path}: a folder, pipe or device, not a picture")
        if about.st_size > MAX_BYTES:
            raise FormatError(f"{path}: {about.st_size:,} bytes, at most {MAX_BYTES:,} are read")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise FormatError(f"{path}: a picture of {width:,}×{height:,} pixels, at most "
                                      f"{MAX_PIXELS:,} are read")
                yield image
    except FormatError:
        raise
    except Exception as error:          # Pillow raises nearly anything on a damaged file
        raise FormatError(f"{path}: not a readable picture ({type(error).__name__}: {error})"
                          ) from error


def _listing(folder, seed, test_share):
    """Class names and the (path, label) pairs of both splits, in sorted order."""
    split = (folder / "train").is_dir() and (folder / "test").is_dir()
    home = folder / "train" if (folder / "train").is_dir() else folder
    classes = _classes(home)
    if split and (strange := set(_folders(folder / "test")) - set(classes)):
        raise DataError(f"image folder {folder}: test has classes that train lacks: "
                        f"{', '.join(sorted(strange))}")
    train, test = [], []
    generator = np.random.default_rng(seed)
    for label, name in enumerate(classes):
        pictures = [(path, label) for path in _pictures(home / name)]
        if split:
            train += pictures
            test += [(path, label) for path in _pictures(folder / "test" / name)]
        else:
            order = generator.permutation(len(pictures))
            held_out = set(order[:round(test_share * len(pictures))].tolist())
            train += [p for i, p in enumerate(pictures) if i not in held_out]
            test += [p for i, p in enumerate(pictures) if i in held_out]
    return classes, train, test


def _classes(folder):
    """The names of the classes, each of which has pictures."""
    found, suffixes = _folders(folder), ", ".join(sorted(SUFFIXES))
    if len(found) < 2:
        raise DataError(f"image folder {folder}: expected a folder of pictures ({suffixes}) for "
                        f"each of two classes or more, found {' '.join(found) or 'none'}")
    for name in found:
        try:
            name.encode()
        except UnicodeEncodeError:      # bytes that are no text: they could not be written down
            raise DataError(f"image folder {folder}: the name of the folder {ascii(name)} is not "
                            "text; give it another one") from None
        if not _pictures(folder / name):
            raise DataError(f"image folder {folder}: there is no picture ({suffixes}) in "
                            f"{name}; if that is no class, move it elsewhere or let its name "
                            "begin with a dot")
    return found


def _folders(folder):
    return tuple(sorted(path.name for path in folder.iterdir()
                        if path.is_dir() and not path.name.startswith(".")))


def _pictures(folder):
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES
                  and not path.name.startswith(".") and not path.is_dir())
