"""Compiled code on disk: found again, never trusted when damaged, never needed."""
import gc
import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.codegen import JITCPUCodegen

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.kernels import compile as compiling

HERE = Path(__file__).parents[1]
ADD_UP = "import tinyconv as tc; print(tc.relu(tc.ones(1000)).sum().item())"

pytestmark = pytest.mark.compiled


def started(code, environment, **options):
    """A process of its own that runs `code`; what is None in its environment is not set."""
    environment = {**os.environ, "PYTHONPATH": str(HERE), **environment}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, cwd=HERE, **options,
                            env={k: v for k, v in environment.items() if v is not None})


def run(code, **environment):
    """The last line that `code` prints in a process of its own, and what it says on stderr."""
    return ended(started(code, environment))


def ended(process):
    out, said = process.communicate()
    assert process.returncode == 0, said
    return out.split("\n")[-2], said


def add_up(folder):
    return run(ADD_UP, NUMBA_CACHE_DIR=str(folder))


# ---- what can be wrong with a file ---------------------------------------------------------------

@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A folder with the code of one kernel in it."""
    folder = tmp_path_factory.mktemp("warm")
    assert add_up(folder) == ("1000.0", "tinyconv: compiling kernels (once)\n")
    return folder


@pytest.fixture
def code(warm, tmp_path):
    """The file with the code, in a folder of its own."""
    shutil.copytree(warm, tmp_path, dirs_exist_ok=True)
    [file] = tmp_path.rglob("*.code")
    return file


def test_a_kernel_is_compiled_once(warm):
    assert add_up(warm) == ("1000.0", "")


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:]


@pytest.mark.parametrize("damage", [flipped, lambda content: content[:100]],
                         ids=["a bit flipped", "cut off"])
def test_a_kernel_is_compiled_again_when_its_file_is_damaged(code, tmp_path, damage):
    code.write_bytes(damage(code.read_bytes()))
    assert add_up(tmp_path) == (
        "1000.0", f"tinyconv: compiling kernels again: {code} is damaged\n")
    if damage is flipped:
        assert add_up(tmp_path) == ("1000.0", "")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A kernel whose code lies in a folder of its own."""
    monkeypatch.setattr(compiling, "folder", lambda: tmp_path)
    monkeypatch.setattr(compiling, "_said", set())
    tmp_path.chmod(0o700)

    @compiling.kernel
    def tiny(x):
        return x[0] + 1.0
    assert tiny(np.zeros(1)) == 1
    return tiny


def test_no_damage_to_a_file_goes_unseen(tiny, tmp_path, capsys):
    spec = importlib.util.spec_from_file_location("jit", HERE / "benchmarks/trust/jit.py")
    jit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(jit)
    [file] = tmp_path.glob("*.code")
    assert jit.is_found(tiny)
    tried, found = jit.damage(tiny, file, step=331)
    assert tried > 250 and found == 0
    assert len(capsys.readouterr().err.splitlines()) <= 2    # compiled, and damaged, told once
    assert jit.is_found(tiny)                                # the file is what it was


def test_code_of_another_version_is_not_run_even_under_the_name_of_ours(
        tiny, tmp_path, monkeypatch):
    [file] = tmp_path.glob("*.code")
    other = file.read_bytes()
    monkeypatch.setattr(compiling, "source_stamp", lambda: "another version")
    tiny._cache = compiling._KernelCache(tiny.py_func)
    load = lambda: tiny._cache.load_overload(tiny.signatures[0], tiny.targetctx)    # noqa: E731
    assert load() is None                                    # it has another name
    tiny._cache.save_overload(tiny.signatures[0], next(iter(tiny.overloads.values())))
    [ours] = set(tmp_path.glob("*.code")) - {file}
    assert load() is not None
    ours.write_bytes(other)
    assert load() is None


# ---- what is compiled ----------------------------------------------------------------------------

@compiling.part
def doubled(x):
    return x + x


@compiling.part
def doubled_twice(x, room):
    return doubled(doubled(x)) + np.zeros(room).size


@pytest.fixture
def modules(monkeypatch):
    """The functions in every module of which machine code is made, and that are ours."""
    found, add = [], JITCPUCodegen._add_module

    def noted(codegen, module):
        ours = [f.name for f in module.functions if not f.is_declaration and "doubled" in f.name]
        found.extend([ours] if ours else [])
        return add(codegen, module)
    monkeypatch.setattr(JITCPUCodegen, "_add_module", noted)
    return found


@pytest.fixture
def nothing_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(compiling, "folder", lambda: tmp_path)
    monkeypatch.setattr(compiling, "_said", {"news", "trouble"})
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("parallel", [False, True])
def test_machine_code_is_made_of_a_kernel_once_and_of_no_part(parallel, modules, nothing_kept):
    @compiling.kernel(parallel=parallel)
    def all_doubled_twice(x, y):
        for i in numba.prange(len(x)):
            y[i] = doubled_twice(x[i], 0)

    x, y = np.arange(5.0), np.empty(5)
    all_doubled_twice(x, y)
    assert np.array_equal(y, 4 * x) and len(modules) == 1


def test_what_a_part_raises_arrives(nothing_kept):
    @compiling.kernel
    def room_for(size):
        return doubled_twice(1.0, size)

    assert room_for(3) == 7
    with pytest.raises((MemoryError, ValueError)):
        room_for(1 << 60)


