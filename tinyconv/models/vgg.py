"""VGG: nothing but 3×3 convolutions, one after another.

Simonyan & Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR
2015, table 1, https://arxiv.org/abs/1409.1556; names and details as in torchvision.

Two convolutions 3×3 see as far as one 5×5, and three as far as one 7×7, with fewer weights and with
a ReLU after each.

| stage | output | width | 11 | 13 | 16 | 19 |
|---|---|---|---|---|---|---|
| 1, max pooling 2×2 | 112×112 | 64 | 1 | 2 | 2 | 2 |
| 2, max pooling 2×2 | 56×56 | 128 | 1 | 2 | 2 | 2 |
| 3, max pooling 2×2 | 28×28 | 256 | 2 | 2 | 3 | 4 |
| 4, max pooling 2×2 | 14×14 | 512 | 2 | 2 | 3 | 4 |
| 5, max pooling 2×2 | 7×7 | 512 | 2 | 2 | 3 | 4 |
| classifier | 4096, 4096, 1000 | | 3 | 3 | 3 | 3 |
| parameters | | | 132 863 336 | 133 047 848 | 138 357 544 | 143 667 240 |
| with batch norm | | | 132 868 840 | 133 053 736 | 138 365 992 | 143 678 248 |

Layer by layer, VGG-11:

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| features.0 | 3×3, 64, ReLU | 64×224×224 | 1 792 |
| features.3 | 3×3, 128, ReLU, after pooling | 128×112×112 | 73 856 |
| features.6 | 3×3, 256, ReLU, after pooling | 256×56×56 | 295 168 |
| features.8 | 3×3, 256, ReLU | 256×56×56 | 590 080 |
| features.11 | 3×3, 512, ReLU, after pooling | 512×28×28 | 1 180 160 |
| features.13 | 3×3, 512, ReLU | 512×28×28 | 2 359 808 |
| features.16 | 3×3, 512, ReLU, after pooling | 512×14×14 | 2 359 808 |
| features.18 | 3×3, 512, ReLU | 512×14×14 | 2 359 808 |
| features.20 | max pooling | 512×7×7 | |
| avgpool | means over a grid of 7×7, for images of other sizes | 512×7×7 | |
| classifier.0 | 25088 → 4096, ReLU, dropout | 4096 | 102 764 544 |
| classifier.3 | 4096 → 4096, ReLU, dropout | 4096 | 16 781 312 |
| classifier.6 | 4096 → 1000 | 1000 | 4 097 000 |
| | | | **132 863 336** |
"""
from .. import nn

WIDTHS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """(N, C, H, W) of at least 32×32, meant for 224×224, → logits (N, num_classes).

    `depths` are the numbers of convolutions of the five stages. Small images have use for a
    smaller classifier: `hidden` is the width of its two hidden layers.
    """

    def __init__(self, depths, batch_norm=False, num_classes=1000, in_channels=3, hidden=4096,
                 dropout=0.5, widths=WIDTHS):
        layers, C = [], in_channels
        for width, depth in zip(widths, depths, strict=True):
            for _ in range(depth):
                layers.append(nn.Conv2d(C, width, 3, padding=1))
                layers += [nn.BatchNorm2d(width)] * batch_norm
                layers.append(nn.ReLU())
                C = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(C * 7 * 7, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, num_classes))
        self.reset_parameters()

    def reset_parameters(self):
        """Draw convolutions for ReLU (He et al. 2015), linear layers from N(0, 0.01²)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x):
        x = self.features(x)                             # (N, 512, 7, 7)
        x = self.avgpool(x).flatten(1)                   # (N, 25088)
        return self.classifier(x)


def vgg11(**options):
    """VGG-11: 132 863 336 parameters. `options` are those of `VGG`."""
    return VGG((1, 1, 2, 2, 2), **options)


def vgg13(**options):
    """VGG-13: 133 047 848 parameters. `options` are those of `VGG`."""
    return VGG((2, 2, 2, 2, 2), **options)


def vgg16(**options):
    """VGG-16: 138 357 544 parameters. `options` are those of `VGG`."""
    return VGG((2, 2, 3, 3, 3), **options)


def vgg19(**options):
    """VGG-19: 143 667 240 parameters. `options` are those of `VGG`."""
    return VGG((2, 2, 4, 4, 4), **options)


def vgg11_bn(**options):
    """VGG-11 with batch norm: 132 868 840 parameters. `options` are those of `VGG`."""
    return vgg11(batch_norm=True, **options)


def vgg13_bn(**options):
    """VGG-13 with batch norm: 133 053 736 parameters. `options` are those of `VGG`."""
    return vgg13(batch_norm=True, **options)


def vgg16_bn(**options):
    """VGG-16 with batch norm: 138 365 992 parameters. `options` are those of `VGG`."""
    return vgg16(batch_norm=True, **options)


def vgg19_bn(**options):
    """VGG-19 with batch norm: 143 678 248 parameters. `options` are those of `VGG`."""
    return vgg19(batch_norm=True, **options)
