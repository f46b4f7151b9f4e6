"""Let the 1st, 2nd, 3rd … call to the system fail while a checkpoint is saved: is one ever lost?

    python benchmarks/trust/saves.py

Every way of writing that a save uses is made to fail in turn, as on a disk that is full: opening,
writing (half of it is written before), flushing, forcing to the disk, closing, renaming, removing.
After each failure the newest checkpoint must be whole, and be the one before or the new one; and
the next save must succeed.
"""
import builtins
import errno
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from result import keep

from tinyconv import atomic
from tinyconv.checkpoint import series

CALLS = "open", "fsync", "replace", "close", "unlink"                        # of the module os


class Failing:
    """Counts calls, and lets the one with the number `fatal` fail."""

    def __init__(self, fatal):
        self.fatal, self.names = fatal, []

    def count(self, name):
        """Note a call; raises OSError if it is the one."""
        self.names.append(name)
        if len(self.names) == self.fatal:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def wrapped(self, name, call):
        """`call`, counted. What closes is done all the same, so that nothing stays open."""
        def counted(*args, **options):
            if name == "close":
                call(*args, **options)
            self.count(name)
            return None if name == "close" else call(*args, **options)
        return counted

    def open(self, path, mode):
        """A file whose methods are counted."""
        self.count("open a file")
        return _File(builtins.open(path, mode), self)


class _File:
    def __init__(self, file, failing):
        self.file, self.failing, self.fileno = file, failing, file.fileno

    def writelines(self, pieces):
        pieces = [bytes(piece) for piece in pieces]
        self.file.write(b"".join(pieces)[:sum(map(len, pieces)) // 2])
        self.failing.count("write")
        self.file.seek(0)
        self.file.writelines(pieces)

    def flush(self):
        self.failing.count("flush")
        self.file.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.failing.count("close the file")


@contextmanager
def patched(failing):
    """Within it all that `atomic` and `series` ask of the system goes through `failing`."""
    before = {name: getattr(os, name) for name in CALLS}
    for name, call in before.items():
        setattr(os, name, failing.wrapped(name, call))
    atomic.open = failing.open
    try:
        yield
    finally:
        del atomic.open
        for name, call in before.items():
            setattr(os, name, call)


def state(step):
    """What stands for the state of a run."""
    return {"step": step, "weight": np.full((8, 8), step, np.float32)}


def survives(folder, fatal):
    """Save with this call failing; returns (what went wrong or None, the calls that were made)."""
    for step in (1, 2):
        series.save_next(folder, step, state(step))
    failing, failed = Failing(fatal), False
    with patched(failing):
        try:
            series.save_next(folder, 3, state(3))
        except OSError:
            failed = True
    newest = series.newest(folder)
    if not np.array_equal(newest["weight"], state(newest["step"])["weight"]):
        return "the newest checkpoint is not what was saved", failing.names
    if newest["step"] not in ((2, 3) if failed else (3,)) or len(series.steps(folder)) < 2:
        return f"the checkpoints that are left are {series.steps(folder)}", failing.names
    if not failed and fatal <= len(failing.names):
        return "a failure was not reported", failing.names
    series.save_next(folder, 4, state(4))
    if series.newest(folder)["step"] != 4:
        return "the next save is not the newest", failing.names
    return None, failing.names


def every_call():
    """Fail one call after another until a save succeeds; returns (the calls, what went wrong)."""
    faults, fatal = [], 0
    while True:
        fatal += 1
        with tempfile.TemporaryDirectory() as folder:
            fault, names = survives(Path(folder), fatal)
            if fault:
                faults.append(f"call {fatal} ({names[min(fatal, len(names)) - 1]}): {fault}")
            if len(names) < fatal:
                return names, faults


if __name__ == "__main__":
    calls, faults = every_call()
    for fault in faults:
        print(fault)
    keep("saves", f"each of the {len(calls)} calls to the system that a save makes fails in turn",
         f"{len(faults)} checkpoints lost", not faults, {"calls": calls, "faults": faults})
