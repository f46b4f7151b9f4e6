"""`tinyconv explain`: what in a picture does the model go by? And what has it learned at all?"""
import argparse
import sys
from pathlib import Path

import numpy as np

from .. import data, insight, ops
from ..atomic import write_atomically
from ..core import Tensor
from ..data import FormatError, Normalize
from ..insight import figures
from ..insight.figures.canvas import short
from ..insight.layers import convolutions
from ..insight.methods import METHODS
from ..training.evaluation import in_use
from ..training.pictures import read_like
from . import known
from . import options as common

NAME = "explain"
HELP = "draw what in a picture a model goes by, and what it has learned"
EXAMPLE = """\
examples:
  tinyconv explain runs/lenet5-mnist-1 seven.png photograph.jpg
  tinyconv explain runs/resnet20-cifar10-1 ship.png --method gradcam,occlusion --class ship
  tinyconv explain runs/resnet20-cifar10-1 ship.png --method features --layer layer2
  tinyconv explain --model lenet5 digits:5 digits:9        the weights shipped in the package
  tinyconv explain --model resnet50 --weights resnet50-0676ba61.pth --classes names.txt cat.jpg
  tinyconv explain runs/resnet20-cifar10-1 --method filters

One figure: the pictures in rows, the methods in columns. A picture is a file, or one of the test
images of a data set: cifar10:0 is the first of them. The class that is explained is the one the
model sees, or the one of --class. Methods:

  saliency    the size of the score's gradient (Simonyan et al. 2013)
  smoothgrad  its mean over 25 noisy copies (Smilkov et al. 2017)
  integrated  the score shared out to the pixels (Sundararajan et al. 2017)
  guided      guided backpropagation (Springenberg et al. 2015); for networks of ReLUs
  deconvnet   Zeiler & Fergus 2014; for networks of ReLUs
  occlusion   what is lost when a square is hidden (Zeiler & Fergus 2014)
  cam         class activation map (Zhou et al. 2016); for heads that see means of maps
  gradcam     Grad-CAM, at --layer (Selvaraju et al. 2017)
  features    the most active maps of --layer

and, each alone and without pictures,

  filters     the kernels of --layer, a convolution (default: the first)
  visualise   images that excite the first channels of --layer (default: the classes)"""

USUAL = "saliency", "smoothgrad", "guided", "occlusion", "gradcam"
ALONE = "filters", "visualise"         # of a model, not of a picture
WITH_LAYER = "gradcam", "features", *ALONE
UNITS = 10                             # that `visualise` draws


def options(parser):
    """Add what the command takes to its parser."""
    parser.add_argument("paths", nargs="*", metavar="RUN IMAGE",
                        help="folder of the run (not with --model), then pictures: PNG, JPEG, …, "
                             "or test images, such as cifar10:7")
    known.add_options(parser)
    parser.add_argument("--method", type=_methods, metavar="LIST",
                        help=f"of the methods below (default: {','.join(USUAL)}, as far as they "
                             "can be used)")
    parser.add_argument("--layer", metavar="NAME",
                        help="for gradcam and features (default: the last with maps), and filters")
    parser.add_argument("--class", dest="target", metavar="NAME",
                        help="the class to explain, by name or number (default: the one that is "
                             "seen in each picture)")
    parser.add_argument("--top", type=common.whole, default=3, metavar="K",
                        help="how many classes to print (default: 3)")
    parser.add_argument("--out", default="explained.png", metavar="FILE",
                        help="name of the figure (default: explained.png)")
    common.add_threads(parser)
    common.add_json(parser)


