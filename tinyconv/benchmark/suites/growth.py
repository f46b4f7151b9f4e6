"""How time grows with batch, depth, width and the size of images.

Without torch.compile: it compiles ResNet-110 for minutes, for every size anew.
"""
from ..case import LAYOUTS, OURS, Case, Finding
from ..summary import straightness
from .suite import Suite

BATCHES, DEPTHS, WIDTHS, SIZES = ((8, 16, 32, 64, 128, 256, 512), (20, 32, 44, 56, 110),
                                  (8, 16, 32, 64, 128, 256), (16, 32, 64, 128))
BENT = 10                              # per cent that a point may be off the line


def _every():
    def case(group, x, model, N, size):
        return Case(group, f"{x}", "train", {"model": model, "N": N, "shape": (3, size, size)},
                    "ms/image", 1e3 / N, LAYOUTS, seconds=2.0)
    for N in BATCHES:
        yield case("batch of ResNet-20", N, "resnet20", N, 32)
    for depth in DEPTHS:
        yield case("depth of a ResNet, batch 64", depth, f"resnet{depth}", 64, 32)
    for width in WIDTHS:
        yield case("width of six convolutions, batch 32", width, f"column-{width}", 32, 32)
    for size in SIZES:
        yield case("size of the image, ResNet-20, batch 16", size, "resnet20", 16, size)


def _findings(entries):
    points = [(int(e["name"]), e["sides"][OURS]["median"]) for e in entries
              if e["group"].startswith("depth") and "median" in e["sides"].get(OURS, {})]
    if len(points) < 3:                # two points are always on a line
        return []
    return [Finding("time by depth: farthest from a straight line",
                    100 * straightness(*zip(*points)), "%", limit=BENT)]


GROWTH = Suite("growth", "time per image by batch, depth, width and image size", _every, _findings)
