"""LeNet-5, the residual networks for CIFAR and ResNet-18 in plain PyTorch."""
import torch.nn.functional as F
from torch import nn


class LeNet5(nn.Module):
    """(N, 1, 28, 28) → (N, 10)"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


class Block(nn.Module):
    """Two convolutions and a shortcut; `shortcut` is a module, or None where shapes stay."""

    def __init__(self, C, O, stride, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(C, O, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(O)
        self.conv2 = nn.Conv2d(O, O, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(O)
        self.shortcut = shortcut

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class PadShortcut(nn.Module):
    """Option A: every other pixel, and zeros for the new channels."""

    def __init__(self, new):
        super().__init__()
        self.new = new

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))


def projection(C, O):
    """Option B: a convolution 1×1 of stride 2."""
    return nn.Sequential(nn.Conv2d(C, O, 1, 2, bias=False), nn.BatchNorm2d(O))


class ResNet(nn.Module):
    """(N, 3, H, W) → (N, 10): `blocks` blocks of each width, the first of a new width halving."""

    def __init__(self, widths, blocks, shortcut):
        super().__init__()
        C = widths[0]
        self.conv1 = nn.Conv2d(3, C, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(C)
        layers = []
        for O in widths:
            for i in range(blocks):
                halving = O != C
                layers.append(Block(C, O, 2 if halving else 1, shortcut(C, O) if halving else None))
                C = O
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(C, 10)

    def forward(self, x):
        x = self.layers(F.relu(self.bn1(self.conv1(x))))
        return self.linear(x.mean((2, 3)))


def build(name):
    """"lenet5", "resnet18" (stem for CIFAR), or "resnet20", "resnet56", … of the CIFAR family."""
    if name == "lenet5":
        return LeNet5()
    if name == "resnet18":
        return ResNet((64, 128, 256, 512), 2, projection)
    depth = int(name.removeprefix("resnet"))
    return ResNet((16, 32, 64), (depth - 2) // 6, lambda C, O: PadShortcut(O - C))
