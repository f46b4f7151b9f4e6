"""One trial: a copy of the package with one bug in it, and the ordinary tests run against it."""
import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tinyconv.kernels import compile as compiling

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "tinyconv"

# Which tests look at which files, so that they run first; all others follow.
SUBJECTS = {
    "core/walk.py": "core_walk core",
    "core/": "core core_walk ops_elementwise ops_reducing",
    "ops/arithmetic.py": "ops_elementwise",
    "ops/activations.py": "functional_activations",
    "ops/reducing.py": "ops_reducing",
    "ops/shaping.py": "ops_shaping",
    "ops/indexing.py": "ops_shaping core_walk",
    "ops/creation.py": "core ops_shaping ops_elementwise",
    "ops/dimensions.py": "ops_reducing ops_shaping",
    "ops/methods.py": "core ops_elementwise core_walk",
    "ops/algebra.py": "ops_algebra",
    "ops/convolution.py": "ops_convolution functional_convolution",
    "ops/pooling.py": "functional_pooling",
    "ops/normalization.py": "functional_normalization functional_third_derivatives",
    "ops/cross_entropy.py": "functional_losses nn_losses functional_third_derivatives",
    "nn/functional/convolution.py": "functional_convolution nn_layers",
    "nn/functional/pooling.py": "functional_pooling",
    "nn/functional/normalization.py": "functional_normalization nn_layers",
    "nn/functional/loss.py": "nn_losses functional_losses",
    "nn/functional/activation.py": "functional_activations",
    "nn/functional/dropout.py": "nn_dropout",
    "nn/layers/": "nn_layers nn_dropout nn_losses nn_init",
    "nn/module.py": "nn_module nn_containers core_walk",
    "nn/containers.py": "nn_containers",
    "nn/init.py": "nn_init core_walk",
    "nn/": "nn_layers functional_pooling functional_convolution",
    "optim/": "optim core_walk",
    "watch/anomaly.py": "watch_anomaly",
    "watch/place.py": "watch_anomaly",
    "watch/": "watch_saved watch_anomaly",
    "testing/catalogue/": "testing_catalogue",
    "testing/": "testing_steps testing_gradients testing_catalogue testing_strategies",
    "kernels/pooling.py": "kernels_pooling",
    "kernels/vectors.py": "kernels_pooling",
    "kernels/updates.py": "kernels_updates",
    "kernels/normalization.py": "kernels_normalization",
    "kernels/elementwise.py": "kernels_elementwise",
    "kernels/special.py": "kernels_elementwise",
    "kernels/cross_entropy.py": "kernels_cross_entropy",
    "kernels/sums.py": "kernels_sums",
    "kernels/turning.py": "kernels_turning",
    "kernels/images.py": "kernels_images",
    "kernels/matrix.py": "kernels_matrix",
    "kernels/winograd": "kernels_winograd kernels_weights",
    "kernels/col2im.py": "kernels_convolution functional_convolution",
    "kernels/convolution.py": "kernels_weights kernels_convolution ops_convolution",
    "kernels/neighbours.py": "kernels_convolution ops_convolution",
    "kernels/taps.py": "kernels_weights kernels_convolution ops_convolution",
    "kernels/geometry.py": "kernels_convolution ops_convolution",
    "kernels/tile.py": "kernels_matrix ops_convolution",
    "kernels/layout.py": "kernels_weights kernels_updates kernels_elementwise",
    "kernels/product.py": "kernels_weights kernels_matrix kernels_convolution",
    "kernels/": "kernels_matrix kernels_convolution kernels_elementwise",
}
# What other tests look at: the house, the data, the command line, the measuring of time.
OTHERS = re.compile("test_(architecture|benchmark|cli|data|examples|kernels_compile|"
                    "kernels_processors|planted|training_digits)")


class Outcome(NamedTuple):
    """Which test caught the bug, or "" if none did, and after how many seconds."""
    caught_by: str
    seconds: float


def order(file):
    """The test files in the order in which they run for a bug in this file of the package."""
    subject = next((names for start, names in SUBJECTS.items() if file.startswith(start)), "")
    first = [TESTS / f"test_{name}.py" for name in subject.split()]
    rest = [path for path in sorted(TESTS.glob("test_*.py")) if not OTHERS.match(path.name)]
    return first + [path for path in rest if path not in first]


def attempt(bug, timeout=900):
    """Plant the bug (None: none) in a copy and run the tests until one fails: an `Outcome`.

    Raises RuntimeError where the copy is so broken that no test can even be collected: such a bug
    proves nothing.
    """
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="planted-") as room:
        package, code = Path(room) / "tinyconv", Path(room) / "code"
        shutil.copytree(PACKAGE, package)
        if bug is not None:
            bug.plant(package)
            code.mkdir(mode=0o700)
            if compiling.folder().is_dir():
                shutil.copytree(compiling.folder(), code / "tinyconv" / "kernels")
            if bug.file.startswith("kernels/") and bug.file.count("/") == 1:
                _keep_what_is_compiled(package, bug.file)
        environment = {**os.environ, "PYTHONPATH": room, "HYPOTHESIS_PROFILE": "planted"}
        environment |= {"NUMBA_CACHE_DIR": str(code)} if bug is not None else {}
        files = order(bug.file if bug is not None else "")
        try:
            run = subprocess.run(
                [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider",
                 "-m", "not slow and not realdata", *map(str, files)],
                cwd=room, env=environment, timeout=timeout, capture_output=True, text=True)
            caught_by = _who(run)
        except subprocess.TimeoutExpired:
            caught_by = f"no end after {timeout} seconds"
    return Outcome(caught_by, time.perf_counter() - started)


def _who(run):
    """The test that failed, "" if none did."""
    if run.returncode == 0:
        return ""
    if run.returncode < 0:
        return f"the process died ({signal.Signals(-run.returncode).name})"
    failed = re.search(r"^(?:FAILED|ERROR) \S*?(test_\w+)\.py::([^\s\[]+)", run.stdout, re.M)
    if run.returncode != 1 or not failed:
        raise RuntimeError("the tests could not run:\n" + run.stdout[-2000:] + run.stderr[-2000:])
    return "::".join(failed.groups())


def _keep_what_is_compiled(package, file):
    """Let only those kernels compile again that are made of the changed file.

    Compiled code is named after the whole folder of kernels; in the copy, what does not import the
    changed file goes by the name that it has in the package itself.
    """
    folder = package / "kernels"
    uses = {path.stem: {a.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                        if isinstance(node, ast.ImportFrom) and node.level == 1
                        for a in (node.names if node.module is None else [ast.alias(node.module)])}
            for path in folder.glob("*.py")}
    changed = {Path(file).stem}
    while more := {name for name in uses if uses[name] & changed} - changed:
        changed |= more
    modules = sorted(f"tinyconv.kernels.{name}" for name in changed)
    path = folder / "compile.py"
    text = path.read_text(encoding="utf-8")
    line = "self._impl.filename_base, source_stamp())"
    if text.count(line) != 1:
        raise ValueError(f"compile.py no longer has {line!r} once")
    stamp = f"source_stamp() if f.__module__ in {modules} else {compiling.source_stamp()!r})"
    path.write_text(text.replace(line, line.replace("source_stamp())", stamp)), encoding="utf-8")
