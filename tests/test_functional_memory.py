"""Training for long does not fill the memory, although nobody collects garbage."""
import gc
import os
import resource
import weakref

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import models, nn, optim


def resident():
    """Bytes of this process in memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


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
    watched = [weakref.ref(step(model, optimizer, x, y)) for _ in range(3)]
    assert [w() for w in watched] == [None] * 3
    before = len(gc.get_objects())
    for _ in range(20):
        step(model, optimizer, x, y)
    assert len(gc.get_objects()) - before < 40             # none that each step would add


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads the memory from /proc")
def test_memory_is_flat_over_500_training_steps_of_lenet(rng, uncollected):
    model = models.create("lenet5", num_classes=10)
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x = tc.tensor(rng.standard_normal((32, 1, 28, 28)).astype(np.float32))
    y = tc.tensor(rng.integers(0, 10, 32))
    for _ in range(50):
        step(model, optimizer, x, y)
    before, objects = resident(), len(gc.get_objects())
    for _ in range(500):
        loss = step(model, optimizer, x, y)
    assert np.isfinite(loss.item())
    assert resident() - before < 8 * 2**20 and len(gc.get_objects()) - objects < 100
