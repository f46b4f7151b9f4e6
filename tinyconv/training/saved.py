"""A run read from its folder, ready for use."""
import json
from dataclasses import dataclass
from pathlib import Path

from ..checkpoint import Damaged, load_weights, series
from ..data import Dataset, is_folder, load
from ..models import create
from ..nn import Module
from .folder import CONFIG, FORMAT, METRICS, WEIGHTS, interval
from .history import History
from .recipes import Recipe

STATE = {"config": dict, "epoch": int, "step": int, "stop": bool, "so_far": dict, "history": list,
         "generators": dict, "data": dict, "schedule": dict, "optimizer": dict, "average": dict,
         "model": dict}               # what `resume.state_of` writes


@dataclass(frozen=True)
class SavedRun:
    """A run read from its folder: the configuration, the model with its weights, the metrics."""
    path: Path
    config: dict
    model: Module
    history: History
    thresholds: tuple | None = None        # of the labels, where an image may have several

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
        if is_folder(name) and about.get("skip_bad") \
                and Path(name).resolve() == Path(about["source"]):
            form["on_error"] = "skip"            # as when it was trained
        dataset = load(name, "test", **form)
        if dataset.shape[1:] == (H, W):          # else the error tells what shape it has by itself
            dataset = dataset.with_channels(C)
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


def load_run(path, model=None):
    """The run kept in the folder `path`, with its model rebuilt and ready for use.

    A `model` of your own, made as it was for the run, is given the weights. Raises
    FileNotFoundError, or ValueError that says what is wrong with the folder.
    """
    path = Path(path)
    config = read_config(path)
    about = config["model"]
    if model is None and "name" not in about:
        raise ValueError(f"the model of {path} is a {about.get('class')} of your own: build it "
                         "yourself and give it the weights, with checkpoint.load_weights(model, "
                         f"{str(path / WEIGHTS)!r})")
    if not (path / WEIGHTS).is_file():
        raise FileNotFoundError(f"the run in {path} has not reached the end of its first epoch, "
                                "where its weights are written; it can be resumed")
    if model is None:
        model = _made(path, about)
    metadata = load_weights(model, path / WEIGHTS)
    thresholds = tuple(json.loads(metadata["thresholds"])) if "thresholds" in metadata else None
    return SavedRun(path, config, model.eval(), read_history(path), thresholds)


def _made(path, about):
    """The model that the configuration of a run describes, with new weights."""
    try:
        return create(about["name"], **about.get("arguments", {}))
    except TypeError as error:
        raise ValueError(f"{path / CONFIG} has arguments {about.get('arguments')!r:.80}, which "
                         f"{about['name']!r:.80} does not take: {error}") from error


def read_history(path):
    """The History kept in the folder `path`; empty before the end of the first epoch.

    Raises ValueError that names the line which is no record of an epoch.
    """
    file = path / METRICS
    try:
        return History.from_json_lines(file.read_text() if file.is_file() else "")
    except ValueError as error:
        raise ValueError(f"{file} is damaged: {error}") from error


def read_config(path):
    """The contents of `config.json`, with those entries checked that a model needs."""
    file = path / CONFIG
    if not file.is_file():
        why = f"it has no {CONFIG}" if path.exists() else "there is no such folder"
        raise FileNotFoundError(f"{path} is not the folder of a run: {why}")
    try:
        config = json.loads(file.read_bytes())
        if config["format"] > FORMAT:
            raise ValueError(f"{file} was written by a newer version of tinyconv: format "
                             f"{config['format']}, this one reads up to {FORMAT}")
        _check_config(config)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} is damaged: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is not the configuration of a run: {error!r}") from error
    return config


def _check_config(config):
    """Raise KeyError, TypeError or AttributeError unless all is there that a model needs."""
    data, _ = config["data"], config["model"].keys()
    channels, _, _ = data["shape"]
    if not len(data["mean"]) == len(data["std"]) == channels or not data["classes"]:
        raise KeyError("data")


def read_state(path):
    """The state of the run in the folder `path`, from its newest checkpoint that is whole.

    A checkpoint with the right sums can still be anything, if its author wants: what is no state of
    a run is refused as Damaged. Whether it is the state of *this* run `resume.restore` finds out.
    """
    state = series.newest(path)
    try:
        kinds = {key: type(state[key]) for key in STATE}
        wrong = [f"{key} is a {kind.__name__}" for key, kind in kinds.items()
                 if kind is not STATE[key]]
        if wrong:
            raise TypeError(", ".join(wrong))
        config = state["config"]
        _check_config(config)
        for key in ("versions", "machine"):
            config[key].items()
        interval(config.get("checkpoint_every"))
        config["recipe"] = Recipe(**config["recipe"]).as_dict()
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise Damaged(f"the checkpoint in {path} is not that of a run: {error!r}") from error
    return state


def _some(classes):
    return ", ".join(classes[:3]) + (", …" if len(classes) > 3 else "")
