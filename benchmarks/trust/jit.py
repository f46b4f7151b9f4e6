"""Compiled code on disk, damaged in every way: none of it runs, and programs work all the same.

    python benchmarks/trust/jit.py [--step N] [--programs N]

Every bit of the file of a kernel is flipped and every length cut (or every N-th), and the kernel
looks for its code. Then programs are run, each on a file that was damaged at random.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = "import tinyconv as tc; print(tc.relu(tc.ones(1000)).sum().item())"


def is_found(kernel):
    """Whether a kernel of one signature finds its code on disk."""
    return kernel._cache.load_overload(kernel.signatures[0], kernel.targetctx) is not None


def damage(kernel, file, step=1):
    """Flip bits and cut lengths, every `step`-th: how many files were tried, how many were found.

    What no step leaves out: an empty file, zeros, bytes more at the end, everything twice. In the
    end the file is what it was.
    """
    whole, tried, found = file.read_bytes(), 0, 0
    for content in _damaged(whole, step):
        file.write_bytes(content)
        tried, found = tried + 1, found + is_found(kernel)
    file.write_bytes(whole)
    return tried, found


def _damaged(whole, step):
    yield from (b"", bytes(len(whole)), whole + b"\0", whole + whole, whole[1:])
    for bit in range(0, 8 * len(whole), step):
        yield flipped(whole, bit)
    for length in range(0, len(whole), step):
        yield whole[:length]


def flipped(whole, bit):
    """The same bytes but for one bit."""
    content = bytearray(whole)
    content[bit // 8] ^= 1 << bit % 8
    return bytes(content)


def run_program(folder):
    """Whether a program with its code in this folder gave the right answer, and what it said."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True,
                         env={**os.environ, "NUMBA_CACHE_DIR": str(folder)})
    return run.returncode == 0 and run.stdout == "1000.0\n", run.stderr


def damaged_programs(folder, count, rng):
    """How many of `count` programs, each on a damaged file, were right and said just one line."""
    run_program(folder)
    [file] = Path(folder).rglob("*.code")
    good = 0
    for i in range(count):
        whole = file.read_bytes()
        file.write_bytes(flipped(whole, rng.randrange(8 * len(whole))) if i % 2 else
                         whole[:rng.randrange(len(whole))])
        right, said = run_program(folder)
        good += right and said.count("\n") == 1 and "is damaged" in said
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--programs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        os.environ["NUMBA_CACHE_DIR"] = folder   # read when the first kernel is made
        import numpy as np
        from result import keep                  # which counts the seconds from here

        from tinyconv.kernels.compile import kernel

        @kernel
        def tiny(x):
            return x[0] + 1.0
        tiny(np.zeros(1))
        [file] = Path(folder).rglob("*.code")
        assert is_found(tiny)
        size = file.stat().st_size
        tried, found = damage(tiny, file, args.step)
        good = damaged_programs(other, args.programs, random.Random(args.seed))
    keep("jit", what=f"Compiled code on disk damaged in {tried:,} ways (each bit flipped, each "
         f"length cut); {args.programs} programs run on damaged code",
         found=f"{found} of them taken for good; {good} programs right, with one line each",
         good=found == 0 and good == args.programs,
         details={"bytes": size, "step": args.step, "seed": args.seed})


if __name__ == "__main__":
    main()
