"""Data sets, the files they come from, and loaders that make batches of them.

    from tinyconv import data

    train, test = data.load("digits", "train"), data.load("digits", "test")
    loader = data.Loader(train, 64, shuffle=True, generator=numpy.random.default_rng(0),
                         augment=[data.RandomShift(2)])
    for x, y in loader:                # one epoch: x float32 (64, 1, 28, 28), y int64 (64,)
        ...

To read from the ground up: `errors`, `dataset`; `curves`, `handwriting`, `digits` (the set that
this package draws), `scenes` (shapes with masks and boxes); `readers`, `catalogue`, `files`,
`folder`, `sets` (the sets that come in files); `augment`, `loader`.
"""

from . import files, scenes
from .augment import Normalize, RandomCrop, RandomHorizontalFlip, RandomShift
from .dataset import Dataset, statistics
from .errors import ChecksumError, DataError, DownloadError, FormatError
from .folder import load_folder, read_image
from .loader import Loader
from .sets import describe, load, load_both, names

__all__ = [
    "ChecksumError", "DataError", "Dataset", "DownloadError", "FormatError", "Loader", "Normalize",
    "RandomCrop", "RandomHorizontalFlip", "RandomShift", "describe", "files", "load", "load_both",
    "load_folder", "names", "read_image", "scenes", "statistics",
]
