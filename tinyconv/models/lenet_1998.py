"""LeNet-5 as it was published, with all that later networks dropped.

LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86 (1998), section II.

| layer | what | output | trainable |
|---|---|---|---|
| | image, 28×28, with a border of background | 1×32×32 | |
| C1 | convolution 5×5, 6 maps | 6×28×28 | 156 |
| S2 | sum of 2×2, times a coefficient, plus a bias for each map | 6×14×14 | 12 |
| C3 | convolution 5×5, 16 maps, each of which sees 3, 4 or 6 maps of S2 | 16×10×10 | 1 516 |
| S4 | as S2 | 16×5×5 | 32 |
| C5 | convolution 5×5, which here sees everything | 120×1×1 | 48 120 |
| F6 | fully connected | 84 | 10 164 |
| | squared distance to the picture of each class, 7×12 = 84 pixels of ±1 | 10 | 0 |
| | | | **60 000** |

Every layer up to F6 ends with f(a) = 1.7159 tanh(2a/3), for which f(±1) = ±1, so that a weighted
sum of variance 1 stays in the range where f bends but does not saturate. The count is that of the
paper: the 60 connections of C3 have 25 weights each (a full table would have 96), and the 840
pixels of the pictures are fixed; they are a buffer, `codes`.

**The loss.** Distances y are small for the right class, so `forward` returns −y as logits. In the
paper's first loss, the mean squared error (8), the network pushes down the distance to the right
picture only. The one it was trained with (9),

    E = mean over the samples of  y_t + ln(e^(−j) + Σᵢ e^(−yᵢ)),

also pushes the others up (MAP criterion, "maximum a posteriori"); the constant j keeps it from
pushing what is far away already. That is softmax cross-entropy of −y with one more class, the
rubbish, whose logit is the constant −j; for a large j it is `F.cross_entropy(model(x), t)`, and so
we train it.
"""
import numpy as np

from .. import nn, ops
from ..core import Tensor
from ..nn import functional as F

# Which maps of S2 each of the 16 maps of C3 sees (table I). Those that see different things must
# learn different things.
CONNECTIONS = ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (4, 5, 0), (5, 0, 1),
               (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (3, 4, 5, 0), (4, 5, 0, 1), (5, 0, 1, 2),
               (0, 1, 3, 4), (1, 2, 4, 5), (2, 3, 5, 0), (0, 1, 2, 3, 4, 5))

# A stylised picture of each class, as figure 3 has them for all printable characters: digits that
# look alike have codes that are alike.
DIGITS = """
 ..###..  ...##..  .#####.  .#####.  .....##  #######  ..####.  #######  .#####.  .#####.
 .##.##.  ..###..  ##...##  ##...##  ....###  ##.....  .##....  #....##  ##...##  ##...##
 ##...##  .####..  .....##  .....##  ...####  ##.....  ##.....  .....##  ##...##  ##...##
 ##...##  ...##..  .....##  .....##  ..##.##  ##.....  ##.....  ....##.  ##...##  ##...##
 ##...##  ...##..  .....##  ....##.  .##..##  ######.  ######.  ....##.  .##.##.  ##...##
 ##...##  ...##..  ....##.  ..####.  ##...##  ##...##  ##...##  ...##..  ..###..  .######
 ##...##  ...##..  ...##..  ....##.  ##...##  .....##  ##...##  ...##..  .##.##.  ..#####
 ##...##  ...##..  ..##...  .....##  #######  .....##  ##...##  ...##..  ##...##  .....##
 ##...##  ...##..  .##....  .....##  .....##  .....##  ##...##  ..##...  ##...##  .....##
 ##...##  ...##..  ##.....  .....##  .....##  .....##  ##...##  ..##...  ##...##  .....##
 .##.##.  ...##..  ##.....  ##...##  .....##  ##...##  ##...##  ..##...  ##...##  ....##.
 ..###..  .######  #######  .#####.  .....##  .#####.  .#####.  ..##...  .#####.  .####..
"""


