"""Event files as TensorBoard reads them: numbers, histograms and text, each at a step.

A file is a row of records, and a record is

    length (uint64)   masked crc of it (uint32)   data   masked crc of it (uint32)

in little-endian, with the CRC-32C of Castagnoli, masked as (crc >> 15 | crc << 17) + 0xa282ead8.
The data are messages `Event` of protobuf: fields one after the other, each a number that says
field and kind (0 a varint, 1 eight bytes, 2 a length and so many bytes, 5 four bytes) and a value.

    tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, and in
    tensorflow/core/framework: summary.proto, histogram.proto (of the projects TensorFlow and
    TensorBoard). These have been the same since 2015, and files of that time are still read.
"""
import os
import struct
import time
from pathlib import Path

import numpy as np

DT_STRING, START = 7, 1                # of TensorProto and of SessionLog
BINS = 64                              # of a histogram; TensorBoard draws fewer


class EventFile:
    """A new event file in a folder, which TensorBoard may read while it grows.

    `since` is the first step of a run that goes on: TensorBoard then forgets what older files in
    the folder say of this step and of later ones, which were lost when the run was killed.
    """

    def __init__(self, folder, since=None):
        now = time.time_ns()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # files are read in the order of their names
        name = f"events.out.tfevents.{now // 10 ** 9:010d}.{now % 10 ** 9:09d}.{os.getpid()}"
        self.path = folder / name
        self._file = open(self.path, "xb")
        self._write(_text(3, "brain.Event:2"))
        if since is not None:
            self._write(_number(2, since) + _bytes(7, _number(1, START)))

    def add(self, step, values):
        """Write values at a step: {tag: number, `histogram(...)` or `text(...)`}."""
        summary = b"".join(_bytes(1, _text(1, tag) + (value if isinstance(value, bytes)
                                                      else _float(2, value)))
                           for tag, value in values.items())
        self._write(_number(2, step) + _bytes(5, summary))

    def flush(self):
        """Let readers see what was written."""
        self._file.flush()

    def close(self):
        self._file.close()

    def _write(self, event):
        self._file.write(record(_double(1, time.time()) + event))


def histogram(array):
    """A histogram of the elements of an array that are finite, or None if there are none."""
    values = np.ravel(array)
    values = values[np.isfinite(values)].astype(np.float64)
    if not len(values):
        return None
    counts, edges = np.histogram(values, BINS)
    return _bytes(5, _double(1, values.min()) + _double(2, values.max()) + _double(3, len(values))
                  + _double(4, values.sum()) + _double(5, values @ values)
                  + _bytes(6, edges[1:].astype("<f8").tobytes())
                  + _bytes(7, counts.astype("<f8").tobytes()))


def text(markdown):
    """A text in Markdown."""
    shape = _bytes(2, _number(1, 1))                                     # of one element
    tensor = _number(1, DT_STRING) + _bytes(2, shape) + _text(8, markdown)
    return _bytes(8, tensor) + _bytes(9, _bytes(1, _text(1, "text")))    # of the plug-in "text"


# ---- records -------------------------------------------------------------------------------------

def record(data):
    """The bytes of one record."""
    length = struct.pack("<Q", len(data))
    return (length + struct.pack("<I", masked_crc(length)) + data
            + struct.pack("<I", masked_crc(data)))


def masked_crc(data):
    """The CRC-32C of bytes, masked, so that a sum within the data does not spoil the sum of it."""
    crc = 0xffffffff
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xff] ^ crc >> 8
    crc ^= 0xffffffff
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def _table():
    """The remainders of all bytes by the polynomial of Castagnoli, its bits reflected."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = table >> 1 ^ np.where(table & 1, np.uint32(0x82f63b78), np.uint32(0))
    return table.tolist()


TABLE = _table()


# ---- protobuf ------------------------------------------------------------------------------------

def _varint(n):
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    pieces = bytearray()
    while n > 0x7f:
        pieces.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes([*pieces, n])


def _number(field, n):
    return _varint(field << 3) + _varint(n)


def _double(field, x):
    return _varint(field << 3 | 1) + struct.pack("<d", x)


def _float(field, x):
    return _varint(field << 3 | 5) + np.float32(x).astype("<f4").tobytes()


def _bytes(field, data):
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _text(field, string):
    return _bytes(field, string.encode())
