"""Pre-activation residual networks: batch norm and ReLU come before each convolution, not after.

He, Zhang, Ren & Sun, "Identity mappings in deep residual networks", ECCV 2016,
https://arxiv.org/abs/1603.05027, figure 4 (e).

In the residual networks of 2015 a ReLU follows the addition, so nothing negative can pass from
block to block. Here nothing at all stands in the way: x_L = x_l + Σ f(x_i), and the gradient for
x_l contains the one for x_L unchanged. So networks of a thousand layers train.

ResNet-110, n = 18 blocks a stage:

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×32×32 | |
| conv | 3×3, 16 | 16×32×32 | 432 |
| layer1 | n blocks of 16 channels | 16×32×32 | 84 096 |
| layer2 | n blocks of 32 channels | 32×16×16 | 329 952 |
| layer3 | n blocks of 64 channels | 64×8×8 | 1 315 264 |
| bn | and ReLU | 64×8×8 | 128 |
| | mean over the image | 64 | |
| linear | 64 → 10 | 10 | 650 |
| | | | **1 730 522** |

| | preresnet20 | preresnet56 | preresnet110 | preresnet164 |
|---|---|---|---|---|
| blocks | 3·3 basic | 3·9 basic | 3·18 basic | 3·18 bottleneck |
| parameters | 272 282 | 855 578 | 1 730 522 | 1 703 258 |
| error on CIFAR-10 in the paper | | | 6.37 % | 5.46 % |

Where the shape changes the shortcut is a 1×1 convolution of what batch norm and ReLU have made of
x, as in the authors' code.
"""
from .. import nn


class PreActBlock(nn.Module):
    """y = conv relu bn conv relu bn x + shortcut:  (N, C, H, W) → (N, width, H/stride, W/stride).

    `dropout` lies between the two convolutions; it is for wide networks.
    """
    expansion = 1

    def __init__(self, in_channels, width, stride, dropout=0.0):
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.shortcut = _shortcut(in_channels, width, stride)

    def forward(self, x):
        a = self.bn1(x, relu=True)
        y = self.bn2.after(self.conv1, a, relu=True)
        y = self.conv2(self.dropout(y))
        return y + (x if self.shortcut is None else self.shortcut(a))


class PreActBottleneck(nn.Module):
    """1×1 down to `width`, 3×3, 1×1 up:  (N, C, H, W) → (N, 4·width, H/stride, W/stride)."""
    expansion = 4

    def __init__(self, in_channels, width, stride, dropout=0.0):
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(dropout)
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)
        self.shortcut = _shortcut(in_channels, width * self.expansion, stride)

    def forward(self, x):
        a = self.bn1(x, relu=True)
        y = self.bn2.after(self.conv1, a, relu=True)
        y = self.bn3.after(self.conv2, y, relu=True)
        y = self.conv3(self.dropout(y))
        return y + (x if self.shortcut is None else self.shortcut(a))


def _shortcut(in_channels, channels, stride):
    if stride == 1 and in_channels == channels:
        return None
    return nn.Conv2d(in_channels, channels, 1, stride, bias=False)


class PreActResNet(nn.Module):
    """(N, C, H, W) of any size, meant for 32×32, → logits (N, num_classes).

    Three stages of n blocks, 16·k, 32·k and 64·k wide; k > 1 makes it a wide residual network.
    """

    def __init__(self, block, n, k=1, num_classes=10, in_channels=3, dropout=0.0):
        self.conv = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        e = block.expansion
        self.layer1 = self._stage(block, 16, 16 * k, n, 1, dropout)
        self.layer2 = self._stage(block, 16 * k * e, 32 * k, n, 2, dropout)
        self.layer3 = self._stage(block, 32 * k * e, 64 * k, n, 2, dropout)
        self.bn = nn.BatchNorm2d(64 * k * e)
        self.linear = nn.Linear(64 * k * e, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _stage(block, in_channels, width, n, stride, dropout):
        rest = [block(width * block.expansion, width, 1, dropout) for _ in range(n - 1)]
        return nn.Sequential(block(in_channels, width, stride, dropout), *rest)

    def forward(self, x):
        x = self.conv(x)                                 # (N, 16, 32, 32)
        x = self.layer1(x)                               # (N, 16·k·e, 32, 32)
        x = self.layer2(x)                               # (N, 32·k·e, 16, 16)
        x = self.layer3(x)                               # (N, 64·k·e, 8, 8)
        x = self.bn(x, relu=True).mean((2, 3))           # (N, 64·k·e)
        return self.linear(x)


def preresnet20(num_classes=10, in_channels=3):
    """ResNet-20 with pre-activation: 272 282 parameters."""
    return PreActResNet(PreActBlock, 3, 1, num_classes, in_channels)


def preresnet56(num_classes=10, in_channels=3):
    """ResNet-56 with pre-activation: 855 578 parameters."""
    return PreActResNet(PreActBlock, 9, 1, num_classes, in_channels)


def preresnet110(num_classes=10, in_channels=3):
    """ResNet-110 with pre-activation: 1 730 522 parameters."""
    return PreActResNet(PreActBlock, 18, 1, num_classes, in_channels)


def preresnet164(num_classes=10, in_channels=3):
    """ResNet-164 with pre-activation and bottlenecks: 1 703 258 parameters."""
    return PreActResNet(PreActBottleneck, 18, 1, num_classes, in_channels)
