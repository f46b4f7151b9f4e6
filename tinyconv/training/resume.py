"""All that a run must know to go on as if it had never been stopped.

    model, optimizer, schedule      arrays and numbers
    epoch, step, so_far             where it stands, and the sums of the epoch under way
    generators                      the default one; the loader's, as it was before this epoch
                                    (from it, and from the step, follow the batches still to come);
                                    those that layers have as attributes
    history, best                   the records of all epochs, and which was the best
    data                            the sha256 of the images and labels
    config                          the recipe; versions and processor

What a layer or a callback keeps elsewhere, in a plain attribute say, is not in it.
"""
import hashlib
import warnings

import numpy as np

from .. import machine, random
from ..checkpoint import CheckpointError, Damaged, Mismatch

PROCESSOR = "processor", "vectors", "kernels"      # what the last bits of a result may depend on
SO_FAR = "seen", "loss_sum", "correct", "seconds", "lr"
RECORD = "epoch", "train_loss", "train_accuracy", "lr", "seconds", "images_per_second"


class ResumeWarning(UserWarning):
    """The run goes on under conditions in which the last bits of its results may differ."""


# ---- out -----------------------------------------------------------------------------------------

def state_of(run, config):
    """The state of a run between two steps, for `save_checkpoint`."""
    return {"config": config, "epoch": run.epoch, "step": run.step, "stop": run.stop,
            "so_far": {name: getattr(run, name) for name in SO_FAR},
            "history": run.history.records, "best": run.history.best(),
            "generators": {"default": random.get_rng_state(), "loader": run.shuffled_from,
                           "layers": {name: generator.bit_generator.state
                                      for name, generator in _generators(run.model)}},
            "data": fingerprints(run),
            "schedule": run.schedule.state_dict(), "optimizer": run.optimizer.state_dict(),
            "average": run.average.state_dict() if run.average else {},
            "model": _arrays(run.model)}


def fingerprints(run):
    """The sha256 of the training set, and of the test set if there is one; worked out once."""
    if not run.fingerprints:
        run.fingerprints = {part: _fingerprint(dataset)
                            for part, dataset in (("training", run.train), ("test", run.test))
                            if dataset is not None}
    return run.fingerprints


def not_finite(run):
    """The names of the parameters, and the memories of the optimiser, with a NaN or an infinity."""
    names = {id(p): name for name, p in run.model.named_parameters()}
    found = [name for name, p in run.model.named_parameters() if not np.isfinite(p.data).all()]
    for p, memory in run.optimizer.state.items():
        found += [f"{key} of {names.get(id(p), 'a parameter')}" for key, value in memory.items()
                  if not np.isfinite(value).all()]
    return found


# ---- in ------------------------------------------------------------------------------------------

def restore(run, state, path):
    """Let `run`, which has just been set up, go on from `state`, read from `path`.

    Raises Mismatch that lists everything that does not fit, or Damaged if some of it makes no
    sense; the model is then unchanged. Warns with a ResumeWarning if versions or processor are
    others.
    """
    try:
        problems = [*_differences(_arrays(run.model), state["model"]), *_data_problems(run, state),
                    *_generator_problems(run, state)]
        if problems:
            raise Mismatch(f"the run in {path} cannot go on, nothing was changed:\n    "
                           + "\n    ".join(problems))
        _check_form(run, state)
        _restore(run, state)
    except CheckpointError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise Damaged(f"the checkpoint in {path} is not that of a run: {error!r}") from error
    changed = list(_changes(state["config"]))
    if changed:
        warnings.warn(f"since this run began, {'; '.join(changed)}: its results may differ in "
                      "their last bits from those of an unbroken run", ResumeWarning, stacklevel=3)


