"""The residual networks for CIFAR, and their plain twins without the shortcuts.

He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016, section 4.2,
https://arxiv.org/abs/1512.03385.

A network of depth 6n + 2 is one convolution, three stages of n blocks of two convolutions, and one
linear layer. Every convolution is 3×3 without bias and followed by batch norm. The first block of
stages 2 and 3 halves the image and doubles the channels.

| layer | what | output | parameters, n = 3 |
|---|---|---|---|
| | image | 3×32×32 | |
| conv1, bn1 | 3×3, 16, ReLU | 16×32×32 | 464 |
| layer1 | n blocks of 16 channels | 16×32×32 | 14 016 |
| layer2 | n blocks of 32 channels | 32×16×16 | 51 072 |
| layer3 | n blocks of 64 channels | 64×8×8 | 203 520 |
| | mean over the image | 64 | |
| linear | 64 → 10 | 10 | 650 |
| | | | **269 722** |

| | resnet20 | resnet32 | resnet44 | resnet56 | resnet110 |
|---|---|---|---|---|---|
| parameters | **269 722** | 464 154 | 658 586 | 853 018 | 1 727 962 |

Shortcuts have no parameters ("option A"): where the shape changes, every other pixel is taken and
the new channels are zero. So a plain twin has exactly as many parameters. Weights and names are
those of Yerlan Idelbayev's "Proper ResNet implementation for CIFAR10"
(github.com/akamaster/pytorch_resnet_cifar10): new channels lie on both sides of the old ones.
"""
from .. import nn
from ..nn import functional as F


class BasicBlock(nn.Module):
    """y = relu(bn conv relu bn conv x + shortcut x):  (N, C, H, W) → (N, O, H/stride, W/stride)."""

    def __init__(self, in_channels, channels, stride, residual):
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride, self.residual, self.new_channels = stride, residual, channels - in_channels

    def forward(self, x):
        y = self.bn1.after(self.conv1, x, relu=True)
        x = self.shortcut(x) if self.residual else None
        return self.bn2.after(self.conv2, y, add=x, relu=True)

    def shortcut(self, x):
        """x itself, or every other pixel of it among channels of zeros."""
        if self.stride == 1 and not self.new_channels:
            return x
        before = self.new_channels // 2
        after = self.new_channels - before
        return F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, before, after))


class ResNetCIFAR(nn.Module):
    """(N, C, H, W) of any size, meant for 32×32, → logits (N, num_classes). `depth` is 6n + 2."""

    def __init__(self, depth, num_classes=10, in_channels=3, residual=True):
        if depth < 8 or depth % 6 != 2:
            raise ValueError("ResNetCIFAR: depth should be 6n + 2 (20, 32, 44, 56, 110, ...), "
                             f"got {depth}")
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        n = (depth - 2) // 6
        self.layer1 = self._stage(16, 16, n, 1, residual)
        self.layer2 = self._stage(16, 32, n, 2, residual)
        self.layer3 = self._stage(32, 64, n, 2, residual)
        self.linear = nn.Linear(64, num_classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    @staticmethod
    def _stage(in_channels, channels, n, stride, residual):
        blocks = [BasicBlock(in_channels, channels, stride, residual)]
        blocks += [BasicBlock(channels, channels, 1, residual) for _ in range(n - 1)]
        return nn.Sequential(*blocks)

    def forward(self, x):
        x = self.bn1.after(self.conv1, x, relu=True)     # (N, 16, 32, 32)
        x = self.layer1(x)                               # (N, 16, 32, 32)
        x = self.layer2(x)                               # (N, 32, 16, 16)
        x = self.layer3(x)                               # (N, 64, 8, 8)
        x = x.mean((2, 3))                               # (N, 64)
        return self.linear(x)


def resnet20(num_classes=10, in_channels=3):
    """ResNet-20 for CIFAR: 269 722 parameters, 91.25 % in the paper."""
    return ResNetCIFAR(20, num_classes, in_channels)


def resnet32(num_classes=10, in_channels=3):
    """ResNet-32 for CIFAR: 464 154 parameters, 92.49 % in the paper."""
    return ResNetCIFAR(32, num_classes, in_channels)


def resnet44(num_classes=10, in_channels=3):
    """ResNet-44 for CIFAR: 658 586 parameters, 92.83 % in the paper."""
    return ResNetCIFAR(44, num_classes, in_channels)


def resnet56(num_classes=10, in_channels=3):
    """ResNet-56 for CIFAR: 853 018 parameters, 93.03 % in the paper."""
    return ResNetCIFAR(56, num_classes, in_channels)


def resnet110(num_classes=10, in_channels=3):
    """ResNet-110 for CIFAR: 1 727 962 parameters, 93.57 % in the paper, with a warm-up."""
    return ResNetCIFAR(110, num_classes, in_channels)


def plain20(num_classes=10, in_channels=3):
    """ResNet-20 without shortcuts: 269 722 parameters, too."""
    return ResNetCIFAR(20, num_classes, in_channels, residual=False)


def plain32(num_classes=10, in_channels=3):
    """ResNet-32 without shortcuts: 464 154 parameters, too."""
    return ResNetCIFAR(32, num_classes, in_channels, residual=False)


def plain44(num_classes=10, in_channels=3):
    """ResNet-44 without shortcuts: 658 586 parameters, too."""
    return ResNetCIFAR(44, num_classes, in_channels, residual=False)


def plain56(num_classes=10, in_channels=3):
    """ResNet-56 without shortcuts: 853 018 parameters, too."""
    return ResNetCIFAR(56, num_classes, in_channels, residual=False)


def plain110(num_classes=10, in_channels=3):
    """ResNet-110 without shortcuts: 1 727 962 parameters, too."""
    return ResNetCIFAR(110, num_classes, in_channels, residual=False)
