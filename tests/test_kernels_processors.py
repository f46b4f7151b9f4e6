"""Kernels on lesser processors than this one: right, in their registers, and nothing spilled.

A process of its own asks Numba to compile for another processor. $NUMBA_CPU_FEATURES must be given,
too, or Numba adds the features of this one. Nothing here runs on NEON, whose tiles are those of
AVX-512 with shorter vectors: LLVM would have to compile, and a machine to run, for another family.
"""
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite import binding as llvm

from tinyconv.kernels import tile

HERE = Path(__file__).parent
X86 = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"),
                         reason="the lesser processors are of the x86 family")
BYTES = {"nehalem": 16, "haswell": 32}
KERNELS = [f"test_kernels_{name}.py" for name in (
    "convolution", "winograd", "matrix", "normalization", "pooling", "elementwise", "updates",
    "images", "cross_entropy", "sums")]

pytestmark = pytest.mark.compiled


def able(cpu):
    """Does this machine have the registers of that processor?"""
    return cpu == "nehalem" or llvm.get_host_cpu_features().get("avx2", False)


def run(cpu, folder, *command):
    """What `python command` prints where kernels are compiled for `cpu` (None: for this one)."""
    if cpu is not None and not able(cpu):
        pytest.skip(f"this processor cannot stand in for a {cpu}")
    chosen = {} if cpu is None else {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""}
    result = subprocess.run(
        [sys.executable, *command], cwd=HERE, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent), "NUMBA_CACHE_DIR": str(folder),
             "HYPOTHESIS_PROFILE": "glance", **chosen})
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    return result.stdout


@X86
@pytest.mark.slow
@pytest.mark.parametrize("cpu", BYTES)
def test_all_kernels_pass_their_tests_on_a_lesser_processor(cpu, tmp_path):
    run(cpu, tmp_path, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist",
        *KERNELS)


ASSEMBLY = """
import json
from numba import njit, types
from tinyconv.kernels import tile

def assembly(shape, number):
    @njit
    def product(a, row, off, b, c, out):
        sums = tile.zeros(shape, c)
        for r in range(off.size):
            sums = tile.add_outer(sums, a, row, 0, off[r], b, r * 1000)
        tile.store(sums, c, out, 0, 0, 1000)

    numbers, places = number[::1], types.intp[::1]
    product.compile((numbers, places, places, numbers, numbers, places))
    return product.inspect_asm(product.signatures[0])

print(json.dumps({"bytes": tile.VECTOR_BYTES, "tiles": [
    (shape.rows * shape.cols, assembly(shape, number))
    for shape in tile.SHAPES for number in (types.float32, types.float64)]}))
"""


@X86
@pytest.mark.parametrize("cpu", [None, *BYTES])
def test_a_tile_stays_in_registers_and_these_are_the_processors_own(cpu, tmp_path):
    found = json.loads(run(cpu, tmp_path, "-c", ASSEMBLY))
    assert found["bytes"] == BYTES.get(cpu, tile.VECTOR_BYTES)
    longer = "[yz]mm" if found["bytes"] == 16 else "zmm" if found["bytes"] == 32 else "never"
    for products, assembly in found["tiles"]:
        assert not re.search(longer, assembly), "registers that this processor does not have"
        loops = re.split(r"^\S+:.*$", assembly, flags=re.MULTILINE)
        count, loop = max((len(re.findall(r"\s(?:mul|vfn?madd\w+)p[sd]\s", loop)), loop)
                          for loop in loops)
        assert count == products
        assert not re.search(r"mov\w+\s.*[xyz]mm.*\(%r[sb]p\)|mov\w+\s.*\(%r[sb]p\).*[xyz]mm", loop), \
            "sums are put aside on the stack"
