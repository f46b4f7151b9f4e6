"""From where a training goes on: the weights of a run, of the package, or of a file."""
import json
from dataclasses import dataclass
from pathlib import Path

from ..checkpoint import Damaged, load_weights, read_weights
from ..data import describe
from ..models import create, head_of, pretrained, published, replace_head
from .folder import CONFIG, WEIGHTS
from .saved import read_config


@dataclass(frozen=True)
class Source:
    """A file of weights, and what is known of how the model was trained; None for what is not.

    shape         (C, H, W) of its images
    mean, std     per channel, by which they were normalised
    classes       what it tells apart
    """
    path: Path
    shape: tuple | None = None
    mean: tuple | None = None
    std: tuple | None = None
    classes: tuple | None = None


def source(name):
    """The Source called `name`: the folder of a run, a model whose weights the package has, or a
    file of weights. ValueError or FileNotFoundError if it is none of them; Damaged if what the
    file says of itself cannot be read."""
    path = Path(name)
    if (path / CONFIG).is_file():
        about = read_config(path)["data"]
        if not (path / WEIGHTS).is_file():
            raise FileNotFoundError(f"the run in {path} has no weights yet")
        return Source(path / WEIGHTS, tuple(about["shape"]), tuple(about["mean"]),
                      tuple(about["std"]), tuple(about["classes"]))
    if name in pretrained.names():
        return _own(pretrained.path_of(name))
    if not path.is_file():
        raise FileNotFoundError(f"{name} is neither the folder of a run, nor a file of weights, "
                                "nor a model the package has weights of "
                                f"({', '.join(pretrained.names())})")
    known = published.lookup(path)
    if known:
        about = describe(known.data)
        return Source(path, tuple(about["shape"]), known.mean, known.std, tuple(about["classes"]))
    return _own(path)


def _own(path):
    """What a file of ours says of itself; one of others says nothing."""
    about = read_weights(path)[1]
    if not {"mean", "std", "classes", "data"} <= about.keys():
        return Source(path)
    texts = [about[key] for key in ("mean", "std", "classes")]
    try:
        lists = [json.loads(text) for text in texts]
    except ValueError:                                      # no JSON
        lists = [None]
    if not all(isinstance(each, list) for each in lists):
        raise Damaged(f"{path}: expected lists in JSON as mean, std and classes in its metadata, "
                      f"got {', '.join(texts)}")
    mean, std, classes = map(tuple, lists)
    return Source(path, tuple(describe(about["data"])["shape"]), mean, std, classes)


def begin(name, arguments, source, classes):
    """The model `name`, made with `arguments`, with the weights of `source`.

    Its head is new, unless it tells the same classes apart. Raises Mismatch if the weights are not
    those of such a model.
    """
    model = create(name, **arguments)
    head, _ = head_of(model)
    arrays, _ = read_weights(source.path)
    K = next((len(a) for key, a in arrays.items() if f".{key}".endswith(f".{head}.weight")),
             arguments["num_classes"])
    model = create(name, **{**arguments, "num_classes": K})
    load_weights(model, source.path)
    return model if source.classes == tuple(classes) else replace_head(model, len(classes))


def in_form(dataset, C, mean, std):
    """The data set with C channels, to be normalised with these mean and std (None: its own)."""
    dataset = dataset.with_channels(C)
    return dataset if mean is None else dataset.normalized_by(mean, std)
