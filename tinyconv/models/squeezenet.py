"""SqueezeNet: the accuracy of AlexNet with a fiftieth of its weights.

Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50× fewer parameters and <0.5MB model
size", 2016, table 1, https://arxiv.org/abs/1602.07360; names and details as in torchvision. Version
1.1 is the authors' own of the same year: it pools earlier and needs 2.4 times fewer multiply-adds.

Version 1.1:

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| features.0 | 3×3, 64, stride 2, ReLU | 64×111×111 | 1 792 |
| features.2 | max pooling 3×3, stride 2 | 64×55×55 | |
| features.3 | fire 16, 64 + 64 | 128×55×55 | 11 408 |
| features.4 | fire 16, 64 + 64 | 128×55×55 | 12 432 |
| features.5 | max pooling 3×3, stride 2 | 128×27×27 | |
| features.6 | fire 32, 128 + 128 | 256×27×27 | 45 344 |
| features.7 | fire 32, 128 + 128 | 256×27×27 | 49 440 |
| features.8 | max pooling 3×3, stride 2 | 256×13×13 | |
| features.9 | fire 48, 192 + 192 | 384×13×13 | 104 880 |
| features.10 | fire 48, 192 + 192 | 384×13×13 | 111 024 |
| features.11 | fire 64, 256 + 256 | 512×13×13 | 188 992 |
| features.12 | fire 64, 256 + 256 | 512×13×13 | 197 184 |
| classifier.1 | 1×1, 1000, after dropout, ReLU | 1000×13×13 | 513 000 |
| | mean over the image | 1000 | |
| | | | **1 235 496** |

Version 1.0 begins with 7×7, 96, stride 2 and pools after the fires 1, 4 and 8 (of 8) instead:
1 248 424 parameters.
"""
from .. import nn, ops
from ..nn import functional as F


class Fire(nn.Module):
    """1×1 down to `squeeze` channels, then 1×1 and 3×3 side by side, `expand` channels each.

    (N, C, H, W) → (N, 2·expand, H, W)
    """

    def __init__(self, in_channels, squeeze, expand):
        self.squeeze = nn.Conv2d(in_channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return ops.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """(N, C, H, W) of at least 17×17, meant for 224×224, → logits (N, num_classes)."""

    def __init__(self, version="1_0", num_classes=1000, in_channels=3, dropout=0.5):
        if version == "1_0":
            self.features = nn.Sequential(
                nn.Conv2d(in_channels, 96, 7, stride=2), nn.ReLU(), _pool(),
                Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128), _pool(),
                Fire(256, 32, 128), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256),
                _pool(), Fire(512, 64, 256))
        elif version == "1_1":
            self.features = nn.Sequential(
                nn.Conv2d(in_channels, 64, 3, stride=2), nn.ReLU(), _pool(),
                Fire(64, 16, 64), Fire(128, 16, 64), _pool(),
                Fire(128, 32, 128), Fire(256, 32, 128), _pool(),
                Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256))
        else:
            raise ValueError(f"SqueezeNet: version should be '1_0' or '1_1', got {version!r}")
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Conv2d(512, num_classes, 1),
                                        nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weights for ReLU (He et al. 2015), those of the last layer from N(0, 0.01²)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.classifier[1].weight, std=0.01)

    def forward(self, x):
        x = self.features(x)                             # (N, 512, 13, 13)
        return self.classifier(x).flatten(1)             # (N, num_classes)


def _pool():
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)


def squeezenet1_0(num_classes=1000, in_channels=3, dropout=0.5):
    """SqueezeNet 1.0: 1 248 424 parameters."""
    return SqueezeNet("1_0", num_classes, in_channels, dropout)


def squeezenet1_1(num_classes=1000, in_channels=3, dropout=0.5):
    """SqueezeNet 1.1: 1 235 496 parameters."""
    return SqueezeNet("1_1", num_classes, in_channels, dropout)
