"""How sides are measured: in turn, in processes of their own, and what happens when one fails."""
import ast
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from tinyconv import machine, models
from tinyconv.benchmark import SUITES, rounds, sides
from tinyconv.benchmark.case import CHANNELS_LAST, EAGER, OURS, Case
from tinyconv.benchmark.process import Failed, Process, Processes
from tinyconv.benchmark.sides.networks import trainer
from tinyconv.benchmark.sides.ours import Ours
from tinyconv.benchmark.sides.work import classes, normal
from tinyconv.benchmark.suites import epochs
from tinyconv.benchmark.suites.suite import Suite

TINY = {"N": 2, "C": 3, "size": 4}
REQUEST = {"work": "mean_pool", "arguments": TINY, "measure": "time", "seconds": 0.001, "least": 2}


def suite(*names, **options):
    return Suite("made-up", "made up", lambda: [
        Case("group", name, "mean_pool", TINY, sides=(OURS, EAGER, CHANNELS_LAST), **options)
        for name in names])


class Scripted:
    """Takes the place of the processes: notes who is asked, and answers from a script."""
    log, script = [], {}

    def __init__(self, threads):
        self.log.append(f"start, {threads} threads")

    def ask(self, side, request):
        self.log.append(side)
        answer = self.script.get(side, 1.0)
        if isinstance(answer, Exception):
            raise answer
        return {"parts": {"step": {"quartiles": [answer] * 3, "samples": 2}}, "fingerprint": [1]}

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.log.append("end")


@pytest.fixture
def scripted(monkeypatch):
    monkeypatch.setattr(Scripted, "log", [])
    monkeypatch.setattr(Scripted, "script", {})
    monkeypatch.setattr(rounds, "Processes", Scripted)
    monkeypatch.setattr(rounds, "missing", lambda side: None)
    return Scripted


# ---- turns ---------------------------------------------------------------------------------------

def test_sides_take_turns_and_every_round_has_new_processes(scripted):
    rounds.measure(suite("a", "b"), rounds=2, threads=3)
    turn = [OURS, EAGER, CHANNELS_LAST]
    assert scripted.log == ["start, 3 threads", *turn, *turn, "end"] * 2


def test_the_document_says_on_what_and_with_what_it_was_measured(scripted):
    scripted.script.update({OURS: 1.0, EAGER: 3.0, CHANNELS_LAST: 2.0})
    seen, ticks = [], []
    document = rounds.measure(suite("a"), rounds=2, threads=1, tick=lambda *t: ticks.append(t),
                              after=lambda d: seen.append(d["rounds"]))
    assert seen == [1, 2] and len(ticks) == 6 and ticks[0] == ("group, a", OURS)
    assert document["threads"] == 1 and document["rounds"] == 2
    assert document["machine"]["cores"] == machine.cores() >= 1
    assert document["machine"]["processor"] and document["date"].endswith("Z")
    assert set(document["versions"]) >= {"python", "numpy", "numba", "llvmlite", "torch"}
    assert document["cases"][0]["ratio"]["median"] == 2


def test_a_side_that_fails_is_not_asked_again_and_its_reason_is_kept(scripted):
    scripted.script[EAGER] = Failed("InvalidCxxCompiler: no compiler")
    document = rounds.measure(suite("a"), rounds=3, threads=1)
    assert scripted.log.count(EAGER) == 1 and scripted.log.count(OURS) == 3
    sides = document["cases"][0]["sides"]
    assert sides[EAGER] == {"failed": "InvalidCxxCompiler: no compiler"}
    assert sides[OURS]["rounds"] and document["cases"][0]["best"] == CHANNELS_LAST


def test_without_pytorch_ours_is_measured_alone_and_the_table_can_say_why(scripted, monkeypatch):
    monkeypatch.setattr(rounds, "missing", lambda side: None if side == OURS else "not installed")
    document = rounds.measure(suite("a"), rounds=1, threads=1)
    assert EAGER not in scripted.log
    assert document["cases"][0]["sides"][EAGER] == {"failed": "not installed"}
    assert "median" in document["cases"][0]["sides"][OURS]


