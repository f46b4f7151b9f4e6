"""Folders that belong to one process at a time, and those that several write to.

The lock is the system's, on the folder itself: there is no file to be left behind, and however a
process ends, killed or not, its locks are gone.
"""
import os
import warnings
from contextlib import contextmanager, suppress

try:
    import fcntl
except ImportError:                    # Windows
    fcntl = None


class Locked(RuntimeError):
    """Another run is writing to this folder at this moment."""


@contextmanager
def locked(folder):
    """Within it this folder is ours; raises Locked if it is somebody else's.

    Where folders cannot be locked (Windows, some network drives) there is a warning instead.
    """
    handle = None
    try:
        handle = _opened(folder)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Locked(f"another run is writing to the folder {folder} at this moment; wait until it "
                     "has ended, or choose another folder") from None
    except OSError as error:
        warnings.warn(f"the folder {folder} cannot be locked ({error.strerror or error}): make "
                      "sure that no other run writes to it", RuntimeWarning, stacklevel=3)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def shared(folder, litter):
    """Within it files may be written to this folder, which others may do, too.

    What they leave unfinished when they are killed, the files that `litter(folder)` lists, is
    removed first, if nobody else is writing: else it might be theirs. Where folders cannot be
    locked it stays.
    """
    handle = None
    try:
        handle = _opened(folder)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in litter(folder):
            path.unlink(missing_ok=True)
    except OSError:                    # others are writing, or it cannot be locked
        pass
    try:
        if handle is not None:
            with suppress(OSError):    # some network drives have folders, but no locks
                fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _opened(folder):
    if fcntl is None:
        raise OSError("this system has no flock")
    return os.open(folder, os.O_RDONLY)
