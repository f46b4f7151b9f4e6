"""NumPy's .npz: a zip file of arrays, each with a small header that says its dtype and shape.

NumPy itself would make room for whatever a header claims before it looks for the bytes; here the
claim is compared with the member's size first.
"""
import io
import zipfile

import numpy as np

from ..errors import Damaged, Refused
from . import members
from .numbers import count_of

MOST_UNPACKED = 1 << 24                      # bytes that a file may unpack to in any case …
TIMES = 100                                  # … or so many times its own size


def decode(archive, size):
    """The arrays by name in an open zip file of `size` bytes."""
    there = archive.infolist()
    total = sum(member.file_size for member in there)
    if total > max(MOST_UNPACKED, TIMES * size):
        raise Refused(f"the file of {size} bytes claims to unpack to {total}")
    return {member.filename.removesuffix(".npy"):
            _array(members.content(archive, member), member.filename) for member in there}


def _array(content, name):
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        header = {(1, 0): np.lib.format.read_array_header_1_0,
                  (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, fortran, dtype = header(file)
    except (ValueError, KeyError, SyntaxError, RecursionError) as error:
        raise Damaged(f"{name} is not an array: {error!s:.200}") from None
    if dtype.hasobject or dtype.kind not in "fiub":
        raise Refused(f"{name} is of dtype {dtype}: only numbers are read")
    data = content[file.tell():]
    if count_of(shape, name) * dtype.itemsize != len(data):
        raise Damaged(f"{name} claims the shape {shape} of {dtype}, but has {len(data)} "
                              "bytes")
    flat = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="))
    return flat.reshape(shape, order="F" if fortran else "C")


def encode(arrays):
    """The bytes of a file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(name + ".npy"), content.getvalue())
    return file.getvalue()
