"""GoogLeNet, also called Inception v1: branches of several sizes side by side.

Szegedy et al., "Going deeper with convolutions", CVPR 2015, table 1,
https://arxiv.org/abs/1409.4842; names and details as in torchvision, which has batch norm after
each convolution, and in each inception block 3×3 where the paper has 5×5.

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| conv1 | 7×7, 64, stride 2 | 64×112×112 | 9 536 |
| maxpool1 | 3×3, stride 2 | 64×56×56 | |
| conv2 | 1×1, 64 | 64×56×56 | 4 224 |
| conv3 | 3×3, 192 | 192×56×56 | 110 976 |
| maxpool2 | 3×3, stride 2 | 192×28×28 | |
| inception3a | 64 + 128 + 32 + 32 channels | 256×28×28 | 155 872 |
| inception3b | 128 + 192 + 96 + 64 | 480×28×28 | 340 224 |
| maxpool3 | 3×3, stride 2 | 480×14×14 | |
| inception4a | 192 + 208 + 48 + 64 | 512×14×14 | 364 512 |
| inception4b | 160 + 224 + 64 + 64 | 512×14×14 | 425 232 |
| inception4c | 128 + 256 + 64 + 64 | 512×14×14 | 486 192 |
| inception4d | 112 + 288 + 64 + 64 | 528×14×14 | 573 312 |
| inception4e | 256 + 320 + 128 + 128 | 832×14×14 | 803 840 |
| maxpool4 | 2×2 | 832×7×7 | |
| inception5a | 256 + 320 + 128 + 128 | 832×7×7 | 978 944 |
| inception5b | 384 + 384 + 128 + 128 | 1024×7×7 | 1 347 040 |
| | mean over the image | 1024 | |
| fc | 1024 → 1000, after dropout | 1000 | 1 025 000 |
| | | | **6 624 904** |

`aux_logits=True` adds the two classifiers that the paper hung on inception4a and inception4d, to
bring gradients to the lower layers: 13 004 888 parameters, and in training mode three logits.
"""
from collections import namedtuple

from .. import nn, ops
from ..nn import functional as F

GoogLeNetOutputs = namedtuple("GoogLeNetOutputs", "logits aux_logits2 aux_logits1")


class BasicConv2d(nn.Module):
    """relu(bn(conv(x))):  (N, C, H, W) → (N, O, H/stride, W/stride)."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1):
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride,
                              padding=kernel_size // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x):
        return self.bn.after(self.conv, x, relu=True)


class Inception(nn.Module):
    """Four branches of the same image side by side:  (N, C, H, W) → (N, b1+b2+b3+b4, H, W).

    1×1; 1×1 down to r2 channels and 3×3; 1×1 down to r3 and another 3×3; max pooling and 1×1. The
    1×1 before a larger kernel is what makes the block affordable.
    """

    def __init__(self, in_channels, b1, r2, b2, r3, b3, b4):
        self.branch1 = BasicConv2d(in_channels, b1, 1)
        self.branch2 = nn.Sequential(BasicConv2d(in_channels, r2, 1), BasicConv2d(r2, b2, 3))
        self.branch3 = nn.Sequential(BasicConv2d(in_channels, r3, 1), BasicConv2d(r3, b3, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1),
                                     BasicConv2d(in_channels, b4, 1))

    def forward(self, x):
        return ops.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """A classifier half-way:  (N, C, H, W) → logits (N, num_classes)."""

    def __init__(self, in_channels, num_classes):
        self.conv = BasicConv2d(in_channels, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(0.7)

    def forward(self, x):
        x = self.conv(F.adaptive_avg_pool2d(x, 4))       # (N, 128, 4, 4)
        x = F.relu(self.fc1(x.flatten(1)))               # (N, 1024)
        return self.fc2(self.dropout(x))


class GoogLeNet(nn.Module):
    """(N, C, H, W), meant for 224×224, → logits (N, num_classes).

    With `aux_logits` and in training mode → `GoogLeNetOutputs`, three logits; the paper adds the
    losses of the last two with a weight of 0.3. `width_mult`, a multiple of 1/8, makes every layer
    of the body so many times as wide.
    """

    def __init__(self, num_classes=1000, in_channels=3, aux_logits=False, dropout=0.2,
                 width_mult=1.0):
        if width_mult <= 0 or width_mult * 8 % 1:
            raise ValueError("GoogLeNet: width_mult should be a multiple of 1/8, so that all "
                             f"widths are whole, got {width_mult!r}")

        def wide(channels):
            return int(width_mult * channels)

        def inception(*channels):
            return Inception(*map(wide, channels))

        self.conv1 = BasicConv2d(in_channels, wide(64), 7, stride=2)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = BasicConv2d(wide(64), wide(64), 1)
        self.conv3 = BasicConv2d(wide(64), wide(192), 3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception5a = inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = inception(832, 384, 192, 384, 48, 128, 128)
        self.aux1 = InceptionAux(wide(512), num_classes) if aux_logits else None
        self.aux2 = InceptionAux(wide(528), num_classes) if aux_logits else None
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(wide(1024), num_classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.01, a=-0.02, b=0.02)

    def forward(self, x):
        x = self.maxpool1(self.conv1(x))                 # (N, 64, 56, 56)
        x = self.maxpool2(self.conv3(self.conv2(x)))     # (N, 192, 28, 28)
        x = self.inception3b(self.inception3a(x))        # (N, 480, 28, 28)
        a = self.inception4a(self.maxpool3(x))           # (N, 512, 14, 14)
        b = self.inception4d(self.inception4c(self.inception4b(a)))      # (N, 528, 14, 14)
        x = self.maxpool4(self.inception4e(b))           # (N, 832, 7, 7)
        x = self.inception5b(self.inception5a(x))        # (N, 1024, 7, 7)
        y = self.fc(self.dropout(x.mean((2, 3))))
        if self.aux1 is None or not self.training:
            return y
        return GoogLeNetOutputs(y, self.aux2(b), self.aux1(a))


def googlenet(num_classes=1000, in_channels=3, aux_logits=False, dropout=0.2):
    """GoogLeNet: 6 624 904 parameters, 13 004 888 with `aux_logits`."""
    return GoogLeNet(num_classes, in_channels, aux_logits, dropout)
