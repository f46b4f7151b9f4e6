"""A run that was stopped goes on as if nothing had been: same weights, same logs, every bit."""
import json
import os
import shutil
import signal
import threading
import time

import numba
import numpy as np
import pytest
from test_training_fit import SMALL, Small, small_run, stripes, values

from tinyconv import machine, nn, random, training
from tinyconv.atomic import litter
from tinyconv.checkpoint import CheckpointError, Mismatch, read_checkpoint, series
from tinyconv.interrupt import Terminated
from tinyconv.lock import locked
from tinyconv.training import Diverged, Locked, Recipe, ResumeWarning, figures
from tinyconv.training.folder import interval

resource = pytest.importorskip("resource", reason="only POSIX has limits and signals")

STEPS = 14                                       # of a small run: two epochs of seven


class Killed(BaseException):
    """Stands for a process that ends without a further word."""


@pytest.fixture(autouse=True)
def no_figures(monkeypatch, interruptible):
    """Drawing takes longer than all the training here."""
    for name in ("curves", "confusion"):
        monkeypatch.setattr(figures, name, lambda *_: b"")


def at(step, event="step", do=None):
    """A callback that dies, or does something, at a step."""
    def callback(what, run):
        if what == event and run.step == step:
            if do is None:
                raise Killed
            do()
    return callback


def stop(number=signal.SIGINT):
    return lambda: os.kill(os.getpid(), number)


def resumed(path, model=None, **options):
    """The run in `path`, gone on with by a process that has drawn other random numbers before."""
    random.manual_seed(99)
    model = model or Small()
    history = training.fit(model, stripes(200), test=stripes(60, 1), progress=False, resume=path,
                           **options)
    return model, history


