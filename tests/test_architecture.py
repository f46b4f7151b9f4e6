"""The house keeps its shape: imports go downwards and in no circle, files are small, no pickle.

Every file is parsed, none is imported. The rules are one function from a folder to a list of
complaints, and that function is itself shown houses with each kind of fault planted in them.
"""
import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tinyconv"

FLOORS = {"atomic": 0, "core": 0, "drawing": 0, "interrupt": 0, "kernels": 0, "lock": 0,
          "machine": 0,
          "random": 0,
          "ops": 1, "watch": 1,
          "nn": 2,
          "optim": 3, "data": 3, "checkpoint": 3, "vision": 3,
          "models": 4,
          "training": 5, "insight": 5, "testing": 5, "benchmark": 5,
          "report": 6,
          "cli": 7,
          "__main__": 8, "__init__": 8}
LONGEST = 400                          # lines of a file
WIDEST = 100                           # characters of a line
BANNED_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve"}
BANNED_CALLS = {"eval", "exec", "extractall", "__import__", "import_module"}
BANNED_NAMES = {"TYPE_CHECKING"}
AT_IMPORT = {"numpy", "numba", "llvmlite"}     # all else is imported by the function that needs it
EXCEPTIONS = {"testing/strategies.py": {"hypothesis"},
              "benchmark/sides/theirs.py": {"torch"},      # these two only PyTorch's process imports
              "benchmark/sides/torch_models.py": {"torch"}}


# ---- the rules -----------------------------------------------------------------------------------

def complaints(package):
    """Everything that is wrong with the house, one line each."""
    files = {_module(path, package): path for path in sorted(package.rglob("*.py"))}
    trees = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in files.items()}
    edges = {module: _own_imports(tree, module, files, package.name)
             for module, tree in trees.items()}
    found = [*_twins(package)]
    for module, path in files.items():
        where = path.relative_to(package).as_posix()
        found += [f"{where}: {what}" for what in [
            *_floor_faults(module, edges[module]),
            *_name_and_size_faults(path),
            *_syntax_faults(trees[module], where, package.name)]]
    found += [f"{folder.relative_to(package).as_posix()}: has no __init__.py, so that pip would "
              "leave it out" for folder in sorted({path.parent for path in files.values()})
              if not (folder / "__init__.py").is_file()]
    return found + [f"circle: {' → '.join(circle)}" for circle in _circles(edges)]


def _module(path, package):
    """`nn.functional` for nn/functional/__init__.py, `__init__` for the package itself."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _twins(package):
    """Two modules of one name, a file beside a folder."""
    for path in sorted(package.rglob("*.py")):
        if path.with_suffix("").is_dir():
            where = path.relative_to(package).as_posix()
            yield f"{where}: {where[:-3]}/ is a module of the same name, Python sees only one"


def _own_imports(tree, module, files, name):
    """{imported module of this package: (line, within a function)}"""
    found = {}

    def visit(node, inside):
        targets = []
        if isinstance(node, ast.Import):
            targets = [a.name.split(".")[1:] or ["__init__"] for a in node.names
                       if a.name.split(".")[0] == name]
        elif isinstance(node, ast.ImportFrom):
            base = _base_of(node, module, files, name)
            if base is not None:
                for a in node.names:
                    deeper = ".".join([*base, a.name])
                    targets.append([*base, a.name] if deeper in files else base or ["__init__"])
        for target in targets:
            before = found.get(".".join(target), (node.lineno, False))
            found[".".join(target)] = (before[0], before[1] or inside)
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            visit(child, inside)
    visit(tree, False)
    return found


def _base_of(node, module, files, name):
    """The module that `from … import` names, as parts below the package; None if not ours."""
    parts = node.module.split(".") if node.module else []
    if node.level == 0:
        return parts[1:] if parts[0] == name else None
    here = [] if module == "__init__" else module.split(".")
    is_package = module == "__init__" or files[module].name == "__init__.py"
    up = node.level - 1 if is_package else node.level
    return here[:len(here) - up] + parts


def _floor_faults(module, imports):
    room = module.split(".")[0]
    if room not in FLOORS:
        yield f"the room {room} is on no floor: give it one in {Path(__file__).name}"
        return
    for target, (line, inside) in imports.items():
        other = target.split(".")[0]
        if inside:
            yield f"line {line} imports {target} inside a function"
        if other != room and FLOORS.get(other, 99) >= FLOORS[room]:
            yield (f"line {line}: {room} (floor {FLOORS[room]}) imports {target} "
                   f"(floor {FLOORS.get(other)}): imports go downwards")


def _name_and_size_faults(path):
    if "utils" in path.stem or "util" in path.parts or "utils" in path.parts:
        yield "is called utils: say what is inside"
    lines = path.read_text(encoding="utf-8").split("\n")
    if len(lines) - 1 > LONGEST:
        yield f"has {len(lines) - 1} lines, more than {LONGEST}: it is about two things"
    for number, line in enumerate(lines, 1):
        if len(line) > WIDEST:
            yield f"line {number} has {len(line)} characters, more than {WIDEST}"


def _syntax_faults(tree, where, name):
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for root in _outside_roots(node):
                if root in BANNED_MODULES:
                    yield f"line {line} imports {root}"
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", None))
            mode = isinstance(node.func, ast.Attribute) and called in ("eval", "exec")
            if called in BANNED_CALLS and not mode:           # model.eval() is another matter
                yield f"line {line} calls {called}"
            for keyword in node.keywords:
                value = getattr(keyword.value, "value", True)
                if keyword.arg == "allow_pickle" and value is not False:
                    yield f"line {line} allows pickle"
        if isinstance(node, (ast.Name, ast.alias)):
            if (getattr(node, "id", None) or getattr(node, "name", None)) in BANNED_NAMES:
                yield f"line {line} mentions {BANNED_NAMES}"
        if isinstance(node, ast.Attribute) and node.attr in BANNED_NAMES:
            yield f"line {line} mentions {BANNED_NAMES}"
    allowed = AT_IMPORT | sys.stdlib_module_names | {name} | EXCEPTIONS.get(where, set())
    for node in _at_import(tree):
        for root in _outside_roots(node):
            if root not in allowed:
                yield f"line {node.lineno} imports {root} at import time: only where it is needed"


def _outside_roots(node):
    if isinstance(node, ast.Import):
        return [a.name.split(".")[0] for a in node.names]
    return [node.module.split(".")[0]] if node.level == 0 else []


def _at_import(node):
    """The import statements that run when the file is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _at_import(child)


