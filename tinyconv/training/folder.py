"""The folder of a run: all that is needed to read it, to repeat it and to use its model.

    config.json             model, data, recipe, seed, threads, versions, command
    metrics.jsonl           one line an epoch (see `History`)
    weights.safetensors     the weights after the last epoch
    curves.png              loss and error over the epochs
    confusion.png           what was taken for what, on the test set

Every file is written whole or not at all.
"""
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .. import machine
from ..atomic import write_atomically
from ..checkpoint import load_weights, save_weights
from ..data import Dataset, load, names
from ..kernels.compile import threads
from ..models import create
from ..nn import Module
from . import figures
from .history import History

CONFIG, METRICS, WEIGHTS = "config.json", "metrics.jsonl", "weights.safetensors"
CURVES, CONFUSION = "curves.png", "confusion.png"
FORMAT = 1                             # of config.json; what is newer is refused
REDRAW = 10                            # seconds between two drawings of the curves of a run


# ---- writing -------------------------------------------------------------------------------------

class RunFolder:
    """A callback that keeps a run in a folder, which must be new or empty."""

    def __init__(self, path, config=None):
        self.path, self.config, self._drawn = Path(path), config or {}, time.monotonic()
        claim(self.path)

    def __call__(self, event, run):
        if event == "begin":
            config = json.dumps(self._configuration(run), indent=2, ensure_ascii=False)
            write_atomically(self.path / CONFIG, (config + "\n").encode())
        elif event == "epoch":
            write_atomically(self.path / METRICS, run.history.to_json_lines().encode())
            save_weights(run.model, self.path / WEIGHTS, {"epoch": run.epoch, "step": run.step})
            if time.monotonic() - self._drawn > REDRAW:
                self._draw_curves(run)
        elif event == "end" and len(run.history):
            self._draw_curves(run)
            if run.last_test is not None:
                self._draw_confusion(run)

    def _configuration(self, run):
        """What the run knows of itself, and added to it what the caller knows."""
        train, test = run.train, run.test
        config = {
            "format": FORMAT,
            "model": {"class": type(run.model).__name__,
                      "parameters": sum(p.numel() for p in run.model.parameters())},
            "data": {"name": train.name, "train_images": len(train),
                     "test_images": len(test) if test is not None else 0,
                     "shape": list(train.shape), "classes": list(train.classes),
                     "mean": list(train.mean), "std": list(train.std)},
            "recipe": run.recipe.as_dict(),
            "threads": threads(),
            "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "versions": machine.versions(),
            "machine": machine.describe()}
        for key, value in self.config.items():
            known = config.get(key)
            config[key] = {**known, **value} if isinstance(known, dict) else value
        return config

    def _draw_curves(self, run):
        title = f"{type(run.model).__name__} on {run.train.name}"
        write_atomically(self.path / CURVES, figures.curves(run.history, title))
        self._drawn = time.monotonic()

    def _draw_confusion(self, run):
        found, test = run.last_test, run.test
        title = f"{test.name}: {100 * found.accuracy:.2f} % of {len(test):,} test images"
        image = figures.confusion(found.confusion, test.classes, title)
        write_atomically(self.path / CONFUSION, image)


def claim(path):
    """Make sure that `path` is an empty folder that can be written to, creating it if need be."""
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path} is to be the folder of a run, but a file has that name")
    try:
        if path.is_dir() and any(path.iterdir()):
            raise FileExistsError(f"the folder {path} is not empty; a run begins in a new one, so "
                                  "that nothing of an earlier run is lost or mixed in")
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(f"cannot write to the folder {path}: {error.strerror}") from error


def next_free(parent, name):
    """The folder `parent/name-N` with the least N that is not taken, just created."""
    number = 1
    while True:
        path = Path(parent, f"{name}-{number}")
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            if not path.exists():                # not this one, but a parent: a file has its name
                raise
            number += 1
        except OSError as error:
            raise OSError(f"cannot create the folder {path}: {error.strerror}") from error


# ---- reading -------------------------------------------------------------------------------------

@dataclass(frozen=True)
class SavedRun:
    """A run read from its folder: the configuration, the model with its weights, the metrics."""
    path: Path
    config: dict
    model: Module
    history: History

    mean = property(lambda self: self.config["data"]["mean"])
    std = property(lambda self: self.config["data"]["std"])
    shape = property(lambda self: tuple(self.config["data"]["shape"]))
    classes = property(lambda self: tuple(self.config["data"]["classes"]))

    def test_set(self, name=None):
        """The test set of the run, or of the data set or image folder `name`, checked to fit."""
        about = self.config["data"]
        name = name or about.get("source", about["name"])
        C, H, W = self.shape
        form = {"size": H, "mode": "grey" if C == 1 else "rgb"} if is_folder(name) else {}
        dataset = load(name, "test", **form)
        self.check(dataset)
        return dataset

    def check(self, dataset: Dataset):
        """Raise ValueError unless the model of this run can be used on `dataset`."""
        if dataset.shape != self.shape:
            raise ValueError(f"the model of {self.path} was trained on images of {self.shape}, "
                             f"{dataset.name} has {dataset.shape}")
        if dataset.classes != self.classes:
            raise ValueError(f"the model of {self.path} was trained on other classes than those of "
                             f"{dataset.name}: {_some(self.classes)} there, "
                             f"{_some(dataset.classes)} here")


def load_run(path):
    """The run kept in the folder `path`, with its model rebuilt and ready for use.

    Raises FileNotFoundError, or ValueError that says what is wrong with the folder.
    """
    path = Path(path)
    config = _read_config(path)
    model = config["model"]
    if "name" not in model:
        raise ValueError(f"the model of {path} is a {model.get('class')} of your own: build it "
                         "yourself and give it the weights, with checkpoint.load_weights(model, "
                         f"{str(path / WEIGHTS)!r})")
    model = create(model["name"], **model.get("arguments", {}))
    load_weights(model, path / WEIGHTS)
    lines = (path / METRICS).read_text() if (path / METRICS).is_file() else ""
    return SavedRun(path, config, model.eval(), History.from_json_lines(lines))


def _read_config(path):
    """The contents of `config.json`, with those entries checked that a model needs."""
    file = path / CONFIG
    if not file.is_file():
        raise FileNotFoundError(f"{path} is not the folder of a run: it has no {CONFIG}")
    try:
        config = json.loads(file.read_bytes())
        if config["format"] > FORMAT:
            raise ValueError(f"{file} was written by a newer version of tinyconv: format "
                             f"{config['format']}, this one reads up to {FORMAT}")
        data, _ = config["data"], config["model"].keys()
        channels, _, _ = data["shape"]
        if not len(data["mean"]) == len(data["std"]) == channels or not data["classes"]:
            raise KeyError("data")
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} is damaged: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is not the configuration of a run: {error!r}") from error
    return config


def is_folder(name):
    """Whether this name of a data set means an image folder."""
    return str(name) not in names() and Path(name).is_dir()


def _some(classes):
    return ", ".join(classes[:3]) + (", …" if len(classes) > 3 else "")