def outcome(path):
    """All that must be equal: weights, log, and the last checkpoint but for times."""
    lines = (path / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    state = series.newest(path)
    for record in (*records, *state["history"], state["best"], state["so_far"]):
        record.pop("seconds"), record.pop("images_per_second", None)
    del state["config"]
    return (path / "weights.safetensors").read_bytes(), records, repr(state)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    path = tmp_path_factory.mktemp("unbroken") / "run"
    small_run(out=path)
    return outcome(path)


# ---- the same bits -------------------------------------------------------------------------------

@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_run_killed_at_any_step_ends_with_the_bits_of_the_unbroken_one(tmp_path, unbroken, step):
    with pytest.raises(Killed):
        small_run(out=tmp_path / "run", callbacks=[at(step)], checkpoint_every=1)
    assert series.steps(tmp_path / "run")[-1] == step - 1
    resumed(tmp_path / "run")
    assert outcome(tmp_path / "run") == unbroken


@pytest.mark.parametrize("every", [None, 3, "0.000001s"])
def test_so_it_does_however_often_checkpoints_are_made(tmp_path, unbroken, every):
    with pytest.raises(Killed):
        small_run(out=tmp_path / "run", callbacks=[at(13)], checkpoint_every=every)
    assert series.steps(tmp_path / "run")[-1] == {None: 7, 3: 12, "0.000001s": 12}[every]
    resumed(tmp_path / "run")
    assert outcome(tmp_path / "run") == unbroken


def test_a_run_may_be_killed_and_resumed_again_and_again(tmp_path, unbroken):
    with pytest.raises(Killed):
        small_run(out=tmp_path / "run", callbacks=[at(2)], checkpoint_every=1)
    for step in (4, 8, 9, 14):
        with pytest.raises(Killed):
            resumed(tmp_path / "run", callbacks=[at(step)])          # it is still one each step
    (tmp_path / "run" / "config.json").unlink()          # as if killed before it was written
    resumed(tmp_path / "run")
    assert outcome(tmp_path / "run") == unbroken
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert [entry["step"] for entry in config["resumed"]] == [1, 3, 7, 8, 13]
    assert config["checkpoint_every"] == 1


def test_the_distance_of_checkpoints_can_be_changed_when_a_run_goes_on(stopped):
    with pytest.raises(Killed):
        resumed(stopped, callbacks=[at(9)], checkpoint_every="1000s")
    assert series.steps(stopped) == [5, 7]
    with pytest.raises(Killed):
        resumed(stopped, callbacks=[at(12)])
    assert series.steps(stopped) == [5, 7]
    assert json.loads((stopped / "config.json").read_text())["checkpoint_every"] == "1000s"


def test_killed_between_the_log_and_the_checkpoint_no_line_is_doubled(tmp_path, unbroken,
                                                                      monkeypatch):
    path, save = tmp_path / "run", series.save_next

    def fail_at_the_epoch(folder, step, state):
        if len(state["history"]) == 1:
            raise Killed
        save(folder, step, state)
    monkeypatch.setattr(series, "save_next", fail_at_the_epoch)
    with pytest.raises(Killed):
        small_run(out=path, checkpoint_every=2)
    monkeypatch.undo()
    assert (path / "metrics.jsonl").read_text().count("\n") == 1 and series.steps(path)[-1] == 6
    with pytest.raises(Killed):
        resumed(path, callbacks=[at(7)])
    assert (path / "metrics.jsonl").read_text() == ""
    resumed(path)
    assert outcome(path) == unbroken


def test_a_finished_run_is_left_as_it_is(tmp_path, unbroken):
    small_run(out=tmp_path / "run")
    model, history = resumed(tmp_path / "run")
    assert outcome(tmp_path / "run") == unbroken and len(history) == 2


def test_a_run_that_a_callback_has_stopped_stays_stopped(tmp_path):
    def enough(event, run):
        run.stop = event == "epoch"
    small_run(out=tmp_path / "run", callbacks=[enough])
    _, history = resumed(tmp_path / "run")
    assert len(history) == 1


class Noisy(Small):
    """A model with a generator of its own."""

    def __init__(self):
        super().__init__()
        self.noise = np.random.default_rng(5)

    def forward(self, x):
        return super().forward(x) + self.noise.normal(size=3).astype(np.float32)


def test_generators_of_layers_and_the_memory_of_adamw_go_on_too(tmp_path):
    recipe = Recipe(epochs=2, batch_size=32, optimizer="adamw", lr=0.01, label_smoothing=0.1)
    data = {"data": stripes(200), "test": stripes(60, 1), "progress": False}
    for name, callbacks in (("a", []), ("b", [at(10)])):
        random.manual_seed(3)
        try:
            training.fit(Noisy(), recipe=recipe, out=tmp_path / name, callbacks=callbacks,
                         checkpoint_every=4, **data)
        except Killed:
            training.fit(Noisy(), resume=tmp_path / name, **data)
    assert outcome(tmp_path / "a") == outcome(tmp_path / "b")


# ---- Ctrl-C and SIGTERM --------------------------------------------------------------------------

@pytest.mark.parametrize("number, error", [(signal.SIGINT, KeyboardInterrupt),
                                           (signal.SIGTERM, Terminated)])
def test_a_signal_stops_after_a_whole_step_with_a_checkpoint(tmp_path, unbroken, number, error):
    before = signal.getsignal(number)
    with pytest.raises(error):
        small_run(out=tmp_path / "run", callbacks=[at(3, do=stop(number))])
    assert signal.getsignal(number) == before
    assert series.steps(tmp_path / "run") == [0, 3]
    resumed(tmp_path / "run")
    assert outcome(tmp_path / "run") == unbroken


def test_a_signal_during_the_test_of_an_epoch_does_not_wait_for_its_end(tmp_path, unbroken,
                                                                        monkeypatch):
    def interrupted(*_, **__):
        stop()()
        time.sleep(0.01)
        pytest.fail("the test went on")
    monkeypatch.setattr(training.loop, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small_run(out=tmp_path / "run")
    monkeypatch.undo()
    assert series.steps(tmp_path / "run") == [0, 7]
    for name in ("curves", "confusion"):
        monkeypatch.setattr(figures, name, lambda *_: b"")
    resumed(tmp_path / "run")
    assert outcome(tmp_path / "run") == unbroken


def test_without_a_folder_a_signal_stops_the_run_all_the_same():
    steps = []
    with pytest.raises(KeyboardInterrupt):
        small_run(callbacks=[at(3, do=stop()), lambda _, run: steps.append(run.step)])
    assert steps[-1] == 3


def test_who_handles_signals_otherwise_or_trains_in_a_thread_is_not_disturbed(tmp_path):
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("mine"))
    try:
        small_run(callbacks=[at(3, do=stop(signal.SIGTERM))])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == ["mine"]
    thread = threading.Thread(target=lambda: heard.append(len(small_run()[1])))
    thread.start()
    thread.join()
    assert heard == ["mine", 2]


# ---- what does not fit ---------------------------------------------------------------------------

@pytest.fixture
def stopped(tmp_path):
    """A run that was killed, at step 5."""
    with pytest.raises(Killed):
        small_run(out=tmp_path / "run", callbacks=[at(6)], checkpoint_every=1)
    return tmp_path / "run"


class Other(nn.Module):
    def __init__(self):
        self.hidden, self.extra = nn.Linear(64, 17), nn.Linear(17, 3)

    def forward(self, x):
        return self.extra(self.hidden(x.flatten(1)))


def test_another_model_is_refused_unchanged_with_every_name(stopped):
    model = Other()
    before = values(model)
    with pytest.raises(Mismatch) as caught:
        resumed(stopped, model)
    for part in (str(stopped), "missing extra.weight", "missing extra.bias", "unexpected out.bias",
                 "unexpected norm.running_mean", "nothing was changed",
                 "hidden.weight is float32 (17, 64) here but float32 (16, 64) there"):
        assert part in str(caught.value)
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, before[name])
    model = Small()
    model.norm.num_batches_tracked = np.zeros((), np.int32)
    with pytest.raises(Mismatch, match=r"num_batches_tracked is int32 \(\) here but int64 \(\) the"):
        resumed(stopped, model)


