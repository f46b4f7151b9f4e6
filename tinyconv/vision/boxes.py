"""Boxes: corners x1 y1 x2 y2 in pixels, with x1 ≤ x2 and y1 ≤ y2, and how much two have in common.

By torchvision's names (`torchvision.ops`). All are made of ordinary operations, so that they have
gradients: a box can be trained to lie on another.

    IoU  = |a ∩ b| / |a ∪ b|                                        0 where they do not meet
    GIoU = IoU − |C ∖ (a ∪ b)| / |C|                                C the least box around both
    DIoU = IoU − ρ² / d²                                            ρ from centre to centre, d
    CIoU = DIoU − α v,   v = (4/π²) (arctan w_b/h_b − arctan w_a/h_a)²       the diagonal of C
                         α = v / (1 − IoU + v), taken as constant

Sources: Rezatofighi et al. 2019, https://arxiv.org/abs/1902.09630 (GIoU); Zheng et al. 2020,
https://arxiv.org/abs/1911.08287 (DIoU and CIoU).
"""
import numpy as np

from .. import ops
from ..nn.functional.reduction import reduced

_FORMS = ("xyxy", "xywh", "cxcywh")
EPS = 1e-7                             # beside a denominator that can be 0: of boxes without area


# ---- one box -------------------------------------------------------------------------------------

def box_convert(boxes, in_fmt, out_fmt):
    """Boxes (…, 4) in another form: "xyxy" corners, "xywh" corner and size, "cxcywh" centre, size.

    Whole numbers stay whole, except where a centre is wanted or given: that may lie at a half.
    """
    for form in (in_fmt, out_fmt):
        if form not in _FORMS:
            raise ValueError(f"box_convert: a form should be one of {', '.join(_FORMS)}, "
                             f"got {form!r}")
    boxes = _boxes("box_convert", boxes)
    if in_fmt == out_fmt:
        return boxes
    if "cxcywh" in (in_fmt, out_fmt):
        (boxes,) = _floating("box_convert", boxes)
    a, b, c, d = ops.unbind(boxes, -1)
    if in_fmt == "xywh":
        a, b, c, d = a, b, a + c, b + d
    elif in_fmt == "cxcywh":
        a, b, c, d = a - c / 2, b - d / 2, a + c / 2, b + d / 2
    if out_fmt == "xywh":
        a, b, c, d = a, b, c - a, d - b
    elif out_fmt == "cxcywh":
        a, b, c, d = (a + c) / 2, (b + d) / 2, c - a, d - b
    return ops.stack([a, b, c, d], -1)


def box_area(boxes):
    """(x2 − x1) (y2 − y1):  (…, 4) → (…)"""
    x1, y1, x2, y2 = ops.unbind(_boxes("box_area", boxes), -1)
    return (x2 - x1) * (y2 - y1)


def clip_boxes_to_image(boxes, size):
    """Boxes (…, 4) cut at the border of an image of size (H, W)."""
    H, W = size
    x1, y1, x2, y2 = ops.unbind(_boxes("clip_boxes_to_image", boxes), -1)
    return ops.stack([ops.clamp(x1, 0, W), ops.clamp(y1, 0, H),
                      ops.clamp(x2, 0, W), ops.clamp(y2, 0, H)], -1)


# ---- every box with every other ------------------------------------------------------------------

def box_iou(boxes1, boxes2):
    """IoU of each of N boxes with each of M:  (N, 4), (M, 4) → (N, M)"""
    return iou(*_each("box_iou", boxes1, boxes2))[0]


def generalized_box_iou(boxes1, boxes2):
    """GIoU of each of N boxes with each of M:  (N, 4), (M, 4) → (N, M), from −1 to 1"""
    return _giou(*_each("generalized_box_iou", boxes1, boxes2))


def distance_box_iou(boxes1, boxes2, eps=EPS):
    """DIoU of each of N boxes with each of M:  (N, 4), (M, 4) → (N, M)"""
    return _diou(*_each("distance_box_iou", boxes1, boxes2), eps)[0]


def complete_box_iou(boxes1, boxes2, eps=EPS):
    """CIoU of each of N boxes with each of M:  (N, 4), (M, 4) → (N, M)"""
    return _ciou(*_each("complete_box_iou", boxes1, boxes2), eps)


