"""Where the files of a data set are, whether they are whole, and how to get them.

A member of a published set is looked for in `$TINYCONV_DATA`, then in the cache of this user, and
is otherwise downloaded into the cache.  That a file exists proves nothing: its sha256 is checked
every time, before anything is parsed.  An altered file in `$TINYCONV_DATA` is an error, since it
is the user's; one in the cache is ours and is replaced.

Unpacking CIFAR takes seconds, so what was unpacked is kept in the cache as plain files.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ..atomic import write_atomically
from ..lock import shared
from .catalogue import SLACK, lookup
from .errors import ChecksumError, DataError, FormatError
from .mirrors import download, unfinished
from .readers import read_archive, read_plain, unpack


@dataclass(frozen=True)
class FileReport:
    """What `verify` found: a path, its status, and what exactly is wrong.

    The status is "ok", "missing", "altered", or "unreadable" where the system refuses to read it.
    """

    path: Path
    status: str
    detail: str = ""


@dataclass(frozen=True)
class _Holder:
    """A file on this machine that may hold members: one of them plainly, or some of them packed."""

    path: Path
    members: tuple
    sha256: str | None                 # None for an archive that was packed anew
    packed: bool


# --- for the command line -----------------------------------------------------------------------

def where(name):
    """The files that hold the data set `name` on this machine, whether whole or not."""
    known = lookup(name)
    return [] if known is None else [holder.path for holder in _present(known)]


def verify(name):
    """A FileReport for each file of the data set that is here, and for each that is missing."""
    known = lookup(name)
    if known is None:
        return []
    reports, seen = [], set()
    for holder in _present(known):
        try:
            _read(holder)
            reports.append(FileReport(holder.path, "ok"))
        except DataError as error:
            reports.append(FileReport(holder.path, "altered", str(error)))
        except OSError as error:
            reports.append(FileReport(holder.path, "unreadable", str(error.strerror)))
        seen.update(member.name for member in holder.members)
    for package in known.packages:
        if not seen.issuperset(member.name for member in package.members):
            reports.append(FileReport(cache_folder() / known.folders[0] / package.name, "missing"))
    return reports


def fetch(name):
    """Make sure that the data set is here and whole, downloading what is not; return its files."""
    known = lookup(name)
    if known is not None:
        contents(known, known.members)
    return where(name)


# --- contents of members ------------------------------------------------------------------------

def contents(known, wanted):
    """The verified content of the members named in `wanted`: a dict name → bytes.

    Raises ChecksumError or FormatError for an altered file in `$TINYCONV_DATA`, DownloadError if
    a member is not on this machine and cannot be had.
    """
    found = {}

    def lacks(members):
        return any(member.name in wanted and member.name not in found for member in members)

    # Plain files first, wherever they are: all copies are equal, and these need no unpacking.
    for holder in sorted(_present(known), key=lambda holder: holder.packed):
        if lacks(holder.members):
            try:
                found |= _unpacked(known, holder)
            except (DataError, OSError):
                if not holder.path.is_relative_to(cache_folder()):
                    raise
    for package in known.packages:
        if lacks(package.members):
            path = download(package, cache_folder() / known.folders[0])
            found |= _unpacked(known, _Holder(path, package.members, package.sha256, True))
    return {name: found[name] for name in wanted}


def _present(known):
    """The holders of members of this set that are on this machine."""
    return [holder for holder in _possible(known) if holder.path.is_file()]


def _possible(known):
    for folder in _folders(known):
        for member in known.members.values():
            yield _Holder(folder / member.name, (member,), member.sha256, packed=False)
        for package in known.packages:
            yield _Holder(folder / package.name, package.members, package.sha256, packed=True)
            if (repacked := package.name.replace(".tar.gz", ".tar.xz")) != package.name:
                yield _Holder(folder / repacked, package.members, None, packed=True)


def _folders(known):
    """The folders to look in, the user's own first."""
    roots = [cache_folder()]
    if own := os.environ.get("TINYCONV_DATA"):
        roots.insert(0, Path(own).expanduser())
        if not roots[0].is_dir():
            raise DataError(f"TINYCONV_DATA is {own!r}, which is not a folder")
    return [root / folder for root in roots for folder in known.folders]


def _unpacked(known, holder):
    content = _read(holder)
    if len(holder.members) > 1:                             # an archive: that was slow
        _keep(known, content)
    return content


def _read(holder):
    """The content of each member that the file holds, after checking every checksum."""
    path = holder.path
    sizes = {member.name: member.size for member in holder.members}
    [name, *others] = sizes
    if (length := path.stat().st_size) > (limit := sum(sizes.values()) + SLACK):
        raise FormatError(f"{path}: has {length:,} bytes, expected at most {limit:,}")
    if holder.packed and holder.sha256 and (actual := _sha256(path)) != holder.sha256:
        raise ChecksumError(_mismatch(path, actual, holder.sha256))
    if others:
        content = read_archive(path, sizes)
    else:
        content = {name: (unpack if holder.packed else read_plain)(path, sizes[name])}
    for member in holder.members:
        if (actual := hashlib.sha256(content[member.name]).hexdigest()) != member.sha256:
            inside = f" ({member.name} inside)" if holder.packed else ""
            raise ChecksumError(_mismatch(f"{path}{inside}", actual, member.sha256))
    return content


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _mismatch(path, actual, expected):
    return (f"{path}: altered or incomplete, its sha256 is {actual}, expected {expected}; "
            f"delete it and it will be fetched anew")


# --- the cache ----------------------------------------------------------------------------------

def cache_folder():
    """The folder of this user where downloads are kept, e.g. ~/.cache/tinyconv/data on Linux."""
    import pooch
    return Path(pooch.os_cache("tinyconv")) / "data"


def _keep(known, content):
    """Keep what an archive held in the cache, if that can be written to: next time is faster."""
    if not cache_folder().is_absolute():                # "~/.cache": this user has no home
        return
    try:
        for name, plain in content.items():
            path = cache_folder() / known.folders[0] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with shared(path.parent, unfinished):
                write_atomically(path, plain)
    except OSError:                     # a full or read-only disk costs time, nothing else
        pass
