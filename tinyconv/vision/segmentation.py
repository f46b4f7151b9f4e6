"""Segmentation: a class for every pixel. A loss, and how good an answer is.

The usual loss is `F.cross_entropy(logits, masks)`, for logits (N, C, H, W) and classes (N, H, W).
Where a class is rare, a sum over pixels hardly sees it; `dice_loss` gives every class the same
weight.
"""
from typing import NamedTuple

import numpy as np

from .. import ops
from ..nn import functional as F


def dice_loss(input, target, smooth=1.0):
    """1 − mean over classes of (2 Σ p t + s) / (Σ p + Σ t + s), with p the softmax, t one-hot.

    The sums run over all pixels of the batch, s is `smooth`.  `input`: logits (N, C, …), `target`:
    classes (N, …) of whole numbers.  Add it to the cross-entropy, which has the better slope far
    from the truth.  Source: Milletari, Navab & Ahmadi 2016, https://arxiv.org/abs/1606.04797, there
    with squares below the line; without them as in Drozdzal et al. 2016, arXiv 1608.04117.
    """
    x, target = ops.floating(input, "dice_loss"), ops.as_tensor(target)
    if x.ndim < 2 or target.shape != x.shape[:1] + x.shape[2:]:
        raise ValueError(f"dice_loss: logits {x.shape} need classes of shape "
                         f"{x.shape[:1] + x.shape[2:]}, got {target.shape}")
    t = ops.movedim(F.one_hot(target, x.shape[1]), -1, 1).to(x.dtype)    # (N, C, …)
    p = ops.softmax(x, 1)
    over = (0, *range(2, x.ndim))                                        # all but the classes
    common = ops.sum(p * t, over)                                        # (C,)
    dice = (2 * common + smooth) / (ops.sum(p, over) + ops.sum(t, over) + smooth)
    return 1 - ops.mean(dice)


class Scores(NamedTuple):
    """How good masks are: shares from 0 to 1.

    accuracy     of all pixels so many are right
    class_iou    for each class, pixels of it that are right / pixels that are or are said to be it
    mean_iou     their mean over the classes that occur; NaN for no pixel at all
    """
    accuracy: float
    class_iou: np.ndarray
    mean_iou: float


def confusion_matrix(predicted, target, num_classes):
    """How often class i was taken for class j:  two arrays of classes of one shape → (C, C) int64

    Matrices of several batches add up.
    """
    predicted, target = (np.asarray(ops.as_tensor(a).data) for a in (predicted, target))
    if predicted.shape != target.shape:
        raise ValueError(f"confusion_matrix: predicted {predicted.shape} and target "
                         f"{target.shape} should have the same shape")
    for name, a in (("predicted", predicted), ("target", target)):
        if a.dtype.kind not in "iu":
            raise TypeError(f"confusion_matrix: {name} should be classes, whole numbers, got "
                            f"{a.dtype}; of logits take argmax(1)")
        if a.size and not 0 <= a.min() <= a.max() < num_classes:
            raise ValueError(f"confusion_matrix: {name} should lie in 0 … {num_classes - 1}, got "
                             f"{a.min()} … {a.max()}")
    cell = target.ravel().astype(np.int64) * num_classes + predicted.ravel()
    return np.bincount(cell, minlength=num_classes ** 2).reshape(num_classes, num_classes)


def mask_scores(confusion):
    """Pixel accuracy, IoU per class and mean IoU of a confusion matrix (C, C): `Scores`.

    IoU_c = n_cc / (Σ_j n_cj + Σ_i n_ic − n_cc), NaN for a class that is neither there nor claimed.
    """
    confusion = np.asarray(confusion, float)
    right, there, claimed = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    union = there + claimed - right
    with np.errstate(invalid="ignore"):
        iou = right / union
        accuracy = float(right.sum() / confusion.sum())
    return Scores(accuracy, iou, float(iou[union > 0].mean()) if union.any() else float("nan"))
