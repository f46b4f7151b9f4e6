"""PyTorch's .pth, .pt and .th files, read without PyTorch and without running them.

Since PyTorch 1.6 such a file is a zip archive whose members are not compressed:

    NAME/data.pkl       the instructions that build a dictionary of tensors, see `torch_stream.py`
    NAME/data/KEY       the numbers of each storage
    NAME/byteorder      "little" or "big"; little where there is none

The *legacy* form before it is one file: a magic number, a version and a description of the machine,
each a stream of its own, then the instructions, a stream with the list of keys, and for each key
its count in 8 bytes and the numbers.
"""
import math

import numpy as np

from . import members, torch_stream
from ..errors import Damaged, Refused
from .numbers import decoded, itemsize
from .torch_stream import Strided

MAGIC = 0x1950a86a20f9469cfc6c
VERSION = 1001
HOLDERS = ("state_dict", "model_state_dict", "model", "net", "weights")
DEEPEST = 3                                  # dictionaries within dictionaries
REPEATED = 1 << 20                           # numbers of a tensor that repeats a smaller storage


def is_legacy(beginning):
    """Whether a file with these first bytes is of the old form: a stream with the magic number."""
    return beginning[:1] == b"\x80" and MAGIC.to_bytes(10, "little") in beginning[:30]


# ---- the two forms -------------------------------------------------------------------------------

def decode_zip(archive, size):
    """The tensors by name, and the other entries as text, in an open zip file of `size` bytes."""
    there = {member.filename: member for member in archive.infolist()}
    if sum(member.file_size for member in there.values()) > size:
        raise Refused(f"its members claim more bytes than the {size} of the file")
    streams = [name for name in there if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(streams) != 1:
        raise Damaged(f"it should have one member NAME/data.pkl, it has {len(streams)}")
    root = streams[0].removesuffix("data.pkl")

    def content(name):
        if name not in there:
            raise Damaged(f"it has no member {name:.80}")
        return members.content(archive, there[name])

    order = content(root + "byteorder") if root + "byteorder" in there else b"little"
    if order not in (b"little", b"big"):
        raise Damaged(f"its byte order is {order[:20]!r}")
    found, _, _ = torch_stream.run(content(streams[0]))
    return _weights(found, lambda storage: content(f"{root}data/{storage.key}"),
                    "<" if order == b"little" else ">")


def decode_legacy(content):
    """The tensors by name, and the other entries as text, of the bytes of a file."""
    magic, at, _ = torch_stream.run(content)
    version, at, _ = torch_stream.run(content, at)
    machine, at, _ = torch_stream.run(content, at)
    if magic != MAGIC or version != VERSION or type(machine) is not dict:
        raise Damaged("its beginning is not that of a legacy file of PyTorch")
    order = "<" if machine.get("little_endian") is not False else ">"
    found, at, storages = torch_stream.run(content, at)
    keys, at, _ = torch_stream.run(content, at)
    if type(keys) is not list or len(keys) != len(storages) or not all(
            type(key) is str and key in storages for key in keys):
        raise Damaged("its list of storages is not that of its tensors")
    places = {}
    for key in keys:                             # a count in 8 bytes, then the numbers
        storage, start = storages[key], at + 8
        at = start + storage.count * itemsize(storage.code)
        if int.from_bytes(content[start - 8:start], "little" if order == "<" else "big") != (
                storage.count) or at > len(content):
            raise Damaged(f"the storage {key:.40} should have {storage.count} numbers: "
                                  "another count, or the file is cut short")
        places[key] = content[start:at]
    if at != len(content):
        raise Damaged(f"{len(content) - at} bytes follow its last storage")
    return _weights(found, lambda storage: places[storage.key], order)


# ---- what they hold ------------------------------------------------------------------------------

def _weights(found, content_of, order):
    """The arrays of the tensors in `found`, and its plain entries as text.

    Only storages that are needed are read, each once: tensors that share one still do.
    """
    tensors, plain = _state_dict(found)
    storages = {tensor.storage for tensor in tensors.values()}
    numbers = {storage: _numbers(storage, content_of(storage), order) for storage in storages}
    return {name: _array(name, tensor, numbers[tensor.storage])
            for name, tensor in tensors.items()}, plain


def _state_dict(found):
    """The dictionary of tensors: the object itself, or what it holds under a usual name."""
    plain = {}
    for _ in range(DEEPEST):
        if type(found) is not dict:
            raise Refused(f"there is no dictionary of tensors in it, but a {type(found).__name__}")
        tensors = {str(name): value for name, value in found.items() if isinstance(value, Strided)}
        plain |= {str(name): str(value) for name, value in found.items()
                  if type(value) in (str, int, float, bool)}
        if tensors:
            return tensors, plain
        inner = [found[name] for name in HOLDERS if type(found.get(name)) is dict]
        if not inner:
            break
        found = inner[0]
    raise Refused("there are no tensors in it, but "
                  f"{', '.join(f'{name!s:.40}' for name in list(found)[:10]) or 'nothing'}")


def _numbers(storage, content, order):
    """The numbers of a storage, of which there must be as many as the file says."""
    if len(content) != storage.count * itemsize(storage.code):
        raise Damaged(f"the storage {storage.key:.40} should have {storage.count} numbers "
                              f"of {itemsize(storage.code)} bytes, it has {len(content)} bytes")
    return decoded(content, storage.code, order)


def _array(name, tensor, numbers):
    """A tensor as a view of the numbers of its storage, which must hold all that it reaches."""
    _, offset, size, stride = tensor
    count = math.prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride))
    whole = math.prod(max(n, 1) for n in size)           # what NumPy must be able to count
    if count and last >= len(numbers) or whole > max(len(numbers), REPEATED):
        raise Damaged(f"{name:.80} of size {size!s:.80} and stride {stride!s:.80} from "
                      f"{offset!s:.40} on does not lie within the {len(numbers)} numbers of its "
                      "storage")
    if not count:
        return np.empty(size, numbers.dtype)
    steps = [step * numbers.itemsize if n > 1 else 0 for n, step in zip(size, stride)]
    return np.lib.stride_tricks.as_strided(numbers[offset:], size, steps)
