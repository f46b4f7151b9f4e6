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
from ..data import augmentations
from ..optim.lr_scheduler import OneCycleLR

MODES = "scratch", "features", "finetune"


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of a run. `lr` is the peak of the schedule.

    epochs, batch_size      passes over the training set, images a step
    optimizer               "sgd" (Nesterov's momentum) or "adamw"
    lr, momentum            the peak of the learning rate; μ of SGD, β₁ of AdamW
    weight_decay            λ
    warmup                  the part of all steps in which the learning rate rises
    label_smoothing         the part of the target that is spread evenly over all classes
    augment                 what is done to images at random, as `data.augmentations` reads it
    mode                    "scratch"; or, with a model that was trained before, "features": the
                            head alone learns, or "finetune": all of it does
    layer_decay             each stage before the head learns so many times as fast as the next
    unfreeze                finetune: begin with the head, and free one stage more every so many
                            epochs; 0 frees all at once
    clip                    the norm to which gradients are cut; 0 lets them be
    average                 the part of the running average of the weights that stays in each step,
                            such as 0.999: the average is measured and saved; 0 takes the weights
    patience                stop after so many epochs without a lower loss on a tenth of the
                            training set, held out for that, and keep the weights of before; 0 never
    """
    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.2
    label_smoothing: float = 0.0
    augment: str = ""
    mode: str = "scratch"
    layer_decay: float = 1.0
    unfreeze: int = 0
    clip: float = 0.0
    average: float = 0.0
    patience: int = 0

    def __post_init__(self):
        for name, least in (("epochs", 1), ("batch_size", 1), ("unfreeze", 0), ("patience", 0)):
            value = getattr(self, name)
            if not _is_number(value, int) or value < least:
                raise ValueError(f"recipe: {name} must be a whole number of at least {least}, "
                                 f"got {value!r}")
        for name, below in (("lr", math.inf), ("weight_decay", math.inf), ("momentum", 1),
                            ("warmup", 1), ("label_smoothing", 1), ("clip", math.inf),
                            ("average", 1)):
            value = getattr(self, name)
            if not _is_number(value, (int, float)) or not 0 <= value < below:
                raise ValueError(f"recipe: {name} must be a number in [0, {below}), got {value!r}")
        for name, choices in (("optimizer", ("sgd", "adamw")), ("mode", MODES)):
            if getattr(self, name) not in choices:
                raise ValueError(f"recipe: {name} must be one of {', '.join(map(repr, choices))}, "
                                 f"got {getattr(self, name)!r}")
        if not _is_number(self.layer_decay, (int, float)) or not 0 < self.layer_decay <= 1:
            raise ValueError("recipe: layer_decay must be a number in (0, 1], "
                             f"got {self.layer_decay!r}")
        if self.unfreeze and self.mode != "finetune":
            raise ValueError(f"recipe: unfreeze is for the mode 'finetune', got {self.mode!r}")
        augmentations(self.augment)                  # a ValueError names what is wrong

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
        return augmentations(self.augment)

    def freeze(self, model, epoch):
        """Freeze what is not to learn in this epoch (counted from 1), and free what is."""
        if self.mode == "features":
            models.train_only(model, 1)
        elif self.unfreeze:
            models.train_only(model, 1 + (epoch - 1) // self.unfreeze)

    def optimizer_for(self, model):
        """The optimiser, over all parameters of the model; those frozen have no gradient."""
        parameters = (models.layerwise(model, self.lr, self.layer_decay) if self.layer_decay < 1
                      else model.parameters())
        if self.optimizer == "adamw":
            return optim.AdamW(parameters, lr=self.lr, betas=(self.momentum, 0.999),
                               weight_decay=self.weight_decay)
        return optim.SGD(parameters, lr=self.lr, momentum=self.momentum,
                         weight_decay=self.weight_decay, nesterov=self.momentum > 0)

    def schedule_for(self, optimizer, steps):
        """The learning rate: from a tenth of the peak up to it, and down to a thousandth."""
        peaks = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, peaks, total_steps=steps, pct_start=self.warmup,
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
    ("LeNet51998",  "digits",        Recipe(epochs=8, lr=0.005, augment="shift=2")),
    ("LeNet51998",  "*",             Recipe(epochs=10, lr=0.005, augment="shift=2")),
    ("*",           "digits",        Recipe(epochs=8, augment="shift=2")),
    ("*",           "mnist",         Recipe(epochs=10, augment="shift=2")),
    ("*",           "fashion-mnist", Recipe(epochs=15, augment="shift=1,flip")),
    ("ResNetCIFAR", "cifar*",        Recipe(epochs=10, lr=0.2, augment="crop=4,flip")),
    ("ResNet",      "cifar*",        Recipe(epochs=10, lr=0.1, augment="crop=4,flip")),
    ("*",           "cifar*",        Recipe(epochs=30, lr=0.05, augment="crop=4,flip")),
    ("*",           "*",             Recipe(epochs=20, lr=0.05, augment="crop=4,flip",
                                            batch_size=64)),
]

# What some networks want otherwise, on any data. Without batch norm to hold their activations, the
# early deep networks bear a tenth of the rate. Attention and ConvNeXt are trained by AdamW, which
# takes steps of one size whatever the gradient's: with little weight for each step, much decay,
# gradients cut and labels smoothed (Touvron et al. 2021, arXiv 2012.12877; Liu et al. 2022,
# arXiv 2201.03545).
_PLAIN = {"lr": 0.01}
_ADAMW = {"optimizer": "adamw", "lr": 0.001, "weight_decay": 0.05, "label_smoothing": 0.1,
          "clip": 1.0}
OTHERWISE = [("AlexNet*", _PLAIN), ("VGG", _PLAIN), ("SqueezeNet", _PLAIN),
             ("VisionTransformer", _ADAMW), ("ConvNeXt", _ADAMW)]


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
    recipe = next(recipe for kinds, names, recipe in TABLE
                  if fnmatchcase(kind, kinds) and fnmatchcase(data_name, names))
    changes = next((changes for kinds, changes in OTHERWISE if fnmatchcase(kind, kinds)), None)
    return replace(recipe, **changes) if changes else recipe


def transfer(recipe, mode, images=None):
    """The recipe for a model that was trained before and is now trained in this mode.

    The head alone is a small problem, which any learning rate solves. All of the model is close to
    where it should be: smaller steps do, and the smaller the further they are from the head. Where
    there are few `images`, batches are small enough for twenty steps an epoch, but not below 8.
    """
    if mode == "scratch":
        return recipe
    if images is not None:
        size = min(recipe.batch_size, max(8, images // 20))
        recipe = recipe.changed(batch_size=size, lr=recipe.lr)
    if mode == "finetune":
        recipe = recipe.changed(lr=recipe.lr * 0.3, layer_decay=0.7)
    return recipe.changed(mode=mode)
