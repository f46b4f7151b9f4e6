"""What several networks are built of, by torchvision's names."""
from .. import nn
from ..nn import functional as F


class Conv2dNormActivation(nn.Sequential):
    """activation(norm(conv(x))):  (N, C, H, W) → (N, O, H/stride, W/stride).

    The padding keeps the size but for the stride. Parameters are called `0.weight` (of the
    convolution, which has no bias) and `1.weight`, `1.bias` (of batch norm). An activation of None
    is none at all.
    """

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, groups=1,
                 activation=F.relu):
        super().__init__(nn.Conv2d(in_channels, out_channels, kernel_size, stride,
                                   (kernel_size - 1) // 2, groups=groups, bias=False),
                         nn.BatchNorm2d(out_channels))
        self.activation = activation

    def forward(self, x):
        conv, norm = self
        if self.activation is F.relu:
            return norm.after(conv, x, relu=True)
        y = norm.after(conv, x)
        return y if self.activation is None else self.activation(y)

    def extra_repr(self):
        return f"activation={self.activation and self.activation.__name__}"


def is_for_small_images(network, stem):
    """Whether the beginning is to be "cifar", which keeps 32×32 from shrinking to nothing.

    "imagenet" is the beginning of the paper; anything else is a ValueError.
    """
    if stem not in ("imagenet", "cifar"):
        raise ValueError(f"{network}: stem should be 'imagenet' or 'cifar', got {stem!r}")
    return stem == "cifar"


def divisible(channels, by=8):
    """The multiple of `by` nearest to `channels`, but not more than a tenth below it."""
    nearest = max(by, int(channels + by / 2) // by * by)
    return nearest if nearest >= 0.9 * channels else nearest + by
