"""Elements by size: sorting and the k largest. The order is locally constant, its values are read
along it, so that the gradient goes where each came from. NaN counts as larger than everything."""
from collections import namedtuple

import numpy as np

from ..core import Tensor
from .creation import as_tensor
from .dimensions import axis
from .indexing import index, take_along_dim

Sorted = namedtuple("Sorted", "values indices")


def sort(x, dim=-1, descending=False, stable=False):
    """The pair (values, indices) in order along `dim`; equal elements keep theirs, always."""
    x = as_tensor(x)
    indices = argsort(x, dim, descending, stable)
    return Sorted(take_along_dim(x, indices, dim) if x.ndim else x, indices)


def argsort(x, dim=-1, descending=False, stable=False):
    """The positions along `dim` in the order of their elements; those of equal elements as they
    are."""
    x = as_tensor(x).data
    d = axis(dim, x.ndim, "sort")
    if x.ndim == 0:
        return Tensor(np.zeros((), np.int64))
    if not descending:
        return Tensor(np.argsort(x, d, kind="stable"))
    backwards = np.flip(np.argsort(np.flip(x, d), d, kind="stable"), d)
    return Tensor(x.shape[d] - 1 - backwards)


def topk(x, k, dim=-1, largest=True, sorted=True):
    """The k largest (or smallest) elements along `dim`, in order, as (values, indices)."""
    x = as_tensor(x)
    d = axis(dim, x.ndim, "topk")
    n = x.shape[d] if x.ndim else 1
    if not 0 <= k <= n:
        raise ValueError(f"topk: k should be from 0 to {n}, the length of dim {dim} of {x.shape}, "
                         f"got {k}")
    values, indices = sort(x, d, descending=largest)
    first = (slice(None),) * d + (slice(k),) if x.ndim else ()
    return Sorted(index(values, first), index(indices, first))
