"""When memory was last written to, through whichever tensor.

Several tensors may look into the same memory: x, x.detach(), and the views of x that were made
while nothing was recorded. So it is the memory that is remembered, not the tensor: NumPy's arrays
know whose memory they look into. Nodes and writes are numbered in one row, so a value was changed
since an operation used it if its memory has a greater number than the operation.
"""
from itertools import count
from threading import RLock
from weakref import ref

import numpy as np

births = count(1)


class Writes:
    """The number of the last write to each piece of memory, as long as the memory is there.

    `newest` is that of the last write to any: a walk over a graph that is younger need not ask.
    """

    def __init__(self):
        self.newest, self._last, self._lock = 0, {}, RLock()

    def note(self, array):
        """The memory of this array was just written to."""
        owner = _owner(array)
        key = id(owner)
        with self._lock:                         # lest a thread put an older number over a newer
            self.newest = number = next(births)
            entry = self._last.get(key)
            if entry is None:
                gone = ref(owner, lambda _: self._last.pop(key, None))
                self._last[key] = [number, gone]
            else:
                entry[0] = number

    def since(self, birth, array):
        """Whether the memory of this array was written to after this number."""
        entry = self._last.get(id(_owner(array)))
        return entry is not None and entry[0] > birth


writes = Writes()


def _owner(array):
    """The array whose memory this one looks into: itself, if that is its own.

    The way there may lead over something that is no array, as from `sliding_window_view`.
    """
    owner = array
    while (array := getattr(array, "base", None)) is not None:
        if isinstance(array, np.ndarray):
            owner = array
    return owner
