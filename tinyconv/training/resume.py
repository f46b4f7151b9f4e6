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
from ..checkpoint import Damaged, Mismatch

PROCESSOR = "processor", "vectors"     # of a machine: what the last bits of a result may depend on
SO_FAR = "seen", "loss_sum", "correct", "seconds", "lr"


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

    Raises Mismatch that lists everything that does not fit, before anything is changed. Warns
    with a ResumeWarning if versions or processor are others.
    """
    try:
        problems = [*_differences(_arrays(run.model), state["model"]), *_data_problems(run, state),
                    *_generator_problems(run, state)]
        if problems:
            raise Mismatch(f"the run in {path} cannot go on, nothing was changed:\n    "
                           + "\n    ".join(problems))
        _restore(run, state)
    except (KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"the checkpoint in {path} is not that of a run: {error!r}") from error
    changed = list(_changes(state["config"]))
    if changed:
        warnings.warn(f"since this run began, {'; '.join(changed)}: its results may differ in "
                      "their last bits from those of an unbroken run", ResumeWarning, stacklevel=3)


def _restore(run, state):
    run.optimizer.load_state_dict(state["optimizer"])
    run.model.load_state_dict(state["model"])
    run.schedule.load_state_dict(state["schedule"])
    if run.average:
        run.average.load_state_dict(state["average"])
    run.epoch, run.step, run.stop = state["epoch"], state["step"], state["stop"]
    for name in SO_FAR:
        setattr(run, name, state["so_far"][name])
    run.history.records[:] = state["history"]
    run.shuffled_from = state["generators"]["loader"]
    run.loader.generator.bit_generator.state = run.shuffled_from
    random.set_rng_state(state["generators"]["default"])
    for name, generator in _generators(run.model):
        generator.bit_generator.state = state["generators"]["layers"][name]


def _differences(ours, theirs):
    """What is missing, unexpected, or of another shape or dtype in the arrays of the checkpoint."""
    yield from (f"missing {name}" for name in ours if name not in theirs)
    yield from (f"unexpected {name}" for name in theirs if name not in ours)
    for name in ours.keys() & theirs.keys():
        here, there = ours[name], theirs[name]
        if (here.shape, here.dtype) != (there.shape, there.dtype):
            yield f"{name} is {here.dtype} {here.shape} here but {there.dtype} {there.shape} there"


def _data_problems(run, state):
    here, there = fingerprints(run), state["data"]
    yield from (f"the images or labels of the {part} set are others than those it began with"
                for part in ("training", "test") if here.get(part) != there.get(part))


def _generator_problems(run, state):
    here, there = dict(_generators(run.model)), state["generators"]["layers"]
    yield from (f"the generator {name} is only on one side" for name in here.keys() ^ there.keys())


def _changes(config):
    """What is different from when the run began, and may change the last bits of a sum."""
    now = {**machine.versions(), **{key: machine.describe()[key] for key in PROCESSOR}}
    then = {**config["versions"], **{key: config["machine"][key] for key in PROCESSOR}}
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
    sums = hashlib.sha256(repr((dataset.images.shape, dataset.classes)).encode())
    for array in (dataset.images, dataset.labels):
        sums.update(np.ascontiguousarray(array).data.cast("B"))
    return sums.hexdigest()
