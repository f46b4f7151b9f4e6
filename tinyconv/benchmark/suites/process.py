"""What a whole process costs: its memory, its start, and its overhead per operation."""
from ..case import COMPILE, EAGER, OURS, Case
from .networks import DIGIT, PHOTO
from .suite import Suite

MIB = 2.0 ** 20
STEPS = 5                              # training steps, after which memory has reached its peak
AGAINST_EAGER = OURS, EAGER


def _memory():
    for title, model, N, shape, target in (("LeNet-5", "lenet5", 128, DIGIT, None),
                                           ("ResNet-20", "resnet20", 32, PHOTO, None),
                                           ("ResNet-20", "resnet20", 128, PHOTO, 1.0),
                                           ("ResNet-18", "resnet18", 64, PHOTO, None)):
        yield Case(title, f"batch {N}", "train", {"model": model, "N": N, "shape": shape},
                   "MiB", 1 / MIB, AGAINST_EAGER, measure="memory", target=target, least=STEPS)


def _startup():
    for cold in (True, False):
        for title, model, shape, limit in (("LeNet-5", "lenet5", DIGIT, 25 if cold else 2),
                                           ("ResNet-20", "resnet20", PHOTO, 40 if cold else 3)):
            yield Case(title, "empty cache" if cold else "warm cache", "train",
                       {"model": model, "N": 128, "shape": shape}, "s", 1.0,
                       (OURS, EAGER, COMPILE), measure="first", cold=cold, limit=limit)


def _dispatch():
    yield Case("1 000 additions of 4 numbers", "forward and backward", "additions",
               {"length": 1000, "backward": True}, sides=AGAINST_EAGER, target=1 / 1.5, seconds=1.0)
    yield Case("1 000 additions of 4 numbers", "forward", "additions",
               {"length": 1000, "backward": False}, sides=AGAINST_EAGER, seconds=1.0)


MEMORY = Suite("memory", "the most memory a process holds that trains", _memory)
STARTUP = Suite("startup", "from the start of a process to the end of its first training step",
                _startup)
DISPATCH = Suite("dispatch", "the overhead of an operation", _dispatch)
