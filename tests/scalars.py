"""An automatic differentiation that is too simple to be wrong: one number at a time, plain Python.

A `Scalar` knows what it was made from and the derivative by each of them. Arrays of them are NumPy
arrays of objects, which add, multiply, reshape, index, join and matrix-multiply by themselves.
"""
import itertools
import math

import numpy as np

_births = itertools.count()


class Scalar:
    """A number, the numbers it was made from, and its derivative by each of these."""

    def __init__(self, value, *parents):
        self.value, self.parents, self.birth = float(value), parents, next(_births)

    def __add__(self, other):
        return Scalar(self.value + other.value, (self, 1.0), (other, 1.0))

    def __sub__(self, other):
        return Scalar(self.value - other.value, (self, 1.0), (other, -1.0))

    def __mul__(self, other):
        return Scalar(self.value * other.value, (self, other.value), (other, self.value))

    def moved(self):
        """The same number somewhere else: what indexing makes is not what was indexed."""
        return Scalar(self.value, (self, 1.0))

    def tanh(self):
        y = math.tanh(self.value)
        return Scalar(y, (self, 1 - y * y))


def scalars(array):
    """An array of Scalars that were made from nothing."""
    made = np.empty(np.shape(array), object)
    for where, value in np.ndenumerate(array):
        made[where] = Scalar(value)
    return made


def together(found):
    """An array of Scalars: NumPy hands out a single one without its array."""
    if isinstance(found, np.ndarray):
        return found
    made = np.empty((), object)
    made[()] = found
    return made


def each(array, change):
    """`change` of every Scalar."""
    made = np.empty(array.shape, object)
    for where, s in np.ndenumerate(array):
        made[where] = change(s)
    return made


def values(array):
    """The numbers in an array of Scalars."""
    return np.array([s.value for s in array.ravel()]).reshape(array.shape)


def gradients(outputs, cotangents):
    """{Scalar: ∂(outputs · cotangents)/∂Scalar} for all that the outputs were made from.

    A number passes its derivative on when all it was used for have passed on theirs: the youngest
    first.
    """
    found, reached = {}, {}
    for y, g in zip(outputs.ravel(), cotangents.ravel()):
        found[y] = found.get(y, 0.0) + g
    stack = list(found)
    while stack:
        s = stack.pop()
        if s not in reached:
            reached[s] = True
            stack += [parent for parent, _ in s.parents]
    for s in sorted(reached, key=lambda s: -s.birth):
        for parent, derivative in s.parents:
            found[parent] = found.get(parent, 0.0) + found[s] * derivative
    return found
