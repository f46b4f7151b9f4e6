"""Training steps and inference of whole networks."""
from ..case import Case
from .suite import Suite

DIGIT, PHOTO = (1, 28, 28), (3, 32, 32)
NETWORKS = (("LeNet-5", "lenet5", DIGIT), ("ResNet-20", "resnet20", PHOTO),
            ("ResNet-18", "resnet18", PHOTO), ("VGG-11", "vgg11", PHOTO))
# which batches are measured, and the ratio that is asked for (None: shown, but not asked for)
STEPS = {"lenet5": {32: None, 64: 2.0, 128: 2.0, 512: None},
         "resnet20": {32: 1.25, 64: None, 128: 1.25, 256: None},
         "resnet18": {16: None, 64: 1.0}, "vgg11": {16: None, 64: 1.0}}
ANSWERS = {"lenet5": {1: 1.0, 128: 1.0, 512: None}, "resnet20": {1: 1.0, 32: None, 128: 1.0},
           "resnet18": {1: None, 64: None}, "vgg11": {1: None, 64: None}}


def _cases(work, batches, seconds):
    for title, model, shape in NETWORKS:
        for N, target in batches[model].items():
            yield Case(title, f"batch {N}", work, {"model": model, "N": N, "shape": shape},
                       "images/s", N, target=target, seconds=seconds)


TRAINING = Suite("training", "training steps: forward, backward, SGD with momentum",
                 lambda: _cases("train", STEPS, 4.0))
INFERENCE = Suite("inference", "answers of a network in use",
                  lambda: _cases("infer", ANSWERS, 2.0))
