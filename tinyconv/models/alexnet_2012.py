"""AlexNet as it was published: the network that began it all.

Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional neural networks",
NIPS 2012, section 3.

| layer | what | output | parameters |
|---|---|---|---|
| | image, with a border of 2 pixels | 3×224×224 | |
| conv1 | 11×11, 96, stride 4, ReLU, response normalisation | 96×55×55 | 34 944 |
| | max pooling 3×3, stride 2 | 96×27×27 | |
| conv2 | 5×5, 256, two groups, ReLU, response normalisation | 256×27×27 | 307 456 |
| | max pooling 3×3, stride 2 | 256×13×13 | |
| conv3 | 3×3, 384, ReLU | 384×13×13 | 885 120 |
| conv4 | 3×3, 384, two groups, ReLU | 384×13×13 | 663 936 |
| conv5 | 3×3, 256, two groups, ReLU | 256×13×13 | 442 624 |
| | max pooling 3×3, stride 2 | 256×6×6 | |
| fc6 | 9216 → 4096, ReLU, dropout | 4096 | 37 752 832 |
| fc7 | 4096 → 4096, ReLU, dropout | 4096 | 16 781 312 |
| fc8 | 4096 → 1000 | 1000 | 4 097 000 |
| | | | **60 965 224** |

**Two groups.** The network lay on two graphics cards of 3 GB. The upper half of the channels of
conv2, conv4 and conv5 sees the upper half of their input only, and the lower half the lower; at
conv3 and in the fully connected layers the cards exchanged what they had.

**Overlapping pooling.** Windows of 3 with a stride of 2 cut the top-1 error by 0.4 % against
windows of 2.

**Local response normalisation.** y_c = x_c / (2 + 10⁻⁴ Σ x²)^¾ over 5 neighbouring channels: a
channel that is much excited damps its neighbours. `nn.LocalResponseNorm` divides alpha by the
number of neighbours, the paper does not, hence 5·10⁻⁴ below.

The border is not in the paper, whose 224, with a stride of 4, do not give 55.
"""
from .. import nn
from ..nn import functional as F


class AlexNet2012(nn.Module):
    """(N, C, 224, 224) → logits (N, num_classes).

    `hidden` is the width of fc6 and fc7, `widths` are the channels of conv1 … conv5, even numbers.
    """

    def __init__(self, num_classes=1000, in_channels=3, dropout=0.5, hidden=4096,
                 widths=(96, 256, 384, 384, 256)):
        c1, c2, c3, c4, c5 = widths
        self.conv1 = nn.Conv2d(in_channels, c1, 11, stride=4, padding=2)
        self.conv2 = nn.Conv2d(c1, c2, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(c2, c3, 3, padding=1)
        self.conv4 = nn.Conv2d(c3, c4, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(c4, c5, 3, padding=1, groups=2)
        self.fc6 = nn.Linear(c5 * 6 * 6, hidden)
        self.fc7 = nn.Linear(hidden, hidden)
        self.fc8 = nn.Linear(hidden, num_classes)
        self.norm = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
        self.dropout = nn.Dropout(dropout)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weights from N(0, 0.01²). Biases of 1 let the ReLUs of these layers begin awake."""
        awake = (self.conv2, self.conv4, self.conv5, self.fc6, self.fc7)
        for layer in (self.conv1, self.conv3, self.fc8, *awake):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.constant_(layer.bias, 1.0 if layer in awake else 0.0)

    def forward(self, x):
        x = self.norm(F.relu(self.conv1(x)))             # (N, 96, 55, 55)
        x = F.max_pool2d(x, 3, stride=2)                 # (N, 96, 27, 27)
        x = self.norm(F.relu(self.conv2(x)))             # (N, 256, 27, 27)
        x = F.max_pool2d(x, 3, stride=2)                 # (N, 256, 13, 13)
        x = F.relu(self.conv3(x))                        # (N, 384, 13, 13)
        x = F.relu(self.conv4(x))                        # (N, 384, 13, 13)
        x = F.relu(self.conv5(x))                        # (N, 256, 13, 13)
        x = F.max_pool2d(x, 3, stride=2).flatten(1)      # (N, 9216)
        x = self.dropout(F.relu(self.fc6(x)))
        x = self.dropout(F.relu(self.fc7(x)))
        return self.fc8(x)


def alexnet_2012(num_classes=1000, in_channels=3, dropout=0.5, hidden=4096):
    """AlexNet of 2012: 60 965 224 parameters."""
    return AlexNet2012(num_classes, in_channels, dropout, hidden)
