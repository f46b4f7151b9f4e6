"""Beyond classification: which class every pixel is, and where things are.

    from tinyconv import data, models, vision

    scenes = data.scenes.draw(1000, numpy.random.default_rng(0))
    confusion = vision.confusion_matrix(logits.argmax(1), scenes.masks, num_classes=5)
    print(vision.mask_scores(confusion).mean_iou)

    grid = vision.Grid(stride=8, anchors=((16, 16), (26, 26)))
    loss = vision.detection_loss(detector(x), scenes.boxes, scenes.labels, grid).total
    found = vision.detect(detector(x), grid)
    print(vision.average_precision(found, [*map(vision.Boxes, *scenes[2:])]).ap50)

To read from easy to hard: `segmentation`; `boxes`, `suppression`, `precision`; `grid`, `detection`.
"""
from .boxes import (box_area, box_convert, box_iou, clip_boxes_to_image, complete_box_iou,
                    complete_box_iou_loss, distance_box_iou, generalized_box_iou,
                    generalized_box_iou_loss)
from .detection import DetectionLoss, detect, detection_loss
from .grid import Grid, Places, Reading, choose_anchors
from .precision import AveragePrecision, Boxes, average_precision
from .segmentation import Scores, confusion_matrix, dice_loss, mask_scores
from .suppression import batched_nms, nms
