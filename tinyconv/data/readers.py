"""From bytes to arrays: IDX (MNIST), the CIFAR binary layout, and what they come packed in.

Nothing here trusts its input.  Every length is known beforehand and must be met exactly, nothing
decompresses beyond a bound, archives are read in memory and never extracted, and whatever is wrong
is a FormatError that names the file.
"""

import lzma
import tarfile
import zlib
from math import prod

import numpy as np

from .errors import FormatError

_CHUNK = 1 << 18                       # bytes read or decompressed at a time
_XZ_MEMORY = 1 << 28                   # bytes an .xz file may ask for its dictionary
_IDX_RANK = 8                          # dimensions an IDX file may have; MNIST has 3
_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


# --- formats ------------------------------------------------------------------------------------

def read_idx(content, name="IDX data"):
    """The array in the IDX file `content` (bytes), in native byte order.

    The layout: two zero bytes, a byte for the type, one for the number of dimensions, each
    dimension as a big-endian 32-bit number, then the values (LeCun, http://yann.lecun.com).
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise FormatError(f"{name}: not an IDX file, it begins with {bytes(content[:4]).hex(' ')}")
    dtype, rank = np.dtype(_IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * rank
    if not 1 <= rank <= _IDX_RANK:
        raise FormatError(f"{name}: an IDX file of {rank} dimensions, expected 1…{_IDX_RANK}")
    if len(content) < start:
        raise FormatError(f"{name}: an IDX file of {rank} dimensions that ends in its header")
    shape = tuple(int.from_bytes(content[i:i + 4], "big") for i in range(4, start, 4))
    expected = start + dtype.itemsize * prod(shape)         # Python integers do not overflow
    if len(content) != expected:
        raise FormatError(f"{name}: an IDX file of shape {shape} has {expected:,} bytes, "
                          f"this one has {len(content):,}")
    if prod(shape) == 0:
        raise FormatError(f"{name}: an IDX file of shape {shape} holds nothing")
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def read_cifar(content, name="CIFAR data", label_bytes=1, classes=10):
    """Images (N, 3, 32, 32) uint8 and labels (N,) int64 of a CIFAR binary file.

    Each record is `label_bytes` bytes (CIFAR-100: coarse, then fine; the last one is used) and 3072
    of pixels, red, green and blue plane.  The images lie channels-last in memory, as batches will.
    """
    record = label_bytes + 3 * 32 * 32
    if len(content) == 0 or len(content) % record:
        raise FormatError(f"{name}: CIFAR records have {record} bytes, {len(content):,} bytes are "
                          f"not a whole number of them")
    records = np.frombuffer(content, np.uint8).reshape(-1, record)
    labels = records[:, label_bytes - 1].astype(np.int64)
    if len(wrong := np.flatnonzero(labels >= classes)):
        raise FormatError(f"{name}: record {wrong[0]} has the label {labels[wrong[0]]}, "
                          f"expected 0…{classes - 1} ({len(wrong)} such labels)")
    planes = records[:, label_bytes:].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2), labels


# --- wrappings ----------------------------------------------------------------------------------

class Unpacked:
    """The content of a .gz or .xz file as a stream that ends, or raises, after `limit` bytes.

    Python's gzip and lzma modules join concatenated files, accept padding and signal a cut file by
    EOFError; here a file is exactly one compressed stream, whole, and no longer than expected.
    """

    def __init__(self, file, name, limit):
        self.file, self.name, self.left = file, name, limit
        magic = file.read(6)
        if magic[:2] == b"\x1f\x8b":
            self.unpacker = zlib.decompressobj(wbits=31)    # 31: with gzip's header and checksum
        elif magic == b"\xfd7zXZ\0":
            self.unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        else:
            raise FormatError(f"{name}: neither .gz nor .xz, it begins with {magic.hex(' ')}")
        self.waiting = magic                                # compressed bytes not yet used
        self.ended = False                                  # whether the reader was told so

    def read(self, size):
        """The next `size` bytes, or fewer at the end, or none after it.

        To read on even then is an error.  For a tar header may promise 2⁸⁸ bytes, and tarfile would
        skip them in portions of nothing, for longer than the universe will last.
        """
        if self.ended:
            raise FormatError(f"{self.name}: promises more than it holds")
        parts = []
        while size > 0 and not self.unpacker.eof:
            part = self._some(min(size, _CHUNK))
            self.left -= len(part)
            if self.left < 0:
                raise FormatError(f"{self.name}: unpacks to more bytes than expected")
            parts.append(part)
            size -= len(part)
        self.ended = not parts
        return b"".join(parts)

    def _some(self, size):
        if not self.waiting and getattr(self.unpacker, "needs_input", True):
            self.waiting = self.file.read(_CHUNK)
            if not self.waiting:
                raise FormatError(f"{self.name}: ends in the middle of its compressed data")
        try:
            part = self.unpacker.decompress(self.waiting, size)
        except (zlib.error, lzma.LZMAError) as error:
            raise FormatError(f"{self.name}: damaged compressed data ({error})") from error
        self.waiting = getattr(self.unpacker, "unconsumed_tail", b"")   # lzma keeps its own
        if self.unpacker.eof and (self.unpacker.unused_data or self.file.read(1)):
            raise FormatError(f"{self.name}: goes on after the end of its compressed data")
        return part


def unpack(path, size):
    """The content (bytes) of the .gz or .xz file at `path`, which must unpack to `size` bytes."""
    with open(path, "rb") as file:
        stream = Unpacked(file, path, size)
        content = stream.read(size + 1)
    if len(content) != size:
        raise FormatError(f"{path}: unpacks to {len(content):,} bytes, expected {size:,}")
    return content


def read_plain(path, size):
    """The content (bytes) of the file at `path`, which must have exactly `size` bytes."""
    with open(path, "rb") as file:
        content = file.read(size + 1)
    if len(content) != size:
        raise FormatError(f"{path}: has {'more than ' * (len(content) > size)}"
                          f"{min(len(content), size):,} bytes, expected {size:,}")
    return content


def read_archive(path, sizes):
    """The wanted members of the .tar.gz or .tar.xz file at `path`: a dict name → bytes.

    `sizes` maps the names wanted to their sizes in bytes.  Other members are passed over.
    """
    found = {}
    room = sum(sizes.values()) + (1 << 20)                  # all that is wanted, and headers
    with open(path, "rb") as file:
        stream = Unpacked(file, path, room)
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    if member.name not in sizes or not member.isreg():
                        continue
                    if member.name in found or member.size != sizes[member.name]:
                        raise FormatError(f"{path}: {member.name} is there twice or has "
                                          f"{member.size:,} bytes, expected {sizes[member.name]:,}")
                    found[member.name] = archive.extractfile(member).read()
        except FormatError:
            raise
        except Exception as error:      # tarfile raises nearly anything on a hostile header
            raise FormatError(f"{path}: not a readable tar archive "
                              f"({type(error).__name__}: {error})") from error
    missing = [name for name in sizes if len(found.get(name, b"")) != sizes[name]]
    if missing:
        raise FormatError(f"{path}: lacks {', '.join(missing)}")
    return found
