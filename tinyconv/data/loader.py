"""Batches for training: shuffled, augmented, normalised, and prepared while the last one trains."""

import queue
import threading

import numpy as np

from ..random import default_generator
from .augment import AlternatingFlip, Normalize
from .dataset import Dataset
from .mixing import Mixing, one_hot


class Loader:
    """Yields (x, y) batches of a Dataset; each `for` loop over it is one epoch.

    x is float32 (N, C, H, W), normalised as (pixel/255 − mean)/std and laid out channels-last in
    memory, so that `x.transpose(0, 2, 3, 1)` is contiguous; y is int64 (N,), or float32 (N, K) if
    the labels of the data set are a matrix, or if images are mixed.

    dataset     a Dataset
    batch_size  images per batch; the last batch is smaller unless `drop_last`
    shuffle     a new random order every epoch
    generator   numpy.random.Generator for shuffling and augmenting; unless given, one of its own
                that the default generator spawns (see `manual_seed`): a thread draws from it
    augment     augmentations, applied in turn to the uint8 images (see `augment`); those that mix
                images (see `mixing`) come last, after normalisation
    mean, std   per channel; those of the data set unless given
    drop_last   leave out an incomplete last batch
    prefetch    prepare batches in a background thread; the batches are the same bit for bit. It
                gains something only where a core is free and `augment` is slow: 128 images of
                CIFAR-10 are cropped, mirrored and normalised in 0.4 ms

    All the random numbers an epoch needs come from `generator` when the epoch begins.  So a saved
    generator state and a batch number are enough to continue an epoch where it was left.
    """

    def __init__(self, dataset, batch_size, shuffle=False, generator=None, augment=(),
                 mean=None, std=None, drop_last=False, prefetch=True):
        if not isinstance(dataset, Dataset):
            raise TypeError("Loader: dataset must be a Dataset, as data.load gives one, "
                            f"got {type(dataset).__name__}")
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"Loader: batch_size must be a whole number of at least 1, "
                             f"got {batch_size!r}")
        self.augment = (augment,) if callable(augment) else tuple(augment)
        if generator is None and (shuffle or self.augment):
            generator, = default_generator().spawn(1)
        if (shuffle or self.augment) and not isinstance(generator, np.random.Generator):
            raise ValueError(f"Loader: generator must be a numpy.random.Generator, as numpy.random."
                             f"default_rng(seed) is one, got {generator!r}")
        for change in self.augment:
            if hasattr(change, "check"):
                change.check(dataset.shape)
        self._mixing = [change for change in self.augment if isinstance(change, Mixing)]
        self._epoch = -1
        self.dataset = dataset
        self.batch_size = int(batch_size)
        self.shuffle = shuffle
        self.generator = generator
        self.drop_last = drop_last
        self.prefetch = prefetch
        self.normalize = Normalize(dataset.mean if mean is None else mean,
                                   dataset.std if std is None else std)
        if len(self.normalize.mean) != dataset.shape[0]:
            raise ValueError(f"Loader: mean and std have {len(self.normalize.mean)} channels, the "
                             f"images have {dataset.shape[0]}")
        # A batch gathers whole images: in this layout each of them is one run of memory.
        self._images = np.ascontiguousarray(dataset.images.transpose(0, 2, 3, 1))

    def __len__(self):
        """Batches per epoch."""
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self):
        return self.epoch()

    def epoch(self, start=0, number=None):
        """The batches of one epoch, from batch `start` on: an iterator of (x, y).

        The generator is advanced as far as for a whole epoch, whatever `start` is. `number` counts
        the epochs from 0, for what alternates; by default it is one more than the last.
        """
        self._epoch = self._epoch + 1 if number is None else number
        now = self._epoch
        N = len(self.dataset)
        order = self.generator.permutation(N) if self.shuffle else np.arange(N)
        # one seed for each batch, so that a batch does not depend on those made before it
        seeds = self.generator.integers(2 ** 63, size=len(self)) if self.augment else None

        def batch(number):
            chosen = order[number * self.batch_size:(number + 1) * self.batch_size]
            return self._batch(chosen, None if seeds is None else seeds[number], now)

        batches = map(batch, range(start, len(self)))
        return _ahead(batches) if self.prefetch else batches

    def _batch(self, chosen, seed, epoch):
        images, labels = self._images[chosen].transpose(0, 3, 1, 2), self.dataset.labels[chosen]
        generator = None if seed is None else np.random.default_rng(seed)
        for change in self.augment:
            if isinstance(change, AlternatingFlip):
                images = change(images, chosen, epoch)
            elif not isinstance(change, Mixing):
                images = change(images, generator)
        x = self.normalize(images)
        if self._mixing or labels.ndim == 2:
            labels = one_hot(labels, len(self.dataset.classes))
        for mix in self._mixing:
            x, labels = mix(x, labels, generator)
        return x, labels

    def __repr__(self):
        return (f"Loader({self.dataset!r}, batch_size={self.batch_size}, shuffle={self.shuffle}, "
                f"augment={list(self.augment)}, {len(self)} batches)")


def _ahead(items, depth=2):
    """Yield the items of an iterator that a thread works out up to `depth` ahead.

    An exception in the thread is raised here, at the item where it happened.  The thread starts
    with the first item asked for and ends with the last one, or as soon as the consumer stops.
    Only serial kernels run in it: a parallel one would have to wait for those of the consumer.
    """
    waiting = queue.Queue(maxsize=depth)
    stop = threading.Event()

    def work():
        try:
            for item in items:
                waiting.put((item, None))
                if stop.is_set():
                    return
            waiting.put((None, StopIteration))
        except BaseException as error:  # carried over to the consumer, whatever it is
            waiting.put((None, error))

    thread = threading.Thread(target=work, name="tinyconv-loader", daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is StopIteration:
                return
            if error is not None:
                raise error
            yield item
    finally:
        stop.set()
        while thread.is_alive():        # make room for what the thread is about to put
            try:
                waiting.get(timeout=0.01)
            except queue.Empty:
                pass
        thread.join()
