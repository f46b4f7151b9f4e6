"""Augmentations by short names: `augmentations("crop=4,flip,cutout=8")`."""
from dataclasses import dataclass
from typing import Callable

from .augment import AlternatingFlip, RandomCrop, RandomHorizontalFlip, RandomShift, Translate
from .colour import ColorJitter
from .erasing import Cutout, RandomErasing
from .geometric import RandomAffine, RandomRotation
from .mixing import CutMix, MixUp


@dataclass(frozen=True)
class Choice:
    """A short name: how to make the augmentation of a number, the number by default, and what it
    means."""
    make: Callable
    default: float
    means: str


def _affine(degrees):
    """Turned by `degrees`, and all else in proportion: 10 moves by a tenth."""
    return RandomAffine(degrees, (degrees / 100,) * 2, (1 - degrees / 100, 1 + degrees / 100),
                        degrees / 2, "bilinear")


CHOICES = {
    "shift": Choice(lambda n: RandomShift(_whole(n)), 2, "moved by up to so many pixels"),
    "crop": Choice(lambda n: RandomCrop(padding=_whole(n)), 4, "the same, as said of photographs"),
    "flip": Choice(RandomHorizontalFlip, 0.5, "mirrored, with this probability"),
    "altflip": Choice(lambda seed: AlternatingFlip(_whole(seed)), 0,
                      "mirrored every other epoch; a seed"),
    "rotation": Choice(lambda n: RandomRotation(n, "bilinear"), 15, "turned by up to so many °"),
    "affine": Choice(_affine, 10, "turned, moved, scaled, slanted; up to so many °"),
    "jitter": Choice(lambda v: ColorJitter(v, v, v), 0.4, "brightness, contrast, saturation"),
    "cutout": Choice(lambda n: Cutout(_whole(n)), 8, "without a square of so many pixels"),
    "erasing": Choice(RandomErasing, 0.5, "without a rectangle, with this probability"),
    "mixup": Choice(MixUp, 0.2, "two images laid over one another; the α of their share"),
    "cutmix": Choice(CutMix, 1.0, "a part from another image; the α of its share")}


def augmentations(text):
    """The augmentations that `text` names, in its order: a list as `Loader` wants it.

    `text` is a list of names with commas between, each with a number or without ("crop=4,flip"), or
    "none". Raises ValueError for one that is not known, named twice, or whose number makes no
    sense.
    """
    found, seen = [], set()
    for part in parts(text):
        name, _, number = part.partition("=")
        if name not in CHOICES or name in seen:
            known = ", ".join(f"{key}={choice.default:g}" for key, choice in CHOICES.items())
            raise ValueError(f"augment: {name!r} is named twice" if name in seen else
                             f"augment: {name!r} is unknown; there are none, or any of {known}, "
                             "with commas between")
        seen.add(name)
        try:
            found.append(CHOICES[name].make(float(number or CHOICES[name].default)))
        except ValueError as error:
            raise ValueError(f"augment: {part}: {error}") from None
    return found


def views(text):
    """The views that `text` names, each a list of augmentations without chance: of "flip" the image
    and its mirror image; of "shift" the image and itself moved by a pixel in four directions; of
    "flip,shift" all of the latter and their mirror images; of "" the image alone."""
    chosen = parts(text)
    if not set(chosen) <= {"flip", "shift"} or len(chosen) > len(set(chosen)):
        raise ValueError(f"tta: expected flip, shift, or both with a comma between, got {text!r}")
    moved = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)] if "shift" in chosen else [(0, 0)]
    mirrored = (0, 1) if "flip" in chosen else (0,)
    return [[*([Translate(*by)] if any(by) else []), *([RandomHorizontalFlip(1)] if flip else [])]
            for flip in mirrored for by in moved]


def parts(text):
    """The augmentations in `text`, each as it is written."""
    text = text.replace(" ", "")
    return [] if text in ("", "none") else text.split(",")


def _whole(number):
    return int(number) if number.is_integer() else number