PARTS = ["epoch", "step", "stop", "so_far/seen", "so_far/lr", "so_far", "history", "generators",
         "generators/default", "generators/default/bits", "generators/default/bits/state/state",
         "generators/default/spawn_key", "generators/loader", "generators/loader/bit_generator",
         "generators/layers", "data", "data/training", "schedule", "schedule/last_epoch",
         "schedule/base_lrs", "optimizer", "optimizer/state", "optimizer/state/0",
         "optimizer/state/0/momentum_buffer", "optimizer/param_groups/0",
         "optimizer/param_groups/0/lr", "average", "model", "model/norm.running_mean", "config",
         "config/recipe", "config/recipe/epochs", "config/checkpoint_every", "config/model",
         "config/data", "config/data/shape", "config/versions", "config/machine"]
# where it is true that nothing is there, where a number could have been any, and what is not read
HARMLESS = {"so_far/seen": 2, "so_far/lr": 2, "history": 1, "generators/default/bits/state/state": 1,
            "generators/default/spawn_key": 3, "generators/layers": 1, "optimizer/state": 1,
            "optimizer/state/0": 2, "optimizer/state/0/momentum_buffer": 1,
            "optimizer/param_groups/0/lr": 2, "average": 2, "config/recipe/epochs": 2,
            "config/checkpoint_every": 3, "config/model": 2, "config/versions": 2, "config/machine": 2}
MISSING, WRONG = object(), [None, "text", -1, 10 ** 30, [], [[]], {}, {"x": 1}, np.zeros(2)]


@pytest.mark.parametrize("part", PARTS)
def test_a_state_that_makes_no_sense_is_refused_and_the_model_unchanged(tmp_path, stopped, part):
    """Its sums are right: someone who wants to do harm has made it."""
    def begin(event, run):
        raise Killed

    *way, last = part.split("/")
    taken = []
    for wrong in (MISSING, *WRONG):
        state, model = series.newest(stopped), Small()
        place = state
        for key in way:
            place = place[int(key) if isinstance(place, list) else key]
        key = int(last) if isinstance(place, list) else last
        if wrong is MISSING:
            del place[key]
        else:
            place[key] = wrong
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        series.save_next(folder, 5, state)
        before = values(model)
        try:
            resumed(folder, model, callbacks=[begin])
        except CheckpointError as error:
            assert str(folder) in str(error) or "recipe it began with" in str(error)
            for name, value in values(model).items():
                np.testing.assert_array_equal(value, before[name])
        except Killed:
            taken.append(wrong)
    assert len(taken) == HARMLESS.get(part, 0), taken


@pytest.mark.parametrize("kind, place", [("MT19937", "pos"), ("Philox", "buffer_pos")])
def test_a_generator_that_would_read_beyond_its_numbers_is_refused(kind, place):
    before = random.get_rng_state()
    random.manual_seed(getattr(np.random, kind)(0))
    state = random.get_rng_state()
    drawn = random.default_generator().random(1000)
    random.set_rng_state(state)
    np.testing.assert_array_equal(random.default_generator().random(1000), drawn)
    bits = state["bits"]["state"] if kind == "MT19937" else state["bits"]
    for bad in (10 ** 9, -1, "0", None):
        bits[place] = bad
        with pytest.raises(ValueError, match=f"a generator {kind} cannot stand at"):
            random.set_rng_state(state)
    random.set_rng_state(before)


