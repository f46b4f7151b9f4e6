"""What the whole suite shares: how hard Hypothesis tries, and what is skipped where, and why.

    HYPOTHESIS_PROFILE=glance   5 examples a property
    HYPOTHESIS_PROFILE=dev      25 examples a property, new ones each time (the default)
    HYPOTHESIS_PROFILE=ci       100 examples a property, always the same (the default with $CI set)
    HYPOTHESIS_PROFILE=nightly  2 000 examples a property
    HYPOTHESIS_PROFILE=planted  25 examples, always the same ones, never simplified: see planted/
"""
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

import tinyconv as tc

COMMON = {"deadline": None, "print_blob": True,            # the first call of a kernel compiles it
          "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("glance", max_examples=5, **COMMON)
settings.register_profile("dev", max_examples=25, **COMMON)
settings.register_profile("ci", max_examples=100, derandomize=True, **COMMON)
settings.register_profile("nightly", max_examples=2_000, **COMMON)
settings.register_profile("planted", max_examples=25, derandomize=True,
                          phases=(Phase.explicit, Phase.generate), **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


def pytest_collection_modifyitems(items):
    """Tests that ask for PyTorch or for real data are marked so, and can be left out by `-m`."""
    for item in items:
        for fixture, mark in (("torch", "torch"), ("realdata", "realdata")):
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


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
def rng():
    """A generator of its own for every test, always with the same seed."""
    return np.random.default_rng(20260101)


@pytest.fixture(scope="session")
def against_torch(torch):
    """compare(ours, theirs, *arrays): the same result and the same gradients, or an AssertionError.

    Floating point arrays become tensors on both sides, with their layout here and contiguous there;
    other arrays are constants; everything else is passed on. The cotangents are random.
    """
    def compare(ours, theirs, *args, rtol=None, atol=None, gradients=True):
        floats = [i for i, a in enumerate(args)
                  if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
        mine, other = list(args), list(args)
        for i, a in enumerate(args):
            if isinstance(a, np.ndarray):
                mine[i] = tc.as_tensor(a)
                other[i] = torch.from_numpy(np.array(a, order="C"))
        for i in floats:
            mine[i].requires_grad_(gradients)
            other[i].requires_grad_(gradients)
        ys, ts = ours(*mine), theirs(*other)
        ys, ts = ([r] if hasattr(r, "shape") else list(r) for r in (ys, ts))
        single = any(args[i].dtype == np.float32 for i in floats)
        tolerance = {"rtol": rtol or (2e-5 if single else 1e-10),
                     "atol": atol or (2e-5 if single else 1e-10)}
        assert len(ys) == len(ts)
        for y, t in zip(ys, ts):
            assert y.shape == tuple(t.shape)
            assert str(y.dtype) == str(t.dtype).removeprefix("torch.")
            np.testing.assert_allclose(y.data, t.detach().numpy(), **tolerance)
        pairs = [(y, t) for y, t in zip(ys, ts) if y.dtype.kind == "f" and t.requires_grad]
        if not gradients or not pairs:
            return
        rng = np.random.default_rng(0)
        vs = [rng.standard_normal(y.shape).astype(y.dtype) for y, _ in pairs]
        gs = tc.grad([y for y, _ in pairs], [mine[i] for i in floats],
                     [tc.as_tensor(v) for v in vs], allow_unused=True)
        expected = torch.autograd.grad([t for _, t in pairs], [other[i] for i in floats],
                                       [torch.from_numpy(v) for v in vs], allow_unused=True)
        for i, g, e in zip(floats, gs, expected):
            e = np.zeros(args[i].shape) if e is None else e.numpy()
            g = np.zeros(args[i].shape, args[i].dtype) if g is None else g.data
            assert g.shape == args[i].shape and g.dtype == args[i].dtype
            np.testing.assert_allclose(g, e, **tolerance, err_msg=f"gradient of argument {i}")
    return compare
