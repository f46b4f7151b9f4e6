"""Download a file: over https alone, from the first mirror that gives the right one, whole or not.

A mirror is not trusted.  What it sends is cut off when it is longer than the file can be or comes
too slowly, and believed only when its sha256 is that of the file its author published.  Until then
it has a temporary name, of its own for every process, so several may download at once; what a
process that was killed has left is removed by the next one that writes there.
"""

import re
import tempfile
from functools import partial
from pathlib import Path

from ..atomic import litter
from ..lock import shared
from . import https
from .errors import DownloadError

TEMPORARY = re.compile(r"tmp[a-z0-9_]{8}")          # what pooch calls a download that is under way
_CHUNK = 1 << 16


def download(package, folder):
    """Download a Package into `folder` from the first mirror that gives the right file.

    Returns its path.  Raises DownloadError with what each mirror said, or at once if the file
    cannot be written: `folder` is read-only, or the disk is full.
    """
    hint = (f"put {package.name} into a folder and set TINYCONV_DATA to it (see `tinyconv.data."
            f"files` for the layout)")
    if not folder.is_absolute():       # "~/.cache/…" as it stands: this user has no home
        raise DownloadError(f"there is no home folder to keep {package.name} in; set HOME, or "
                            f"{hint}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DownloadError(f"cannot write to {folder} ({error.strerror}), where {package.name} "
                            f"should go; {hint}") from error
    failures = []
    with shared(folder, unfinished):
        for mirror in package.mirrors:
            try:
                return _retrieve(mirror + package.name, folder / package.name, package)
            except _CannotWrite as error:                   # no mirror can help
                raise DownloadError(f"cannot write {package.name} in {folder} ({error}); make "
                                    f"room, or {hint}") from error
            except Exception as error:                      # the next mirror may be well
                said = " ".join(str(error).split())         # in one line
                failures.append(f"  {mirror}: {type(error).__name__}: {said}")
    raise DownloadError(f"no mirror gave {package.name}:\n" + "\n".join(failures) + f"\n{hint}")


class _CannotWrite(Exception):
    """The fault is on our side."""


def unfinished(folder):
    """The files in a folder of the cache that are being written, or were when a process died."""
    return [*litter(folder), *(path for path in Path(folder).iterdir()
                               if TEMPORARY.fullmatch(path.name) and path.is_file())]


def _retrieve(url, path, package):
    """Download one file with a progress bar: into a temporary file, checked, then renamed."""
    import pooch
    pooch.retrieve(url, known_hash=f"sha256:{package.sha256}", fname=path.name, path=path.parent,
                   downloader=partial(_transfer, limit=package.limit))
    return path


def _transfer(url, path, _, limit):
    """Write what `url` gives to the file `path`; an error if that is more than `limit` bytes."""
    from tqdm import tqdm
    allowance = https.Allowance(limit)
    with https.opener(allowance).open(url, timeout=https.SILENCE) as response, \
            open(path, "wb", buffering=0) as file:
        total = response.headers.get("Content-Length", "")
        total = int(total) if total.isdecimal() else None
        if total is not None and total > limit:
            raise ValueError(f"offers {total:,} bytes, the file has at most {limit:,}")
        with tqdm(total=total, unit="B", unit_scale=True, desc=url.rpartition("/")[2]) as bar:
            while chunk := response.read1(_CHUNK):          # read1: what is here, without waiting
                allowance.content += len(chunk)
                if allowance.content > limit:
                    raise ValueError(f"sends more than {limit:,} bytes")
                _write(file, chunk)
                bar.update(len(chunk))


def _write(file, chunk):
    """Write all of a chunk to an unbuffered file: an almost full disk takes only a part of it."""
    rest = memoryview(chunk)
    while rest:
        try:
            rest = rest[file.write(rest):]
        except OSError as error:
            raise _CannotWrite(error.strerror) from error
