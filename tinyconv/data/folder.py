"""A data set from a folder of pictures, one folder for each class.

    FOLDER/train/CLASS/picture.png   or   FOLDER/CLASS/picture.png
    FOLDER/test/CLASS/picture.png         (a fifth of each class is set aside for testing)

The classes are the folders' names in sorted order.  Pictures are turned upright as their camera
noted, cut to the largest square in their middle and scaled to one size.
"""

import warnings
from pathlib import Path

import numpy as np

from .dataset import Dataset
from .errors import DataError, FormatError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MAX_BYTES = 64 << 20                   # of a file
MAX_PIXELS = 50_000_000                # of a picture, read from its header before it is decoded


def load_folder(folder, size=32, mode=None, on_error="raise", seed=0, test_share=0.2):
    """The pair (training Dataset, test Dataset) of an image folder.

    size      pixels: pictures become (C, size, size)
    mode      "grey" (C = 1) or "rgb" (C = 3); None takes grey if all pictures are grey
    on_error  "raise" names the first picture that cannot be read; "skip" leaves such pictures out
              and warns how many there were
    seed      of the split, used only where the folder has none of its own; the same files and the
              same seed give the same split

    Raises DataError if the folder has no classes, FormatError for a bad picture.
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
    classes, train, test = _listing(folder, seed, test_share)
    skipped = []

    def readable(picture):
        try:
            return picture[0], picture[1], _is_grey(picture[0])
        except FormatError as error:
            if on_error == "raise":
                raise
            skipped.append(error)

    train, test = ([found for found in map(readable, part) if found] for part in (train, test))
    if mode is None:
        mode = "grey" if all(grey for _, _, grey in train + test) else "rgb"
    sets = []
    for part, pictures in (("train", train), ("test", test)):
        images, labels = [], []
        for path, label, _ in pictures:
            try:
                images.append(read_image(path, size, mode))
                labels.append(label)
            except FormatError as error:
                if on_error == "raise":
                    raise
                skipped.append(error)
        if not images:
            raise DataError(f"image folder {folder}: no readable picture for the {part} set")
        # statistics are those of the training pictures, for both
        mean, std = (sets[0].mean, sets[0].std) if sets else (None, None)
        sets.append(Dataset(folder.name or str(folder), np.stack(images),
                            np.array(labels, np.int64), classes, mean, std))
    if skipped:
        warnings.warn(f"image folder {folder}: skipped {len(skipped)} bad pictures, the first: "
                      f"{skipped[0]}", stacklevel=2)
    return tuple(sets)


def read_image(path, size=None, mode="rgb"):
    """One picture as uint8 (C, H, W): (C, size, size) if `size` is given, else as large as it is.

    Raises FormatError naming the file for anything that is not a whole, sane picture.
    """
    from PIL import Image, ImageOps
    with _opened(path) as image:
        image = ImageOps.exif_transpose(image)              # cameras note which way is up
        if image.mode.startswith("I"):                      # 16-bit grey: keep the upper byte
            image = Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8))
        if image.has_transparency_data:                     # what shows through is paper
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("L" if mode == "grey" else "RGB")
        if size is not None:
            image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
        pixels = np.asarray(image)
    return pixels[None] if mode == "grey" else pixels.transpose(2, 0, 1)


def _is_grey(path):
    """Whether the header says so; the pixels are not decoded."""
    with _opened(path) as image:
        return image.mode in ("1", "L", "LA") or image.mode.startswith("I")


class _opened:
    """A picture opened with limits, in whose `with` block every error is a FormatError."""

    def __init__(self, path):
        self.path = Path(path)

    def __enter__(self):
        from PIL import Image
        try:
            if (length := self.path.stat().st_size) > MAX_BYTES:
                raise FormatError(f"{self.path}: {length:,} bytes, at most {MAX_BYTES:,} are read")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                self.image = Image.open(self.path, formats=FORMATS)
            width, height = self.image.size
            if width * height > MAX_PIXELS:
                self.image.close()
                raise FormatError(f"{self.path}: a picture of {width:,}×{height:,} pixels, at most "
                                  f"{MAX_PIXELS:,} are read")
            return self.image
        except FormatError:
            raise
        except Exception as error:
            raise self._bad(error) from error

    def __exit__(self, kind, error, traceback):
        self.image.close()
        # Pillow's decoders raise nearly anything on damaged files: SyntaxError, struct.error, …
        if isinstance(error, Exception) and not isinstance(error, FormatError):
            raise self._bad(error) from error

    def _bad(self, error):
        return FormatError(f"{self.path}: not a readable picture ({type(error).__name__}: {error})")


def _listing(folder, seed, test_share):
    """Class names and the (path, label) pairs of both splits, in sorted order."""
    split = (folder / "train").is_dir() and (folder / "test").is_dir()
    home = folder / "train" if (folder / "train").is_dir() else folder
    classes = _classes(home)
    if split and (strange := set(_classes(folder / "test")) - set(classes)):
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
    found = tuple(sorted(path.name for path in folder.iterdir()
                         if path.is_dir() and not path.name.startswith(".")
                         and any(_pictures(path))))
    if not found:
        raise DataError(f"image folder {folder}: expected a folder of pictures for each class, "
                        f"found none ({', '.join(sorted(SUFFIXES))})")
    return found


def _pictures(folder):
    return sorted(path for path in folder.glob("*")
                  if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
