"""Download a file: over https alone, from the first mirror that gives the right one, whole or not.

A mirror is not trusted.  What it sends is cut off when it is longer than the file can be or comes
too slowly, and believed only when its sha256 is that of the file its author published.  Until then
it has a temporary name, of its own for every process, so several may download at once.
"""

import tempfile
import time
from functools import partial

from .errors import DownloadError

SILENCE = 30                           # seconds that a mirror may be silent
PATIENCE = 60                          # seconds after which a mirror must have been fast enough
SLOWEST = 4096                         # bytes per second, on average, that are fast enough
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
    for mirror in package.mirrors:
        try:
            return _retrieve(mirror + package.name, folder / package.name, package)
        except _CannotWrite as error:   # no mirror can help
            raise DownloadError(f"cannot write {package.name} in {folder} ({error}); make room, "
                                f"or {hint}") from error
        except Exception as error:      # whatever it is, the next mirror may be well
            said = " ".join(str(error).split())             # in one line
            failures.append(f"  {mirror}: {type(error).__name__}: {said}")
    raise DownloadError(f"no mirror gave {package.name}:\n" + "\n".join(failures) + f"\n{hint}")


class _CannotWrite(Exception):
    """The fault is on our side."""


def _retrieve(url, path, package):
    """Download one file with a progress bar: into a temporary file, checked, then renamed."""
    import pooch
    pooch.retrieve(url, known_hash=f"sha256:{package.sha256}", fname=path.name, path=path.parent,
                   downloader=partial(_transfer, limit=package.limit))
    return path


def _transfer(url, path, _, limit):
    """Write what `url` gives to the file `path`; an error if that is more than `limit` bytes."""
    from tqdm import tqdm
    with _opener().open(url, timeout=SILENCE) as response, \
            open(path, "wb", buffering=0) as file:
        total = response.headers.get("Content-Length", "")
        total = int(total) if total.isdecimal() else None
        if total is not None and total > limit:
            raise ValueError(f"offers {total:,} bytes, the file has at most {limit:,}")
        with tqdm(total=total, unit="B", unit_scale=True, desc=url.rpartition("/")[2]) as bar:
            for chunk in _chunks(response, limit):
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


def _chunks(response, limit):
    """What a response holds, as it comes: no more than `limit` bytes, no slower than `SLOWEST`."""
    start, length = time.monotonic(), 0
    while chunk := response.read1(_CHUNK):              # read1: what is here, without waiting
        length += len(chunk)
        if length > limit:
            raise ValueError(f"sends more than {limit:,} bytes")
        seconds = time.monotonic() - start
        if seconds > PATIENCE and length < SLOWEST * seconds:
            raise TimeoutError(f"sent {length:,} bytes in {seconds:.0f} s")
        yield chunk


def _opener():
    """What opens https addresses and no others: a redirection to http fails, too."""
    import ssl
    from urllib import request

    import certifi
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())      # where the system brings no certificates
    opener = request.OpenerDirector()
    for handler in (request.ProxyHandler(), request.HTTPSHandler(context=context),
                    request.HTTPRedirectHandler(), request.HTTPDefaultErrorHandler(),
                    request.HTTPErrorProcessor(), request.UnknownHandler()):
        opener.add_handler(handler)
    opener.addheaders = [("User-Agent", "tinyconv")]    # some hosts turn Python's own away
    return opener
