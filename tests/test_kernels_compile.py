"""Compiled code on disk: found again, never trusted when damaged, never needed."""
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


WAIT = """
import os, numba, tinyconv as tc
tc.relu(tc.ones(100_000))
print(numba.threading_layer(), os.environ.get("GOMP_SPINCOUNT"))
"""


@pytest.mark.parametrize("given, expected", [({}, "10000"), ({"GOMP_SPINCOUNT": "77"}, "77")],
                         ids=["by default", "as the user says"])
def test_threads_without_work_give_up_their_core_soon(given, expected):
    printed, said = run(WAIT, OMP_DISPLAY_ENV="VERBOSE", **given)
    layer, left = printed.split()
    assert left == str(given.get("GOMP_SPINCOUNT"))              # the environment is as it was
    if layer != "omp" or "GOMP_SPINCOUNT" not in said:
        pytest.skip("Numba runs its threads by something else than GNU's OpenMP here")
    assert f"GOMP_SPINCOUNT = '{expected}'" in said


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
