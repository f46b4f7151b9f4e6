"""What the README says under "Runs you can trust", in short: the commands under benchmarks/trust.

The long versions are those commands themselves.
"""
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinyconv.checkpoint import save_checkpoint, series

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks" / "trust"


@pytest.fixture
def script(monkeypatch):
    """A script of that folder, as a module."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


def printed(*words):
    """What a command prints as JSON; it must end well."""
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_every_truncation_of_a_checkpoint_is_refused(script, tmp_path):
    flips = script("flips")
    content = flips.small(tmp_path / "c")
    assert 3900 < len(content) < 4300
    assert list(flips.truncations(tmp_path / "c", content)) == []


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="this system has no pwrite")
def test_every_flip_of_a_single_bit_of_a_checkpoint_is_refused(script, tmp_path):
    flips = script("flips")
    assert list(flips.flips(tmp_path / "c", flips.small(tmp_path / "c"))) == []


def test_whichever_call_to_the_system_fails_no_checkpoint_is_lost(script):
    calls, faults = script("saves").every_call()
    assert faults == [] and {"write", "fsync", "replace", "unlink"} <= {*calls}


def test_a_save_that_removes_the_old_checkpoint_too_early_would_be_noticed(script, monkeypatch):
    def careless(folder, step, state):
        for old in folder.iterdir():
            old.unlink()
        save_checkpoint(folder / f"checkpoint-{step}.safetensors", state)
    monkeypatch.setattr(series, "save_next", careless)
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        script("saves").every_call()


@pytest.mark.compiled
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_run_killed_at_25_random_moments_loses_nothing_and_ends_with_the_same_bits():
    found = printed(FOLDER / "kill.py", "--kills", "25", "--seed", "1", "--json")
    assert found["kills"] == 25 and found["faults"] == []


@pytest.mark.compiled
def test_the_bits_do_not_depend_on_the_number_of_threads_and_a_change_of_order_would_show():
    found = printed(FOLDER / "bits.py", "--short")
    assert found["same"] and found["planted seen"] and len(found["found"]) == 4
