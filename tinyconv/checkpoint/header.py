"""The header of a safetensors file, read with distrust.

    8 bytes     n, the length of the header, little-endian
    n bytes     the header, JSON: {"NAME": {"dtype": "F32", "shape": [6, 1, 5, 5],
                "data_offsets": [0, 600]}, …, "__metadata__": {"key": "text", …}}
    the rest    the arrays in C order, end to end: offsets count from here

Whoever made the file may have wanted to do harm: with sizes that exhaust the memory, arrays that
overlap, a name twice (of which one reader takes the first and another the last), nesting that
overflows the stack. So nothing is believed before it is checked, and no memory is asked for that
the file does not fill.
"""
import json
import math
from collections import namedtuple

import numpy as np

from .errors import Damaged

LONGEST = 1 << 24                      # bytes of a header; a thousand arrays take about 100 000
MOST_DIMENSIONS = 32
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
          "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?"}
CODES = {np.dtype(dtype).newbyteorder("="): code for code, dtype in DTYPES.items()}
HALF_OF_FLOAT32 = np.dtype([("bfloat16", "<u2")])      # which NumPy has no dtype for
READABLE = {**DTYPES, "BF16": HALF_OF_FLOAT32}
METADATA = "__metadata__"

Entry = namedtuple("Entry", "name dtype shape begin end")


def parse(text, room):
    """The entries, in the order of the file, and the metadata of the header `text` (bytes).

    `room` is the number of bytes after the header, which the arrays must fill without a gap, an
    overlap or a rest. Raises Damaged.
    """
    header = _object(text)
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise Damaged("its metadata are not texts with names")
    entries = sorted((_entry(name, about) for name, about in header.items()),
                     key=lambda entry: (entry.begin, entry.end))
    place = 0
    for entry in entries:
        if entry.begin != place:
            fault = "overlaps the array before it" if entry.begin < place else "leaves a gap"
            raise Damaged(f"the array {shown(entry.name)} begins at byte {entry.begin}, the one "
                          f"before it ends at {place}: it {fault}")
        place = entry.end
    if place != room:
        raise Damaged(f"its arrays should take {place} bytes, {room} are there: "
                      + ("the end is missing" if room < place else "something was appended"))
    return entries, metadata


def shown(name):
    """A name as it may stand in a message, however long and whatever is in it."""
    return ascii(name) if len(name) <= 100 else ascii(name[:100]) + "…"


def loads(text):
    """JSON without a name twice, without NaN, with whole numbers that have an end; or Damaged."""
    try:
        return json.loads(text, object_pairs_hook=_without_twins, parse_constant=_no_number,
                          parse_int=_whole)
    except RecursionError:
        raise Damaged("its header is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Damaged(f"its header is not JSON: {error}") from None


def _object(text):
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Damaged(f"its header is not text: {error}") from None
    if not decoded.startswith("{"):
        raise Damaged("its header does not begin with {, as that of a safetensors file does")
    return loads(decoded)


def _without_twins(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = set()
        twin = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise Damaged(f"its header has the name {shown(twin)} twice")
    return found


def _no_number(constant):
    raise Damaged(f"its header contains {constant}, which is not a number")


def _whole(digits):
    if len(digits) > 80:               # the state of a random generator has 39 digits
        raise Damaged(f"its header contains a number of {len(digits)} digits")
    return int(digits)


def _entry(name, about):
    """One array of the header, checked by itself."""
    if name != name.encode("utf-8", "replace").decode("utf-8"):
        raise Damaged(f"the name {shown(name)} is not text")
    if not isinstance(about, dict) or about.keys() != {"dtype", "shape", "data_offsets"}:
        raise Damaged(f"{shown(name)} should have a dtype, a shape and data_offsets, got "
                      f"{shown(repr(about))}")
    code, shape, offsets = about["dtype"], about["shape"], about["data_offsets"]
    if not isinstance(code, str) or code not in READABLE:
        raise Damaged(f"the array {shown(name)} has the dtype {shown(repr(code))}, which is none "
                      f"of {', '.join(READABLE)}")
    if not _sizes(shape) or len(shape) > MOST_DIMENSIONS:
        raise Damaged(f"the array {shown(name)} has the shape {shown(repr(shape))}: expected up to "
                      f"{MOST_DIMENSIONS} whole numbers of at least 0")
    if not _sizes(offsets) or len(offsets) != 2:
        raise Damaged(f"the array {shown(name)} has the data_offsets {shown(repr(offsets))}: "
                      "expected where it begins and where it ends")
    dtype = np.dtype(READABLE[code])
    # an array without elements must have a shape that NumPy can hold, too
    if math.prod(max(size, 1) for size in shape) * dtype.itemsize >= 2 ** 62:
        raise Damaged(f"the array {shown(name)} of shape {shown(repr(shape))} is too large")
    needed = math.prod(shape) * dtype.itemsize
    begin, end = offsets
    if end - begin != needed:
        raise Damaged(f"the array {shown(name)} of {code} {tuple(shape)} takes {needed} bytes, "
                      f"its data_offsets {offsets} say {end - begin}")
    return Entry(name, dtype, tuple(shape), begin, end)


def _sizes(values):
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)
