"""Training for long does not fill the memory, although nobody collects garbage."""
import gc
import importlib.util
import os
import weakref
from pathlib import Path

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import nn, optim

SPEC = importlib.util.spec_from_file_location(
    "memory", Path(__file__).parents[1] / "benchmarks/trust/memory.py")
MEMORY = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MEMORY)


def step(model, optimizer, x, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


@pytest.fixture
def uncollected():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_training_step_leaves_no_object_behind(rng, uncollected):
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * 16, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = tc.tensor(rng.standard_normal((4, 1, 8, 8)).astype(np.float32)), tc.tensor([0, 1, 2, 0])
    step(model, optimizer, x, y)                           # compiling leaves something to collect
    gc.collect()
    watched = [weakref.ref(step(model, optimizer, x, y)) for _ in range(3)]
    assert [w() for w in watched] == [None] * 3
    before = len(gc.get_objects())
    for _ in range(20):
        step(model, optimizer, x, y)
    assert len(gc.get_objects()) - before < 40             # none that each step would add


@pytest.mark.compiled
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads the memory from /proc")
@pytest.mark.parametrize("steps", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_memory_is_flat_over_many_training_steps(steps):
    more = MEMORY.growth(MEMORY.training(), steps)
    assert more.arrays == 0 and more.objects < 100         # pages also tell of earlier tests


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads the memory from /proc")
def test_a_step_that_keeps_something_is_seen():
    kept = []
    more = MEMORY.growth(lambda: kept.append([np.ones(100)]) or 1.0, 200)
    assert more.arrays == 200 * 800 and more.objects >= 200 and not more.none