def test_other_data_are_refused(stopped):
    with pytest.raises(Mismatch, match="images or labels of the training set, or its mean"):
        training.fit(Small(), stripes(200, 7), test=stripes(60, 1), resume=stopped)
    with pytest.raises(Mismatch, match="of the test set, or its mean .* are others"):
        training.fit(Small(), stripes(200), resume=stopped)


def test_images_normalised_otherwise_are_other_data(stopped):
    brighter = stripes(200).normalized_by((0.1,), (0.5,))
    with pytest.raises(Mismatch, match="of the training set, or its mean and standard deviation"):
        training.fit(Small(), brighter, test=stripes(60, 1), resume=stopped)


def test_what_is_no_file_is_no_checkpoint(stopped, unbroken):
    (stopped / "checkpoint-7.safetensors").mkdir()
    (stopped / "checkpoint-8.safetensors").symlink_to("nowhere")
    os.mkfifo(stopped / "checkpoint-9.safetensors")
    assert series.steps(stopped) == [4, 5]
    for name in (7, 8, 9):
        path = stopped / f"checkpoint-{name}.safetensors"
        path.rmdir() if name == 7 else path.unlink()
    resumed(stopped)
    assert outcome(stopped) == unbroken


def test_a_folder_that_is_gone_ends_a_run_with_its_name(tmp_path):
    path = tmp_path / "run"
    with pytest.raises(OSError, match=r"cannot write 'checkpoint-3.* \(No such file.*\): .*run'"):
        small_run(out=path, callbacks=[at(3, do=lambda: shutil.rmtree(path))], checkpoint_every=1)
    assert not path.exists()


def test_another_recipe_is_refused_and_the_same_is_not(stopped):
    with pytest.raises(Mismatch, match="recipe it began with: epochs was 2, got 3; lr was 0.1, "):
        resumed(stopped, epochs=3, lr=0.2)
    resumed(stopped, epochs=2, recipe=SMALL)


@pytest.mark.parametrize("options, says", [
    ({"out": "x"}, "leave out= away"), ({"checkpoint_every": 0}, "checkpoint_every must be"),
    ({"checkpoint_every": "5 m"}, "such as '30s', got '5 m'")])
def test_options_that_make_no_sense_are_named(stopped, options, says):
    with pytest.raises(ValueError, match=says):
        resumed(stopped, **options)


def test_an_interval_is_in_steps_or_seconds():
    assert interval(500) == (500, None) and interval("7") == (7, None)
    assert interval("30s") == (None, 30) and interval("0.5 s") == (None, 0.5)


