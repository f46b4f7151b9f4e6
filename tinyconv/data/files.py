"""Where the files of a data set are, whether they are whole, and how to get them.

A member of a published set is looked for in `$TINYCONV_DATA`, then in the cache of this user, and
is otherwise downloaded into the cache.  That a file exists proves nothing: its sha256 is checked
every time, before anything is parsed.  An altered file in `$TINYCONV_DATA` is an error, since it
is the user's; one in the cache is ours and is replaced.

Unpacking CIFAR takes seconds, so what was unpacked is kept in the cache as plain files.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .catalogue import lookup
from .errors import ChecksumError, DataError, DownloadError
from .readers import read_archive, read_plain, unpack


@dataclass(frozen=True)
class FileReport:
    """What `verify` found: a path, "ok", "missing" or "altered", and what exactly is wrong."""

    path: Path
    status: str
    detail: str = ""


# --- for the command line -----------------------------------------------------------------------

def where(name):
    """The files that hold the data set `name` on this machine, whether whole or not."""
    known = lookup(name)
    return [] if known is None else [path for path, _, _ in _present(known)]


def verify(name):
    """A FileReport for each file of the data set that is here, and for each that is missing."""
    known = lookup(name)
    if known is None:
        return []
    reports, seen = [], set()
    for path, members, checksum in _present(known):
        try:
            _read(path, members, checksum)
            reports.append(FileReport(path, "ok"))
        except (DataError, OSError) as error:
            reports.append(FileReport(path, "altered", str(error)))
        seen.update(member.name for member in members)
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
    # Plain files come first wherever they are: all copies are equal, and these need no unpacking.
    for path, members, checksum in sorted(_present(known), key=lambda file: not _is_plain(*file[:2])):
        if any(member.name in wanted and member.name not in found for member in members):
            try:
                found |= _unpacked(known, path, members, checksum)
            except (DataError, OSError):
                if not path.is_relative_to(cache_folder()):
                    raise
    for package in known.packages:
        if any(member.name in wanted and member.name not in found for member in package.members):
            path = download(package, cache_folder() / known.folders[0])
            found |= _unpacked(known, path, package.members, package.sha256)
    return {name: found[name] for name in wanted}


def _unpacked(known, path, members, checksum):
    content = _read(path, members, checksum)
    if len(members) > 1:                                    # an archive: that was slow
        _keep(known, content)
    return content


def _present(known):
    """Every file on this machine that may hold members: (path, members, sha256 of the file).

    The last is None where the file's own checksum is not known: an archive packed anew.
    """
    for folder in _folders(known):
        for member in known.members.values():
            if (folder / member.name).is_file():
                yield folder / member.name, (member,), member.sha256
        for package in known.packages:
            if (folder / package.name).is_file():
                yield folder / package.name, package.members, package.sha256
            repacked = folder / package.name.replace(".tar.gz", ".tar.xz")
            if repacked.name != package.name and repacked.is_file():
                yield repacked, package.members, None


def _is_plain(path, members):
    """Whether the file is a member itself, not something that members are packed in."""
    return path.name == Path(members[0].name).name


def _folders(known):
    """The folders to look in, the user's own first."""
    roots = [cache_folder()]
    if own := os.environ.get("TINYCONV_DATA"):
        roots.insert(0, Path(own).expanduser())
        if not roots[0].is_dir():
            raise DataError(f"TINYCONV_DATA is {own!r}, which is not a folder")
    return [root / folder for root in roots for folder in known.folders]


def _read(path, members, checksum):
    """The content of each member that the file at `path` holds, after checking every checksum."""
    sizes = {member.name: member.size for member in members}
    [*names] = sizes
    if _is_plain(path, members):
        content = {names[0]: read_plain(path, sizes[names[0]])}
    else:
        if checksum and (actual := _sha256(path)) != checksum:
            raise ChecksumError(_mismatch(path, actual, checksum))
        content = (read_archive(path, sizes) if ".tar." in path.name
                   else {names[0]: unpack(path, sizes[names[0]])})
    for member in members:
        if (actual := hashlib.sha256(content[member.name]).hexdigest()) != member.sha256:
            inside = "" if _is_plain(path, members) else f" ({member.name} inside)"
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


def download(package, folder):
    """Download a Package into `folder` from the first mirror that gives the right file.

    Returns its path.  Raises DownloadError with what each mirror said, or if `folder` cannot be
    written to.
    """
    hint = (f"put {package.name} into a folder and set TINYCONV_DATA to it (see `tinyconv.data."
            f"files` for the layout)")
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
            return _retrieve(mirror + package.name, folder / package.name, package.sha256)
        except Exception as error:      # whatever it is, the next mirror may be well
            failures.append(f"  {mirror}: {type(error).__name__}: {error}")
    raise DownloadError(f"no mirror gave {package.name}:\n" + "\n".join(failures) + f"\n{hint}")


def _retrieve(url, path, sha256):
    """Download one file with a progress bar: into a temporary file, checked, then renamed."""
    import pooch
    pooch.retrieve(url, known_hash=f"sha256:{sha256}", fname=path.name, path=path.parent,
                   downloader=pooch.HTTPDownloader(progressbar=True, timeout=30))
    return path


def _keep(known, content):
    """Keep what an archive held in the cache, if that can be written to: next time is faster."""
    try:
        for name, plain in content.items():
            path = cache_folder() / known.folders[0] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, plain)
    except OSError:                     # a full or read-only disk costs time, nothing else
        pass


def _write_whole(path, content):
    """Write a file under another name in the same folder and rename it: all of it or nothing."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
