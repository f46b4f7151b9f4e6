"""A multi-layer perceptron, for comparison: what a network without convolution makes of an image.

The 28×28-300-100-10 network of LeCun et al. 1998 (section III.C.4), with ReLU in place of tanh.

| layer | what | output | parameters |
|---|---|---|---|
| | image, every pixel an input | 1×28×28 | |
| layers.0 | 784 → 300, ReLU | 300 | 235 500 |
| layers.2 | 300 → 100, ReLU | 100 | 30 100 |
| layers.4 | 100 → 10 | 10 | 1 010 |
| | | | **266 610** |
"""
from itertools import pairwise

from .. import nn


class MLP(nn.Module):
    """(N, ...) with `in_features` values a sample → layers of width `hidden` → (N, num_classes)."""

    def __init__(self, in_features, hidden, num_classes):
        self.layers = nn.Sequential()
        for inputs, outputs in pairwise((in_features, *hidden)):
            self.layers.extend([nn.Linear(inputs, outputs), nn.ReLU()])
        self.layers.append(nn.Linear(hidden[-1] if hidden else in_features, num_classes))

    def forward(self, x):
        return self.layers(x.flatten(1))


def mlp(num_classes=10, in_channels=1, image_size=28, hidden=(300, 100)):
    """A perceptron with two hidden layers: 266 610 parameters for 28×28."""
    return MLP(in_channels * image_size ** 2, tuple(hidden), num_classes)
