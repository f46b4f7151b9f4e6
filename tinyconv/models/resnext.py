"""ResNeXt: the 3×3 convolutions of a ResNet in many narrow groups, with more channels for it.

Xie, Girshick, Dollár, Tu & He, "Aggregated residual transformations for deep neural networks", CVPR
2017, table 1, https://arxiv.org/abs/1611.05431; names and details as in torchvision.

32×4d are 32 groups, of 4 channels in the first stage and twice as many in each that follows. A
block of layer1 has the 1×1, 3×3 and 1×1 convolutions

    ResNet-50       256 → 64, 64 → 64, 64 → 256                       69 632 weights
    ResNeXt-50      256 → 128, 32 times 4 → 4, 128 → 256              70 144 weights

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| conv1, bn1 | 7×7, 64, stride 2, ReLU | 64×112×112 | 9 536 |
| maxpool | 3×3, stride 2 | 64×56×56 | |
| layer1 | 3 blocks, 32 groups of 4 | 256×56×56 | 205 824 |
| layer2 | 4 blocks, 32 groups of 8 | 512×28×28 | 1 197 056 |
| layer3 | 6 blocks, 32 groups of 16 | 1024×14×14 | 7 022 592 |
| layer4 | 3 blocks, 32 groups of 32 | 2048×7×7 | 14 544 896 |
| | mean over the image | 2048 | |
| fc | 2048 → 1000 | 1000 | 2 049 000 |
| | | | **25 028 904** |
"""
from .resnet import Bottleneck, ResNet


class Bottleneck32x4d(Bottleneck):
    """A bottleneck of 32 groups, of 4 channels for every 64 of its `width`."""
    groups, width_per_group = 32, 4


def resnext50_32x4d(num_classes=1000, in_channels=3, stem="imagenet"):
    """ResNeXt-50 (32×4d): 25 028 904 parameters."""
    return ResNet(Bottleneck32x4d, (3, 4, 6, 3), num_classes, in_channels, stem)