def _circles(edges):
    """Every circle of imports once, found by walking depth first."""
    state, found = {}, []

    def walk(module, path):
        state[module] = "open"
        for target in edges.get(module, {}):
            if state.get(target) == "open":
                found.append([*path[path.index(target):], target])
            elif target not in state:
                walk(target, [*path, target])
        state[module] = "done"
    for module in edges:
        if module not in state:
            walk(module, [module])
    return found


# ---- this house ----------------------------------------------------------------------------------

def test_the_house_keeps_all_its_rules():
    found = complaints(PACKAGE)
    assert not found, "\n" + "\n".join(found)


def test_importing_the_package_needs_only_numpy_and_numba_and_less_than_a_second():
    # the processor's time: the clock on the wall also counts what else a busy machine does
    code = ("import sys, time; t = time.process_time(); import tinyconv; "
            "print(time.process_time() - t, *{m.split('.')[0] for m in sys.modules})")
    runs = [subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, check=True,
                           capture_output=True, text=True).stdout.split() for _ in range(3)]
    ours = {m for m in runs[0][1:] if m not in sys.stdlib_module_names and not m.startswith("_")}
    bare = subprocess.run([sys.executable, "-c", "import sys, numba; print(*{m.split('.')[0] "
                           "for m in sys.modules})"], check=True, capture_output=True, text=True)
    strangers = ours - set(bare.stdout.split()) - AT_IMPORT - {"tinyconv"}
    assert not strangers, f"import tinyconv also imports {strangers}"
    assert min(float(run[0]) for run in runs) < 1.0


# ---- planted faults ------------------------------------------------------------------------------

@pytest.fixture
def house(tmp_path):
    """A small house without a fault, with a way to plant one."""
    root = tmp_path / "tinyconv"
    for path, text in {
            "__init__.py": "from . import core, ops, nn\n",
            "core.py": "import numpy as np\n",
            "ops/__init__.py": "from .arithmetic import mul\n",
            "ops/arithmetic.py": "from ..core import add\ndef mul(): pass\n",
            "nn/__init__.py": "from . import functional\n",
            "nn/functional.py": "from ..ops import arithmetic\nfrom tinyconv.core import add\n",
            "optim/__init__.py": "", "data/__init__.py": "",
            "testing/__init__.py": "", "testing/strategies.py": "import hypothesis\n",
            "__main__.py": "from .nn import functional\n"}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    def plant(path, text):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with open(root / path, "a", encoding="utf-8") as file:
            file.write(text)
        return complaints(root)
    return plant


