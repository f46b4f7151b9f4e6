"""All kernels: the same bits on any number of threads, and no memory touched that is not theirs.

The cases stand in `every_kernel.py`; they run in a process of their own, for what is tried here
takes other settings than a test runner has, or may end it.
"""
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.compiled
HERE = Path(__file__).parent
TRAIN = """
import hashlib, numba, numpy as np, tinyconv as tc, tinyconv.nn.functional as F
from tinyconv import models, optim
for threads in (1, 2, 3, 4, 8):
    numba.set_num_threads(threads)
    tc.manual_seed(0)
    model, rng, digest = models.create("resnet20"), np.random.default_rng(0), hashlib.sha256()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for N in (5, 20):                               # fewer and more images than pieces of work
        x = tc.tensor(rng.standard_normal((N, 3, 32, 32)).astype("f"))
        loss = F.cross_entropy(model(x), tc.tensor(rng.integers(0, 10, N)))
        optimizer.zero_grad(), loss.backward(), optimizer.step()
    for value in model.state_dict().values():
        digest.update(np.ascontiguousarray(value.data).tobytes())
    print(digest.hexdigest())
"""
TOUCH = """
import every_kernel, numba, numpy as np
numba.config.BOUNDSCHECK = 0
at = numba.njit(lambda x, i: x[i])
x = every_kernel.walled(np.ones(3), {behind})
print(at(x, 0) + at(x, 2), flush=True)
at(x, {place})
"""


def run(*command):
    return subprocess.run([sys.executable, *command], cwd=HERE, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(HERE.parent),
                               "NUMBA_NUM_THREADS": "8"})


def test_every_kernel_computes_the_same_bits_on_any_number_of_threads():
    done = run("every_kernel.py", "threads")
    assert done.returncode == 0, done.stderr
    assert not done.stdout, f"bits differ in\n{done.stdout}"


def test_training_gives_the_same_bits_on_any_number_of_threads():
    done = run("-c", TRAIN)
    assert done.returncode == 0, done.stderr
    digests = done.stdout.split()
    assert len(digests) == 5 and len(set(digests)) == 1


FORBIDDEN = pytest.mark.skipif(os.name != "posix", reason="pages are forbidden as on POSIX systems")


@FORBIDDEN
@pytest.mark.parametrize("side", ["before", "behind"])
def test_no_kernel_touches_what_lies_around_its_arrays(side):
    done = run("every_kernel.py", "pages", side)
    *names, last = done.stdout.split("\n")[:-1] or ["nothing"]
    assert last == "passed", f"it ended in: {last}\n{done.stderr}"
    assert len(names) > 200


@FORBIDDEN
@pytest.mark.parametrize("behind, place", [(True, 3), (False, -4)])
def test_a_kernel_that_did_would_be_found_out(behind, place):
    done = run("-c", TOUCH.format(behind=behind, place=place))
    assert done.stdout == "2.0\n" and done.returncode in (-signal.SIGSEGV, -signal.SIGBUS)
