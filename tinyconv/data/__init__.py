"""Data sets, the files they come from, and loaders that make batches of them.

    from tinyconv import data

    train, test = data.load("digits", "train"), data.load("digits", "test")
    loader = data.Loader(train, 64, shuffle=True, generator=numpy.random.default_rng(0),
                         augment=[data.RandomShift(2)])
    for x, y in loader:                # one epoch: x float32 (64, 1, 28, 28), y int64 (64,)
        ...

To read from the ground up: `errors`, `dataset`; `curves`, `handwriting`, `digits` (the set that
this package draws), `scenes` (shapes with masks and boxes); `readers`, `catalogue`, `https`,
`mirrors`, `files`, `folder`, `sets` (the sets that come in files); `augment`, `geometric`,
`colour`, `erasing`, `mixing`, `choosing`, `loader`.
"""

from . import files, scenes
from .augment import AlternatingFlip, Normalize, RandomCrop, RandomHorizontalFlip, RandomShift
from .choosing import augmentations, views
from .colour import ColorJitter
from .dataset import Dataset, statistics
from .erasing import Cutout, RandomErasing
from .errors import ChecksumError, DataError, DownloadError, FormatError
from .folder import load_folder, read_image
from .geometric import RandomAffine, RandomRotation
from .loader import Loader
from .mixing import CutMix, MixUp
from .sets import describe, is_folder, load, load_both, names

__all__ = [
    "AlternatingFlip", "ChecksumError", "ColorJitter", "CutMix", "Cutout", "DataError", "Dataset",
    "DownloadError", "FormatError", "Loader", "MixUp", "Normalize", "RandomAffine", "RandomCrop",
    "RandomErasing", "RandomHorizontalFlip", "RandomRotation", "RandomShift", "augmentations",
    "describe", "files", "is_folder", "load", "load_both", "load_folder", "names", "read_image",
    "scenes", "statistics", "views",
]
