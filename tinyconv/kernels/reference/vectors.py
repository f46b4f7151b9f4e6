"""The operations of `kernels/vectors.py` in plain Python: a vector is an array."""
import numpy as np

from .tile import width


def load_some(shape, a, i, count, like):
    """A vector a[i : i + count], the rest 0; as many lanes as the shape has of numbers `like`."""
    lanes = width(shape, like)
    x = np.zeros(lanes, a.dtype)
    line = a[i:i + max(0, min(lanes, count))]
    x[:len(line)] = line
    return x


def save_some(x, c, i, count):
    """c[i : i + count] = the first lanes of x"""
    count = min(len(x), count)
    c[i:i + count] = x[:count]


def everywhere(place, x):
    """A vector of places, all the same, for the lanes of x."""
    return np.full(len(x), place, np.int32)


def larger(x, p, y, q):
    """(x, p) in every lane where x > y or x is NaN, else (y, q)."""
    takes = (x > y) | (x != x)
    return np.where(takes, x, y), np.where(takes, p, q)


def at_place(x, p, q):
    """x in every lane where p = q, else 0."""
    return np.where(p == q, x, x.dtype.type(0))


def past_relu(g, y):
    """g in every lane where y > 0 or is NaN, else 0."""
    return np.where(y <= 0, g.dtype.type(0), g)
