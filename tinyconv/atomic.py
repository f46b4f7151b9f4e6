"""Files written whole or not at all."""
import errno
import os
import re
import secrets
from pathlib import Path

LITTER = re.compile(r"\..+\.[0-9a-f]{8}\.part")     # what a process killed while writing leaves


def write_atomically(path, data):
    """Write bytes to `path` so that at any moment, crash or not, it is the old file or the new one.

    `data` is one piece, or a list of pieces that follow each other. They go to a temporary file in
    the same folder, are forced to the disk, and take the name in one step; then the folder is
    forced to the disk, because the name is kept there. (Windows and some network drives cannot do
    the last.) Raises the OSError that stood in the way, with the name of the folder.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")      # see LITTER
    try:
        try:
            with open(temporary, "xb") as file:
                file.writelines(data if isinstance(data, list) else [data])
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
                    raise
            finally:
                os.close(folder)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path.name!r} in this folder ({error.strerror})",
                      str(path.parent)) from error


def litter(folder):
    """The unfinished files that processes killed while writing have left in a folder."""
    return [path for path in Path(folder).iterdir() if LITTER.fullmatch(path.name)]
