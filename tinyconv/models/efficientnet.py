"""EfficientNet: blocks as in MobileNetV2 with attention to channels, scaled by one rule.

Tan & Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019,
table 1, https://arxiv.org/abs/1905.11946; names and details as in torchvision.

B1 is B0 with 1.1 times as many layers in each stage, rounded up, and meant for 240×240. B0:

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| features.0 | 3×3, 32, stride 2 | 32×112×112 | 928 |
| features.1 | 1 block 3×3, not widened | 16×112×112 | 1 448 |
| features.2 | 2 blocks 3×3, widened 6 times inside | 24×56×56 | 16 714 |
| features.3 | 2 blocks 5×5 | 40×28×28 | 46 640 |
| features.4 | 3 blocks 3×3 | 80×14×14 | 242 930 |
| features.5 | 3 blocks 5×5 | 112×14×14 | 543 148 |
| features.6 | 4 blocks 5×5 | 192×7×7 | 2 026 348 |
| features.7 | 1 block 3×3 | 320×7×7 | 717 232 |
| features.8 | 1×1, 1280 | 1280×7×7 | 412 160 |
| | mean over the image | 1280 | |
| classifier.1 | 1280 → 1000, after dropout | 1000 | 1 281 000 |
| | | | **5 288 548** |

B1 has 7 794 184 parameters.
"""
import math
from functools import partial

from .. import nn
from ..nn import functional as F
from .blocks import Conv2dNormActivation, divisible, is_for_small_images

# times widened inside, kernel, stride of the first block, channels, blocks
STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
          (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))

ConvSiLU = partial(Conv2dNormActivation, activation=F.silu)


class SqueezeExcitation(nn.Module):
    """Every channel times a number in (0, 1) that depends on the means of all: same shape.

        s = mean of x over the image,   y = x · sigmoid(W₂ silu(W₁ s + b₁) + b₂)

    Source: Hu, Shen & Sun 2018, https://arxiv.org/abs/1709.01507.
    """

    def __init__(self, in_channels, squeeze_channels):
        self.fc1 = nn.Conv2d(in_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, in_channels, 1)

    def forward(self, x):
        s = x.mean((2, 3), keepdim=True)                 # (N, C, 1, 1)
        return x * F.sigmoid(self.fc2(F.silu(self.fc1(s))))


class MBConv(nn.Module):
    """1×1 up to expand·C channels, K×K on each, squeeze and excitation, 1×1 down.

    (N, C, H, W) → (N, O, H/stride, W/stride). Where the shapes agree x is added; then the rest is
    dropped with the probability `drop`, for each sample of a batch.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride, expand, drop):
        inner = in_channels * expand
        self.block = nn.Sequential(
            *([ConvSiLU(in_channels, inner, 1)] if expand != 1 else []),
            ConvSiLU(inner, inner, kernel_size, stride, groups=inner),
            SqueezeExcitation(inner, max(1, in_channels // 4)),
            Conv2dNormActivation(inner, out_channels, 1, activation=None))
        self.stochastic_depth = nn.StochasticDepth(drop, "row")
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x):
        y = self.block(x)
        return self.stochastic_depth(y) + x if self.residual else y


class EfficientNet(nn.Module):
    """(N, C, H, W), meant for 224×224 and more, → logits (N, num_classes).

    The probability that a block is dropped rises from 0 at the first to nearly
    `stochastic_depth_prob` at the last. With `stem="cifar"`, for images of 32×32, the first two
    strides are 1.
    """

    def __init__(self, width_mult=1.0, depth_mult=1.0, num_classes=1000, in_channels=3, dropout=0.2,
                 stochastic_depth_prob=0.2, stem="imagenet"):
        first = 1 if is_for_small_images("EfficientNet", stem) else 2
        depths = [math.ceil(blocks * depth_mult) for *_, blocks in STAGES]
        C = divisible(32 * width_mult)
        layers, seen = [ConvSiLU(in_channels, C, stride=first)], 0
        for number, (expand, kernel, stride, channels, _) in enumerate(STAGES):
            channels, stage = divisible(channels * width_mult), nn.Sequential()
            stride = first if number == 1 else stride
            for i in range(depths[number]):
                drop = stochastic_depth_prob * seen / sum(depths)
                stage.append(MBConv(C, channels, kernel, stride if i == 0 else 1, expand, drop))
                C, seen = channels, seen + 1
            layers.append(stage)
        self.features = nn.Sequential(*layers, ConvSiLU(C, 4 * C, 1))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * C, num_classes))
        self.reset_parameters()

    def reset_parameters(self):
        """Draw convolutions as He et al. 2015, the linear layer from U(−1/√n, 1/√n), n classes."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        linear = self.classifier[1]
        bound = 1 / math.sqrt(linear.out_features)
        nn.init.uniform_(linear.weight, -bound, bound)
        nn.init.zeros_(linear.bias)

    def forward(self, x):
        x = self.features(x)                             # (N, 1280, 7, 7)
        return self.classifier(x.mean((2, 3)))           # (N, num_classes)


def efficientnet_b0(num_classes=1000, in_channels=3, dropout=0.2, stochastic_depth_prob=0.2,
                    stem="imagenet"):
    """EfficientNet-B0: 5 288 548 parameters."""
    return EfficientNet(1.0, 1.0, num_classes, in_channels, dropout, stochastic_depth_prob, stem)


def efficientnet_b1(num_classes=1000, in_channels=3, dropout=0.2, stochastic_depth_prob=0.2,
                    stem="imagenet"):
    """EfficientNet-B1: 7 794 184 parameters."""
    return EfficientNet(1.0, 1.1, num_classes, in_channels, dropout, stochastic_depth_prob, stem)