# ---- losses of pairs -----------------------------------------------------------------------------

def generalized_box_iou_loss(boxes1, boxes2, reduction="none", eps=EPS):
    """1 − GIoU of the boxes in pairs:  (…, 4), (…, 4) → (…).  It has a slope where they do not meet

    `reduction` is "none", "mean" or "sum".
    """
    a, b = _pairs("generalized_box_iou_loss", boxes1, boxes2)
    return reduced(1 - _giou(a, b, eps), reduction, False, "generalized_box_iou_loss")


def complete_box_iou_loss(boxes1, boxes2, reduction="none", eps=EPS):
    """1 − CIoU of the boxes in pairs:  (…, 4), (…, 4) → (…)"""
    a, b = _pairs("complete_box_iou_loss", boxes1, boxes2)
    return reduced(1 - _ciou(a, b, eps), reduction, False, "complete_box_iou_loss")


# ---- the formulas, for shapes that broadcast -----------------------------------------------------

def iou(a, b, eps=0.0):
    """IoU and the area of the union, of boxes whose shapes (…, 4) broadcast."""
    ax1, ay1, ax2, ay2 = ops.unbind(a, -1)
    bx1, by1, bx2, by2 = ops.unbind(b, -1)
    width = ops.clamp(ops.minimum(ax2, bx2) - ops.maximum(ax1, bx1), min=0)
    height = ops.clamp(ops.minimum(ay2, by2) - ops.maximum(ay1, by1), min=0)
    common = width * height
    union = box_area(a) + box_area(b) - common
    return common / (union + eps), union


def _around(a, b):
    """Width and height of the least box around both."""
    ax1, ay1, ax2, ay2 = ops.unbind(a, -1)
    bx1, by1, bx2, by2 = ops.unbind(b, -1)
    return (ops.maximum(ax2, bx2) - ops.minimum(ax1, bx1),
            ops.maximum(ay2, by2) - ops.minimum(ay1, by1))


def _giou(a, b, eps=0.0):
    share, union = iou(a, b, eps)
    width, height = _around(a, b)
    area = width * height
    return share - (area - union) / (area + eps)


def _diou(a, b, eps):
    """DIoU and IoU."""
    share, _ = iou(a, b, eps)
    width, height = _around(a, b)
    ax, ay, _, _ = ops.unbind(box_convert(a, "xyxy", "cxcywh"), -1)
    bx, by, _, _ = ops.unbind(box_convert(b, "xyxy", "cxcywh"), -1)
    apart = (ax - bx) ** 2 + (ay - by) ** 2
    return share - apart / (width ** 2 + height ** 2 + eps), share


def _ciou(a, b, eps):
    diou, share = _diou(a, b, eps)
    _, _, aw, ah = ops.unbind(box_convert(a, "xyxy", "cxcywh"), -1)
    _, _, bw, bh = ops.unbind(box_convert(b, "xyxy", "cxcywh"), -1)
    v = (ops.atan(bw / (bh + eps)) - ops.atan(aw / (ah + eps))) ** 2 * (4 / np.pi ** 2)
    alpha = v.detach() / (1 - share.detach() + v.detach() + eps)
    return diou - alpha * v


# ---- what can be wrong with the arguments --------------------------------------------------------

def _boxes(op, boxes):
    boxes = ops.as_tensor(boxes)
    if boxes.ndim == 0 or boxes.shape[-1] != 4:
        raise ValueError(f"{op}: boxes should have four numbers in the last dimension, "
                         f"got shape {boxes.shape}")
    return boxes


def _floating(op, *boxes):
    """Whole numbers as float32: shares of areas are none."""
    boxes = (_boxes(op, b) for b in boxes)
    return tuple(b if b.dtype.kind == "f" else b.to(np.float32) for b in boxes)


def _each(op, a, b):
    a, b = _floating(op, a, b)
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError(f"{op}: expected boxes (N, 4) and (M, 4), got {a.shape} and {b.shape}")
    return a.unsqueeze(1), b.unsqueeze(0)                    # (N, 1, 4), (1, M, 4)


def _pairs(op, a, b):
    a, b = _floating(op, a, b)
    if a.shape != b.shape:
        raise ValueError(f"{op}: boxes come in pairs, got {a.shape} and {b.shape}")
    return a, b