def _methods(text):
    """Names of methods, for argparse, as a tuple."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    wrong = [name for name in names if name not in METHODS and name not in ALONE]
    if wrong:
        raise argparse.ArgumentTypeError(f"unknown method {wrong[0]!r}; there are "
                                         f"{', '.join([*METHODS, *ALONE])}")
    if len(names) > 1 and set(names) & set(ALONE):
        raise argparse.ArgumentTypeError(f"{' and '.join(ALONE)} are figures of their own: one "
                                         "a command")
    return names


def run(args):
    """Do what the command is for; returns its exit status."""
    alone = args.method is not None and args.method[0] in ALONE
    if args.model is None and not args.paths:
        raise common.UsageError("expected the folder of a RUN, or --model NAME")
    folder, images = (None, args.paths) if args.model else (args.paths[0], args.paths[1:])
    if alone == bool(images):
        raise common.UsageError(f"--method {args.method[0]} takes no pictures" if alone else
                                "expected one picture or more")
    if args.layer and args.method and not set(args.method) & set(WITH_LAYER):
        raise common.UsageError(f"--layer is for {', '.join(WITH_LAYER)}")
    common.set_threads(args.threads)
    source = known.load(args, folder)
    if alone:
        return _of_the_model(args, source)
    target = None if args.target is None else source.number_of(args.target)
    paths, pictures = _read(images, source)
    if pictures:
        _explain(args, source, paths, np.stack(pictures), target)
    return 0 if len(paths) == len(images) else 1


def _read(images, source):
    """The paths that could be read, and their pictures, uint8 (C, H, W); errors are printed."""
    paths, pictures = [], []
    for path in images:
        try:
            pictures.append(_picture(path, source.about))
            paths.append(path)
        except FormatError as error:
            print(f"tinyconv explain: error: {error}", file=sys.stderr)
    return paths, pictures


def _picture(path, about):
    """A picture as uint8 (C, H, W), of a file or of a test set, in the form the model wants."""
    name, _, number = path.rpartition(":")
    if name not in data.names() or not number.isdecimal() or Path(path).exists():
        return read_like(path, about)
    test = data.load(name, "test")
    if test.shape != tuple(about["shape"]):
        raise ValueError(f"{path}: {name} has images of {test.shape}, the model takes images of "
                         f"{tuple(about['shape'])}")
    if int(number) >= len(test):
        raise ValueError(f"{path}: expected the number of a test image of {name}, from 0 to "
                         f"{len(test) - 1}, got {number}")
    return test.images[int(number)]


def _explain(args, source, paths, pictures, target):
    """Write the figure of pictures (N, C, H, W), and print what the model sees in them."""
    x = Normalize(source.mean, source.std)(pictures)
    with in_use(source.model):
        y = source.model(Tensor(x))                                      # (N, K)
        p = (ops.sigmoid(y) if source.several else ops.softmax(y, 1)).data
    targets = p.argmax(1) if target is None else np.full(len(p), target)
    columns, left_out = [], []
    for name in args.method or USUAL:
        method = METHODS[name]
        try:
            found = method.of(source.model, x, targets, args.layer)
        except ValueError as error:
            if args.method or args.layer:
                raise
            left_out.append(name)
            print(f"tinyconv explain: {name} is left out: {error}", file=sys.stderr)
        else:
            columns.append((method.title, method.kind, found))
    captions = [f"{_short(path)}\n{short(source.classes[k])}: {100 * row[k]:.1f} %"
                for path, row, k in zip(paths, p, targets)]
    out = Path(args.out)
    write_atomically(out, figures.explained(pictures, captions, columns))
    _report(args, source, paths, p, targets, out, left_out)


def _report(args, source, paths, p, targets, out, left_out):
    tops = [[(source.classes[k], float(row[k])) for k in np.argsort(-row, kind="stable")[:args.top]]
            for row in p]
    if args.json:
        methods = [name for name in args.method or USUAL if name not in left_out]
        common.print_json({"figure": str(out), "methods": methods, "images": [
            {"image": path, "explained": source.classes[k],
             "top": [{"class": name, "probability": part} for name, part in top]}
            for path, k, top in zip(paths, targets, tops)]})
        return
    for path, top in zip(paths, tops):
        print(f"{path}: " + ", ".join(f"{name} {100 * part:.1f} %" for name, part in top))
    print(out)


def _of_the_model(args, source):
    """Write a figure that needs no pictures."""
    (name,), layer, model, shape = args.method, args.layer, source.model, source.about["shape"]
    if name == "filters":
        layer = layer or next(iter(convolutions(model)), None)
        drawn = figures.drawn_filters(insight.filters(model, layer), layer)
    else:
        names = source.classes
        if layer is not None:
            image = np.zeros((1, *shape), np.float32)
            channels = insight.feature_maps(model, image, layer).shape[1]
            names = [f"channel {unit}" for unit in range(channels)]
        names = names[:UNITS]
        images = insight.visualise(model, range(len(names)), layer, shape)
        drawn = figures.drawn_images(images, names, f"what excites {layer or 'the classes'}")
    out = Path(args.out)
    write_atomically(out, drawn)
    if args.json:
        common.print_json({"figure": str(out), "method": name})
    else:
        print(out)


def _short(path):
    """The name of a file, its middle left out if it is long."""
    name = Path(path).name
    return name if len(name) <= 22 else f"{name[:10]}…{name[-11:]}"
