"""A one-stage detector: one look at the image gives all boxes and what is in them.

After Redmon, Divvala, Girshick & Farhadi, "You only look once: unified, real-time object
detection", CVPR 2016, https://arxiv.org/abs/1506.02640, and Redmon & Farhadi, "YOLO9000", CVPR
2017, https://arxiv.org/abs/1612.08242, which made it fully convolutional. This is the network
alone, much smaller than theirs; what its numbers mean is for the loss and the decoder to say.

For 96×96, 3 classes and 2 boxes a cell:

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×96×96 | |
| features.0 | 3×3, 16, max pooling 2×2 | 16×48×48 | 464 |
| features.1 | 3×3, 32, max pooling 2×2 | 32×24×24 | 4 672 |
| features.2 | 3×3, 64, max pooling 2×2 | 64×12×12 | 18 560 |
| features.3 | 3×3, 128, max pooling 2×2 | 128×6×6 | 73 984 |
| neck | 3×3, 256 | 256×6×6 | 295 424 |
| head | 1×1, 2·(5 + 3) | 16×6×6 | 4 112 |
| | | | **397 216** |

**The result** is (N, B·(5 + C), S, S) of raw numbers, B boxes in each of the S×S cells, where one
cell covers 16×16 pixels. Box b has the channels from b·(5 + C) on, in this order:

    tx, ty      where in the cell its centre is        as logits, usually
    tw, th      how wide and high it is                as logarithms, against an anchor
    to          whether there is anything              as a logit
    C more      of which class                         as logits

`y.reshape(N, B, 5 + C, S, S)` takes them apart. Row i and column j of the last two dimensions are
the cell from pixel (16·i, 16·j) on.
"""
from functools import partial

from .. import nn
from ..nn import functional as F
from .blocks import Conv2dNormActivation


def leaky(x):
    """y = x for x > 0, else x/10"""
    return F.leaky_relu(x, 0.1)


class Detector(nn.Module):
    """(N, in_channels, H, W) → (N, boxes·(5 + num_classes), H/stride, W/stride).

    Each of the `widths` is a 3×3 convolution with batch norm, leaky ReLU and max pooling, so
    `stride`, the side of a cell in pixels, is 2 to the power of their number.
    """

    def __init__(self, num_classes=3, in_channels=3, boxes=2, widths=(16, 32, 64, 128)):
        conv = partial(Conv2dNormActivation, activation=leaky)
        inputs = (in_channels, *widths)
        self.features = nn.Sequential(*(nn.Sequential(conv(C, O), nn.MaxPool2d(2))
                                        for C, O in zip(inputs, widths)))
        self.neck = conv(widths[-1], 2 * widths[-1])
        self.head = nn.Conv2d(2 * widths[-1], boxes * (5 + num_classes), 1)
        self.num_classes, self.boxes, self.stride = num_classes, boxes, 2 ** len(widths)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.1)

    def forward(self, x):
        x = self.features(x)                             # (N, 128, S, S)
        return self.head(self.neck(x))                   # (N, B·(5 + C), S, S)


def detector(num_classes=3, in_channels=3, boxes=2, widths=(16, 32, 64, 128)):
    """A small one-stage detector: 397 216 parameters."""
    return Detector(num_classes, in_channels, boxes, tuple(widths))
