"""MobileNetV2: residual blocks that are wide inside and narrow at their ends, for telephones.

Sandler, Howard, Zhu, Zhmoginov & Chen, "MobileNetV2: inverted residuals and linear bottlenecks",
CVPR 2018, table 2, https://arxiv.org/abs/1801.04381; names and details as in torchvision.

A *depthwise* convolution has a group for each channel: 9 weights a channel instead of 9·C. The 1×1
convolutions around it mix the channels. What leaves a block is narrow, and has no ReLU, which would
destroy some of the little there is.

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| features.0 | 3×3, 32, stride 2 | 32×112×112 | 928 |
| features.1 | 1 block, not widened | 16×112×112 | 896 |
| features.2, features.3 | 2 blocks, widened 6 times inside | 24×56×56 | 13 968 |
| features.4, features.5, features.6 | 3 blocks | 32×28×28 | 39 696 |
| features.7, features.8, features.9, features.10 | 4 blocks | 64×14×14 | 183 872 |
| features.11, features.12, features.13 | 3 blocks | 96×14×14 | 303 168 |
| features.14, features.15, features.16 | 3 blocks | 160×7×7 | 795 264 |
| features.17 | 1 block | 320×7×7 | 473 920 |
| features.18 | 1×1, 1280 | 1280×7×7 | 412 160 |
| | mean over the image | 1280 | |
| classifier.1 | 1280 → 1000, after dropout | 1000 | 1 281 000 |
| | | | **3 504 872** |
"""
from functools import partial

from .. import nn
from ..nn import functional as F
from .blocks import Conv2dNormActivation, divisible, is_for_small_images

# times widened inside, channels, blocks, stride of the first
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
          (6, 160, 3, 2), (6, 320, 1, 1))

ConvReLU6 = partial(Conv2dNormActivation, activation=F.relu6)


class InvertedResidual(nn.Module):
    """1×1 up to expand·C channels, 3×3 on each, 1×1 down:  (N, C, H, W) → (N, O, H/s, W/s).

    The shortcut joins the narrow ends, where they have the same shape.
    """

    def __init__(self, in_channels, out_channels, stride, expand):
        inner = in_channels * expand
        self.conv = nn.Sequential(
            *([ConvReLU6(in_channels, inner, 1)] if expand != 1 else []),
            ConvReLU6(inner, inner, 3, stride, groups=inner),
            nn.Conv2d(inner, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels))
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x):
        y = self.conv(x)
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """(N, C, H, W), meant for 224×224 (or 32×32 with `stem="cifar"`), → logits (N, num_classes).

    `width_mult` makes all layers narrower or wider; channels are multiples of 8. For small images
    the first two strides are 1.
    """

    def __init__(self, num_classes=1000, in_channels=3, width_mult=1.0, dropout=0.2,
                 stem="imagenet"):
        first = 1 if is_for_small_images("MobileNetV2", stem) else 2
        C = divisible(32 * width_mult)
        last = divisible(1280 * max(1.0, width_mult))
        layers = [ConvReLU6(in_channels, C, stride=first)]
        for number, (expand, channels, blocks, stride) in enumerate(STAGES):
            channels = divisible(channels * width_mult)
            stride = first if number == 1 else stride
            for i in range(blocks):
                layers.append(InvertedResidual(C, channels, stride if i == 0 else 1, expand))
                C = channels
        self.features = nn.Sequential(*layers, ConvReLU6(C, last, 1))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes))
        self.reset_parameters()

    def reset_parameters(self):
        """Draw convolutions for ReLU (He et al. 2015), the linear layer from N(0, 0.01²)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
        nn.init.normal_(self.classifier[1].weight, std=0.01)
        nn.init.zeros_(self.classifier[1].bias)

    def forward(self, x):
        x = self.features(x)                             # (N, 1280, 7, 7)
        return self.classifier(x.mean((2, 3)))           # (N, num_classes)


def mobilenet_v2(num_classes=1000, in_channels=3, width_mult=1.0, dropout=0.2, stem="imagenet"):
    """MobileNetV2: 3 504 872 parameters."""
    return MobileNetV2(num_classes, in_channels, width_mult, dropout, stem)
