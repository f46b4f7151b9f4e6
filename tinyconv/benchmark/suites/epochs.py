"""Passes over real data sets, and how much of the time the loader takes."""
import numpy as np

from ... import data
from ..case import OURS, Case, Finding
from ..process import Failed
from .suite import Suite

SHARE = 5                              # per cent of the bare steps that the loader may add


def _every():
    """An epoch of ResNet-20 takes a minute; what the loader adds to it can be seen in an eighth."""
    yield Case("LeNet-5 on MNIST", "60 000 images, shuffled", "epoch",
               {"model": "lenet5", "data": "mnist", "images": 60_000, "N": 128, "augment": False},
               "s", 1.0, limit=2.5, seconds=0, least=2)
    yield Case("ResNet-20 on CIFAR-10", "6 400 images, cropped and flipped", "epoch",
               {"model": "resnet20", "data": "cifar10", "images": 6_400, "N": 128,
                "augment": True}, "s", 1.0, seconds=0, least=2)


def _prepare(case, folder):
    """Write the images and labels for both sides to read; a data set that is not here is an
    excuse."""
    name, images = case.arguments["data"], case.arguments["images"]
    if not data.files.where(name):
        raise Failed(f"{name} is not on this machine (tinyconv data fetch {name}, or set "
                     "TINYCONV_DATA)")
    try:
        dataset = data.load(name, "train").limit(images)
    except data.DataError as error:
        raise Failed(str(error)) from error
    place = folder / name
    place.mkdir(exist_ok=True)
    np.save(place / "images.npy", dataset.images)
    np.save(place / "labels.npy", dataset.labels)
    return {"model": case.arguments["model"], "folder": str(place), "N": case.arguments["N"],
            "augment": case.arguments["augment"]}


def _findings(entries):
    """What loading and augmenting add to the bare steps, per cent."""
    found = []
    for entry in entries:
        for side, values in entry["sides"].items():
            if "bare" in values:
                share = np.median([100 * (whole / bare - 1) for whole, bare
                                   in zip(values["rounds"], values["bare"])])
                found.append(Finding(f"{entry['group']}: the loader of {side} adds", float(share),
                                     "%", limit=SHARE if side == OURS else None))
    return found


EPOCHS = Suite("epochs", "passes over MNIST and CIFAR-10, loader and augmentation included", _every,
               _findings, _prepare)
