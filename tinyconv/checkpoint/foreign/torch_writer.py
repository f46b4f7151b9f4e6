"""Files that PyTorch loads, `torch.load(path, weights_only=True)`: see `torch_format.py`.

Every tensor is a storage of its own, in C order. The instructions are those that PyTorch writes:
an OrderedDict, and for each name a call of `_rebuild_tensor_v2`.
"""
import io
import zipfile

import numpy as np

from .torch_stream import CODES

TYPES = {np.dtype(code): f"{name}Storage" for name, code in CODES.items() if code[0] in "fiu?"}
EMPTY = b"ccollections\nOrderedDict\n)R"                 # OrderedDict()


def encode(arrays):
    """The bytes of a file with these arrays."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:          # members are dated 1980: same in, same out
        for name, content in _members(arrays):
            archive.writestr(zipfile.ZipInfo(f"weights/{name}"), content)
    return file.getvalue()


def _members(arrays):
    yield "data.pkl", b"".join([b"\x80\x02", EMPTY, b"(", *_entries(arrays), b"u."])
    yield "byteorder", b"little"
    for key, array in enumerate(arrays.values()):
        yield f"data/{key}", array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    yield "version", b"3\n"


def _entries(arrays):
    for key, (name, array) in enumerate(arrays.items()):
        steps = np.empty(array.shape, np.int8).strides   # of one byte each: numbers to step over
        yield _text(name)
        yield b"ctorch._utils\n_rebuild_tensor_v2\n(("
        yield _text("storage") + f"ctorch\n{TYPES[array.dtype]}\n".encode() + _text(str(key))
        yield _text("cpu") + _whole(array.size) + b"tQ"
        yield _whole(0) + _tuple(array.shape) + _tuple(steps)
        yield b"\x89" + EMPTY + b"tR"                    # no gradient, no hooks


def _text(value):
    value = value.encode()
    return b"X" + len(value).to_bytes(4, "little") + value


def _whole(number):
    size = number.bit_length() // 8 + 1
    return b"\x8a" + bytes([size]) + number.to_bytes(size, "little")


def _tuple(numbers):
    return b"(" + b"".join(map(_whole, numbers)) + b"t"