def codes():
    """The pictures as an array (10, 84): 1 for ink, −1 for paper, row by row."""
    rows = [line.split() for line in DIGITS.strip().splitlines()]        # 12 rows of 10 digits
    pictures = ["".join(row[digit] for row in rows) for digit in range(10)]
    return np.array([[1 if pixel == "#" else -1 for pixel in p] for p in pictures], np.float32)


def squash(a):
    """f(a) = 1.7159 tanh(2a/3)"""
    return 1.7159 * ops.tanh(a * (2 / 3))


class Subsample(nn.Module):
    """y = w · (the sum of each 2×2 square) + b:  (N, C, H, W) → (N, C, H/2, W/2).

    Each map has one w and one b.
    """

    def __init__(self, channels):
        self.weight = nn.Parameter(np.empty((channels, 1, 1), np.float32))
        self.bias = nn.Parameter(np.empty((channels, 1, 1), np.float32))

    def forward(self, x):
        return F.avg_pool2d(x, 2, divisor_override=1) * self.weight + self.bias


class TableConv2d(nn.Module):
    """A convolution in which output map o sees only the input maps `connections[o]`.

    There is one kernel for each connection. The kernels (60, K, K) are laid into a full weight
    (O, C, K, K); where nothing is connected lies a kernel of zeros, which is put after the last one
    and numbered 60.
    """

    def __init__(self, in_channels, connections, kernel_size):
        count = sum(map(len, connections))
        self.weight = nn.Parameter(np.empty((count, kernel_size, kernel_size), np.float32))
        self.bias = nn.Parameter(np.empty(len(connections), np.float32))
        which = np.full((len(connections), in_channels), count)
        number = 0
        for o, seen in enumerate(connections):
            for c in seen:
                which[o, c] = number
                number += 1
        self.which = Tensor(which)               # a tensor is no buffer: nothing to save

    def forward(self, x):
        unconnected = Tensor(np.zeros_like(self.weight.data[:1]))
        weight = ops.cat([self.weight, unconnected], 0)[self.which]      # (O, C, K, K)
        return F.conv2d(x, weight, self.bias)


class LeNet51998(nn.Module):
    """(N, 1, 28, 28) or (N, 1, 32, 32) → logits (N, 10), minus the squared distances to `codes`."""

    def __init__(self, in_channels=1):
        self.c1 = nn.Conv2d(in_channels, 6, 5)
        self.s2 = Subsample(6)
        self.c3 = TableConv2d(6, CONNECTIONS, 5)
        self.s4 = Subsample(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.codes = codes()                                 # (10, 84)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw each weight from U(−2.4/n, 2.4/n), with n inputs of the unit it belongs to."""
        for layer, n in ((self.c1, 25 * self.c1.in_channels), (self.s2, 4), (self.s4, 4),
                         (self.c5, 400), (self.f6, 120)):
            nn.init.uniform_(layer.weight, -2.4 / n, 2.4 / n)
            nn.init.uniform_(layer.bias, -2.4 / n, 2.4 / n)
        seen = np.array([len(maps) for maps in CONNECTIONS])
        bound = 2.4 / (25 * seen)
        nn.init.uniform_(self.c3.bias, -1, 1).data *= bound
        nn.init.uniform_(self.c3.weight, -1, 1).data *= bound.repeat(seen)[:, None, None]

    def forward(self, x):
        if x.shape[-1] == 28:
            x = F.pad(x, (2, 2, 2, 2), mode="replicate")     # the edge of a digit is background
        x = squash(self.s2(squash(self.c1(x))))              # (N, 6, 14, 14)
        x = squash(self.s4(squash(self.c3(x))))              # (N, 16, 5, 5)
        x = squash(self.c5(x)).flatten(1)                    # (N, 120)
        x = squash(self.f6(x))                               # (N, 84)
        d = x.unsqueeze(1) - self.codes                      # (N, 10, 84)
        return -(d * d).sum(2)                               # (N, 10)


def lenet5_1998(num_classes=10, in_channels=1):
    """LeNet-5 of 1998: 60 000 trainable parameters, and ten classes only."""
    if num_classes != 10:
        raise ValueError("lenet5_1998: its last layer compares with pictures of the ten digits, so "
                         f"num_classes is 10, got {num_classes}; lenet5 takes any number")
    return LeNet51998(in_channels)
