"""ConvNeXt: a ResNet rebuilt with what transformers had taught.

Liu, Mao, Wu, Feichtenhofer, Darrell & Xie, "A ConvNet for the 2020s", CVPR 2022, table 9,
https://arxiv.org/abs/2201.03545; names and details as in torchvision.

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| features.0 | 4×4, 96, stride 4, layer norm | 96×56×56 | 4 896 |
| features.1 | 3 blocks | 96×56×56 | 237 888 |
| features.2 | layer norm, 2×2, stride 2 | 192×28×28 | 74 112 |
| features.3 | 3 blocks | 192×28×28 | 918 144 |
| features.4 | layer norm, 2×2, stride 2 | 384×14×14 | 295 680 |
| features.5 | 9 blocks | 384×14×14 | 10 817 280 |
| features.6 | layer norm, 2×2, stride 2 | 768×7×7 | 1 181 184 |
| features.7 | 3 blocks | 768×7×7 | 14 289 408 |
| | mean over the image | 768×1×1 | |
| classifier | layer norm, 768 → 1000 | 1000 | 770 536 |
| | | | **28 589 128** |
"""
import numpy as np

from .. import nn
from ..nn import functional as F


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of each pixel:  (N, C, H, W) → same."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Permute(nn.Module):
    """The dimensions in another order, as a layer."""

    def __init__(self, dims):
        self.dims = dims

    def forward(self, x):
        return x.permute(*self.dims)

    def extra_repr(self):
        return f"{self.dims}"


class CNBlock(nn.Module):
    """y = x + layer_scale · W₂ gelu(W₁ norm(conv(x))):  (N, C, H, W) → same.

    A 7×7 convolution on each channel looks around, two linear layers, 4·C wide between, mix the
    channels of each pixel. `layer_scale`, one number a channel, is tiny at first, so that the
    network begins as nearly the identity; `drop` is the probability that x alone is left.
    """

    def __init__(self, channels, layer_scale, drop):
        self.block = nn.Sequential(
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels),
            Permute((0, 2, 3, 1)),                       # (N, H, W, C)
            nn.LayerNorm(channels, eps=1e-6),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
            Permute((0, 3, 1, 2)))                       # (N, C, H, W)
        self.layer_scale = nn.Parameter(np.full((channels, 1, 1), layer_scale, np.float32))
        self.stochastic_depth = nn.StochasticDepth(drop, "row")

    def forward(self, x):
        return x + self.stochastic_depth(self.layer_scale * self.block(x))


class ConvNeXt(nn.Module):
    """(N, C, H, W) of at least 32×32, meant for 224×224, → logits (N, num_classes).

    `depths` and `widths` are those of the four stages. The probability that a block is dropped
    rises from 0 at the first to `stochastic_depth_prob` at the last.
    """

    def __init__(self, depths=(3, 3, 9, 3), widths=(96, 192, 384, 768), num_classes=1000,
                 in_channels=3, stochastic_depth_prob=0.1, layer_scale=1e-6):
        drops = iter(np.linspace(0, stochastic_depth_prob, sum(depths)).tolist())
        self.features = nn.Sequential(nn.Sequential(
            nn.Conv2d(in_channels, widths[0], 4, stride=4), LayerNorm2d(widths[0], eps=1e-6)))
        for i, (depth, C) in enumerate(zip(depths, widths, strict=True)):
            if i > 0:
                self.features.append(nn.Sequential(
                    LayerNorm2d(widths[i - 1], eps=1e-6),
                    nn.Conv2d(widths[i - 1], C, 2, stride=2)))
            self.features.append(nn.Sequential(
                *(CNBlock(C, layer_scale, next(drops)) for _ in range(depth))))
        self.classifier = nn.Sequential(LayerNorm2d(widths[-1], eps=1e-6), nn.Flatten(),
                                        nn.Linear(widths[-1], num_classes))
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, x):
        x = self.features(x)                             # (N, 768, 7, 7)
        x = F.adaptive_avg_pool2d(x, 1)                  # (N, 768, 1, 1)
        return self.classifier(x)


def convnext_tiny(num_classes=1000, in_channels=3, stochastic_depth_prob=0.1):
    """ConvNeXt-T: 28 589 128 parameters."""
    return ConvNeXt(num_classes=num_classes, in_channels=in_channels,
                    stochastic_depth_prob=stochastic_depth_prob)
