"""Bytes as numbers: the one step that all formats share."""
import math

import numpy as np

from ..errors import Damaged

BFLOAT16, BOOL = "bf16", "?"                 # the others have NumPy's names: "f4", "i8", "u1"


def itemsize(code):
    """Bytes of one number."""
    return 2 if code == BFLOAT16 else np.dtype(code).itemsize


def decoded(raw, code, order="<"):
    """The numbers in `raw` as a flat array of our own, in this machine's byte order.

    A bfloat16 is the upper half of a float32, and becomes one; NumPy has no such dtype.
    """
    if code == BFLOAT16:
        return (np.frombuffer(raw, order + "u2").astype(np.uint32) << 16).view(np.float32)
    if code == BOOL:
        return np.frombuffer(raw, np.uint8) != 0
    return np.frombuffer(raw, order + code).astype(code)


def count_of(shape, what):
    """How many numbers a shape from a file has; Damaged if it is none."""
    if not all(type(n) is int and n >= 0 for n in shape):
        raise Damaged(f"{what:.80} has a shape that is none")
    return math.prod(shape)
