"""`tinyconv summary`: a model layer by layer."""
import argparse

from .. import insight, models
from . import options as common

NAME = "summary"
HELP = "show a model layer by layer: shapes, parameters, cost, receptive fields"
EXAMPLE = """\
examples:
  tinyconv summary resnet50
  tinyconv summary resnet20 --input 3x64x64

For one image: output shapes, parameters, multiply-adds (of convolutions, linear layers and matrix
products), memory of the outputs in float32, and the receptive field: how many pixels of the image
an output sees, by how many they move from one output to the next, and where those of the first
output begin (a negative number in the padding). Fields can be larger than the image."""


def options(parser):
    """Add what the command takes to its parser."""
    parser.add_argument("model", metavar="MODEL", help=f"one of {', '.join(models.list())}")
    parser.add_argument("--input", type=_shape, metavar="CxHxW",
                        help="shape of the image (default: what the model is usually given)")
    common.add_json(parser)


def run(args):
    """Do what the command is for."""
    common.check_model(args.model)
    model = models.create(args.model, **({} if args.input is None else {
        "in_channels": args.input[0], "image_size": args.input[1]}))
    found = insight.summary(model, args.input)
    if args.json:
        common.print_json(found.as_dict())
    else:
        print(found)


def _shape(text):
    """Channels, height and width, for argparse."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) != 3:
        raise argparse.ArgumentTypeError(f"expected CxHxW such as 3x224x224, got {text!r}")
    return tuple(map(common.whole, parts))
