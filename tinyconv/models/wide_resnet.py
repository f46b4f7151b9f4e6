"""Wide residual networks: fewer layers, and many more channels in each.

Zagoruyko & Komodakis, "Wide residual networks", BMVC 2016, https://arxiv.org/abs/1605.07146.

**For CIFAR**, WRN-d-k is a pre-activation ResNet of depth d = 6n + 4 (the paper counts the
shortcuts, too) whose stages are k times as wide; with dropout between the convolutions of a block,
if wanted. WRN-28-10, n = 4:

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×32×32 | |
| conv | 3×3, 16 | 16×32×32 | 432 |
| layer1 | n blocks of 16·k channels | 160×32×32 | 1 640 672 |
| layer2 | n blocks of 32·k channels | 320×16×16 | 6 968 000 |
| layer3 | n blocks of 64·k channels | 640×8×8 | 27 862 400 |
| bn | and ReLU | 640×8×8 | 1 280 |
| | mean over the image | 640 | |
| linear | 640 → 10 | 10 | 6 410 |
| | | | **36 479 194** |

| | wrn_16_2 | wrn_16_4 | wrn_40_4 | wrn_28_10 |
|---|---|---|---|---|
| parameters | 691 674 | 2 748 890 | 8 949 210 | 36 479 194 |
| error on CIFAR-10 in the paper | | | 4.53 % | 4.00 % |

**For ImageNet**, Wide ResNet-50-2 is a ResNet-50 whose 3×3 convolutions are twice as wide:
68 883 240 parameters, with torchvision's names.
"""
from .resnet import Bottleneck, ResNet
from .resnet_preact import PreActBlock, PreActResNet


class WideBottleneck(Bottleneck):
    """A bottleneck that is twice as wide inside."""
    width_per_group = 128


def wide_resnet(depth, k, num_classes=10, in_channels=3, dropout=0.0):
    """WRN-depth-k for images of 32×32; depth is 6n + 4."""
    if depth < 10 or depth % 6 != 4:
        raise ValueError("wide_resnet: depth should be 6n + 4 (10, 16, 22, 28, 40, ...), "
                         f"got {depth}")
    return PreActResNet(PreActBlock, (depth - 4) // 6, k, num_classes, in_channels, dropout)


def wrn_16_2(num_classes=10, in_channels=3, dropout=0.0):
    """WRN-16-2: 691 674 parameters."""
    return wide_resnet(16, 2, num_classes, in_channels, dropout)


def wrn_16_4(num_classes=10, in_channels=3, dropout=0.0):
    """WRN-16-4: 2 748 890 parameters."""
    return wide_resnet(16, 4, num_classes, in_channels, dropout)


def wrn_40_4(num_classes=10, in_channels=3, dropout=0.0):
    """WRN-40-4: 8 949 210 parameters."""
    return wide_resnet(40, 4, num_classes, in_channels, dropout)


def wrn_28_10(num_classes=10, in_channels=3, dropout=0.0):
    """WRN-28-10: 36 479 194 parameters."""
    return wide_resnet(28, 10, num_classes, in_channels, dropout)


def wide_resnet50_2(num_classes=1000, in_channels=3, stem="imagenet"):
    """Wide ResNet-50-2: 68 883 240 parameters."""
    return ResNet(WideBottleneck, (3, 4, 6, 3), num_classes, in_channels, stem)
