"""AlexNet as it is used today: one column, and no response normalisation.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014,
https://arxiv.org/abs/1404.5997; names and details as in torchvision. The network of 2012 is in
`alexnet_2012.py`.

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| features.0 | 11×11, 64, stride 4, padding 2, ReLU | 64×55×55 | 23 296 |
| features.2 | max pooling 3×3, stride 2 | 64×27×27 | |
| features.3 | 5×5, 192, ReLU | 192×27×27 | 307 392 |
| features.5 | max pooling 3×3, stride 2 | 192×13×13 | |
| features.6 | 3×3, 384, ReLU | 384×13×13 | 663 936 |
| features.8 | 3×3, 256, ReLU | 256×13×13 | 884 992 |
| features.10 | 3×3, 256, ReLU | 256×13×13 | 590 080 |
| features.12 | max pooling 3×3, stride 2 | 256×6×6 | |
| avgpool | means over a grid of 6×6, for images of other sizes | 256×6×6 | |
| classifier.1 | 9216 → 4096, after dropout, ReLU | 4096 | 37 752 832 |
| classifier.4 | 4096 → 4096, after dropout, ReLU | 4096 | 16 781 312 |
| classifier.6 | 4096 → 1000 | 1000 | 4 097 000 |
| | | | **61 100 840** |

Of its parameters 96 % are in the fully connected layers, of its multiply-adds 92 % in the others.
"""
from .. import nn


class AlexNet(nn.Module):
    """(N, C, H, W) of at least 63×63, meant for 224×224, → logits (N, num_classes).

    `hidden` is the width of the two hidden layers of the classifier.
    """

    def __init__(self, num_classes=1000, in_channels=3, dropout=0.5, hidden=4096):
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 64, 11, stride=4, padding=2), nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(3, stride=2))
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(256 * 6 * 6, hidden), nn.ReLU(),
            nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, num_classes))

    def forward(self, x):
        x = self.features(x)                             # (N, 256, 6, 6)
        x = self.avgpool(x).flatten(1)                   # (N, 9216)
        return self.classifier(x)


def alexnet(num_classes=1000, in_channels=3, dropout=0.5, hidden=4096):
    """AlexNet with one column: 61 100 840 parameters."""
    return AlexNet(num_classes, in_channels, dropout, hidden)
