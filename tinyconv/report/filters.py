"""The filters of the first layer side by side, before and after the training."""
from typing import NamedTuple

import numpy as np

from ..drawing import data_uri, picture

BLUE, ORANGE = (0, 114, 178), (213, 94, 0)       # of the palette: below and above zero
MOST, COLUMNS = 64, 8                  # filters that are shown; in a row, for a phone
TILE, GAP = 40, 3                      # pixels of a filter, about; between two of them


class Filters(NamedTuple):
    """Pictures of the filters, as addresses; `before` is None where it was not kept.

    name      of the weights
    shape     of one filter, and how many there are of them
    shown     how many of them are in the picture
    size      (width, height) of the pictures, in pixels
    change    ‖after − before‖ / ‖before‖, None where that is not known
    colours   whether the three channels are shown as colours
    """
    name: str
    shape: tuple
    count: int
    shown: int
    size: tuple
    before: str | None
    after: str
    change: float | None
    colours: bool


def compare(name, before, after):
    """The Filters of the weights `before` (or None) and `after`, each (O, C, h, w)."""
    after = np.asarray(after, np.float64)
    if before is not None and before.shape != after.shape:
        before = None
    # one scale for all: so it is seen which filters have grown
    largest = max(np.abs(w[:MOST]).max() for w in (before, after) if w is not None)
    pictures = [None if w is None else sheet(w[:MOST] / (largest or 1)) for w in (before, after)]
    change = None
    if before is not None and before.any():
        change = float(np.linalg.norm(after - before) / np.linalg.norm(before))
    return Filters(name, after.shape[1:], len(after), min(len(after), MOST),
                   pictures[1].shape[:0:-1],
                   *(None if p is None else data_uri(picture(p)) for p in pictures),
                   change, after.shape[1] == 3)


def sheet(weights):
    """Filters (O, C, h, w) of values in [−1, 1], side by side: bytes (4, height, width), with
    nothing at all between them.

    Three channels are red, green and blue, with grey for zero. Of any other number the mean over
    the channels is shown, blue below zero, white at zero, orange above.
    """
    O, C, h, w = weights.shape
    if C == 3:
        tiles = 127.5 * (1 + weights)                                    # (O, 3, h, w)
    else:
        mean = weights.mean(axis=1, keepdims=True)                       # (O, 1, h, w)
        ends = np.where(mean < 0, np.reshape(BLUE, (3, 1, 1)), np.reshape(ORANGE, (3, 1, 1)))
        tiles = 255 + np.abs(mean) * (ends - 255.0)
    scale = max(1, round(TILE / max(h, w)))
    tiles = np.rint(tiles).astype(np.uint8).repeat(scale, axis=2).repeat(scale, axis=3)
    h, w = h * scale, w * scale
    columns = min(O, COLUMNS)
    rows = -(-O // columns)
    canvas = np.zeros((4, rows * (h + GAP) - GAP, columns * (w + GAP) - GAP), np.uint8)
    for i, tile in enumerate(tiles):
        y, x = i // columns * (h + GAP), i % columns * (w + GAP)
        canvas[:3, y:y + h, x:x + w] = tile
        canvas[3, y:y + h, x:x + w] = 255                                # opaque
    return canvas
