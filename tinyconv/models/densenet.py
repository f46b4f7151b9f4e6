"""DenseNet: every layer of a block sees the results of all layers before it.

Huang, Liu, van der Maaten & Weinberger, "Densely connected convolutional networks", CVPR 2017,
table 1, https://arxiv.org/abs/1608.06993; names and details as in torchvision.

A layer adds `growth_rate` channels to what there is, so a network of 121 layers has few weights.

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| features.conv0, features.norm0 | 7×7, 64, stride 2, ReLU | 64×112×112 | 9 536 |
| features.pool0 | max pooling 3×3, stride 2 | 64×56×56 | |
| features.denseblock1 | 6 layers, 32 channels each | 256×56×56 | 335 040 |
| features.transition1 | 1×1, 128, mean of 2×2 | 128×28×28 | 33 280 |
| features.denseblock2 | 12 layers | 512×28×28 | 919 680 |
| features.transition2 | 1×1, 256, mean of 2×2 | 256×14×14 | 132 096 |
| features.denseblock3 | 24 layers | 1024×14×14 | 2 837 760 |
| features.transition3 | 1×1, 512, mean of 2×2 | 512×7×7 | 526 336 |
| features.denseblock4 | 16 layers | 1024×7×7 | 2 158 080 |
| features.norm5 | and ReLU | 1024×7×7 | 2 048 |
| | mean over the image | 1024 | |
| classifier | 1024 → 1000 | 1000 | 1 025 000 |
| | | | **7 978 856** |
"""
from .. import nn, ops
from ..nn import functional as F
from .blocks import is_for_small_images


class DenseLayer(nn.Module):
    """1×1 down to `inner` channels and 3×3, each after batch norm and ReLU: the new channels only.

    (N, C, H, W) → (N, growth_rate, H, W)
    """

    def __init__(self, in_channels, growth_rate, inner, dropout):
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, growth_rate, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        y = self.norm1(x, relu=True)
        y = self.norm2.after(self.conv1, y, relu=True)
        return self.dropout(self.conv2(y))


class DenseBlock(nn.Sequential):
    """Layers whose results are appended to what they saw:  (N, C, H, W) → (N, C + n·growth, H, W).

    The layers are called denselayer1, denselayer2, ...
    """

    def __init__(self, layers, in_channels, growth_rate, inner, dropout):
        super().__init__({f"denselayer{i + 1}": DenseLayer(in_channels + i * growth_rate,
                                                           growth_rate, inner, dropout)
                          for i in range(layers)})

    def forward(self, x):
        for layer in self:
            x = ops.cat([x, layer(x)], 1)
        return x


class Transition(nn.Module):
    """1×1 to `out_channels`, then the mean of 2×2:  (N, C, H, W) → (N, O, H/2, W/2)."""

    def __init__(self, in_channels, out_channels):
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv(self.norm(x, relu=True)), 2)


class DenseNet(nn.Module):
    """(N, C, H, W), meant for 224×224 (or 32×32 with `stem="cifar"`), → logits (N, num_classes).

    `block_config` are the numbers of layers of the blocks. A layer has a 1×1 convolution to
    bn_size · growth_rate channels; a transition halves the channels. As in `ResNet`, the stem for
    small images is 3×3 with stride 1 and without pooling.
    """

    def __init__(self, growth_rate=32, block_config=(6, 12, 24, 16), num_init_features=64,
                 bn_size=4, drop_rate=0.0, num_classes=1000, in_channels=3, stem="imagenet"):
        small, C = is_for_small_images("DenseNet", stem), num_init_features
        layers = {"conv0": nn.Conv2d(in_channels, C, 3, padding=1, bias=False) if small else
                  nn.Conv2d(in_channels, C, 7, stride=2, padding=3, bias=False),
                  "norm0": nn.BatchNorm2d(C), "relu0": nn.ReLU()}
        if not small:
            layers["pool0"] = nn.MaxPool2d(3, stride=2, padding=1)
        for i, depth in enumerate(block_config, 1):
            layers[f"denseblock{i}"] = DenseBlock(depth, C, growth_rate, bn_size * growth_rate,
                                                  drop_rate)
            C += depth * growth_rate
            if i < len(block_config):
                layers[f"transition{i}"] = Transition(C, C // 2)
                C //= 2
        self.features = nn.Sequential(layers | {"norm5": nn.BatchNorm2d(C)})
        self.classifier = nn.Linear(C, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x):
        x = F.relu(self.features(x))                     # (N, 1024, 7, 7)
        return self.classifier(x.mean((2, 3)))           # (N, num_classes)


def densenet121(num_classes=1000, in_channels=3, stem="imagenet", drop_rate=0.0):
    """DenseNet-121: 7 978 856 parameters."""
    return DenseNet(32, (6, 12, 24, 16), 64, 4, drop_rate, num_classes, in_channels, stem)
