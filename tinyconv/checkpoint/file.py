"""safetensors: a header in JSON (names, dtypes, shapes, places) and the bytes of the arrays.

    8 bytes     the length of the header, little-endian
    header      {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
    the rest    the arrays, end to end, in C order

Other tools read it, and nothing in it can run. https://github.com/huggingface/safetensors
"""
import json
from pathlib import Path

import numpy as np

from ..atomic import write_atomically
from .errors import CheckpointError, Damaged
from .foreign.numbers import BFLOAT16, BOOL, count_of, decoded, itemsize

CODES = {"F64": "f8", "F32": "f4", "F16": "f2", "BF16": BFLOAT16, "BOOL": BOOL,
         "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
         "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1"}
NAMES = {np.dtype(code): name for name, code in CODES.items() if code != BFLOAT16}


def write(path, arrays, metadata=None):
    """Write arrays by name, and `metadata` (str to str), whole or not at all."""
    metadata = {str(key): str(value) for key, value in (metadata or {}).items()}
    write_atomically(path, encode(arrays, metadata))


def read(path):
    """The arrays of a file by name, and its metadata; or a CheckpointError."""
    try:
        return decode(Path(path).read_bytes())
    except CheckpointError as error:
        raise type(error)(f"{path}: {error}") from None


def decode(content):
    """The arrays by name, and the metadata, of the bytes of a file."""
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or size > len(content) - 8:
        raise Damaged("not a safetensors file, or one that is cut short")
    try:
        header = json.loads(content[8:8 + size])
        metadata = header.pop("__metadata__", {})
        places = {name: (entry["dtype"], entry["shape"], *entry["data_offsets"])
                  for name, entry in header.items()}
        order = sorted(places, key=lambda name: places[name][2:])
        text = all(isinstance(value, str) for value in metadata.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"the header of the safetensors file is damaged: {error!r:.200}"
                              ) from None
    if not text:
        raise Damaged("the metadata of the safetensors file are not all text")
    data, end = memoryview(content)[8 + size:], 0
    arrays = dict.fromkeys(places)
    for name in order:
        dtype, shape, start, stop = places[name]
        if dtype not in CODES:
            raise Damaged(f"{name} is of the unknown dtype {dtype!r:.40}")
        code = CODES[dtype]
        if start != end or stop - start != count_of(shape, name) * itemsize(code):
            raise Damaged(f"{name} of shape {shape} and dtype {dtype} does not lie where "
                                  f"it should: from {end} on, got {start} to {stop}")
        if stop > len(data):
            raise Damaged(f"the safetensors file is cut short within {name}")
        arrays[name], end = decoded(data[start:stop], code).reshape(shape), stop
    if end != len(data):
        raise Damaged(f"the safetensors file has {len(data) - end} bytes too many")
    return arrays, metadata


def encode(arrays, metadata):
    """The bytes of a file: the same arrays and metadata (text to text), the same bytes."""
    header, parts, end = {"__metadata__": dict(sorted(metadata.items()))}, [], 0
    for name, array in arrays.items():
        parts.append(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape),
                        "data_offsets": [end, end + len(parts[-1])]}
        end += len(parts[-1])
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)                      # arrays begin at multiples of 8 bytes
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])
