"""The filters of the first layer side by side, before and after the training."""
from typing import NamedTuple

import numpy as np

from ..drawing import BLUE, ORANGE, data_uri, mosaic, picture

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


def as_filters(weights, shape):
    """Weights of a first layer as images (O, C, h, w), for a model that sees images of `shape`
    (C, H, W); None if they are of something else, such as features worked out before."""
    if weights.ndim == 4:
        return weights
    if weights.ndim == 2 and weights.shape[1] == np.prod(shape):
        return weights.reshape(-1, *shape)
    return None


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
        ends = np.where(mean < 0, _rgb(BLUE), _rgb(ORANGE))
        tiles = 255 + np.abs(mean) * (ends - 255.0)
    scale = max(1, round(TILE / max(h, w)))
    tiles = np.rint(tiles).astype(np.uint8).repeat(scale, axis=2).repeat(scale, axis=3)
    opaque = np.full((O, 1, *tiles.shape[2:]), 255, np.uint8)
    tiles = np.moveaxis(np.concatenate([tiles, opaque], axis=1), 1, -1)  # (O, height, width, 4)
    return np.moveaxis(mosaic(tiles, min(O, COLUMNS), GAP, 0), -1, 0)


def _rgb(colour):
    """The bytes of "#RRGGBB" for an image:  (3, 1, 1)"""
    return np.reshape(list(bytes.fromhex(colour[1:])), (3, 1, 1))
