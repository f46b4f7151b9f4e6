"""A pass over a data set: shuffled, augmented, normalised, and trained on."""
from pathlib import Path

import numpy as np

from .networks import parameters, trainer
from .work import Work


def epoch(lib, model, folder, N, augment):
    """An epoch in batches of N, and beside it the same steps on batches that are ready.

    `folder` has images.npy (M, C, H, W) uint8 and labels.npy (M,). With `augment` each image is
    cropped at random after padding by 4, and mirrored or not.
    """
    images, labels = (np.load(Path(folder) / f"{name}.npy") for name in ("images", "labels"))
    loader = lib.loader(images, labels, N, augment)
    network = lib.model(model)
    step = trainer(lib, network)
    ready = list(loader)

    def whole():
        for x, y in loader:
            step(x, y)

    def bare():
        for x, y in ready:
            step(x, y)

    def warm_up():                               # the last batch may be smaller
        for x, y in (ready[0], ready[-1]) * 2:
            step(x, y)
    return Work({"epoch": whole, "bare": bare}, lambda: [*parameters(network), len(ready)],
                warm_up)
