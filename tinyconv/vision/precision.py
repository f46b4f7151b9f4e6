"""Average precision: how good boxes are that come with a class and a score.

Boxes of one class are taken by falling score, from all images together. Each claims the box of the
truth that it overlaps most, of those in its image that are not yet claimed; it is right if the IoU
is at least the threshold. After each box, with r of n right, of m there are:

    precision r/n,   recall r/m

As more boxes are taken, recall grows and precision mostly falls; AP is the mean over 101 recalls
0, 0.01, …, 1 of the best precision that has at least this recall, 0 where it is never reached. This
is the measure of COCO (Lin et al. 2014, https://arxiv.org/abs/1405.0312, and its evaluation page),
without its crowds and sizes.
"""
from typing import NamedTuple

import numpy as np

from .boxes import box_iou

COCO = tuple(np.arange(50, 100, 5) / 100)                    # the IoU .5:.95 of its tables
_RECALLS = np.arange(101) / 100


class Boxes(NamedTuple):
    """The boxes of one image: (n, 4) corners, (n,) labels, (n,) scores (None for the truth).

    Where the label is 0 there is nothing, whatever the box: that is padding.
    """
    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray = None


class AveragePrecision(NamedTuple):
    """Shares from 0 to 1: `ap` over all thresholds and classes, `ap50` at an IoU of one half.

    `table` is (thresholds, classes), with `thresholds` and `classes` beside it. NaN where there is
    nothing to find, and for `ap50` if 0.5 is no threshold.
    """
    ap: float
    ap50: float
    table: np.ndarray
    thresholds: tuple
    classes: tuple


def average_precision(found, truth, thresholds=COCO):
    """AP of the boxes `found` in images, against those in `truth`: an `AveragePrecision`.

    Both are sequences of `Boxes`, one for each image. Classes are those of the truth: what is found
    of others counts nothing.
    """
    if len(found) != len(truth):
        raise ValueError(f"average_precision: boxes found in {len(found)} images, "
                         f"but the truth of {len(truth)}")
    thresholds = tuple(thresholds)
    classes = tuple(sorted({int(label) for image in truth for label in image.labels} - {0}))
    table = np.empty((len(thresholds), len(classes)))
    for column, label in enumerate(classes):
        table[:, column] = _of_class(found, truth, label, thresholds)
    half = np.isclose(thresholds, 0.5)
    return AveragePrecision(_mean(table), _mean(table[half]), table, thresholds, classes)


def _mean(table):
    return float(table.mean()) if table.size else float("nan")


def _of_class(found, truth, label, thresholds):
    """AP of one class at every threshold."""
    scores, right, there = [], [], 0
    for mine, real in zip(found, truth):
        chosen = np.flatnonzero(mine.labels == label)
        chosen = chosen[np.argsort(-mine.scores[chosen], kind="stable")]
        wanted = real.boxes[real.labels == label]
        iou = box_iou(mine.boxes[chosen], wanted).data                   # (n, m)
        right.append(np.stack([claims(iou, t) for t in thresholds]))     # (thresholds, n)
        scores.append(mine.scores[chosen])
        there += len(wanted)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return [area(row, there) for row in np.concatenate(right, 1)[:, order]]


def claims(iou, threshold):
    """Which boxes claim one of the truth: IoU (n, m), n boxes by falling score → (n,) booleans"""
    right, free = np.zeros(len(iou), bool), np.ones(iou.shape[1], bool)
    for i, row in enumerate(iou):
        row = np.where(free, row, -1)
        if row.size and row.max() >= threshold:
            right[i], free[row.argmax()] = True, False
    return right


def area(right, there):
    """AP of boxes by falling score, where `right` says which are, and so many are `there`."""
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]      # with this recall or more
    first = np.searchsorted(hits, np.ceil(_RECALLS * there - 1e-9))     # the box that reaches it
    return float(np.append(best, 0)[first].mean())
