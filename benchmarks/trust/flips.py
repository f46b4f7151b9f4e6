"""Cut a checkpoint of 4 KB short at every byte, and flip every single bit: is it ever accepted?

    python benchmarks/trust/flips.py
"""
import os
import tempfile
from pathlib import Path

import numpy as np
from result import keep

from tinyconv.checkpoint import Damaged, read_checkpoint, save_checkpoint


def small(path):
    """Write a checkpoint of about 4 KB; returns its bytes."""
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(27, 29)).astype(np.float32)
    save_checkpoint(path, {"step": 3, "lr": 0.1, "seen": [1, 2], "model": {"weight": weight},
                           "generators": generator.bit_generator.state,
                           "optimizer": {"momentum": weight[0]}})
    return path.read_bytes()


def truncations(path, content):
    """Cut the file at every length; yields the lengths that were accepted."""
    path.write_bytes(content)
    for length in reversed(range(len(content))):
        os.truncate(path, length)
        if _accepted(path):
            yield length


def flips(path, content):
    """Flip every bit; yields (byte, bit) of each that was not noticed."""
    path.write_bytes(content)
    with open(path, "r+b", buffering=0) as file:
        for place, byte in enumerate(content):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit]), place)
                if _accepted(path):
                    yield place, bit
            os.pwrite(file.fileno(), bytes([byte]), place)


def _accepted(path):
    """Whether the file can be read; an error of any other kind than Damaged is not caught."""
    try:
        read_checkpoint(path)
    except Damaged:
        return False
    return True


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint")
        content = small(path)
        cut, flipped = list(truncations(path, content)), list(flips(path, content))
    n = len(content)
    keep("flips", f"a checkpoint of {n:,} bytes, cut short at each of {n:,} lengths and each of "
         f"its {8 * n:,} bits flipped", f"{len(cut) + len(flipped)} accepted",
         not (cut or flipped), {"bytes": n, "cut and accepted": cut,
                                "flipped and accepted": flipped})
