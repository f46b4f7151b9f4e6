"""A fully convolutional network: ResNet-50 that says of every pixel what it belongs to.

Long, Shelhamer & Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015,
https://arxiv.org/abs/1411.4038; with the names and details of torchvision's `fcn_resnet50`, whose
last two stages keep the resolution of the second.

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| backbone.conv1, backbone.bn1 | 7×7, 64, stride 2, ReLU | 64×112×112 | 9 536 |
| backbone.maxpool | 3×3, stride 2 | 64×56×56 | |
| backbone.layer1 | 3 bottlenecks | 256×56×56 | 215 808 |
| backbone.layer2 | 4 bottlenecks | 512×28×28 | 1 219 584 |
| backbone.layer3 | 6 bottlenecks, 3×3 dilated by 2 | 1024×28×28 | 7 098 368 |
| backbone.layer4 | 3 bottlenecks, 3×3 dilated by 4 | 2048×28×28 | 14 964 736 |
| classifier | 3×3, 512, batch norm, ReLU, dropout, 1×1, 21 | 21×28×28 | 9 448 981 |
| | bilinear interpolation | 21×224×224 | |
| | | | **32 957 013** |

`aux_loss=True` adds a second head on layer3: 35 322 218 parameters, and in training mode two
results.
"""
from collections import namedtuple

from .. import nn
from ..nn import functional as F
from .resnet import Bottleneck, ResNet

FCNOutputs = namedtuple("FCNOutputs", "out aux")


class FCNHead(nn.Sequential):
    """Which class, at every place:  (N, C, H, W) → logits (N, num_classes, H, W)."""

    def __init__(self, in_channels, num_classes):
        inner = in_channels // 4
        super().__init__(nn.Conv2d(in_channels, inner, 3, padding=1, bias=False),
                         nn.BatchNorm2d(inner), nn.ReLU(), nn.Dropout(0.1),
                         nn.Conv2d(inner, num_classes, 1))


class FCN(nn.Module):
    """(N, C, H, W) → logits (N, num_classes, H, W).

    With `aux_loss` and in training mode → `FCNOutputs`, the logits and those of the second head.
    `depths` are those of the ResNet with bottlenecks.
    """

    def __init__(self, num_classes=21, in_channels=3, aux_loss=False, depths=(3, 4, 6, 3)):
        self.backbone = ResNet(Bottleneck, depths, in_channels=in_channels)
        self.backbone.fc = None
        dilate(self.backbone.layer3, 1, 2)
        dilate(self.backbone.layer4, 2, 4)
        self.classifier = FCNHead(2048, num_classes)
        self.aux_classifier = FCNHead(1024, num_classes) if aux_loss else None

    def forward(self, x):
        size, net = x.shape[2:], self.backbone
        x = net.maxpool(net.bn1.after(net.conv1, x, relu=True))      # (N, 64, H/4, W/4)
        a = net.layer3(net.layer2(net.layer1(x)))                    # (N, 1024, H/8, W/8)
        y = self.classifier(net.layer4(a))                           # (N, num_classes, H/8, W/8)
        y = F.interpolate(y, size, mode="bilinear")                  # (N, num_classes, H, W)
        if self.aux_classifier is None or not self.training:
            return y
        return FCNOutputs(y, F.interpolate(self.aux_classifier(a), size, mode="bilinear"))


def dilate(stage, first, others):
    """Stride 1 in all of the stage, and 3×3 kernels that look further apart instead.

    So each output has seen what it saw before, and there are four times as many. The dilation of
    the first block is that of the stage before it.
    """
    for i, block in enumerate(stage):
        d = (first if i == 0 else others,) * 2
        block.conv2.stride, block.conv2.dilation, block.conv2.padding = (1, 1), d, d
        if block.downsample is not None:
            block.downsample[0].stride = (1, 1)


def fcn_resnet50(num_classes=21, in_channels=3, aux_loss=False):
    """FCN on a dilated ResNet-50: 32 957 013 parameters, 35 322 218 with `aux_loss`."""
    return FCN(num_classes, in_channels, aux_loss)
