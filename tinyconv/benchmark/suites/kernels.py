"""Single operations over the layers of LeNet-5, ResNet-20, ResNet-18 (CIFAR stem) and VGG-11."""
from ..case import LAYOUTS, Case, Finding
from ..summary import geometric_mean, median_ratios
from .suite import Suite

# (images, then for each layer: channels in, out, size, kernel, stride, padding); a layer that
# another network had before is not repeated.
LAYERS = {
    "LeNet-5": (128, [(1, 6, 28, 5, 1, 2), (6, 16, 14, 5, 1, 0)]),
    "ResNet-20": (128, [(3, 16, 32, 3, 1, 1), (16, 16, 32, 3, 1, 1), (16, 32, 32, 3, 2, 1),
                        (32, 32, 16, 3, 1, 1), (32, 64, 16, 3, 2, 1), (64, 64, 8, 3, 1, 1)]),
    "ResNet-18": (64, [(3, 64, 32, 3, 1, 1), (64, 64, 32, 3, 1, 1), (64, 128, 32, 3, 2, 1),
                       (64, 128, 32, 1, 2, 0), (128, 128, 16, 3, 1, 1), (128, 256, 16, 3, 2, 1),
                       (128, 256, 16, 1, 2, 0), (256, 256, 8, 3, 1, 1), (256, 512, 8, 3, 2, 1),
                       (256, 512, 8, 1, 2, 0), (512, 512, 4, 3, 1, 1)]),
    "VGG-11": (64, [(64, 128, 16, 3, 1, 1), (128, 256, 8, 3, 1, 1), (256, 512, 4, 3, 1, 1),
                    (512, 512, 2, 3, 1, 1)])}
PARTS = {"forward": "forward", "input": "input gradient", "weight": "weight gradient"}
LEAST_RATIO = 0.7                      # of any convolution; their geometric mean is to reach 1


def convolutions():
    """Every layer, forward and both gradients; nobody wants that of the images themselves."""
    for network, (N, layers) in LAYERS.items():
        for layer in layers:
            for part in PARTS:
                if part != "input" or layer[0] > 3:
                    yield _convolution(network, part, N, *layer)


def _convolution(network, part, N, C, O, size, kernel, stride, padding):
    output = (size + 2 * padding - kernel) // stride + 1
    flops = 2 * N * O * output ** 2 * C * kernel ** 2
    numbers = N * C * size ** 2 + O * C * kernel ** 2 + N * O * output ** 2
    name = (f"{C} → {O}, {kernel}×{kernel}{f'/{stride}' if stride > 1 else ''}, {size}×{size}, "
            f"{PARTS[part]}")
    return Case(network, name, "conv",
                {"part": part, "N": N, "C": C, "O": O, "size": size, "kernel": kernel,
                 "stride": stride, "padding": padding},
                "GFLOP/s", flops / 1e9, LAYOUTS, target=LEAST_RATIO, flops=flops, bytes=4 * numbers)


def others():
    """Forward and backward of all that is not a convolution, and the optimiser's step.

    Bytes: how often memory has to be read or written at the least, in passes over the array. (So
    batch norm takes eight: x twice and y forward, g and x twice and ∂L/∂x backward.)
    """
    def case(group, name, work, numbers, passes, flops=0, **arguments):
        return Case(group, name, work, arguments, "µs", 1e6, target=1.0, flops=flops,
                    bytes=4 * numbers * passes)

    def images(group, work, passes, N, C, size, **more):
        return case(group, f"{N}×{C}×{size}×{size}", work, N * C * size ** 2, passes,
                    N=N, C=C, size=size, **more)

    for N, C, size in ((128, 6, 28), (128, 16, 10), (64, 64, 32), (64, 256, 8)):
        yield images("max pooling 2×2", "max_pool", 2.5, N, C, size, kernel=2)
    for N, C, size in ((128, 64, 8), (64, 512, 4)):
        yield images("mean over the image", "mean_pool", 2, N, C, size)
    for name, passes, options in (("", 8, {}), (" + ReLU", 9, {"relu": True}),
                                  (" + add + ReLU", 11, {"relu": True, "add": True})):
        for N, C, size in ((128, 16, 32), (128, 32, 16), (128, 64, 8), (64, 64, 32), (64, 512, 4)):
            yield images("batch norm" + name, "batch_norm", passes, N, C, size, **options)
    for N, K in ((128, 10), (128, 1000)):
        yield case("cross-entropy", f"{N}×{K}", "cross_entropy", N * K, 3, N=N, K=K)
    for N, I, O in ((128, 400, 120), (128, 120, 84), (128, 84, 10), (64, 512, 10), (64, 4096, 512)):
        yield case("linear", f"{N}×{I} → {O}", "linear", N * I + N * O + I * O, 2,
                   6 * N * I * O, N=N, I=I, O=O)
    for name, title, weights in (("lenet5", "LeNet-5", 61_706), ("resnet20", "ResNet-20", 269_722),
                                 ("resnet18", "ResNet-18", 11_173_962)):
        yield case("SGD step", title, "sgd", weights, 5, model=name)


def _every():
    yield from convolutions()
    yield from others()


def _findings(entries):
    for part, name in PARTS.items():
        yield from _of("convolution, " + name, [e for e in entries
                                                if e["arguments"].get("part") == part])
    yield from _of("all convolutions", [e for e in entries if e["work"] == "conv"])
    yield from _of("all others", [e for e in entries if e["work"] != "conv"], target=None)


def _of(name, entries, target=1.0):
    found = median_ratios(entries)
    if found:
        yield Finding(f"{name} ({len(found)}): geometric mean of the ratios",
                      geometric_mean(found), "×", target=target)
        yield Finding(f"{name} ({len(found)}): least ratio", min(found), "×",
                      target=LEAST_RATIO if target else 1.0)


KERNELS = Suite("kernels", "every operation over the layers of four networks", _every,
                lambda entries: list(_findings(entries)))