def test_a_folder_without_a_checkpoint_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint in .*: begin it again"):
        resumed(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder"):
        resumed(tmp_path / "nowhere")


def test_a_new_run_does_not_begin_where_one_can_go_on(stopped):
    with pytest.raises(FileExistsError, match=f"is not empty.*tinyconv train --resume {stopped}"):
        small_run(out=stopped)


@pytest.mark.compiled
def test_a_change_of_versions_or_processor_is_warned_of(stopped, monkeypatch):
    now = machine.describe()
    monkeypatch.setattr(machine, "versions", lambda: {"numpy": "1.0"})
    monkeypatch.setattr(numba.config, "CPU_NAME", "i486")
    assert machine.describe() == {**now, "kernels": "i486"}
    monkeypatch.setattr(machine, "describe", lambda: {**now, "vectors": ["mmx"],
                                                      "kernels": "i486"})
    with pytest.warns(ResumeWarning, match=r"numpy changed from \S+ to 1\.0; vectors changed from "
                                           ".* to mmx; kernels changed from .* to i486: its results "
                                           "may differ in their last bits"):
        resumed(stopped)


def test_a_damaged_newest_checkpoint_costs_steps_and_not_the_run(stopped, unbroken):
    newest = stopped / "checkpoint-5.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="checkpoint-5.*goes on from step 4"):
        resumed(stopped)
    assert outcome(stopped) == unbroken


# ---- two at once ---------------------------------------------------------------------------------

def test_a_second_run_into_the_same_folder_is_refused(tmp_path, unbroken):
    path = tmp_path / "run"
    refused = []

    def second():
        for attempt in (lambda: resumed(path), lambda: small_run(out=path)):
            state = random.get_rng_state()
            with pytest.raises((Locked, FileExistsError)) as caught:
                attempt()
            random.set_rng_state(state)
            refused.append(str(caught.value))
    small_run(out=path, callbacks=[at(5, do=second)])
    assert "another run is writing to the folder" in refused[0] and "not empty" in refused[1]
    assert outcome(path) == unbroken


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_lock_ends_with_the_process_that_is_killed(tmp_path):
    ear, mouth = os.pipe()
    child = os.fork()
    if not child:
        with locked(tmp_path):
            os.write(mouth, b"x")
            signal.pause()
    try:
        os.read(ear, 1)
        with pytest.raises(Locked), locked(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with locked(tmp_path):
        assert list(tmp_path.iterdir()) == []            # and there is nothing to clean up


def test_where_folders_cannot_be_locked_there_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr("tinyconv.lock.fcntl", None)
    with pytest.warns(RuntimeWarning, match="cannot be locked"), locked(tmp_path):
        pass


# ---- trouble -------------------------------------------------------------------------------------

class Poisoned(Small):
    """Its loss is finite at step 9, its gradient is not."""
    calls = 0

    def forward(self, x):
        y = super().forward(x)
        self.calls += self.training
        return y + (self.out.bias * 0).sqrt().sum() if self.calls == 9 else y


def test_weights_that_are_not_finite_never_replace_a_good_checkpoint(tmp_path):
    random.manual_seed(0)
    with pytest.raises(Diverged, match="after step 9 .* not finite in out.bias.*no checkpoint was"):
        training.fit(Poisoned(), stripes(200), recipe=SMALL, progress=False, out=tmp_path / "run",
                     checkpoint_every=1)
    assert series.steps(tmp_path / "run") == [7, 8]
    state = series.newest(tmp_path / "run")
    assert all(np.isfinite(a).all() for a in state["model"].values())


def limited(size):
    """From now on no file of this process may grow beyond `size` bytes."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


@pytest.fixture
def file_size():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield limited
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room_is_noticed_before_the_first_step(tmp_path, file_size):
    steps, before = [], resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    file_size(1000)
    with pytest.raises(OSError, match=r"cannot write 'checkpoint-0.* \(File too large\)"):
        small_run(out=tmp_path / "run", callbacks=[lambda _, run: steps.append(run.step)])
    file_size(before)                            # or pytest could not say so, if it writes to a file
    assert set(steps) <= {0} and not litter(tmp_path / "run")


def test_a_disk_that_fills_up_stops_the_run_with_the_old_checkpoint_intact(tmp_path, unbroken,
                                                                           file_size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    with pytest.raises(OSError, match=r"cannot write 'checkpoint-9.* \(File too large\)"):
        small_run(out=tmp_path / "run", callbacks=[at(9, do=lambda: limited(1000))],
                  checkpoint_every=1)
    file_size(before)
    assert series.steps(tmp_path / "run") == [7, 8] and not litter(tmp_path / "run")
    resumed(tmp_path / "run")
    assert outcome(tmp_path / "run") == unbroken


def test_what_a_killed_process_was_writing_is_removed_by_the_next(stopped, unbroken):
    left = stopped / ".checkpoint-6.safetensors.0123abcd.part"
    left.write_bytes(b"half of")
    resumed(stopped)
    assert not left.exists() and outcome(stopped) == unbroken


# ---- what is in it -------------------------------------------------------------------------------

def test_a_checkpoint_holds_everything(stopped):
    state = read_checkpoint(stopped / "checkpoint-5.safetensors")
    assert state["step"] == 5 and state["epoch"] == 1 and state["config"]["recipe"]["lr"] == 0.1
    assert state["so_far"]["seen"] == 160 and state["best"] is None
    assert {"hidden.weight", "norm.running_mean", "norm.num_batches_tracked"} <= {*state["model"]}
    assert "momentum_buffer" in state["optimizer"]["state"]["0"]
    assert state["generators"].keys() == {"default", "loader", "layers"}
    assert state["config"]["versions"]["numpy"] == np.__version__
    assert state["config"]["machine"]["processor"] and len(state["data"]["training"]) == 64
    after = read_checkpoint(stopped / "checkpoint-4.safetensors")
    assert after["generators"]["loader"] == state["generators"]["loader"]


def test_the_best_epoch_is_the_first_with_the_greatest_accuracy():
    records = [{"epoch": i + 1, "train_accuracy": 0.5, "test_accuracy": a}
               for i, a in enumerate([0.2, 0.9, 0.9])]
    assert training.History(records).best()["epoch"] == 2
    assert training.History([]).best() is None
