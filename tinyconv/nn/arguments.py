"""Whole numbers as users give them, one or one per dimension; an error names what was wrong."""
from functools import lru_cache, wraps

import numpy as np


def is_whole(value):
    """Whether `value` is a whole number: no boolean, and no float such as 2.0."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))


def whole(op, name, value, least):
    """`value` as an int, checked to be whole and at least `least`."""
    if not is_whole(value) or value < least:
        raise ValueError(f"{op}: {name} should be a whole number ≥ {least}, got {value!r}")
    return int(value)


def per_dim(op, name, value, dims, least):
    """`value` as one whole number per dimension, none smaller than `least`."""
    if type(value) is int and value >= least:    # as it nearly always is
        return (value,) * dims
    if is_whole(value):
        values = (value,) * dims
    else:
        values = tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(values) == 1:
        values *= dims
    if len(values) != dims or not all(is_whole(v) and v >= least for v in values):
        raise ValueError(f"{op}: {name} should be a whole number ≥ {least}"
                         f"{f' or {dims} of them' if dims > 1 else ''}, got {value!r}")
    return tuple(int(v) for v in values)


# ---- functions of shapes and settings ------------------------------------------------------------

def cached(f):
    """`functools.lru_cache` for a function of shapes and settings.

    Within a tuple 1, 1.0 and True are the same for a cache. So only whole numbers and tuples of
    them, booleans, strings and None are looked up; with anything else, as lists, f is called.
    """
    kept = lru_cache(maxsize=128, typed=True)(f)

    @wraps(f)
    def call(*args):
        for a in args:
            kind = type(a)
            if kind is tuple:
                for v in a:
                    if type(v) is not int:
                        return f(*args)
            elif kind not in _PLAIN:
                return f(*args)
        return kept(*args)
    return call


_PLAIN = {int, bool, str, type(None)}
