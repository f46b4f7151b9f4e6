"""Networks of plain layers only, built on either side from its own `nn`."""

VGG11 = (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M")


def vgg11(nn, num_classes=10):
    """VGG-11 without batch norm (arXiv 1409.1556, column A) for images of 3×32×32.

    Five halvings leave one pixel of 512 channels: one linear layer takes the place of three.
    """
    layers, C = [], 3
    for width in VGG11:
        if width == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(C, width, 3, padding=1), nn.ReLU()]
            C = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(C, num_classes))


def column(nn, width, depth=6, num_classes=10):
    """`depth` times convolution 3×3, batch norm and ReLU, all of one width, then the mean."""
    layers, C = [], 3
    for _ in range(depth):
        layers += [nn.Conv2d(C, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        C = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, num_classes))


def build(nn, name):
    """The network of that name, or None: "vgg11", or "column-64" for one 64 channels wide."""
    if name == "vgg11":
        return vgg11(nn)
    return column(nn, int(name.removeprefix("column-"))) if name.startswith("column-") else None
