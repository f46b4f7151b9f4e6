"""Recipes: how to train which model on which data, so that nobody needs a flag for a good result.

All of them follow one plan: the learning rate rises along a straight line to its peak and falls
along another to nearly nothing, step by step (Smith & Topin 2018, arXiv 1708.07120); batches are
shifted or cropped and flipped.
"""
import math
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from inspect import signature

from .. import models, optim
from ..data import RandomCrop, RandomHorizontalFlip, RandomShift
from ..optim.lr_scheduler import OneCycleLR


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of a run. `lr` is the peak of the schedule.

    epochs, batch_size      passes over the training set, images a step
    optimizer               "sgd" (Nesterov's momentum) or "adamw"
    lr, momentum            the peak of the learning rate; μ of SGD, β₁ of AdamW
    weight_decay            λ
    warmup                  the part of all steps in which the learning rate rises
    label_smoothing         the part of the target that is spread evenly over all classes
    shift, crop             pixels by which images are moved: `crop` is customary for photographs
    flip                    mirror half of the images left to right
    """
    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.2
    label_smoothing: float = 0.0
    shift: int = 0
    crop: int = 0
    flip: bool = False

    def __post_init__(self):
        for name, least in (("epochs", 1), ("batch_size", 1), ("shift", 0), ("crop", 0)):
            value = getattr(self, name)
            if not _is_number(value, int) or value < least:
                raise ValueError(f"recipe: {name} must be a whole number of at least {least}, "
                                 f"got {value!r}")
        for name, below in (("lr", math.inf), ("weight_decay", math.inf), ("momentum", 1),
                            ("warmup", 1), ("label_smoothing", 1)):
            value = getattr(self, name)
            if not _is_number(value, (int, float)) or not 0 <= value < below:
                raise ValueError(f"recipe: {name} must be a number in [0, {below}), got {value!r}")
        if self.optimizer not in ("sgd", "adamw"):
            raise ValueError(f"recipe: optimizer must be 'sgd' or 'adamw', got {self.optimizer!r}")
        if not isinstance(self.flip, bool):
            raise ValueError(f"recipe: flip must be True or False, got {self.flip!r}")

    def changed(self, **changes):
        """This recipe with other values; None stands for no change.

        When the batch size changes and the learning rate is not given, it is scaled along: twice
        the images in a step make its gradient twice as certain (Goyal et al. 2017, arXiv
        1706.02677).
        """
        changes = {name: value for name, value in changes.items() if value is not None}
        new = replace(self, **changes)
        if "batch_size" in changes and "lr" not in changes:
            new = replace(new, lr=self.lr * new.batch_size / self.batch_size)
        return new

    def augmentations(self):
        """What is done to each batch of training images, as the loader wants it."""
        return [*([RandomShift(self.shift)] if self.shift else []),
                *([RandomCrop(padding=self.crop)] if self.crop else []),
                *([RandomHorizontalFlip()] if self.flip else [])]

    def optimizer_for(self, parameters):
        """The optimiser, over all these parameters."""
        if self.optimizer == "adamw":
            return optim.AdamW(parameters, lr=self.lr, betas=(self.momentum, 0.999),
                               weight_decay=self.weight_decay)
        return optim.SGD(parameters, lr=self.lr, momentum=self.momentum,
                         weight_decay=self.weight_decay, nesterov=self.momentum > 0)

    def schedule_for(self, optimizer, steps):
        """The learning rate: from a tenth of the peak up to it, and down to a thousandth."""
        return OneCycleLR(optimizer, self.lr, total_steps=steps, pct_start=self.warmup,
                          anneal_strategy="linear", cycle_momentum=False, div_factor=10,
                          final_div_factor=100)

    def as_dict(self):
        """The fields by name, for `config.json`."""
        return asdict(self)


def _is_number(value, kind):
    return isinstance(value, kind) and not isinstance(value, bool)


# The recipe is that of the first row whose patterns match the class of the model and the name of
# the data set. LeNet-5 of 1998 answers with squared distances, whose gradients are large.
TABLE = [
    ("LeNet51998",  "digits",        Recipe(epochs=8, lr=0.005, shift=2)),
    ("LeNet51998",  "*",             Recipe(epochs=10, lr=0.005, shift=2)),
    ("*",           "digits",        Recipe(epochs=8, shift=2)),
    ("*",           "mnist",         Recipe(epochs=10, shift=2)),
    ("*",           "fashion-mnist", Recipe(epochs=15, shift=1, flip=True)),
    ("ResNetCIFAR", "cifar*",        Recipe(epochs=10, lr=0.2, crop=4, flip=True)),
    ("ResNet",      "cifar*",        Recipe(epochs=10, lr=0.1, crop=4, flip=True)),
    ("*",           "cifar*",        Recipe(epochs=30, lr=0.05, crop=4, flip=True)),
    ("*",           "*",             Recipe(epochs=20, lr=0.05, crop=4, flip=True, batch_size=64)),
]


def model_arguments(name, dataset):
    """What `models.create(name, …)` needs to make a model for this data set.

    Networks made for photographs of 224×224 begin by shrinking them fourfold; small images want
    another beginning, where a model has one.
    """
    C, H, W = dataset.shape
    has_stem = "stem" in signature(models.find(name)).parameters
    stem = {"stem": "cifar"} if has_stem and H <= 64 else {}
    return {"num_classes": len(dataset.classes), "in_channels": C, "image_size": H, **stem}


def choose(model, data_name):
    """The recipe for a model and for the data set of that name."""
    kind = type(model).__name__
    return next(recipe for kinds, names, recipe in TABLE
                if fnmatchcase(kind, kinds) and fnmatchcase(data_name, names))
