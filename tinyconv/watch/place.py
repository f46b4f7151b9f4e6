"""Where in the user's code an operation was called."""
import os
import sys
from pathlib import Path
from typing import NamedTuple

PACKAGE = str(Path(__file__).parents[1]) + os.sep
MACHINERY = tuple(PACKAGE + room + os.sep for room in ("core", "kernels", "ops", "nn", "watch"))
COMMAND = PACKAGE + "__main__.py"
# Modules that stand between a user's line and ours: decorators, contexts, progress bars.
BETWEEN = sys.stdlib_module_names | {"numpy", "numba", "tqdm"}


class Place(NamedTuple):
    """A line of code; with `through`, the line of this package that it got there by."""
    file: str
    line: int
    through: str = ""

    def __str__(self):
        return f"{self.file}:{self.line}" + (f" (through {self.through})" if self.through else "")


def here():
    """The innermost line that is neither of this package nor of Python or of what it runs on.

    A model or a training loop of ours is named, too: there the user's line says little. It alone is
    named where nothing else runs, as in `tinyconv train`.
    """
    frame, own = sys._getframe(1), None
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(PACKAGE):
            if own is None and not file.startswith(MACHINERY):
                own = Place("tinyconv/" + Path(file[len(PACKAGE):]).as_posix(), frame.f_lineno)
            if file == COMMAND:                            # what starts a command is no user's line
                return own
        elif str(frame.f_globals.get("__name__")).partition(".")[0] not in BETWEEN:
            return Place(file, frame.f_lineno, str(own or ""))
        frame = frame.f_back
    return own
