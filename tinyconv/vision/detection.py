"""Detection by a grid (see `grid`): what to train it with, and what it finds.

The loss of a batch with P boxes, b* the truth of box b, c* its class, o = σ(to):

    L = 1/P [ λ Σ (1 − GIoU(b, b*)) − Σ ln softmax(classes)_c*      over the P places that answer
              + Σ H(o, o*) ]                                        over all places

    H(o, o*) = −o* ln o − (1 − o*) ln(1 − o),   o* = IoU(b, b*) where a place answers for b*, else 0

The IoU in o* is taken as constant: what is trained is to know how good the box is, so that of two
boxes on one shape the better comes first. A place that does not answer, though its box overlaps
some truth by more than `IGNORE`, is not told that there is nothing.

Sources: Redmon et al., "You only look once", CVPR 2016, https://arxiv.org/abs/1506.02640 (one grid,
o* = IoU); Redmon & Farhadi, "YOLOv3", 2018, https://arxiv.org/abs/1804.02767 (places that are
ignored). Both compare coordinates by squares; here GIoU does (Rezatofighi et al. 2019, `boxes`).
"""
from typing import NamedTuple

import numpy as np

from .. import ops
from ..core import Tensor, no_grad
from ..nn import functional as F
from .boxes import generalized_box_iou_loss, iou
from .precision import Boxes
from .suppression import batched_nms

IGNORE = 0.5


class DetectionLoss(NamedTuple):
    """The loss and its three parts, of which it is the sum."""
    total: Tensor
    box: Tensor
    sure: Tensor
    classes: Tensor


def detection_loss(y, boxes, labels, grid, box_weight=2.0):
    """The loss of a detector's numbers y (N, B·(5 + C), S, T): a `DetectionLoss`.

    boxes, labels   arrays (N, K, 4) of corners in pixels and (N, K), padded with label 0; the other
                    labels are 1 … C
    grid            the `Grid` by which y is read
    box_weight      λ above
    """
    C = y.shape[1] // len(grid.anchors) - 5
    if boxes.shape != (*labels.shape, 4) or len(boxes) != len(y):
        raise ValueError(f"detection_loss: for y {y.shape} boxes should be (N, K, 4) and labels "
                         f"(N, K), got {boxes.shape} and {labels.shape}")
    if not 0 <= labels.min() <= labels.max() <= C:
        raise ValueError(f"detection_loss: y has {C} classes, so labels should be from 0 (nothing) "
                         f"to {C}, got {labels.min()} … {labels.max()}")
    read, places = grid.read(y), grid.assign(boxes, labels, y.shape[2:])
    P = max(len(places.classes), 1)
    mine, truth = read.boxes[places.where], Tensor(places.boxes.astype(y.dtype))     # (P, 4) both
    box = ops.sum(generalized_box_iou_loss(mine, truth)) * (box_weight / P)
    classes = F.cross_entropy(read.classes[places.where], Tensor(places.classes), reduction="sum")
    sure = _sure_loss(read, boxes, labels, places, iou(mine.detach(), truth)[0].data)
    classes, sure = classes / P, sure / P
    return DetectionLoss(box + sure + classes, box, sure, classes)


def _sure_loss(read, boxes, labels, places, overlap):
    """Σ H(o, o*) over the places that are not ignored."""
    with no_grad():
        theirs = read.boxes.data.reshape(len(boxes), -1, 1, 4)           # (N, B·S·T, 1, 4)
        most = iou(theirs, boxes[:, None].astype(theirs.dtype), 1e-9)[0].data     # (…, K)
    most = np.where(labels[:, None] > 0, most, 0).max(-1).reshape(read.sure.shape)
    counts, wanted = (most <= IGNORE).astype(most.dtype), np.zeros_like(most)
    counts[places.where], wanted[places.where] = 1, overlap
    return F.binary_cross_entropy_with_logits(read.sure, wanted, counts, reduction="sum")


def detect(y, grid, score_threshold=0.05, iou_threshold=0.5, most=100):
    """What a detector's numbers y (N, B·(5 + C), S, T) say is there: N `Boxes`, by falling score.

    A score is σ(to) times the probability of the likeliest class. Boxes below `score_threshold` are
    left out, then those of one class that overlap a better one by an IoU above `iou_threshold`, and
    at the end all but `most` of each image.
    """
    with no_grad():
        read = grid.read(y)
        classes = ops.softmax(read.classes, -1).data
        scores = ops.sigmoid(read.sure).data * classes.max(-1)
    found = []
    for boxes, s, labels in zip(read.boxes.data, scores, classes.argmax(-1) + 1):
        likely = s >= score_threshold
        boxes, s, labels = boxes[likely], s[likely], labels[likely]
        kept = batched_nms(boxes, s, labels, iou_threshold).data[:most]
        found.append(Boxes(boxes[kept], labels[kept], s[kept]))
    return found