def test_only_some_cases_and_some_sides_can_be_asked_for(scripted):
    document = rounds.measure(suite("apple", "pear"), 1, 1, only="PEA", without=[EAGER])
    assert [case["name"] for case in document["cases"]] == ["pear"]
    assert EAGER not in document["cases"][0]["sides"] and document["without"] == [EAGER]


def test_data_that_are_not_here_are_an_excuse(scripted, monkeypatch, tmp_path):
    monkeypatch.setenv("TINYCONV_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    document = rounds.measure(epochs.EPOCHS, 1, 1, quick=True)
    for case in document["cases"]:
        assert all("is not on this machine" in side["failed"] for side in case["sides"].values())
    assert OURS not in scripted.log


# ---- real processes ------------------------------------------------------------------------------

def test_our_process_answers_and_survives_a_request_that_fails():
    with Process(OURS, 1) as process:
        answer = process.ask(REQUEST)
        assert answer["parts"]["step"]["samples"] >= 2 and len(answer["fingerprint"]) == 2
        with pytest.raises(Failed, match="KeyError: 'no_such_work'"):
            process.ask({**REQUEST, "work": "no_such_work"})
        with pytest.raises(Failed, match="TypeError"):
            process.ask({**REQUEST, "arguments": {}})
        assert process.ask({**REQUEST, "measure": "memory"})["bytes"] > 2 ** 24
        assert process.ask({**REQUEST, "measure": "first"}) == {}


@pytest.mark.skipif(os.name != "posix", reason="only POSIX can kill by a signal")
def test_a_process_that_dies_is_reported_and_another_takes_its_place():
    with Processes(1) as processes:
        processes.ask(OURS, REQUEST)
        victim = processes._running[OURS]._process
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        assert processes.ask(OURS, REQUEST)["parts"]
    assert victim.returncode == -signal.SIGKILL


def test_a_process_that_never_answers_is_given_up():
    slow = {**REQUEST, "seconds": 60}
    with Process(OURS, 1) as process:
        with pytest.raises(Failed, match="no answer within 0.5 s"):
            process.ask(slow, patience=0.5)
        assert not process.running


def test_the_last_words_of_a_process_are_its_reason(monkeypatch):
    monkeypatch.setattr("tinyconv.benchmark.process.MODES", {"nobody": "nonsense"})
    monkeypatch.setattr("tinyconv.benchmark.process.HERE", Path(__file__).parent)
    with Process("nobody", 1) as process:
        with pytest.raises(Failed, match="ended with status 1: .*[Nn]o module named"):
            process.ask(REQUEST)


def test_pytorchs_processes_hold_nothing_of_ours():
    """What runs in them is imported from the folder itself; see `sides/__init__.py`."""
    for path in Path(sides.__file__).parent.glob("*.py"):
        if path.stem not in ("ours", "roofline"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom):
                    assert node.level < 2 and node.module not in ("ours", "roofline"), path
                    assert (node.module or "").split(".")[0] not in ("tinyconv", "numba"), path


@pytest.mark.slow
def test_both_sides_do_the_same_work(torch):
    """One quick case of every suite's kind, ours and PyTorch's: the fingerprints agree."""
    for name in ("kernels", "training", "inference", "dispatch", "memory"):
        document = rounds.measure(SUITES[name], 1, 1, quick=True, without=["torch.compile"])
        for case in document["cases"]:
            assert not any("failed" in side for side in case["sides"].values()), case
            assert "stray" not in case, case
            assert case["ratio"]["median"] > 0


def test_weights_and_gradients_of_single_operations_lie_as_those_of_a_training():
    lib, network = Ours(), models.create("resnet20")
    trainer(lib, network)(lib.tensor(normal((2, 3, 32, 32))), lib.tensor(classes(2)))
    for name, p in network.named_parameters():
        array = normal(p.shape)
        for tensor in [lib.like(p, array)] + ([lib.weight(array)] if p.ndim == 4 else []):
            assert tensor.data.strides == p.data.strides == p.grad.data.strides, name
            assert np.array_equal(tensor.data, array)
