"""A data set in memory: images, labels and the names of the classes."""

from dataclasses import dataclass, replace

import numpy as np

from .errors import DataError


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """N images and their labels, checked once when made and read-only from then on.

    name     what to call it in reports
    images   (N, C, H, W) uint8
    labels   (N,) int64, each in [0, len(classes)); or (N, K) of 0 and 1 where an image may have
             several of the K classes, or none
    classes  the name of each class
    mean     per channel, in units of [0, 1]; of these very images unless given
    std      likewise

    `mean` and `std` are what a network should be fed with, so a test set carries those of its
    training set.  Raises DataError when shapes, dtypes or labels do not fit.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple
    mean: tuple = None
    std: tuple = None

    def __post_init__(self):
        images, labels, classes = self.images, self.labels, tuple(self.classes)
        if not (isinstance(images, np.ndarray) and images.ndim == 4 and images.dtype == np.uint8):
            raise self._error("images must be a uint8 array (N, C, H, W)", images)
        if 0 in images.shape:
            raise self._error("images must not be empty", images)
        if isinstance(labels, np.ndarray) and labels.ndim == 2:
            if labels.shape != (len(images), len(classes)) or not np.isin(labels, (0, 1)).all():
                raise self._error(f"a matrix of labels must be ({len(images)}, {len(classes)}) of "
                                  "0 and 1, a row for each image", labels)
            labels = labels.astype(np.int64)
        elif not (isinstance(labels, np.ndarray) and labels.shape == images.shape[:1]
                  and np.issubdtype(labels.dtype, np.integer)):
            raise self._error(f"labels must be an integer array ({len(images)},), one for each "
                              "image", labels)
        if not classes or not all(isinstance(c, str) for c in classes):
            raise self._error("classes must be a tuple of names", self.classes)
        wrong = np.flatnonzero((labels < 0) | (labels >= len(classes))) if labels.ndim == 1 else ()
        if len(wrong):
            raise DataError(f"data set {self.name!r}: label {labels[wrong[0]]} of image {wrong[0]} "
                            f"is outside 0…{len(classes) - 1} (there are {len(classes)} classes, "
                            f"{len(wrong)} such labels)")
        mean, std = ((self.mean, self.std) if self.mean is not None and self.std is not None
                     else statistics(images))
        if len(mean) != images.shape[1] or len(std) != images.shape[1] or min(std) <= 0:
            raise DataError(f"data set {self.name!r}: mean {mean} and std {std} must have one "
                            f"number for each of {images.shape[1]} channels, std above 0")
        for field, value in (("images", _read_only(images)), ("classes", classes),
                             ("labels", _read_only(labels.astype(np.int64))),
                             ("mean", tuple(map(float, mean))), ("std", tuple(map(float, std)))):
            object.__setattr__(self, field, value)          # a frozen dataclass has no other way

    def _error(self, expected, got):
        what = (f"{got.dtype} array {got.shape}" if isinstance(got, np.ndarray)
                else f"{type(got).__name__} {str(got)[:60]!r}")
        return DataError(f"data set {self.name!r}: {expected}; got {what}")

    @property
    def shape(self):
        """The shape (C, H, W) of one image."""
        return self.images.shape[1:]

    @property
    def several(self):
        """Whether an image may have several labels."""
        return self.labels.ndim == 2

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        C, H, W = self.shape
        return (f"Dataset {self.name!r}: {len(self):,} images of {C}×{H}×{W}, "
                f"{len(self.classes)} classes ({', '.join(self.classes[:3])}"
                f"{', …' if len(self.classes) > 3 else ''})")

    def __getitem__(self, index):
        """For an integer one image and its label (or row of labels); for a slice, mask or array of
        numbers a Dataset."""
        if isinstance(index, (int, np.integer)):
            label = self.labels[index]
            return self.images[index], label if self.several else int(label)
        return replace(self, images=self.images[index], labels=self.labels[index])

    def with_channels(self, C):
        """Its images with C channels: grey repeated in three, or colours weighed to one grey.

        Mean and standard deviation are those of the new images.
        """
        mine = self.shape[0]
        if C == mine:
            return self
        if (mine, C) == (1, 3):
            return replace(self, images=np.repeat(self.images, 3, axis=1), mean=self.mean * 3,
                           std=self.std * 3)
        if (mine, C) == (3, 1):
            grey = np.rint(self.images.transpose(0, 2, 3, 1) @ np.float32((0.299, 0.587, 0.114)))
            return replace(self, images=grey.astype(np.uint8)[:, None], mean=None, std=None)
        raise DataError(f"data set {self.name!r}: images of {mine} channels cannot be brought to "
                        f"{C}, only 1 to 3 and 3 to 1")

    def normalized_by(self, mean, std):
        """The same images, to be normalised with another mean and standard deviation."""
        return replace(self, mean=mean, std=std)

    def limit(self, n):
        """The first n images (all of them if there are fewer)."""
        if n < 1:
            raise DataError(f"data set {self.name!r}: limit must be at least 1, got {n}")
        return self[:n]

    def split(self, n, generator):
        """Hold out n images at random: (Dataset of N − n to train on, Dataset of n to validate).

        Both keep the order of the original.  Choose a model on the second, never on the test set.
        """
        if not 0 < n < len(self):
            raise DataError(f"data set {self.name!r}: split must hold out between 1 and "
                            f"{len(self) - 1} of its {len(self)} images, got {n}")
        held_out = np.zeros(len(self), bool)
        held_out[generator.permutation(len(self))[:n]] = True
        return self[~held_out], self[held_out]


def statistics(images):
    """Mean and standard deviation of each channel of uint8 images (N, C, H, W), as if in [0, 1].

    A byte has only 256 values: their histogram gives both exactly, in one pass and little memory.
    A channel that is constant gets the standard deviation 1, so that it can be divided by.
    """
    levels = np.arange(256) / 255
    mean, std = [], []
    for channel in range(images.shape[1]):
        share = sum(np.bincount(block.ravel(), minlength=256)
                    for block in np.array_split(images[:, channel], len(images) // 4096 + 1))
        share = share / share.sum()
        mean.append(float(share @ levels))
        std.append(float(np.sqrt(share @ (levels - mean[-1]) ** 2)) or 1.0)
    return tuple(mean), tuple(std)


def _read_only(array):
    view = array.view()
    view.setflags(write=False)
    return view
