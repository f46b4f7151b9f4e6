"""`debug`: what a gradient needs is compared with what it was, byte by byte, before a walk uses it.

Changes by this library's own means are always seen (`Tensor.touch`), through whichever tensor. One
by NumPy, through `x.data` or another array that shares the memory, is not: the gradient would be
wrong, and nobody would know.
"""
from zlib import crc32

import numpy as np

from ..core import Tensor, Watcher, changed, watchers
from .place import here


class _SavedArrays(Watcher):
    """Takes the checksums of arguments and result of every recorded call, and compares them."""

    def made(self, op, y, args, kwargs):
        if y.grad_fn is not None:
            y.grad_fn.place = here()
            y.grad_fn.sums = [checksum(value) for _, value in _kept(y)]

    def begins(self, roots, results):
        for y in results:
            sums = getattr(y.grad_fn, "sums", None)        # none: made before anyone looked on
            for before, (what, value) in zip(sums or (), _kept(y)):
                if checksum(value) != before:
                    raise changed(y.grad_fn, what, getattr(value, "shape", ()))


def _kept(y):
    """What a derivative rule may look at, with names: arguments and result."""
    node = y.grad_fn
    yield from ((f"argument {i}", value) for i, value in enumerate(node.args))
    yield from ((f"argument {name}", value) for name, value in node.kwargs.items())
    yield "the result", y


def checksum(value):
    """The CRC-32 of all bytes of a tensor or an array; of a sequence, those of its parts."""
    if isinstance(value, Tensor):
        value = value.data
    if isinstance(value, np.ndarray):
        return crc32(value if value.flags.c_contiguous else _in_order_of_memory(value))
    if isinstance(value, (tuple, list)):
        return [checksum(part) for part in value]
    return None


def _in_order_of_memory(array):
    """The elements without those that broadcasting repeats, in an order that is fast to read."""
    order = sorted(range(array.ndim), key=lambda i: -abs(array.strides[i]))
    once = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)
    return np.ascontiguousarray(array[once].transpose(order))


_SAVED = _SavedArrays()


class debug:
    """Within it a change of what a gradient needs, by whatever means, raises ChangedError.

        with tc.debug():
            y = (w * x).sum()
            array[0] = 5.0             # x shares its memory
            y.backward()               # argument 1 of mul … was changed in place after it was used

    Every array that an operation saves is read once when it is used and once before the walk. Like
    TINYCONV_DEBUG=1 in the environment it holds for all threads; `tc.debug(False)` makes an
    exception for a block.
    """

    def __init__(self, mode=True):
        self._mode, self._before = bool(mode), []

    def __enter__(self):
        self._before.append(_SAVED in watchers)
        _look_on(self._mode)
        return self

    def __exit__(self, *exception):
        _look_on(self._before.pop())


def _look_on(wanted):
    if wanted and _SAVED not in watchers:
        watchers.append(_SAVED)
    elif not wanted and _SAVED in watchers:
        watchers.remove(_SAVED)
