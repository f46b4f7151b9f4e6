"""Compiled code on disk: found again, never trusted when damaged, never needed; and it computes the
same bits on any number of threads."""
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F

HERE = Path(__file__).parents[1]
ADD_UP = "import tinyconv as tc; print(tc.relu(tc.ones(1000)).sum().item())"

pytestmark = pytest.mark.compiled


def run(code, **environment):
    """The last line that `code` prints in a process of its own, and what it says on stderr."""
    result = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True,
                            env={**os.environ, "PYTHONPATH": str(HERE), **environment})
    assert result.returncode == 0, result.stderr
    return result.stdout.split("\n")[-2], result.stderr


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1:]


def test_a_kernel_is_compiled_once_and_again_when_its_file_is_damaged(tmp_path):
    def add_up():
        return run(ADD_UP, NUMBA_CACHE_DIR=str(tmp_path))
    total, said = add_up()
    assert total == "1000.0" and "compiling kernels" in said
    assert add_up() == ("1000.0", "")
    [file] = tmp_path.rglob("*.code")
    for damage in (flipped, lambda content: content[:100], lambda content: b""):
        file.write_bytes(damage(file.read_bytes()))
        total, said = add_up()
        assert total == "1000.0" and "damaged" in said
        assert add_up() == ("1000.0", "")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of a POSIX system")
def test_the_folder_for_code_is_for_its_owner_only(tmp_path):
    run(ADD_UP, NUMBA_CACHE_DIR=str(tmp_path))
    assert (tmp_path / "tinyconv/kernels").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written_to_does_not_stop_the_program(tmp_path):
    (tmp_path / "file").touch()
    total, said = run(ADD_UP, NUMBA_CACHE_DIR=str(tmp_path / "file"))
    assert total == "1000.0" and "cannot be kept" in said


TRAIN = """
import hashlib, numpy as np, tinyconv as tc, tinyconv.nn.functional as F
from tinyconv import models, optim
tc.manual_seed(0)
model, rng, digest = models.create("resnet20"), np.random.default_rng(0), hashlib.sha256()
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for N in (5, 20):                                   # fewer and more images than pieces of work
    x = tc.tensor(rng.standard_normal((N, 3, 32, 32)).astype("f"))
    loss = F.cross_entropy(model(x), tc.tensor(rng.integers(0, 10, N)))
    optimizer.zero_grad(), loss.backward(), optimizer.step()
for value in model.state_dict().values():
    digest.update(np.ascontiguousarray(value.data).tobytes())
print(digest.hexdigest())
"""

EACH_KERNEL = """
import hashlib, numpy as np
from tinyconv.kernels import (convolution, elementwise, matrix, normalization, pooling, special,
                              sums, updates)
from tinyconv.kernels.geometry import Geometry
from tinyconv.kernels.pooling import Range
rng, digest = np.random.default_rng(0), hashlib.sha256()

def keep(*results):
    for y in results:
        digest.update(np.ascontiguousarray(y).tobytes())

for dtype in "fd":
    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)

    geometry = Geometry((2, 9, 9), (1, 3, 3), (1, 2, 1), (0, 1, 1), (0, 1, 2), (1, 1, 2))
    for N, C, O, groups in ((1, 33, 9, 1), (5, 6, 34, 2), (35, 17, 17, 17)):
        x, w, g = draw(N, C, 2, 9, 9), draw(O, C // groups, 1, 3, 3), draw(N, O, *geometry.output)
        keep(convolution.conv(x, w, draw(O), geometry, groups),
             convolution.conv_input(g, w, geometry, groups),
             convolution.conv_weight(x, g, geometry, groups))
        windows = pooling.windows(x.shape[2:], [Range(np.array(a), np.array(b), 1) for a, b in
                                  (([0], [2]), ([0, 3, 5], [3, 5, 9]), ([0, 1, 4], [1, 4, 9]))])
        y, where = pooling.window_max(x, windows)
        total = pooling.window_sum(x, windows, 1 / windows.counts)
        keep(y, where, pooling.take(x, where), pooling.put(y, where, x.shape[2:]),
             pooling.put(y, where, x.shape[2:], windows), total,
             pooling.window_spread(total, windows, 1 / windows.counts))
    keep(matrix.matmul(draw(300, 600), draw(600, 33)), matrix.matmul(draw(3, 70, 9), draw(9, 5)))
    x, g, extra = draw(3, 5000, 33)
    vectors = draw(5, 33)
    keep(*normalization.moments(x), normalization.normalize(x, *vectors[:3], extra, True),
         *normalization.sums(g, x, *vectors[:4]),
         *normalization.masked_sums(g, extra, x, *vectors[:2]),
         normalization.pull(g, x, *vectors), sums.middle_sums(x.reshape(5, 1000, 33)))
    x, g = draw(2, 100_000)
    keep(elementwise.relu(x), elementwise.relu_pull(g, x), special.erf(x))
    updates.sgd(x, g, None, 0.1, 0.01, 0.0, 1.0, False)
    keep(x)
print(digest.hexdigest())
"""


@pytest.mark.parametrize("code", [TRAIN, EACH_KERNEL], ids=["training", "each kernel"])
def test_the_same_bits_on_any_number_of_threads(code):
    assert len({run(code, NUMBA_NUM_THREADS=str(threads))[0] for threads in (1, 2, 3)}) == 1


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path):
    folder = tmp_path / "tinyconv" / "kernels"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    total, said = run(ADD_UP, NUMBA_CACHE_DIR=str(tmp_path))
    assert total == "1000.0" and "other users can write to" in said and not list(folder.iterdir())


def test_python_threads_may_run_kernels_at_the_same_time():
    x, w = tc.randn(4, 3, 9, 9), tc.randn(5, 3, 3, 3)
    expected, found = F.conv2d(x, w).data, []
    threads = [threading.Thread(target=lambda: found.append(F.conv2d(x, w).data)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and all(np.array_equal(y, expected) for y in found)


FORK = """
import os, tinyconv as tc
tc.relu(tc.ones(3))
child = os.fork()
if not child:
    try:
        tc.relu(tc.ones(3))
    except RuntimeError as error:
        os._exit(7 if "spawn" in str(error) else 1)
    os._exit(0)
print("child said", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_is_told_that_kernels_cannot_run_there():
    assert run(FORK)[0] == "child said 7"
