"""The residual networks for ImageNet.

He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016, table 1,
https://arxiv.org/abs/1512.03385; names and details as in torchvision, where the stride of a
bottleneck is on its 3×3 convolution ("ResNet v1.5").

| layer | output | 18 | 34 | 50 | 101 | 152 |
|---|---|---|---|---|---|---|
| conv1, bn1 | 64×112×112 | 7×7, 64, stride 2, ReLU | | | | |
| maxpool | 64×56×56 | 3×3, stride 2 | | | | |
| layer1 | 56×56, width 64 | 2 basic | 3 basic | 3 bottleneck | 3 | 3 |
| layer2 | 28×28, width 128 | 2 | 4 | 4 | 4 | 8 |
| layer3 | 14×14, width 256 | 2 | 6 | 6 | 23 | 36 |
| layer4 | 7×7, width 512 | 2 | 3 | 3 | 3 | 3 |
| | mean over the image | 512 | 512 | 2048 | 2048 | 2048 |
| fc | 1000 | | | | | |
| parameters | | 11 689 512 | 21 797 672 | 25 557 032 | 44 549 160 | 60 192 808 |

With `stem="cifar"` the beginning is a 3×3 convolution of stride 1 without pooling, so that 32×32
images are not shrunk to nothing; all other layers are the same.
"""
from .. import nn
from .blocks import is_for_small_images


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut:  (N, C, H, W) → (N, width, H/stride, W/stride)."""
    expansion = 1

    def __init__(self, in_channels, width, stride, downsample):
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, x):
        y = self.bn1.after(self.conv1, x, relu=True)
        x = x if self.downsample is None else self.downsample(x)
        return self.bn2.after(self.conv2, y, add=x, relu=True)


class Bottleneck(nn.Module):
    """1×1 down to `width`, 3×3, 1×1 up:  (N, C, H, W) → (N, 4·width, H/stride, W/stride).

    `groups` and `width_per_group` are what ResNeXt and the wide ResNet-50 change: the 3×3 has
    width · groups · width_per_group / 64 channels.
    """
    expansion = 4
    groups, width_per_group = 1, 64

    def __init__(self, in_channels, width, stride, downsample):
        inner = width * self.groups * self.width_per_group // 64
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, padding=1, groups=self.groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, width * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.downsample = downsample

    def forward(self, x):
        y = self.bn1.after(self.conv1, x, relu=True)
        y = self.bn2.after(self.conv2, y, relu=True)
        x = x if self.downsample is None else self.downsample(x)
        return self.bn3.after(self.conv3, y, add=x, relu=True)


class ResNet(nn.Module):
    """(N, C, H, W), meant for 224×224 (or 32×32 with `stem="cifar"`), → logits (N, num_classes)."""

    def __init__(self, block, depths, num_classes=1000, in_channels=3, stem="imagenet"):
        small = is_for_small_images("ResNet", stem)
        self.conv1 = (nn.Conv2d(in_channels, 64, 3, padding=1, bias=False) if small else
                      nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False))
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self._stage(block, 64, 64, depths[0], stride=1)
        self.layer2 = self._stage(block, 64 * block.expansion, 128, depths[1], stride=2)
        self.layer3 = self._stage(block, 128 * block.expansion, 256, depths[2], stride=2)
        self.layer4 = self._stage(block, 256 * block.expansion, 512, depths[3], stride=2)
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _stage(block, in_channels, width, depth, stride):
        channels, downsample = width * block.expansion, None
        if stride != 1 or in_channels != channels:
            downsample = nn.Sequential(nn.Conv2d(in_channels, channels, 1, stride, bias=False),
                                       nn.BatchNorm2d(channels))
        return nn.Sequential(block(in_channels, width, stride, downsample),
                             *(block(channels, width, 1, None) for _ in range(depth - 1)))

    def forward(self, x):
        x = self.bn1.after(self.conv1, x, relu=True)     # (N, 64, 112, 112)
        x = self.maxpool(x)                              # (N, 64, 56, 56)
        x = self.layer1(x)                               # (N, 64·e, 56, 56)
        x = self.layer2(x)                               # (N, 128·e, 28, 28)
        x = self.layer3(x)                               # (N, 256·e, 14, 14)
        x = self.layer4(x)                               # (N, 512·e, 7, 7)
        x = x.mean((2, 3))                               # (N, 512·e)
        return self.fc(x)


def resnet18(num_classes=1000, in_channels=3, stem="imagenet"):
    """ResNet-18: 11 689 512 parameters."""
    return ResNet(BasicBlock, (2, 2, 2, 2), num_classes, in_channels, stem)


def resnet34(num_classes=1000, in_channels=3, stem="imagenet"):
    """ResNet-34: 21 797 672 parameters."""
    return ResNet(BasicBlock, (3, 4, 6, 3), num_classes, in_channels, stem)


def resnet50(num_classes=1000, in_channels=3, stem="imagenet"):
    """ResNet-50: 25 557 032 parameters."""
    return ResNet(Bottleneck, (3, 4, 6, 3), num_classes, in_channels, stem)


def resnet101(num_classes=1000, in_channels=3, stem="imagenet"):
    """ResNet-101: 44 549 160 parameters."""
    return ResNet(Bottleneck, (3, 4, 23, 3), num_classes, in_channels, stem)


def resnet152(num_classes=1000, in_channels=3, stem="imagenet"):
    """ResNet-152: 60 192 808 parameters."""
    return ResNet(Bottleneck, (3, 8, 36, 3), num_classes, in_channels, stem)
