"""The same bits on 1, 2, 3, 4 and 8 threads, with kernels compiled now or read from the disk?

    python benchmarks/trust/bits.py             20 steps of LeNet-5 and 5 of ResNet-20, ten times
    python benchmarks/trust/bits.py --short     fewer steps, one process, kernels as they are kept

For every number of threads a process with a cache of kernels of its own trains twice: cold, when it
compiles them, and warm, when a second process reads them. What is compared is the sha256 of all
weights, buffers and memories of the optimiser and of the log. And so that one knows that the
comparison can fail: the same with each batch cut into as many parts as there are threads, whose
gradients are then added, as other libraries do: another order of summation.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import numba
import numpy as np
from result import keep

from tinyconv import data, models, random, training
from tinyconv.core import Tensor
from tinyconv.nn import functional as F
from tinyconv.training import Recipe, loop

THREADS = 1, 2, 3, 4, 8
STEPS = {"lenet5": 20, "resnet20": 5}
SHORT = {"lenet5": 6, "resnet20": 2}
BATCH = 32


# ---- one training --------------------------------------------------------------------------------

def train(name, steps):
    """The sha256 of all that `steps` steps and an evaluation have made."""
    generator = np.random.default_rng(0)
    C, side = (3, 32) if name == "resnet20" else (1, 28)
    images = generator.integers(0, 256, (steps * BATCH, C, side, side)).astype(np.uint8)
    dataset = data.Dataset("noise", images, generator.integers(0, 10, steps * BATCH),
                           tuple("0123456789"))
    random.manual_seed(0)
    model, runs = models.create(name), []
    history = training.fit(model, dataset, test=dataset[:64], seed=0, progress=False,
                           recipe=Recipe(epochs=1, batch_size=BATCH, augment="shift=2,flip"),
                           callbacks=[lambda event, run: runs.append(run)])
    sums = hashlib.sha256()
    for tensor in model.state_dict().values():
        sums.update(tensor.data.tobytes())
    for memory in runs[-1].optimizer.state_dict()["state"].values():
        sums.update(memory["momentum_buffer"].tobytes())
    sums.update(json.dumps([{key: value for key, value in record.items()
                             if key not in ("seconds", "images_per_second")}
                            for record in history]).encode())
    return sums.hexdigest()


def in_parts(run, x, y):
    """In place of `loop._step`: the batch in as many parts as there are threads, added up."""
    run.optimizer.zero_grad()
    parts = np.array_split(np.arange(len(y)), numba.get_num_threads())
    for part in parts:
        output = run.model(Tensor(x.data[part]))
        loss = F.cross_entropy(output, Tensor(y.data[part])) * (len(part) / len(y))
        loss.backward()
        run.seen += len(part)
        run.loss_sum += loss.item() * len(y)
        run.correct += int((output.data.argmax(axis=1) == y.data[part]).sum())
    run.optimizer.step()


def worker(plan):
    """Print what was found for each number of threads, as JSON: what the child processes do."""
    found = {}
    if plan["planted"]:
        loop._step = in_parts
    for threads in plan["threads"]:
        numba.set_num_threads(threads)
        found[threads] = {name: train(name, steps) for name, steps in plan["steps"].items()}
    print(json.dumps(found))


# ---- all of them ---------------------------------------------------------------------------------

def sums(threads, steps, cache=None, planted=False):
    """{threads: {model: sha256}} from a process of its own."""
    environment = {**os.environ, "NUMBA_NUM_THREADS": str(max(threads))}
    if cache:
        environment["NUMBA_CACHE_DIR"] = cache
    plan = json.dumps({"threads": threads, "steps": steps, "planted": planted})
    done = subprocess.run([sys.executable, __file__, "--worker", plan], env=environment,
                          check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def short():
    """The sums with the kernels that are kept, and with the planted fault, in two processes."""
    threads = [1, 2, 3, 8]
    return sums(threads, SHORT), sums([1, 2], {"lenet5": SHORT["lenet5"]}, planted=True)


def long():
    """The sums for each number of threads, cold and warm, in a process each."""
    found = {}
    for threads in THREADS:
        with tempfile.TemporaryDirectory() as cache:
            for state in ("cold", "warm"):
                found[f"{threads} {state}"] = sums([threads], STEPS, cache)[str(threads)]
                print(threads, state, found[f"{threads} {state}"], flush=True)
    return found, sums([1, 2], {"lenet5": STEPS["lenet5"]}, planted=True)


def distinct(found):
    """How many different results there are of each model."""
    names = next(iter(found.values()))
    return {name: len({result[name] for result in found.values()}) for name in names}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="quickly; print, and keep nothing")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(json.loads(args.worker))
        return
    found, planted = short() if args.short else long()
    same = set(distinct(found).values()) == {1}
    seen = distinct(planted)["lenet5"] > 1
    if args.short:
        print(json.dumps({"same": same, "planted seen": seen, "found": found}))
        sys.exit(0 if same and seen else 1)
    keep("bits", f"{STEPS['lenet5']} steps of LeNet-5 and {STEPS['resnet20']} of ResNet-20 on "
         f"{', '.join(map(str, THREADS))} threads, kernels just compiled or read from the disk",
         f"{len(found)} runs, {max(distinct(found).values())} result each; a planted change of the "
         f"order of summation is {'noticed' if seen else 'NOT noticed'}", same and seen,
         {"sha256": found, "planted": planted})


if __name__ == "__main__":
    main()
