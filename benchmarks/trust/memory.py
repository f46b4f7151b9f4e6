"""Train for long without garbage collection: what stays behind in memory?

    python benchmarks/trust/memory.py [--steps 10000]

LeNet with batch norm and dropout, by Adam with a schedule: whatever keeps something from step to
step. It is counted after the first tenth, when every kernel is compiled and every buffer there, and
at the end.
"""
import argparse
import gc
import resource
import tracemalloc
from typing import NamedTuple

import numpy as np

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import nn, optim

BATCH = 32


class Growth(NamedTuple):
    """What steps left behind: memory of the process, bytes in arrays, objects of Python's."""
    resident: int
    arrays: int
    objects: int

    @property
    def none(self):
        """Whether that is nothing, but for pages begun and a cache that came to be filled."""
        return self.resident <= 1 << 20 and self.arrays <= 0 and self.objects < 100


def resident():
    """Bytes of this process in memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def training(seed=0):
    """A function that trains for one step and returns the loss."""
    tc.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Dropout(0.2), nn.Linear(16 * 25, 84), nn.Tanh(), nn.Linear(84, 10))
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10_000)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((BATCH, 1, 28, 28)).astype(np.float32)
    y = rng.integers(0, 10, BATCH)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(tc.tensor(x)), tc.tensor(y))
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss.item()
    return step


def growth(step, steps):
    """The `Growth` by `steps` steps, uncollected, after a tenth as many."""
    def now():
        return resident(), _in_arrays(), len(gc.get_objects())

    step()                                       # what compiling leaves to collect is not of a step
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(steps // 10):
            step()
        now()                                    # looking takes memory, too: the first time
        before = now()
        for _ in range(steps):
            loss = step()
        assert np.isfinite(loss)
        return Growth(*(b - a for a, b in zip(before, now())))
    finally:
        tracemalloc.stop()
        gc.enable()


def _in_arrays():
    """Bytes that NumPy holds. (Python keeps dead tuples for the next ones: its own say little.)"""
    traces = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    return sum(trace.size for trace in traces.traces)


def main():
    from result import keep                      # which counts the seconds from here
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10_000)
    args = parser.parse_args()
    more = growth(training(), args.steps)
    keep("memory", what=f"{args.steps:,} training steps of LeNet, the garbage collector off",
         found=f"{more.resident / 1024:+,.0f} KiB of the process, {more.arrays:+,} bytes in "
               f"arrays, {more.objects:+,} objects",
         good=more.none, details={**more._asdict(), "batch": BATCH})


if __name__ == "__main__":
    main()
