"""What a report tells, read from the folder of a run, and measured with its model once more.

What cannot be had, because the images or the model are elsewhere, is left out with the reason in
`notes`: a report is better with a gap than not at all.
"""
import copy
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..checkpoint import read_weights
from ..drawing import data_uri, picture
from ..insight import most_confused, most_wrong, summary
from ..training import Evaluation, LabelsEvaluation, figures, load_run, predict
from ..training.evaluation import measure
from ..training.first_layer import first_layer
from ..training.folder import CONFIG, FIRST_LAYER
from ..training.saved import read_config, read_history
from .charts import Chart, charts
from .filters import Filters, as_filters, compare

CELLS = 20                             # up to so many classes the matrix is a table, else a picture
PAIRS, IMAGES = 10, 24                 # of confused classes; that were most wrong


class Image(NamedTuple):
    """One of the images that were most wrong."""
    image: str                         # its address
    index: int
    truth: str
    taken: str
    confidence: float


@dataclass
class Found:
    """All that the page shows; empty or None for what there is not."""
    name: str                                            # of the model
    data: str
    config: dict
    history: list                                        # of records
    kept: dict                                           # the record of the weights that are kept
    charts: list[Chart]
    about: list                                          # of (name, value): the configuration
    epochs: int                                          # that the recipe has
    version: str                                         # of tinyconv
    notes: list = field(default_factory=list)            # what is not there, and why
    classes: tuple = ()
    result: Evaluation | LabelsEvaluation | None = None
    several: bool = False
    images: int = 0                                      # of the test set
    cells: list = field(default_factory=list)            # the confusion matrix, row by row
    matrix: str | None = None                            # the same as a picture
    confused: list = field(default_factory=list)         # of (truth, taken for, count, share)
    wrong: list[Image] = field(default_factory=list)
    filters: Filters | None = None
    summary: object = None


def find(path, model=None, test=None):
    """The `Found` of the run in the folder `path`; see `write` for `model` and `test`.

    Raises FileNotFoundError or ValueError if that is not the folder of a run, or of one that has
    not finished an epoch.
    """
    path = Path(path)
    config, history = read_config(path), read_history(path)
    if not len(history):
        raise FileNotFoundError(f"the run in {path} has not reached the end of its first epoch; "
                                "then there is something to report")
    try:
        found = _begun(config, history)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path / CONFIG} is not the configuration of a run: {error!r}") from error
    about = config["model"]
    if model is None and "name" not in about:
        found.notes.append(f"The model is a {about['class']} of your own, which only you can make: "
                           "report.write(run, model=…, test=…) shows what it has learned.")
        return found
    saved = load_run(path, copy.deepcopy(model))
    _add_filters(found, saved)
    try:
        found.summary = summary(saved.model, saved.shape)
    except (ValueError, TypeError, RuntimeError) as error:
        found.notes.append(f"The layers of the model could not be followed: {error}")
    try:
        test = saved.test_set() if test is None else test
        saved.check(test)
    except (ValueError, OSError, ImportError) as error:
        found.notes.append(f"Without test images there is no confusion matrix: {error}")
        return found
    _add_mistakes(found, saved, test)
    return found


def _begun(config, history):
    """What the configuration and the records of the epochs tell."""
    about = config["model"]
    return Found(about.get("name") or about["class"], config["data"]["name"], config,
                 history.records, history.kept(), charts(history), _about(config),
                 epochs=config["recipe"]["epochs"], version=config["versions"]["tinyconv"],
                 classes=tuple(config["data"]["classes"]))


def _add_filters(found, saved):
    """The first layer as it is, and as it was where that was kept."""
    layer = first_layer(saved.model)
    after = None if layer is None else as_filters(layer[1], saved.shape)
    if after is None:
        return
    before, file = None, saved.path / FIRST_LAYER
    if file.is_file():
        kept = read_weights(file)[0].get(layer[0])
        before = None if kept is None else as_filters(kept, saved.shape)
    found.filters = compare(layer[0], before, after)


def _add_mistakes(found, saved, test):
    """Measure the model on the test set, and see what it does wrong."""
    logits = predict(saved.model, test, mean=saved.mean, std=saved.std)  # (N, K)
    result = found.result = measure(logits, test, saved.thresholds)
    found.images, found.several = len(test), test.several
    if test.several:
        return
    share = result.confusion / np.maximum(result.confusion.sum(axis=1, keepdims=True), 1)
    if len(test.classes) <= CELLS:
        found.cells = [list(zip(counts.tolist(), shares.tolist()))
                       for counts, shares in zip(result.confusion, share)]
    else:
        found.matrix = data_uri(figures.confusion(result.confusion, test.classes))
    pairs = most_confused(result.confusion, PAIRS)
    found.confused = [(test.classes[i], test.classes[j], int(n), float(part))
                      for i, j, n, part in zip(*pairs)]
    found.wrong = [Image(data_uri(picture(test.images[at])), int(at), test.classes[truth],
                         test.classes[taken], float(p))
                   for at, truth, taken, p, _ in zip(*most_wrong(logits, test.labels, IMAGES))]


def _about(config):
    """The configuration, in words: (name, value) pairs under a heading each."""
    data, model, machine = config["data"], config["model"], config["machine"]
    shape = "×".join(map(str, data["shape"]))
    run = [("model", model.get("name") or model["class"]),
           ("parameters", f"{model['parameters']:,}"),
           ("data", data["name"]),
           ("training images", f"{data['train_images']:,} of {shape}"),
           ("test images", f"{data['test_images']:,}"),
           ("classes", f"{len(data['classes'])}: {_listed(data['classes'])}"),
           ("seed", config.get("seed")),
           ("began with", config.get("from")),
           ("command", shlex.join(config["command"]) if "command" in config else None),
           ("started", config["started"])]
    run += [("went on", f"after step {part['step']:,}, {part['started']}")
            for part in config.get("resumed", [])]
    here = [("processor", machine["processor"]), ("cores", machine["cores"]),
            ("threads", config["threads"]), ("vectors", " ".join(machine["vectors"])),
            ("memory", f"{machine['memory_gib']} GiB" if machine["memory_gib"] else None),
            ("system", machine["system"]), *config["versions"].items()]
    return [(heading, [(name, value) for name, value in rows if value is not None])
            for heading, rows in (("Run", run), ("Recipe", config["recipe"].items()),
                                  ("Machine and versions", here))]


def _listed(classes, most=12):
    return ", ".join(classes[:most]) + (", …" if len(classes) > most else "")