@compiling.part
def checked(n):
    if n > 3:
        raise ValueError("too many", n)
    return n


def test_what_a_part_raises_may_tell_a_number_that_it_was_given(nothing_kept):
    @compiling.kernel
    def of_three(n):
        return checked(n)

    assert of_three(3) == 3
    with pytest.raises(ValueError) as error:
        of_three(5)
    assert error.value.args == ("too many", 5)


@pytest.mark.parametrize("on", [True, False])
def test_the_garbage_collector_is_left_as_it_was(on, nothing_kept):
    states = []

    @compiling.kernel
    def wrong(x):
        return x + "one"

    @compiling.kernel
    def right(x):
        return x + 1
    before = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        assert right(1) == 2
        states.append(gc.isenabled())
        with pytest.raises(numba.TypingError):
            wrong(1)
        states.append(gc.isenabled())
    finally:
        (gc.enable if before else gc.disable)()
    assert states == [on, on]


# ---- what can be wrong with the folder -----------------------------------------------------------

@pytest.mark.parametrize("setting", compiling.SETTINGS)
def test_code_that_was_compiled_with_another_setting_is_not_run(setting, monkeypatch):
    stamp = compiling.source_stamp.__wrapped__
    before = stamp()
    assert stamp() == before
    monkeypatch.setattr(compiling.numba.config, setting, 7)       # as NUMBA_BOUNDSCHECK=7 would
    assert stamp() != before


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of a POSIX system")
def test_the_folder_for_code_is_for_its_owner_only(warm):
    assert (warm / "tinyconv/kernels").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("home, complaint", [
    ("/dev/null", "Not a directory: '/dev/null/.cache"),       # as service users have it
    ("nowhere", "there is no home folder; $NUMBA_CACHE_DIR can name another")])
def test_without_a_folder_to_keep_code_in_the_program_works_and_says_one_line(home, complaint):
    total, said = run(ADD_UP, HOME=home, NUMBA_CACHE_DIR=None, XDG_CACHE_HOME=None)
    assert total == "1000.0" and said.count("\n") == 1
    assert said.startswith("tinyconv: compiling kernels, which cannot be kept: ")
    assert complaint in said and not (HERE / "nowhere").exists()


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path):
    folder = tmp_path / "tinyconv" / "kernels"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    total, said = add_up(tmp_path)
    assert total == "1000.0" and said.count("\n") == 1
    assert "other users can write to" in said and not list(folder.iterdir())


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit for files here")
def test_a_disk_that_is_full_leaves_no_half_file(tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    total, said = ended(started(ADD_UP, {"NUMBA_CACHE_DIR": str(tmp_path)}, preexec_fn=limit))
    assert total == "1000.0" and "cannot be kept in" in said and said.count("\n") == 2
    assert not list((tmp_path / "tinyconv/kernels").iterdir())


def test_four_processes_may_compile_at_once(tmp_path):
    several = [started(ADD_UP, {"NUMBA_CACHE_DIR": str(tmp_path)}) for _ in range(4)]
    for process in several:
        total, said = ended(process)
        assert total == "1000.0" and said in ("", "tinyconv: compiling kernels (once)\n")
    [file] = (tmp_path / "tinyconv/kernels").iterdir()         # and nothing half done
    assert file.suffix == ".code" and add_up(tmp_path) == ("1000.0", "")


def test_a_program_that_closed_its_standard_error_runs_on(tmp_path):
    closed = "import sys; sys.stderr.close(); " + ADD_UP
    assert run(closed, NUMBA_CACHE_DIR=str(tmp_path), PYTHONUNBUFFERED="1")[0] == "1000.0"


# ---- threads -------------------------------------------------------------------------------------

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


# ---- without compiling ---------------------------------------------------------------------------

PLAIN = """
import numba, numpy as np, tinyconv as tc, tinyconv.nn.functional as F
from tinyconv.kernels import tile, winograd
assert numba.config.DISABLE_JIT
C = max(tile.ONE.width(8), tile.NARROW.rows)
whole = lambda *shape: tc.tensor(np.arange(np.prod(shape)) % 7 - 3.0).reshape(*shape)
x, w, v = whole(2, C, 16, 16), whole(C, C, 3, 3), whole(2, C, 2, 2)
fits, taken = winograd.fits, []
winograd.fits = lambda *args: taken.append(fits(*args)) or taken[-1]
for a in (x, w):
    a.requires_grad_()
y = F.max_pool2d(F.conv2d(F.conv2d(x, w, padding=1), v, stride=2), 2)
(y * whole(*y.shape)).sum().backward()
assert taken[0] and not taken[1]                           # once Winograd's way, once the other
windows = np.lib.stride_tricks.sliding_window_view
h = windows(np.pad(x.data, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
h = np.einsum("nchwij,ocij->nohw", h, w.data)
h = np.einsum("nchwij,ocij->nohw", windows(h, (2, 2), (2, 3))[:, :, ::2, ::2], v.data)
assert np.allclose(y.data, windows(h, (2, 2), (2, 3))[:, :, ::2, ::2].max((4, 5)), 1e-12)
total = (y * whole(*y.shape)).sum().item()                 # linear in x, and in w
assert total and np.allclose([(a * a.grad).sum().item() for a in (x, w)], total, 1e-12)
print("equal")
"""


def test_kernels_work_as_plain_python_too():
    assert run(PLAIN, NUMBA_DISABLE_JIT="1") == ("equal", "")
