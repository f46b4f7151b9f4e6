"""U-Net: down to see what, up again to say where, and bridges across for the details.

Ronneberger, Fischer & Brox, "U-Net: convolutional networks for biomedical image segmentation",
MICCAI 2015, figure 1, https://arxiv.org/abs/1505.04597; here with padding, so that the result has
the size of the image, and with batch norm.

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| down.0 | twice 3×3, 64, ReLU | 64×224×224 | 38 848 |
| down.1 | max pooling, twice 3×3, 128 | 128×112×112 | 221 696 |
| down.2 | max pooling, twice 3×3, 256 | 256×56×56 | 885 760 |
| down.3 | max pooling, twice 3×3, 512 | 512×28×28 | 3 540 992 |
| down.4 | max pooling, twice 3×3, 1024 | 1024×14×14 | 14 159 872 |
| up.0 | transposed 2×2, 512, stride 2 | 512×28×28 | 2 097 664 |
| join.0 | beside down.3, twice 3×3, 512 | 512×28×28 | 7 079 936 |
| up.1 | transposed 2×2, 256, stride 2 | 256×56×56 | 524 544 |
| join.1 | beside down.2, twice 3×3, 256 | 256×56×56 | 1 770 496 |
| up.2 | transposed 2×2, 128, stride 2 | 128×112×112 | 131 200 |
| join.2 | beside down.1, twice 3×3, 128 | 128×112×112 | 442 880 |
| up.3 | transposed 2×2, 64, stride 2 | 64×224×224 | 32 832 |
| join.3 | beside down.0, twice 3×3, 64 | 64×224×224 | 110 848 |
| head | 1×1, 2 | 2×224×224 | 130 |
| | | | **31 037 698** |
"""
from .. import nn, ops
from ..nn import functional as F


class DoubleConv(nn.Module):
    """Twice 3×3, batch norm and ReLU:  (N, C, H, W) → (N, O, H, W)."""

    def __init__(self, in_channels, out_channels):
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        x = self.bn1.after(self.conv1, x, relu=True)
        return self.bn2.after(self.conv2, x, relu=True)


class UNet(nn.Module):
    """(N, C, H, W) → logits (N, num_classes, H, W); 2^depth divides H and W.

    `width` is the number of channels at full resolution (16 will do for simple scenes), `depth` how
    often the image is halved.
    """

    def __init__(self, num_classes=2, in_channels=3, width=64, depth=4):
        widths = [width * 2 ** i for i in range(depth + 1)]          # 64, 128, 256, 512, 1024
        self.down = nn.ModuleList(map(DoubleConv, [in_channels, *widths], widths))
        self.up, self.join = nn.ModuleList(), nn.ModuleList()
        for C in reversed(widths[:-1]):
            self.up.append(nn.ConvTranspose2d(2 * C, C, 2, stride=2))
            self.join.append(DoubleConv(2 * C, C))
        self.head = nn.Conv2d(width, num_classes, 1)
        self.multiple = 2 ** depth
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x):
        if x.shape[-2] % self.multiple or x.shape[-1] % self.multiple:
            raise ValueError(f"UNet: the sides of the image should be multiples of {self.multiple},"
                             f" got shape {x.shape}")
        first, *deeper = self.down
        seen = [first(x)]                                # (N, 64, H, W)
        for block in deeper:                             # (N, 128, H/2, W/2), ...
            seen.append(block(F.max_pool2d(seen[-1], 2)))
        x = seen.pop()                                   # (N, 1024, H/16, W/16)
        for up, join in zip(self.up, self.join):
            x = join(ops.cat([seen.pop(), up(x)], 1))
        return self.head(x)                              # (N, num_classes, H, W)


def unet(num_classes=2, in_channels=3, width=64, depth=4):
    """U-Net: 31 037 698 parameters; with `width=16`, 1 942 594."""
    return UNet(num_classes, in_channels, width, depth)
