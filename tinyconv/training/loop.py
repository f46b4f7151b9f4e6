"""The training loop."""
import math
import time
from dataclasses import dataclass, field

import numpy as np

from .. import random
from ..core import Tensor
from ..data import Dataset, Loader, load_both
from ..nn import Module
from ..nn import functional as F
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from .evaluation import Evaluation, evaluate, in_use
from .folder import RunFolder
from .history import History
from .postmortem import first_anomaly
from .progress import ProgressBar
from .recipes import Recipe, choose


class Diverged(ArithmeticError):
    """The loss is no longer a finite number."""


@dataclass
class Run:
    """A run under way, as callbacks see it; one that sets `stop` ends it after this epoch."""
    model: Module
    train: Dataset
    test: Dataset | None
    recipe: Recipe
    optimizer: Optimizer
    schedule: LRScheduler
    steps_per_epoch: int
    history: History = field(default_factory=History)
    epoch: int = 0                         # counted from 1
    step: int = 0                          # counted from 1 through all epochs
    seen: int = 0                          # images in this epoch so far
    loss_sum: float = 0.0                  # over these images
    correct: int = 0                       # of these images
    last_test: Evaluation | None = None
    stop: bool = False


def fit(model, data, *, test=None, epochs=None, batch_size=None, lr=None, seed=None, recipe=None,
        out=None, config=None, callbacks=(), progress=True):
    """Train `model` on `data`; returns its History. The model is changed in place.

        model = models.create("lenet5")
        history = training.fit(model, "mnist", epochs=10, out="runs/mine")

    data        a Dataset; or the name of one, or an image folder: then its test set is used too
    test        a Dataset to measure on after each epoch
    epochs, batch_size, lr      in place of those of the recipe
    seed        reseed the default generator first, so that shuffling, augmentation and dropout are
                the same in every run (the initial weights are drawn earlier, when the model is
                made: call `tc.manual_seed` before that)
    recipe      a `Recipe`; by default the one for this model and data (`recipes.choose`)
    out         a new or empty folder to keep configuration, metrics, weights and figures in
    config      what else should stand in its `config.json`, as a dictionary
    callbacks   functions `callback(event, run)`, called with the event "begin", "step", "epoch" or
                "end", and the `Run`
    progress    show a progress bar, if standard error is a terminal

    Raises ValueError or TypeError if something given is wrong or does not fit, before the first
    step. Raises Diverged, with the
    step, when the loss is no longer finite: the weights in `out` are then those after the last good
    epoch.
    """
    _check_kind("model", model, Module, f"; models.create({model!r}) makes one"
                if isinstance(model, str) else "")
    _check_kind("test", test, (Dataset, type(None)))
    _check_kind("recipe", recipe, (Recipe, type(None)))
    train = data
    if not isinstance(data, Dataset):
        train, its_test = load_both(data)
        test = its_test if test is None else test
    recipe = (recipe or choose(model, train.name)).changed(
        epochs=epochs, batch_size=batch_size, lr=lr)
    if seed is not None:
        random.manual_seed(seed)
    for dataset in (train, test) if test is not None else (train,):
        check_fit(model, dataset)

    # A generator of its own: the loader draws ahead in a thread, while dropout draws here.
    loader = Loader(train, recipe.batch_size, shuffle=True, augment=recipe.augmentations(),
                    generator=random.default_generator().spawn(1)[0])
    optimizer = recipe.optimizer_for(model.parameters())
    schedule = recipe.schedule_for(optimizer, recipe.epochs * len(loader))
    run = Run(model, train, test, recipe, optimizer, schedule, len(loader))
    if out is not None:
        callbacks = [RunFolder(out, {"seed": seed, **(config or {})}), *callbacks]
    if progress:
        callbacks = [ProgressBar(), *callbacks]

    def tell(event):
        for callback in callbacks:
            callback(event, run)

    tell("begin")
    try:
        for run.epoch in range(1, recipe.epochs + 1):
            run.history.append(_epoch(run, loader, tell))
            tell("epoch")
            if run.stop:
                break
    finally:
        tell("end")
    return run.history


def _check_kind(name, value, kinds, hint=""):
    if not isinstance(value, kinds):
        kind = kinds[0] if isinstance(kinds, tuple) else kinds
        raise TypeError(f"fit: {name} must be a {kind.__name__}, got {type(value).__name__} "
                        f"{value!r:.60}{hint}")


def _epoch(run, loader, tell):
    """One pass over the training set and a measurement on the test set; returns the record."""
    run.seen, run.loss_sum, run.correct = 0, 0.0, 0
    begin = time.perf_counter()
    run.model.train()
    for x, y in loader:
        run.step += 1
        lr = run.schedule.get_last_lr()[0]
        _step(run, Tensor(x), Tensor(y))
        run.schedule.step()
        tell("step")
    seconds = time.perf_counter() - begin
    record = {"epoch": run.epoch, "train_loss": run.loss_sum / run.seen,
              "train_accuracy": run.correct / run.seen, "lr": lr, "seconds": seconds,
              "images_per_second": run.seen / seconds}
    if run.test is not None:
        found = evaluate(run.model, run.test, mean=run.train.mean, std=run.train.std)
        _check_finite(run, found.loss, f"the test loss is {found.loss} after epoch {run.epoch}")
        run.last_test = found
        record |= {"test_loss": found.loss, "test_accuracy": found.accuracy}
    return record


@np.errstate(all="ignore")                       # what overflows makes a loss that is refused here
def _step(run, x, y):
    """Loss and gradients of one batch (N, C, H, W) and (N,), and one step of the optimiser."""
    drawn_from = random.default_generator().bit_generator.state
    output, loss = _forward(run, x, y)
    value = loss.item()
    here = run.step - (run.epoch - 1) * run.steps_per_epoch
    if not math.isfinite(value):
        why = first_anomaly(lambda: _forward(run, x, y)[1], drawn_from)
        _check_finite(run, value, f"the loss is {value} at step {run.step} (step {here} "
                                  f"of {run.steps_per_epoch} of epoch {run.epoch})", why)
    run.optimizer.zero_grad()
    loss.backward()
    run.optimizer.step()
    run.seen += len(y)
    run.loss_sum += value * len(y)
    run.correct += int((output.data.argmax(axis=1) == y.data).sum())


def _forward(run, x, y):
    """The answers (N, K) to a batch, and the loss."""
    output = run.model(x)
    return output, F.cross_entropy(output, y, label_smoothing=run.recipe.label_smoothing)


def _check_finite(run, loss, what, why=""):
    if not math.isfinite(loss):
        lr = run.schedule.get_last_lr()[0]
        raise Diverged(f"{what}; the learning rate was {lr:.3g}, a smaller one may help"
                       + (f"; {why}" if why else ""))


def check_fit(model, dataset):
    """Raise ValueError unless `model` takes images of `dataset` and answers with its classes."""
    K, shape = len(dataset.classes), "×".join(map(str, dataset.shape))
    name = type(model).__name__
    x, _ = next(iter(Loader(dataset[:1], 1, prefetch=False)))
    try:
        with in_use(model):
            output = model(Tensor(x))
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} does not take images of {shape}, as {dataset.name} has them: "
                         f"{error}") from error
    if output.shape != (1, K):
        raise ValueError(f"{name} answers an image with an array {output.shape}, but "
                         f"{dataset.name} has {K} classes: expected (1, {K})")
