"""`tinyconv train` stopped and resumed: what one types, what comes back, and the exit status."""
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typed import one_line, save_picture

from tinyconv import interrupt
from tinyconv.checkpoint import read_checkpoint, series
from tinyconv.interrupt import Interrupted, Signals
from tinyconv.training import figures

ROOT = Path(__file__).parents[1]
posix = pytest.mark.skipif(os.name != "posix", reason="these are the signals of POSIX")


@pytest.fixture(autouse=True)
def pictures(tmp_path, monkeypatch, interruptible):
    """Each test has a folder of its own with small pictures in it, and draws no figures."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for name in ("dark", "light"):
        Path("pictures", name).mkdir(parents=True)
        for i in range(20):
            pixels = generator.integers(0, 256, (8, 8, 3)).astype(np.uint8)
            save_picture(Path("pictures", name, f"{i}.png"), pixels)
    for name in ("curves", "confusion"):
        monkeypatch.setattr(figures, name, lambda *_: b"")
    monkeypatch.setattr("tinyconv.report.write", lambda *_, **__: "report.html")


TRAIN = ["train", "mlp", "--data", "pictures", "--size", "8", "--batch-size", "8"]


def metrics(path):
    records = [json.loads(line) for line in Path(path, "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in r.items() if k not in ("seconds", "images_per_second")}
            for r in records]


@pytest.fixture
def stop_at(monkeypatch):
    """Send a signal to this process when a run has taken so many steps."""
    def stop_at(step, number=signal.SIGINT):
        def callback(self, event, run):
            if event == "step" and run.step == step:
                os.kill(os.getpid(), number)
        monkeypatch.setattr("tinyconv.training.progress.ProgressBar.__call__", callback)
    return stop_at


# ---- stopped and resumed -------------------------------------------------------------------------

@posix
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_says_how_to_go_on_and_ends_with_the_same_bits(tinyconv, stop_at,
                                                                     number, code):
    assert tinyconv(*TRAIN, "--epochs", 3, "--out", "a")[0] == 0
    stop_at(6, number)
    status, out, err = tinyconv(*TRAIN, "--epochs", 3, "--out", "my b")
    assert status == code
    assert err == "stopped after step 6; to go on: tinyconv train --resume 'my b'\n"
    stop_at(None)
    status, out, err = tinyconv("train", "--resume", "my b")
    assert status == 0, err
    assert "next: tinyconv evaluate 'my b', tinyconv predict 'my b' PICTURE" in out
    assert "going on after step 6 of 12" in out and out.splitlines()[-1].startswith("test accuracy")
    a, b = (Path(run, "weights.safetensors").read_bytes() for run in ("a", "my b"))
    assert a == b
    assert metrics("a") == metrics("my b")


@posix
def test_options_that_agree_may_be_given_again_and_others_may_not(tinyconv, stop_at):
    stop_at(2)
    assert tinyconv(*TRAIN, "--epochs", 1, "--no-augment", "--out", "b")[0] == 130
    for given, says in [
            (["--lr", "3"], "--lr 3.0: the run in b began with 0.00625"),
            (["lenet5"], "model lenet5: the run in b began with mlp"),
            (["--data", "digits"], "--data digits: the run in b began with "),
            (["--limit", "10"], "--limit 10: the run in b began with none"),
            (["--seed", "1"], "--seed 1: the run in b began with 0"),
            (["--out", "c"], "a run goes on in its own folder")]:
        status, out, err = tinyconv("train", "--resume", "b", *given)
        assert status == 2 and one_line(err) and says in err, err
    stop_at(3)
    again = tinyconv(*TRAIN, "--epochs", 1, "--no-augment", "--resume", "b", "--out", "b",
                     "--seed", 0, "--checkpoint-every", "30s")
    assert again[0] == 130 and series.steps("b") == [2, 3]
    stop_at(None)
    assert json.loads(tinyconv("train", "--resume", "b", "--json")[1])["run"] == "b"


@posix
def test_bad_pictures_are_named_or_skipped_and_counted_as_the_user_says(tinyconv, stop_at):
    Path("pictures/dark/3.png").write_bytes(b"no picture")
    Path("pictures/light/7.png").write_bytes(Path("pictures/light/8.png").read_bytes()[:60])
    status, out, err = tinyconv(*TRAIN, "--epochs", 1)
    assert status == 1 and one_line(err) and "pictures/dark/3.png: not a readable picture" in err
    stop_at(2)
    status, out, err = tinyconv(*TRAIN, "--epochs", 1, "--out", "b", "--skip-bad")
    assert status == 130 and "skipped 2 bad pictures, the first: pictures/dark/3.png" in err
    stop_at(None)
    assert tinyconv("train", "--resume", "b")[0] == tinyconv("evaluate", "b")[0] == 0
    status, out, err = tinyconv("train", "--skip-bad")
    assert status == 2 and "--skip-bad is for image folders" in err


def test_resuming_what_is_not_there_says_so(tinyconv):
    Path("empty").mkdir()
    for name in ("nowhere", "empty", "pictures"):
        status, out, err = tinyconv("train", "--resume", name)
        assert status == 1 and one_line(err) and "there is no checkpoint in" in err
        assert ("there is no such folder" in err) == (name == "nowhere")
    status, out, err = tinyconv(*TRAIN, "--checkpoint-every", "often")
    assert status == 2 and "expected a number of steps such as 500, or of seconds such as 30s" in err


@posix
def test_a_run_that_has_not_finished_an_epoch_cannot_be_evaluated_but_resumed(tinyconv,
                                                                              stop_at):
    stop_at(2)
    tinyconv(*TRAIN, "--epochs", 1, "--out", "b")
    status, out, err = tinyconv("evaluate", "b")
    assert status == 1 and one_line(err) and "it can be resumed" in err


@posix
def test_a_full_disk_leaves_the_old_checkpoint_and_says_how_to_go_on(tinyconv, monkeypatch):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, event, run):
        if event == "step" and run.step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    monkeypatch.setattr("tinyconv.training.progress.ProgressBar.__call__", fill)
    try:
        status, out, err = tinyconv(*TRAIN, "--epochs", 1, "--out", "b", "--checkpoint-every", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert status == 1 and one_line(err), err
    assert ("cannot write 'checkpoint-3.safetensors' in this folder (File too large); the run is "
            "kept as it was after step 2, to go on: tinyconv train --resume b") in err
    assert series.steps("b") == [1, 2]


@posix
@pytest.mark.parametrize("out", ["/dev/full", "/dev/full/run", "/proc/run"])
def test_a_place_where_nothing_can_be_kept_is_refused_before_the_first_step(tinyconv, out):
    status, printed, err = tinyconv(*TRAIN, "--out", out)
    assert status in (1, 2) and one_line(err) and out in err and printed == ""


# ---- processes -----------------------------------------------------------------------------------

def process(*words, **options):
    return subprocess.Popen([sys.executable, *words], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
                            **options)


@posix
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_exit_status_of_a_stopped_process(number, code):
    with process("-m", "tinyconv", *TRAIN, "--epochs", "100000", "--out", "b") as run:
        while "epoch   2" not in run.stdout.readline():
            pass
        run.send_signal(number)
        out, err = run.communicate(timeout=60)
    assert run.returncode == code and "to go on: tinyconv train --resume b\n" in err
    assert read_checkpoint(f"b/checkpoint-{series.steps('b')[-1]}.safetensors")["step"] > 0


@posix
def test_ctrl_c_while_the_command_is_still_starting_shows_no_traceback():
    with process("-X", "importtime", "-m", "tinyconv", "train", "mlp") as run:
        while "numpy._core.multiarray" not in run.stderr.readline():     # one line an import
            pass
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130 and "Traceback" not in err and "interrupted" in err
    assert not Path("runs").exists()


@posix
@pytest.mark.parametrize("numbers", [[signal.SIGINT] * 2, [signal.SIGTERM, signal.SIGINT]])
def test_a_second_signal_ends_the_process_at_once(numbers):
    child = os.fork()
    if not child:
        with Signals():
            for number in numbers:
                os.kill(os.getpid(), number)
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130


@posix
def test_a_signal_that_comes_last_is_not_forgotten():
    with pytest.raises(Interrupted), Signals():
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("words, first, expected", [
    (["python", "-m", "tinyconv", "train"], "-m", True),
    (["python", "/usr/bin/tinyconv", "train"], "/usr/bin/tinyconv", True),
    (["python", "-m", "pytest", "tinyconv"], "/x/pytest.py", False),
    (["python", "-m"], "-m", False), (["python", "mine.py"], "mine.py", False)])
def test_only_the_command_starts_quietly(monkeypatch, words, first, expected):
    monkeypatch.setattr(sys, "orig_argv", words)
    monkeypatch.setattr(sys, "argv", [first])
    assert interrupt._is_command() == expected
