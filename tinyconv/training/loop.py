"""The training loop."""
import math
import time
from contextlib import ExitStack

import numpy as np

from .. import random
from ..checkpoint import Mismatch, series
from ..core import Tensor
from ..data import Dataset, Loader, load_both
from ..interrupt import STOPS, Signals
from ..lock import locked
from ..nn import Module
from ..optim import clip_grad_norm_
from .average import Average
from .evaluation import evaluate, in_use, loss_of, right
from .folder import RunFolder, claim, interval
from .labels import LabelsEvaluation
from .postmortem import first_anomaly
from .progress import ProgressBar
from .recipes import Recipe, choose
from .resume import restore
from .run import Diverged, Run
from .saved import read_state


def fit(model, data, *, test=None, epochs=None, batch_size=None, lr=None, seed=None, recipe=None,
        out=None, config=None, callbacks=(), progress=True, checkpoint_every=None, resume=None):
    """Train `model` on `data`; returns its History. The model is changed in place.

        model = models.create("lenet5")
        history = training.fit(model, "mnist", epochs=10, out="runs/mine")
        history = training.fit(model, "mnist", resume="runs/mine")     # had it been stopped

    data        a Dataset; or the name of one, or an image folder: then its test set is used too
    test        a Dataset to measure on after each epoch
    epochs, batch_size, lr      in place of those of the recipe
    seed        reseed the default generator first, so that shuffling, augmentation and dropout are
                the same in every run (the initial weights are drawn earlier, when the model is
                made: call `tc.manual_seed` before that)
    recipe      a `Recipe`; by default the one for this model and data (`recipes.choose`)
    out         a new or empty folder to keep configuration, metrics, weights, checkpoints and
                figures in
    config      what else should stand in its `config.json`, as a dictionary
    callbacks   functions `callback(event, run)`, called with the event "begin", "step", "epoch",
                "interrupt" or "end", and the `Run`
    progress    show a progress bar, if standard error is a terminal
    checkpoint_every    steps (500) or seconds ("30s") between checkpoints within an epoch
    resume      the folder of a run to go on with, for a model made and data given as they were; the
                recipe is that of the run. The weights will have the bits of the unbroken run

    Ctrl-C and SIGTERM stop a run after a whole step, with a checkpoint, as KeyboardInterrupt and
    SystemExit(143); a second one ends the process at once.

    Raises ValueError or TypeError if something given is wrong or does not fit, before the first
    step; `checkpoint.Mismatch` lists all that does not fit the run to resume. Raises Locked if
    another run is writing to the folder. Raises Diverged when the loss is no longer finite, with
    the step and the first operation that made such a number: weights and checkpoints in `out` are
    then from before that.
    """
    _check_kind("model", model, Module, f"; models.create({model!r}) makes one"
                if isinstance(model, str) else "")
    _check_kind("test", test, (Dataset, type(None)))
    _check_kind("recipe", recipe, (Recipe, type(None)))
    interval(checkpoint_every)
    if resume is not None and out is not None:
        raise ValueError(f"fit: resume={str(resume)!r} goes on in that folder; leave out= away")
    train = data
    if not isinstance(data, Dataset):
        train, its_test = load_both(data)
        test = its_test if test is None else test
    with ExitStack() as stack:
        begun = None
        if resume is not None:
            series.check(resume)
            stack.enter_context(locked(resume))
            begun = read_state(resume)
        recipe = _recipe(recipe, begun, model, train, epochs=epochs, batch_size=batch_size, lr=lr)
        if seed is not None:
            random.manual_seed(seed)
        for dataset in (train, test) if test is not None else (train,):
            check_fit(model, dataset)
            _check_classes(train, dataset)
        validation = None
        if recipe.patience:                              # the same part whatever the seed
            train, validation = train.split(-(-len(train) // 10), np.random.default_rng(0))
        recipe.freeze(model, 1)

        # A generator of its own: the loader draws ahead in a thread, while dropout draws here.
        loader = Loader(train, recipe.batch_size, shuffle=True, augment=recipe.augmentations(),
                        generator=random.default_generator().spawn(1)[0])
        optimizer = recipe.optimizer_for(model)
        schedule = recipe.schedule_for(optimizer, recipe.epochs * len(loader))
        run = Run(model, train, test, recipe, optimizer, schedule, loader,
                  shuffled_from=loader.generator.bit_generator.state, validation=validation,
                  average=Average(model, recipe.average) if recipe.average else None)
        if begun is not None:
            restore(run, begun, resume)
        if out is not None:
            claim(out)
            stack.enter_context(locked(out))
        if out is not None or begun is not None:         # last, to save what the others have done
            callbacks = [*callbacks, RunFolder(out or resume, {"seed": seed, **(config or {})},
                                               checkpoint_every, begun)]
        if progress:
            callbacks = [ProgressBar(), *callbacks]
        _train(run, stack.enter_context(Signals()), callbacks)
        if run.average:
            run.average.swap(model)
    return run.history


def _recipe(recipe, begun, model, train, **changes):
    """The recipe of this run; of one that goes on, that with which it began and no other."""
    if begun is None:
        return (recipe or choose(model, train.name)).changed(**changes)
    old = Recipe(**begun["config"]["recipe"])
    new = (recipe or old).changed(**changes)
    different = [f"{name} was {value!r}, got {getattr(new, name)!r}"
                 for name, value in old.as_dict().items() if getattr(new, name) != value]
    if different:
        raise Mismatch(f"fit: a run goes on with the recipe it began with: {'; '.join(different)}")
    return old


def _check_kind(name, value, kinds, hint=""):
    if not isinstance(value, kinds):
        kind = kinds[0] if isinstance(kinds, tuple) else kinds
        raise TypeError(f"fit: {name} must be a {kind.__name__}, got {type(value).__name__} "
                        f"{value!r:.60}{hint}")


def _check_classes(train, test):
    """Raise ValueError unless a label means the same in both."""
    if train.several != test.several:
        one, many = (test, train) if train.several else (train, test)
        raise ValueError(f"fit: an image of {many.name} may have several labels, one of "
                         f"{one.name} has a single one")
    for i, (ours, theirs) in enumerate(zip(train.classes, test.classes)):
        if ours != theirs:
            raise ValueError(f"fit: class {i} is {ours!r} in {train.name}, but {theirs!r} in "
                             f"{test.name}, which is to be tested on")


def _train(run, signals, callbacks):
    """All epochs that are left."""
    def tell(event):
        for callback in callbacks:
            callback(event, run)

    def done():
        return run.stop or len(run.history) >= run.recipe.epochs

    try:
        tell("begin")
        if done():                                       # resumed, and nothing is left but figures
            _test(run, signals)
        while not done():
            run.history.append(_epoch(run, signals, tell))
            run.stop |= run.history.waited(run.recipe.patience)
            tell("epoch")
            signals.check()
    except STOPS:                                        # raised between two steps
        tell("interrupt")
        raise
    finally:
        tell("end")


def _epoch(run, signals, tell):
    """One pass over the training set, or what is left of it, and a measurement on the test set;
    returns the record."""
    if run.step_of_epoch == 0:
        run.epoch = len(run.history) + 1
        run.seen, run.loss_sum, run.correct, run.seconds = 0, 0.0, 0, 0.0
    begin = time.perf_counter() - run.seconds
    run.recipe.freeze(run.model, run.epoch)
    run.model.train()
    for x, y in run.loader.epoch(start=run.step_of_epoch, number=run.epoch - 1):
        run.step += 1
        run.lr = run.schedule.get_last_lr()[-1]                          # of the head
        _step(run, Tensor(x), Tensor(y))
        if run.step < run.recipe.epochs * run.steps_per_epoch:           # else it is at its end
            run.schedule.step()
        run.seconds = time.perf_counter() - begin
        tell("step")
        signals.check()
    record = {"epoch": run.epoch, "train_loss": run.loss_sum / run.seen,
              "train_accuracy": run.correct / run.seen, "lr": run.lr, "seconds": run.seconds,
              "images_per_second": run.seen / run.seconds}
    if run.validation is not None:
        found = _measured(run, signals, run.validation, "validation")
        record |= {"validation_loss": found.loss, "validation_accuracy": found.accuracy}
    found = _test(run, signals)
    if found is not None:
        record |= {"test_loss": found.loss, "test_accuracy": found.accuracy}
    if isinstance(found, LabelsEvaluation):
        record["test_f_score"] = found.f_score
        if math.isfinite(found.mean_average_precision):                  # some image has a label
            record["test_average_precision"] = found.mean_average_precision
    run.shuffled_from = run.loader.generator.bit_generator.state         # the next epoch
    return record


def _test(run, signals):
    """The measurement on the test set, if there is one."""
    if run.test is None:
        return None
    run.last_test = _measured(run, signals, run.test, "test")
    return run.last_test


def _measured(run, signals, dataset, part):
    """What `evaluate` finds, with the average of the weights if there is one."""
    with signals.at_once(), run.averaged():
        found = evaluate(run.model, dataset, mean=run.train.mean, std=run.train.std)
    _check_finite(run, found.loss, f"the {part} loss is {found.loss} after epoch {run.epoch}")
    return found


@np.errstate(all="ignore")                       # what overflows makes a loss that is refused here
def _step(run, x, y):
    """Loss and gradients of one batch, and one step of the optimiser: x (N, C, H, W), y (N,) of
    classes or (N, K) of shares."""
    drawn_from = random.default_generator().bit_generator.state
    output, loss = _forward(run, x, y)
    value = loss.item()
    if not math.isfinite(value):
        why = first_anomaly(lambda: _forward(run, x, y)[1], drawn_from)
        _check_finite(run, value, f"the loss is {value} at step {run.step} (step "
                                  f"{run.step_of_epoch} of {run.steps_per_epoch} of epoch "
                                  f"{run.epoch})", why)
    run.optimizer.zero_grad()
    loss.backward()
    if run.recipe.clip:
        clip_grad_norm_(run.model.parameters(), run.recipe.clip)
    run.optimizer.step()
    if run.average:
        run.average.update(run.model)
    run.seen += len(y)
    run.loss_sum += value * len(y)
    run.correct += right(output.data, y.data, run.train.several)


def _forward(run, x, y):
    """The answers (N, K) to a batch, and the loss."""
    output = run.model(x)
    return output, loss_of(output, y, run.train.several, run.recipe.label_smoothing)


def _check_finite(run, loss, what, why=""):
    if not math.isfinite(loss):
        lr = run.schedule.get_last_lr()[-1]
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
