"""The folder of a run: all that is needed to read it, to go on with it and to use its model.

    config.json                     model, data, recipe, seed, threads, versions, command
    metrics.jsonl                   one line an epoch (see `History`)
    first-layer.safetensors         the weights of the first layer before the first step
    weights.safetensors             the weights after the last epoch, or after the one to keep
    checkpoint-STEP.safetensors     everything, after this step; the last two (see `resume`)
    curves.png                      loss and error over the epochs
    confusion.png                   what was taken for what, on the test set

Every file is written whole or not at all, and the checkpoint last: whatever a process was doing
when it was killed, a run that goes on from the newest checkpoint writes the same files again.
"""
import json
import re
import shlex
import tempfile
import time
from pathlib import Path

import numpy as np

from .. import machine
from ..atomic import litter, write_atomically
from ..checkpoint import file, save_weights, series
from ..kernels.compile import threads
from . import figures
from .evaluation import Evaluation, thresholds_for
from .first_layer import first_layer
from .resume import not_finite, state_of
from .run import Diverged

CONFIG, METRICS, WEIGHTS = "config.json", "metrics.jsonl", "weights.safetensors"
FIRST_LAYER, CURVES, CONFUSION = "first-layer.safetensors", "curves.png", "confusion.png"
FORMAT = 1                             # of config.json; what is newer is refused
REDRAW = 10                            # seconds between two drawings of the curves of a run


class RunFolder:
    """A callback that keeps a run in a folder, which must be new or empty.

    config              what else should stand in `config.json`
    checkpoint_every    steps (a whole number) or seconds ("30s") from one checkpoint to the next;
                        there is one at the end of each epoch in any case
    state               of the checkpoint from which a run in this folder goes on; it knows how
                        often there was one, too
    """

    def __init__(self, path, config=None, checkpoint_every=None, state=None):
        self.path, self.config, self.state = Path(path), config or {}, state
        if checkpoint_every is None and state is not None:
            checkpoint_every = state["config"].get("checkpoint_every")
        self._every, (self._steps, self._seconds) = checkpoint_every, interval(checkpoint_every)
        self._drawn = self._saved = time.monotonic()
        self._failed = False                     # a file could not be written
        if state is None:
            claim(self.path)
        for left in litter(self.path):
            left.unlink()

    def __call__(self, event, run):
        try:
            if not self._failed:
                self._heed(event, run)
        except OSError:
            self._failed = True
            raise

    def _heed(self, event, run):
        if event == "begin" and self.state is None:
            self.config = self._configuration(run)
            self._save(run)                      # a disk that is full is noticed here
            self._write_config()
            self._save_first_layer(run)
        elif event == "begin":
            self._resume(run)
        elif event == "step" and self._due(run) or event == "interrupt":
            self._save(run)
        elif event == "epoch":
            self._write_metrics(run)
            self._save_weights(run)
            self._save(run)
            if time.monotonic() - self._drawn > REDRAW:
                self._draw_curves(run)
        elif event == "end" and len(run.history):
            self._draw_curves(run)
            if isinstance(run.last_test, Evaluation):
                self._draw_confusion(run)

    def _due(self, run):
        return (run.step % self._steps == 0 if self._steps else
                self._seconds is not None and time.monotonic() - self._saved >= self._seconds)

    def _save(self, run):
        names = not_finite(run)
        if names:
            raise Diverged(f"after step {run.step} there are values that are not finite in "
                           f"{', '.join(names)}; no checkpoint was written")
        series.save_next(self.path, run.step, state_of(run, self.config))
        self._saved = time.monotonic()

    def _save_weights(self, run):
        """The weights, if none of before are to be kept in their place."""
        if run.history.kept() is run.history[-1]:
            metadata = {"epoch": run.epoch, "step": run.step}
            with run.averaged():
                if run.train.several:
                    metadata["thresholds"] = json.dumps(thresholds_for(run.model, run.train))
                save_weights(run.model, self.path / WEIGHTS, metadata)

    def _save_first_layer(self, run):
        """What the filters are before they learn anything, to be compared with in the report: it
        cannot be made again where the weights came from a file, or from another version."""
        found = first_layer(run.model)
        if found is not None:
            name, weights = found
            file.write(self.path / FIRST_LAYER, {name: np.array(weights, order="C")})

    def _resume(self, run):
        """Note where the run goes on, and bring its files to where its checkpoint stands."""
        self.config = self.state["config"]
        here = {"step": run.step, **_conditions()}
        self.config["checkpoint_every"] = self._every
        self.config["resumed"] = [*self.config.get("resumed", []), here]
        self._write_config()
        self._write_metrics(run)

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
            "recipe": run.recipe.as_dict(), "checkpoint_every": self._every,
            **_conditions()}
        for key, value in self.config.items():
            known = config.get(key)
            config[key] = {**known, **value} if isinstance(known, dict) else value
        return config

    def _write_config(self):
        text = json.dumps(self.config, indent=2, ensure_ascii=False) + "\n"
        write_atomically(self.path / CONFIG, text.encode())

    def _write_metrics(self, run):
        write_atomically(self.path / METRICS, run.history.to_json_lines().encode())

    def _draw_curves(self, run):
        title = f"{type(run.model).__name__} on {run.train.name}"
        write_atomically(self.path / CURVES, figures.curves(run.history, title))
        self._drawn = time.monotonic()

    def _draw_confusion(self, run):
        found, test = run.last_test, run.test
        title = f"{test.name}: {100 * found.accuracy:.2f} % of {len(test):,} test images"
        image = figures.confusion(found.confusion, test.classes, title)
        write_atomically(self.path / CONFUSION, image)


def _conditions():
    """What results may depend on, at this moment."""
    return {"threads": threads(), "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "versions": machine.versions(), "machine": machine.describe()}


def interval(text):
    """The distance of two checkpoints as (steps, None) or (None, seconds); (None, None) for None.

    A whole number counts steps, "30s" or "0.5s" is in seconds; all else is a ValueError.
    """
    if text is None:
        return None, None
    match = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?) ?s", str(text))
    value = float(match[1] or match[2]) if match else 0
    if not 0 < value < float("inf") or isinstance(text, bool):
        raise ValueError("checkpoint_every must be a number of steps such as 500, or of seconds "
                         f"such as '30s', got {text!r}")
    return (int(match[1]), None) if match[1] else (None, value)


def claim(path):
    """Make sure that `path` is an empty folder that can be written to, creating it if need be."""
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path} is to be the folder of a run, but a file has that name")
    try:
        if path.is_dir() and set(path.iterdir()) - set(litter(path)):
            hint = (f" (that run may go on: tinyconv train --resume {shlex.quote(str(path))}, or "
                    "resume= of training.fit)" if series.steps(path) else "")
            raise FileExistsError(f"the folder {path} is not empty; a run begins in a new one, so "
                                  f"that nothing of an earlier run is lost or mixed in{hint}")
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