def _restore(run, state):
    """The model comes last: whatever is wrong with the rest, it is as it was."""
    run.optimizer.load_state_dict(state["optimizer"])
    run.schedule.load_state_dict(state["schedule"])
    if run.average:
        run.average.load_state_dict(state["average"])
    run.epoch, run.step, run.stop = state["epoch"], state["step"], state["stop"]
    for name in SO_FAR:
        setattr(run, name, state["so_far"][name])
    run.history.records[:] = state["history"]
    generators = state["generators"]
    layers = [(generator, random.bit_generator(generators["layers"][name]).state)
              for name, generator in _generators(run.model)]
    run.shuffled_from = random.bit_generator(generators["loader"]).state
    run.loader.generator.bit_generator.state = run.shuffled_from
    random.set_rng_state(generators["default"])
    for generator, its_state in layers:
        generator.bit_generator.state = its_state
    run.model.load_state_dict(state["model"])


def _check_form(run, state):
    """Raise ValueError unless a run can stand where the state says, and its numbers are numbers."""
    finished, step, steps = len(state["history"]), state["step"], run.steps_per_epoch
    if not (finished * steps <= step <= min(finished + 1, run.recipe.epochs) * steps
            and state["epoch"] == -(-step // steps)):
        raise ValueError(f"step {step} of epoch {state['epoch']} after {finished} of "
                         f"{run.recipe.epochs} epochs of {steps} steps")
    for record in state["history"]:
        if not all(isinstance(record[key], (int, float)) for key in (*RECORD, *record)):
            raise ValueError(f"the record of an epoch is {record!r:.80}")
    for name in SO_FAR:
        if not isinstance(state["so_far"][name], (int, float)):
            raise ValueError(f"{name} is {state['so_far'][name]!r:.80}")
    for memory in state["optimizer"]["state"].values():
        for name, value in memory.items():
            if not isinstance(value, int if name == "step" else np.ndarray):
                raise ValueError(f"{name} of the optimiser is {value!r:.80}")
    ours, theirs = run.schedule.state_dict(), state["schedule"]
    expected = min(step, run.recipe.epochs * steps - 1)              # in its last step it stays
    if _kinds(ours) != _kinds(theirs) or theirs["last_epoch"] != expected:
        raise ValueError(f"the schedule is {theirs!r:.200}")


def _kinds(value):
    """What a value is made of: numbers are alike, dictionaries and lists are if their parts are."""
    if isinstance(value, dict):
        return {str(key): _kinds(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_kinds(part) for part in value]
    return float if isinstance(value, (int, float)) else type(value)


def _differences(ours, theirs):
    """What is missing, unexpected, or of another shape or dtype in the arrays of the checkpoint."""
    yield from (f"missing {name}" for name in ours if name not in theirs)
    yield from (f"unexpected {name}" for name in theirs if name not in ours)
    for name in (name for name in ours if name in theirs):
        here, there = ours[name], theirs[name]
        if (here.shape, here.dtype) != (there.shape, there.dtype):
            yield f"{name} is {here.dtype} {here.shape} here but {there.dtype} {there.shape} there"


def _data_problems(run, state):
    here, there = fingerprints(run), state["data"]
    yield from (f"the images or labels of the {part} set, or its mean and standard deviation, are "
                "others than those it began with"
                for part in ("training", "test") if here.get(part) != there.get(part))


def _generator_problems(run, state):
    here, there = dict(_generators(run.model)), state["generators"]["layers"]
    yield from (f"the generator {name} is only on one side"
                for name in sorted(here.keys() ^ there.keys()))


def _changes(config):
    """What is different from when the run began, and may change the last bits of a sum."""
    now = {**machine.versions(), **{key: machine.describe()[key] for key in PROCESSOR}}
    machine_then = config["machine"]
    then = {**config["versions"], **{key: machine_then[key] for key in PROCESSOR
                                     if key in machine_then}}
    for key, value in now.items():
        if key in then and then[key] != value:
            before, after = (" ".join(v) if isinstance(v, list) else v for v in (then[key], value))
            yield f"{key} changed from {before} to {after}"


def _arrays(model):
    return {name: tensor.data for name, tensor in model.state_dict().items()}


def _generators(model):
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, np.random.Generator):
                yield f"{path}.{name}".lstrip("."), value


def _fingerprint(dataset):
    sums = hashlib.sha256(repr((dataset.images.shape, dataset.classes, dataset.mean,
                                dataset.std)).encode())
    for array in (dataset.images, dataset.labels):
        sums.update(np.ascontiguousarray(array).data.cast("B"))
    return sums.hexdigest()
