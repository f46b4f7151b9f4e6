"""Non-maximum suppression: of boxes that mean the same thing, the one with the highest score.

By torchvision's names. The boxes are tensors or arrays; what comes back are positions, which have
no gradient.
"""
import numpy as np

from ..core import Tensor
from ..ops import as_tensor
from .boxes import box_iou


def nms(boxes, scores, iou_threshold):
    """The positions of the boxes to keep, by falling score:  (N, 4), (N,) → (K,) int64

    The best box is kept, those that overlap it by an IoU above the threshold are dropped, and so
    on with the best of the rest. Of equal scores the first goes first.
    """
    boxes, scores = _checked("nms", boxes, scores)
    overlaps = box_iou(boxes, boxes).data > iou_threshold    # (N, N); 0/0 is NaN: no overlap
    dropped, kept = np.zeros(len(boxes), bool), []
    for i in np.argsort(-scores, kind="stable"):
        if not dropped[i]:
            kept.append(i)
            dropped |= overlaps[i]
    return Tensor(np.array(kept, np.int64))


def batched_nms(boxes, scores, idxs, iou_threshold):
    """`nms` within each group, such as a class:  (N, 4), (N,), (N,) whole numbers → (K,) int64

    The positions come by falling score through all groups.
    """
    boxes, scores = _checked("batched_nms", boxes, scores)
    groups = as_tensor(idxs).data
    if groups.shape != scores.shape:
        raise ValueError(f"batched_nms: expected a group for each of {len(scores)} boxes, "
                         f"got shape {groups.shape}")
    kept = np.zeros(len(boxes), bool)
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        kept[mine[nms(boxes[mine], scores[mine], iou_threshold).data]] = True
    order = np.argsort(-scores, kind="stable")
    return Tensor(order[kept[order]])


def _checked(op, boxes, scores):
    boxes, scores = as_tensor(boxes).data, as_tensor(scores).data
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != boxes.shape[:1]:
        raise ValueError(f"{op}: expected boxes (N, 4) and scores (N,), "
                         f"got {boxes.shape} and {scores.shape}")
    return boxes, scores
