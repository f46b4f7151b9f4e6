"""LeNet-5 as it is written today: with ReLU, max pooling and a linear last layer.

LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86 (1998), figure 2. The network of the paper itself is in `lenet_1998.py`.

| layer | what | output | parameters |
|---|---|---|---|
| | image, 28×28 | 1×28×28 | |
| conv1 | 5×5, 6 maps, padding 2 | 6×28×28 | 156 |
| | max pooling 2×2, ReLU | 6×14×14 | |
| conv2 | 5×5, 16 maps | 16×10×10 | 2 416 |
| | max pooling 2×2, ReLU | 16×5×5 | |
| fc1 | 400 → 120, ReLU | 120 | 48 120 |
| fc2 | 120 → 84, ReLU | 84 | 10 164 |
| fc3 | 84 → 10 | 10 | 850 |
| | | | **61 706** |

The non-linearity follows the pooling, as in the paper. ReLU never decreases, so that of the largest
of four is the largest of four ReLUs, and the gradients are the same, too; but there are only a
quarter as many to take, and they are taken while the maxima are at hand.
"""
from .. import nn
from ..nn import functional as F


class LeNet5(nn.Module):
    """(N, C, 28, 28), or (N, C, 32, 32) if `image_size` is 32, → logits (N, num_classes)."""

    def __init__(self, num_classes=10, in_channels=1, image_size=28):
        if image_size not in (28, 32):
            raise ValueError("lenet5: image_size should be 28 (padded to 32) or 32, "
                             f"got {image_size}")
        self.conv1 = nn.Conv2d(in_channels, 6, 5, padding=(32 - image_size) // 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 2, relu=True)    # (N, 6, 14, 14)
        x = F.max_pool2d(self.conv2(x), 2, relu=True)    # (N, 16, 5, 5)
        x = x.flatten(1)                                 # (N, 400)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def lenet5(num_classes=10, in_channels=1, image_size=28):
    """LeNet-5 with ReLU and max pooling: 61 706 parameters."""
    return LeNet5(num_classes, in_channels, image_size)
