"""A piece of work to be timed, and the arrays it is done on, the same on every side."""
from dataclasses import dataclass
from typing import Callable

import numpy as np


@dataclass
class Work:
    """What one process does over and over.

    parts        {name: function}: the functions are called in turn, each is timed by itself
    fingerprint  () → numbers that every side must agree on, as proof that all do the same work
    warm_up      what to call before timing, if one call of each part is not the way to do it
    """
    parts: dict
    fingerprint: Callable
    warm_up: Callable = None


def normal(shape, seed=0):
    """An array of normally distributed float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def classes(N, K=10, seed=0):
    """N labels in 0 … K − 1."""
    return np.random.default_rng(seed).integers(K, size=N)


def sizes(lib, tensors):
    """The mean absolute value of each tensor."""
    return [float(np.abs(lib.array(t), dtype=np.float64).mean()) for t in tensors]
