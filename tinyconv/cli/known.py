"""A model that was trained, by a run or with weights from a file, and what one must know of it.

Metadata of files are what anybody wrote there: they are asked for, not relied on.
"""
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from .. import data, models, training
from ..checkpoint import load_weights, read_weights
from ..insight.receptive import usual_shape
from ..insight.trace import trace
from ..models import pretrained, published
from ..nn import Module
from ..training import recipes
from . import options as common


@dataclass(frozen=True)
class Known:
    """A model ready for use.

    mean, std    by which its images are normalised, for each channel
    classes      the names of its outputs
    about        "name" of its data and "shape" of its images, as `read_like` wants them
    several      whether an image may have several labels
    """
    model: Module
    mean: tuple
    std: tuple
    classes: tuple
    about: dict
    several: bool = False

    def number_of(self, name):
        """The number of a class, by its name or as text; UsageError if there is none."""
        if name in self.classes:
            return self.classes.index(name)
        if name.isdecimal() and int(name) < len(self.classes):
            return int(name)
        some = ", ".join(self.classes[:12]) + (", …" if len(self.classes) > 12 else "")
        raise common.UsageError(f"there is no class {name!r}; there are {some}")


def add_model(parser):
    """--model, --weights and --imagenet"""
    parser.add_argument("--model", metavar="NAME", help="instead of a RUN, one of "
                        f"{', '.join(models.list(task='classification'))}")
    parser.add_argument("--weights", metavar="FILE",
                        help="weights of the model: safetensors, .npz, or PyTorch's .pth, .pt, .th "
                             "(default: those shipped in the package)")
    parser.add_argument("--imagenet", action="store_true",
                        help="normalise images by the mean and standard deviation of ImageNet")


def add_options(parser):
    """These, --data and --classes, for `load`"""
    add_model(parser)
    parser.add_argument("--data", metavar="NAME",
                        help="the data set the weights were trained on (default: as the file says, "
                             "or is known of it, or else ImageNet)")
    parser.add_argument("--classes", metavar="FILE",
                        help="names of the classes, a line each, in the order of the outputs")


def check_model(args):
    """Raise UsageError unless there is a model --model, and there are weights of it."""
    common.check_model(args.model)
    if args.weights is None and args.model not in pretrained.names():
        raise common.UsageError(f"--model {args.model} needs --weights FILE: the package has "
                                f"weights of {', '.join(pretrained.names())} only")


def load(args, folder):
    """The `Known` of the run in `folder`, or of --model where that is None."""
    if folder is not None:
        if args.weights or args.imagenet or args.data or args.classes:
            raise common.UsageError("--weights, --data, --imagenet and --classes go with --model, "
                                    "a RUN has its own")
        saved = training.load_run(folder)
        return Known(saved.model, saved.mean, saved.std, saved.classes, saved.config["data"],
                     saved.thresholds is not None)
    check_model(args)
    if args.data is not None:
        common.check_data(args.data)
    path = args.weights or pretrained.path_of(args.model)
    metadata, found = read_weights(path)[1], published.lookup(path)
    name = args.data or metadata.get("data") or (found and found.data)
    if args.data is None and name is not None and name not in data.names():
        raise common.UsageError(f"{path} is of the data {name!r:.80}, which are not known here; "
                                "say with --data which they are")
    model, about = _model(args.model, name, metadata)
    load_weights(model, path)
    mean, std = normalisation(args, metadata, found, (about["mean"], about["std"]))
    classes = _names(args.classes, about["classes"])
    return Known(model.eval(), mean, std, classes, about)


def _model(name, data_name, metadata):
    """A new model for the data of that name, or for photographs; and what is known of the data."""
    if data_name is None:
        model = models.create(name)
        shape = usual_shape(model)
        classes = tuple(f"class {k}" for k in range(trace(model, shape).shape[-1]))
        return model, {"name": "imagenet", "shape": shape, "classes": classes,
                       "mean": published.IMAGENET_MEAN, "std": published.IMAGENET_STD}
    about = data.describe(data_name)
    wanted = SimpleNamespace(shape=about["shape"], classes=about["classes"])
    return made_for(wanted, name, metadata), about


def made_for(dataset, name, metadata):
    """A new model `name` for a data set; what its classes and images leave open, such as widths, is
    as the metadata of its weights say, if they do. Raises ValueError where they make no sense."""
    told = _told(metadata, "arguments", dict) if "arguments" in metadata else {}
    try:
        return models.create(name, **{**told, **recipes.model_arguments(name, dataset)})
    except TypeError as error:
        raise ValueError(f"the file of weights has arguments {told!r:.80}, which {name} does not "
                         f"take: {error}") from error


def normalisation(args, metadata, found, usual):
    """The (mean, std) by which images are normalised: those of ImageNet if asked for, or as the
    metadata of the weights say, or as is known of a published file, or the `usual` ones."""
    if args.imagenet:
        return published.IMAGENET_MEAN, published.IMAGENET_STD
    if not {"mean", "std"} <= metadata.keys():
        return (found.mean, found.std) if found else usual
    both = [_told(metadata, key, (list, tuple)) for key in ("mean", "std")]
    for key, values in zip(("mean", "std"), both):
        if len(values) != len(usual[0]) or not all(
                type(v) in (int, float) and abs(v) < float("inf") for v in values):
            raise ValueError(f"the file of weights says that the {key} of its images is "
                             f"{values!r:.80}, and not a number for each of {len(usual[0])} "
                             "channels")
    return tuple(map(tuple, both))


def _told(metadata, key, kind):
    """What the metadata of a file of weights say, as JSON or as it is; ValueError if it is of
    another kind: whoever made the file may have meant anything by that word."""
    value = metadata[key]
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except (json.JSONDecodeError, RecursionError):
        pass
    if not isinstance(value, kind):
        raise ValueError(f"the file of weights has {key} {value!r:.80}, which makes no sense here")
    return value


def _names(path, known):
    """The names of the classes: the lines of a file, which must be as many, or those known."""
    if path is None:
        return tuple(known)
    names = tuple(line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()
                  if line.strip())
    if len(names) != len(known):
        raise ValueError(f"{path} names {len(names)} classes, the model has {len(known)}")
    return names
