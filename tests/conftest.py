"""What the whole suite shares: how hard Hypothesis tries, and what is skipped where, and why.

    HYPOTHESIS_PROFILE=glance   5 examples a property
    HYPOTHESIS_PROFILE=dev      100 examples a property, new ones each time (the default)
    HYPOTHESIS_PROFILE=ci       the same, but always the same examples (the default with $CI set)
    HYPOTHESIS_PROFILE=nightly  600 examples a property: more than 100 000 in all
    HYPOTHESIS_PROFILE=planted  25 examples, always the same ones, never simplified: see planted/

What goes over every operation of the catalogue, hundreds of properties, tries a quarter of that.
With NUMBA_DISABLE_JIT=1 kernels run as plain Python, and tests of compiled code and of whole
networks are skipped; take HYPOTHESIS_PROFILE=glance with it.

Everything runs in debug mode: a change of what a gradient needs is an error, whatever it was made
through. TINYCONV_DEBUG=0 leaves that out.
"""
import os
import signal
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

import tinyconv as tc
from tinyconv.__main__ import main
from tinyconv.kernels.compile import threads
from tinyconv.nn import init
from tinyconv.testing import check_against_torch

COMMON = {"deadline": None, "print_blob": True,            # the first call of a kernel compiles it
          "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("glance", max_examples=5, **COMMON)
settings.register_profile("dev", max_examples=100, **COMMON)
settings.register_profile("ci", max_examples=100, derandomize=True, **COMMON)
settings.register_profile("nightly", max_examples=600, **COMMON)
settings.register_profile("planted", max_examples=25, derandomize=True,
                          phases=(Phase.explicit, Phase.generate), **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


def pytest_configure(config):
    """Where tests run in several processes (`-n auto`), each has its share of the cores."""
    if hasattr(config, "workerinput"):
        several = config.workerinput["workercount"]
        numba.set_num_threads(max(1, threads() // several))


def pytest_collection_modifyitems(items):
    """Tests that ask for PyTorch or for real data are marked so, and can be left out by `-m`."""
    for item in items:
        if numba.config.DISABLE_JIT and item.get_closest_marker("compiled"):
            item.add_marker(pytest.mark.skip(reason="NUMBA_DISABLE_JIT: needs compiled kernels"))
        for fixture, mark in (("torch", "torch"), ("realdata", "realdata")):
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


@pytest.fixture(scope="session", autouse=True)
def debugging():
    """Debug mode, for the whole suite."""
    with tc.debug(os.environ.get("TINYCONV_DEBUG") != "0"):
        yield


@pytest.fixture(scope="session")
def torch():
    """PyTorch, on one thread; the test is skipped where it is not installed."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed "
                                                "(pip install 'tinyconv[bench]')")
    torch.set_num_threads(1)
    return torch


@pytest.fixture(scope="session")
def realdata():
    """The folder with real data sets; the test is skipped where $TINYCONV_DATA names none."""
    folder = os.environ.get("TINYCONV_DATA")
    if not folder:
        pytest.skip("$TINYCONV_DATA is not set: no real data to test with")
    if not Path(folder).is_dir():
        pytest.skip(f"$TINYCONV_DATA = {folder} is not a folder")
    return Path(folder)


@pytest.fixture
def interruptible():
    """Ctrl-C as Python usually answers it; a suite in the background of a shell ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def rng():
    """A generator of its own for every test, always with the same seed."""
    return np.random.default_rng(20260101)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The test is in a folder of its own, and has no published data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINYCONV_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def tinyconv(capsys):
    """Run a command; returns (status, standard output, standard error)."""
    def run(*argv):
        try:
            status = main([str(a) for a in argv])
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        return status, out, err
    return run


@pytest.fixture
def undrawn(monkeypatch):
    """Models begin with zeros: who counts weights need not wait for 140 million random numbers."""
    class Zeros:
        def normal(self, mean, deviation, count):
            return np.broadcast_to(0.0, count)
        uniform = normal
    monkeypatch.setattr(init, "default_generator", Zeros)


@pytest.fixture(scope="session")
def against_torch(torch):
    """`check_against_torch`, where PyTorch is installed."""
    return check_against_torch