def test_a_house_in_order_draws_no_complaint(house):
    assert house("core.py", "") == []


@pytest.mark.parametrize("path, text, complaint", [
    ("core.py", "from .ops import mul\n", "imports go downwards"),
    ("core.py", "from . import nn\n", "imports go downwards"),
    ("core.py", "import tinyconv.nn.functional\n", "imports go downwards"),
    ("ops/arithmetic.py", "from .. import something\n", "imports go downwards"),
    ("optim/sgd.py", "from ..data import load\n", "imports go downwards"),
    ("kernels/tile.py", "from ..core import Tensor\n", "imports go downwards"),
    ("nn/layers.py", "from . import functional\n", None),
    ("ops/arithmetic.py", "from . import mul\n", "circle"),
    ("ops/arithmetic.py", "from .arithmetic import mul\n", "circle"),
    ("nn/utils.py", "", "utils"),
    ("nn/_utils.py", "", "utils"),
    ("utils/__init__.py", "", "utils"),
    ("nn/functional.py", "def f():\n    from ..core import add\n", "inside a function"),
    ("core.py", "def f():\n    from . import nn\n", "inside a function"),
    ("nn/functional.py", "def f():\n    import tinyconv.core\n", "inside a function"),
    ("nn/functional.py", "from typing import TYPE_CHECKING\n", "TYPE_CHECKING"),
    ("nn/functional.py", "import typing\nif typing.TYPE_CHECKING: pass\n", "TYPE_CHECKING"),
    ("nn/functional.py", "import importlib\nimportlib.import_module('x')\n", "import_module"),
    ("nn/functional.py", "x = 1\n" * 401, "more than 400"),
    ("nn/functional.py", "x = 1\n#" + "=" * 100 + "\n", "line 4 has 101 characters, more than 100"),
    ("nn/functional.py", "#" + "∂" * 99 + "\n", None),
    ("core/walk.py", "", "core.py: core/ is a module of the same name"),
    ("ops.py", "", "ops.py: ops/ is a module of the same name"),
    ("nn/functional.py", "import pickle\n", "pickle"),
    ("nn/functional.py", "def f():\n    from marshal import loads\n", "marshal"),
    ("nn/functional.py", "eval('1')\n", "eval"),
    ("nn/functional.py", "exec('1')\n", "exec"),
    ("nn/functional.py", "model.eval()\n", None),
    ("nn/functional.py", "np.load(f, allow_pickle=True)\n", "allows pickle"),
    ("nn/functional.py", "np.load(f, allow_pickle=flag)\n", "allows pickle"),
    ("nn/functional.py", "np.load(f, allow_pickle=False)\n", None),
    ("nn/functional.py", "archive.extractall()\n", "extractall"),
    ("nn/functional.py", "import matplotlib.pyplot as plt\n", "at import time"),
    ("nn/functional.py", "def f():\n    import matplotlib\n", None),
    ("testing/points.py", "import hypothesis\n", "at import time"),
    ("attic/boxes.py", "", "on no floor"),
    ("kernels/tile.py", "", "kernels: has no __init__.py"),
])
def test_a_planted_fault_is_found(house, path, text, complaint):
    found = house(path, text)
    if complaint is None:
        assert found == []
    else:
        assert any(complaint in line for line in found), found


def test_a_circle_through_several_files_is_found(house):
    house("nn/a.py", "from .b import f\n")
    house("nn/b.py", "from .c import f\n")
    found = house("nn/c.py", "from . import a\n")
    assert any("nn.a → nn.b → nn.c → nn.a" in line for line in found)


@pytest.mark.parametrize("path, text", [
    ("core/walk.py", "from ..nn import functional\n"),                # an upward import
    ("nn/utils.py", "def anything():\n    pass\n"),                   # a room for everything
])
def test_a_fault_planted_in_a_copy_of_this_house_is_found(tmp_path, path, text):
    copy = tmp_path / "tinyconv"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = complaints(copy)
    with open(copy / path, "a") as file:
        file.write(text)
    assert len(complaints(copy)) > len(before)


def test_a_circle_planted_in_a_copy_of_this_house_is_found(tmp_path):
    copy = tmp_path / "tinyconv"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "ops/left.py").write_text("from . import right\n")
    (copy / "ops/right.py").write_text("from . import left\n")
    assert any("circle: ops.left" in line for line in complaints(copy))
