"""Arrays to the bytes of a safetensors file and back, with sums that show every altered bit.

The sha256 of each array stands in the metadata of the header, and there too the sha256 of the
header itself, worked out with zeros in its own place:

    "tinyconv.format": "1"
    "tinyconv.sha256": of the first 8 bytes and the header
    "tinyconv.sha256.NAME": of the bytes of the array NAME

Files of other tools have no sums, and are read all the same where that is allowed.
"""
import hashlib
import json
import os
from pathlib import Path

import numpy as np

from ..atomic import write_atomically
from .errors import CheckpointError, Damaged, NewerFormat
from .foreign.numbers import BFLOAT16, decoded
from .header import CODES, DTYPES, HALF_OF_FLOAT32, LONGEST, METADATA, parse, shown

FORMAT = 1
OURS = "tinyconv."                     # what the keys of our own metadata begin with
FORMAT_KEY, SUM = OURS + "format", OURS + "sha256"
ZEROS = "0" * 64


# ---- writing -------------------------------------------------------------------------------------

def write(path, arrays, metadata=None):
    """Write arrays by name, and `metadata` (str to str), whole or not at all."""
    write_atomically(path, encode(arrays, metadata))


def encode(arrays, metadata=None):
    """The pieces of the file, in a list: the same arrays and metadata give the same bytes."""
    metadata = {str(key): str(value) for key, value in (metadata or {}).items()}
    for name in [*(name for name in metadata if name.startswith(OURS)),
                 *(name for name in arrays if name == METADATA)]:
        raise ValueError(f"the name {name!r} is taken: it is used by the file itself")
    # wide ones first, so that each lies at a multiple of its own width
    names = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    ours, entries, pieces, place = {FORMAT_KEY: str(FORMAT), SUM: ZEROS}, {}, [], 0
    for name in names:
        code, piece = _as_bytes(name, arrays[name])
        ours[f"{SUM}.{name}"] = hashlib.sha256(piece).hexdigest()
        entries[name] = {"dtype": code, "shape": arrays[name].shape,
                         "data_offsets": [place, place + len(piece)]}
        pieces.append(piece)
        place += len(piece)
    header = {METADATA: {**ours, **dict(sorted(metadata.items()))}, **entries}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    head = len(text).to_bytes(8, "little") + text
    head = head.replace(ZEROS.encode(), hashlib.sha256(head).hexdigest().encode(), 1)
    return [head, *pieces]


def _as_bytes(name, array):
    """The code of its dtype, and the array in C order and little-endian, as bytes."""
    code = CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        raise ValueError(f"the array {name!r} has the dtype {array.dtype}, which safetensors does "
                         f"not know; it knows {', '.join(str(dtype) for dtype in CODES)}")
    return code, np.asarray(array, DTYPES[code], order="C").reshape(-1).view(np.uint8).data


# ---- reading -------------------------------------------------------------------------------------

def read(path, foreign=True):
    """The arrays of the file by name, and its metadata without the sums, which were checked.

    With `foreign`, a file without sums will do. Raises FileNotFoundError, or a CheckpointError.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}")
    try:
        with open(path, "rb") as file:
            return decode(file, os.fstat(file.fileno()).st_size, foreign)
    except CheckpointError as error:
        raise type(error)(f"{path}: {error}") from None


def decode(file, size, foreign=True):
    """The same from an open file of `size` bytes."""
    start = _exactly(file, min(size, 8))
    length = int.from_bytes(start, "little")
    if size < 8 or length > size - 8:
        claim = f"its header should take {length} bytes more" if size >= 8 else "it has no header"
        raise Damaged(f"it is not a whole safetensors file: of {size} bytes, {claim}")
    if length > LONGEST:
        raise Damaged(f"its header takes {length} bytes, more than {LONGEST}")
    text = _exactly(file, length)
    entries, metadata = parse(text, size - 8 - length)
    sums = _sums(start + text, entries, metadata)
    if not sums and not foreign:
        raise Damaged("it has no sums, so it was not written by tinyconv")
    arrays = {entry.name: _array(file, entry, sums.get(f"{SUM}.{entry.name}"))
              for entry in entries}
    return arrays, {key: value for key, value in metadata.items() if not key.startswith(OURS)}


def _sums(head, entries, metadata):
    """Our own part of the metadata, once it is known to be unaltered; empty in foreign files."""
    ours = {key: value for key, value in metadata.items() if key.startswith(OURS)}
    if not ours:
        return {}
    expected = {FORMAT_KEY, SUM, *(f"{SUM}.{entry.name}" for entry in entries)}
    if not expected <= ours.keys():
        missing = ", ".join(map(shown, sorted(expected - ours.keys())))
        raise Damaged(f"its header was altered: it has no {missing}")
    head = head.replace(ours[SUM].encode("utf-8", "replace"), ZEROS.encode(), 1)
    if hashlib.sha256(head).hexdigest() != ours[SUM]:
        raise Damaged("its header was altered: it does not have the sha256 that is written in it")
    if ours[FORMAT_KEY] != str(FORMAT):
        raise NewerFormat(f"it was written by a newer version of tinyconv: format "
                          f"{shown(ours[FORMAT_KEY])}, this one reads format {FORMAT}")
    return ours


def _array(file, entry, expected):
    """The array at this place of the file, its sha256 compared where one is expected."""
    try:
        content = np.empty(entry.end - entry.begin, np.uint8)
    except MemoryError:                # a file may have holes, and be larger than any disk
        raise Damaged(f"the array {shown(entry.name)} takes {entry.end - entry.begin:,} bytes, "
                      "for which there is no memory") from None
    if file.readinto(content) != len(content):
        raise Damaged(f"it ends within the array {shown(entry.name)}")
    if expected is not None and hashlib.sha256(content.data).hexdigest() != expected:
        raise Damaged(f"the array {shown(entry.name)} was altered: it does not have the sha256 "
                      "that is written in the header")
    if entry.dtype == bool and (content > 1).any():
        raise Damaged(f"the array {shown(entry.name)} has bytes that are neither true nor false")
    if entry.dtype == HALF_OF_FLOAT32:
        return decoded(content, BFLOAT16).reshape(entry.shape)
    array = content.view(entry.dtype).reshape(entry.shape)
    return array.astype(entry.dtype.newbyteorder("="), copy=False)


def _exactly(file, count):
    content = file.read(count)
    if len(content) != count:
        raise Damaged(f"it ends after {len(content)} of {count} bytes")
    return content
