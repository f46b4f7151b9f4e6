"""`tinyconv predict`: what does the model of a run see in a picture?"""
import sys

import numpy as np

from .. import ops, training
from ..core import Tensor
from ..data import FormatError, Normalize
from ..training.evaluation import in_use
from ..training.pictures import read_like
from . import options as common

NAME = "predict"
HELP = "name what is in a picture"
EXAMPLE = """\
example:
  tinyconv predict runs/lenet5-mnist-1 seven.png photograph.jpg

Pictures are brought into the form of the training images. For a model of digits (digits, mnist)
they may be photographs of ink on paper: a light background is noticed by its border and inverted,
and the digit is cut out, scaled and centred as MNIST does it. For other models the largest square
in the middle is scaled.

A picture that cannot be read is named, the others are answered, and the exit status is 1."""


def options(parser):
    """Add what the command takes to its parser."""
    parser.add_argument("folder", metavar="RUN", help="folder of the run")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures: PNG, JPEG, BMP, …")
    parser.add_argument("--top", type=common.whole, default=3, metavar="K",
                        help="how many classes to show (default: 3)")
    common.add_threads(parser)
    common.add_json(parser)


def run(args):
    """Do what the command is for; returns its exit status."""
    common.set_threads(args.threads)
    saved = training.load_run(args.folder)
    paths, pictures = [], []
    for path in args.images:
        try:
            pictures.append(read_like(path, saved.config["data"]))
            paths.append(path)
        except FormatError as error:
            print(f"tinyconv predict: error: {error}", file=sys.stderr)
    if pictures:
        _answer(args, saved, paths, np.stack(pictures))
    return 0 if len(paths) == len(args.images) else 1


def _answer(args, saved, paths, pictures):
    """Print what the model sees in the pictures, uint8 (N, C, H, W)."""
    with in_use(saved.model):
        x = Tensor(Normalize(saved.mean, saved.std)(pictures))           # (N, C, H, W)
        y = saved.model(x)                                               # (N, K)
        p = (ops.sigmoid(y) if saved.thresholds else ops.softmax(y, 1)).data
    if saved.thresholds:
        _answer_labels(args, saved, paths, p)
        return
    results = [[(saved.classes[k], float(row[k]))
                for k in np.argsort(-row, kind="stable")[:args.top]] for row in p]
    uniform = (pictures == pictures[:, :, :1, :1]).all(axis=(1, 2, 3))   # (N,)
    if args.json:
        common.print_json([{"image": path, "class": best[0][0], "probability": best[0][1],
                            "uniform": bool(plain),
                            "top": [{"class": name, "probability": part} for name, part in best]}
                           for path, best, plain in zip(paths, results, uniform)])
        return
    for path, best, plain in zip(paths, results, uniform):
        print(f"{path}: " + ", ".join(f"{name} {100 * part:.1f} %" for name, part in best)
              + ("  (a guess: the picture is uniform, there is nothing to see in it)" if plain
                 else ""))


def _answer_labels(args, saved, paths, p):
    """Print which labels hold in each picture, of probabilities (N, K)."""
    results = [[(saved.classes[k], float(row[k])) for k in np.argsort(-row, kind="stable")
                if row[k] >= saved.thresholds[k]] for row in p]
    if args.json:
        common.print_json([{"image": path,
                            "labels": [{"class": name, "probability": part} for name, part in told]}
                           for path, told in zip(paths, results)])
        return
    for path, told in zip(paths, results):
        print(f"{path}: " + (", ".join(f"{name} {100 * part:.1f} %" for name, part in told)
                             or "none of the labels"))
