"""Load a data set by its name."""
from . import digits
from .catalogue import EMBEDDED, is_folder, lookup, names
from .dataset import Dataset
from .errors import DataError, FormatError
from .files import contents, where
from .folder import load_folder
from .readers import read_cifar, read_idx

SPLITS = ("train", "test")


def load(name, split="train", **options):
    """The data set `name`: a Dataset, whose mean and std are those of the training images.

    name     "digits" (drawn by this package, needs no files), "mnist", "fashion-mnist",
             "cifar10", "cifar100", or the path of an image folder (see `folder.load_folder`)
    split    "train" or "test"
    options  for image folders only: size, mode, on_error, seed

    Published sets are found under `$TINYCONV_DATA` or in the cache, or downloaded (see `files`).
    Raises DataError, which says what is wrong and what to do.
    """
    if split not in SPLITS:
        raise DataError(f"load({str(name)!r}): split must be 'train' or 'test', got {split!r}")
    known = lookup(name)
    if known is None and is_folder(name):
        return load_folder(name, **options)[SPLITS.index(split)]
    if "train" in options:                                 # so says torchvision
        raise DataError(f"load({str(name)!r}): there is no argument train; the training images are "
                        "load(name, 'train'), the test images load(name, 'test')")
    if options:
        raise DataError(f"load({str(name)!r}): {', '.join(options)} is for image folders only")
    return _digits(split) if known is None else _published(known, split)


def load_both(name, **options):
    """The pair (training Dataset, test Dataset); reads an image folder only once."""
    if lookup(name) is None and is_folder(name):
        return load_folder(name, **options)
    return load(name, "train", **options), load(name, "test", **options)


def describe(name):
    """What is known about a data set, as a dict that JSON can hold.

    Of an image folder its pictures are read for it. Raises DataError that lists the known names.
    """
    known = lookup(name)
    if known is not None:
        return {"name": known.name, "title": known.title, "cite": known.cite,
                "train": known.counts[0], "test": known.counts[1], "shape": list(known.shape),
                "classes": list(known.classes), "mean": list(known.mean), "std": list(known.std),
                "files": [str(path) for path in where(name)]}
    if not is_folder(name):
        return {"name": EMBEDDED, "title": "digits drawn by tinyconv", "cite": "",
                "train": digits.COUNTS["train"], "test": digits.COUNTS["test"],
                "shape": [1, digits.SIZE, digits.SIZE], "classes": list("0123456789"),
                "mean": list(digits.MEAN), "std": list(digits.STD), "files": []}
    train, test = load_both(name)
    return {"name": train.name, "title": "image folder", "cite": "", "train": len(train),
            "test": len(test), "shape": list(train.shape), "classes": list(train.classes),
            "mean": list(train.mean), "std": list(train.std), "files": [str(name)]}


def _digits(split):
    images, labels = digits.digits(split)
    return Dataset(EMBEDDED, images, labels, tuple("0123456789"), digits.MEAN, digits.STD)


def _published(known, split):
    wanted = known.train if split == "train" else known.test
    content = contents(known, wanted)
    if known.name.startswith("cifar"):
        label_bytes = 2 if known.name == "cifar100" else 1
        images, labels = read_cifar(b"".join(content[name] for name in wanted), known.name,
                                    label_bytes, len(known.classes))
    else:
        images, labels = (read_idx(content[name], name) for name in wanted)
        if images.ndim != 3 or images.dtype != "u1":
            raise FormatError(f"{wanted[0]}: expected bytes (N, 28, 28), got {images.dtype} "
                              f"{images.shape}")
        images = images[:, None]
    return Dataset(known.name, images, labels, known.classes, known.mean, known.std)


__all__ = ["describe", "is_folder", "load", "load_both", "names"]
