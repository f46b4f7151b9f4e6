"""A grid of cells that speaks of boxes: how a one-stage detector's numbers are read and written.

An image is cut into cells of `stride` pixels. Each cell answers for the shapes whose centre it
holds, with one box for each of the *anchors*, typical sizes a_w × a_h. Beside row i and column j of
the grid stand raw numbers t, which mean:

    x = (j + σ(tx)) · stride        y = (i + σ(ty)) · stride           centre, within the cell
    w = a_w · exp(tw)               h = a_h · exp(th)                  size, in pixels
    σ(to)                           how sure it is that there is something, and of the box
    softmax of C more               of which class

Sources: Redmon & Farhadi, "YOLO9000", CVPR 2017, https://arxiv.org/abs/1612.08242 (the equations,
and anchors by k-means); the numbers come from `models.detector`.
"""
from typing import NamedTuple

import numpy as np

from .. import ops
from ..core import Tensor

_LARGEST = 4.0                         # of tw and th: 55 times the anchor, so that exp stays finite


class Reading(NamedTuple):
    """What the raw numbers say. B anchors, C classes, a grid of S×T cells."""
    boxes: Tensor                      # (N, B, S, T, 4)   corners in pixels
    sure: Tensor                       # (N, B, S, T)      logits
    classes: Tensor                    # (N, B, S, T, C)   logits


class Places(NamedTuple):
    """Which place of the grid answers for which box: P indices, and P boxes with their classes."""
    where: tuple                       # image, anchor, row, column: (P,) each
    boxes: np.ndarray                  # (P, 4)
    classes: np.ndarray                # (P,)              labels less 1


class Grid(NamedTuple):
    """The side of a cell in pixels, and the anchors ((w, h), …) in pixels."""
    stride: int
    anchors: tuple

    def read(self, y):
        """The numbers (N, B·(5 + C), S, T) of a detector as a `Reading`, with gradients."""
        N, channels, S, T = y.shape
        B = len(self.anchors)
        if channels % B or channels <= 5 * B:
            raise ValueError(f"Grid.read: {B} anchors need {B}·(5 + classes) channels, "
                             f"got {channels} in shape {y.shape}")
        t = y.reshape(N, B, channels // B, S, T).permute(0, 1, 3, 4, 2)  # (N, B, S, T, 5 + C)
        column, row = np.meshgrid(np.arange(T), np.arange(S))
        corner = np.stack([column, row], -1).astype(y.dtype)             # (S, T, 2)
        anchors = np.array(self.anchors, y.dtype)[:, None, None]         # (B, 1, 1, 2)
        centre = (ops.sigmoid(t[..., :2]) + corner) * self.stride
        half = ops.exp(ops.clamp(t[..., 2:4], max=_LARGEST)) * (anchors / 2)
        return Reading(ops.cat([centre - half, centre + half], -1), t[..., 4], t[..., 5:])

    def assign(self, boxes, labels, cells):
        """Who answers for what: boxes (N, K, 4), labels (N, K), a grid of (S, T) cells → `Places`.

        Label 0 is no box. It is the cell of the centre, with the anchor most like the box of those
        that are still free there; where none is free, the box is left out.
        """
        (S, T), (N, K, _) = cells, boxes.shape
        image, taken, found = np.arange(N), np.zeros((N, len(self.anchors), S, T), bool), []
        column, row = ((boxes[..., a] + boxes[..., a + 2]) / 2 // self.stride for a in (0, 1))
        column, row = column.astype(int).clip(0, T - 1), row.astype(int).clip(0, S - 1)
        alike = size_iou(boxes[..., 2:] - boxes[..., :2], self.anchors)  # (N, K, B)
        for k in range(K):
            free = ~taken[image, :, row[:, k], column[:, k]]             # (N, B)
            anchor = np.where(free, alike[:, k], -1).argmax(1)
            n = np.flatnonzero((labels[:, k] > 0) & free.any(1))
            where = n, anchor[n], row[n, k], column[n, k]
            taken[where] = True
            found.append((*where, boxes[n, k], labels[n, k] - 1))
        *where, boxes, classes = map(np.concatenate, zip(*found))
        return Places(tuple(where), boxes, classes)


# ---- anchors -------------------------------------------------------------------------------------

def size_iou(sizes, anchors):
    """IoU of boxes with one centre: sizes (…, 2), anchors (B, 2) → (…, B)"""
    sizes, anchors = np.asarray(sizes)[..., None, :], np.asarray(anchors)
    common = np.minimum(sizes, anchors).prod(-1)
    return common / (sizes.prod(-1) + anchors.prod(-1) - common)


def choose_anchors(sizes, count, generator, rounds=100):
    """Anchors for boxes of these sizes (n, 2): k-means, but by IoU → ((w, h), …), small ones first

    Each round gives every box to the anchor most like it, then moves each anchor to the median of
    its boxes, until nothing changes: large boxes do not count more than small ones.
    """
    sizes = np.asarray(sizes, float)
    if len(sizes) < count or not (sizes > 0).all():
        raise ValueError(f"choose_anchors: {count} anchors need as many sizes above 0, "
                         f"got {len(sizes)}")
    anchors, before = generator.choice(sizes, count, replace=False), None
    for _ in range(rounds):
        nearest = size_iou(sizes, anchors).argmax(1)
        if before is not None and (nearest == before).all():
            break
        before = nearest
        for b in np.unique(nearest):                         # an anchor without boxes stays
            anchors[b] = np.median(sizes[nearest == b], 0)
    return tuple(sorted((tuple(map(float, a)) for a in anchors), key=np.prod))
