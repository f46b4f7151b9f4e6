"""Reading elements by position, and its adjoint: adding elements at positions.

| op | ∂/∂first |
|---|---|
| `index(x, key)` = x[key] | `put(g, key, x.shape)` |
| `put(x, key, shape)` = zeros, += x at [key] | `index(g, key)` |

⟨index(x, key), g⟩ = ⟨x, put(g, key)⟩. A position that is read twice receives both gradients.
"""
import numpy as np

from ..core import Tensor, defvjp, primitive
from ..kernels.layout import full
from .creation import as_tensor
from .dimensions import axis


@primitive
def index(x, key):
    """y = x[key] with any NumPy key: integers, slices, None, …, index arrays, masks."""
    return x[key]


@primitive
def put(x, key, shape):
    """y = zeros of `shape`, then y[key] += x, repeated positions adding up"""
    if x.ndim == len(shape):
        y = full(shape, 0, like=x)
    else:
        y = np.zeros(shape, x.dtype)
    if _is_basic(key):
        y[key] = x
    else:
        np.add.at(y, key, x)
    return y


defvjp(index, lambda g, y, x, key: put(g, key, x.shape))
defvjp(put, lambda g, y, x, key, shape: index(g, key))


def _is_basic(key):
    """Whether a key reads every position at most once: slices and integers only."""
    return all(k is None or k is Ellipsis
               or isinstance(k, (slice, int, np.integer)) and not isinstance(k, bool)
               for k in (key if isinstance(key, tuple) else (key,)))


def getitem(x, key):
    """x[key], where the key may hold tensors of whole numbers or booleans too.

    These are copied: the gradient goes to where they pointed when x was read.
    """
    return index(x, tuple(map(_plain, key)) if isinstance(key, tuple) else _plain(key))


def _plain(key):
    key = key.data.copy() if isinstance(key, Tensor) else key
    if isinstance(key, np.ndarray) and key.dtype.kind not in "iub":
        raise IndexError(f"index: expected whole numbers or booleans, got a tensor of {key.dtype}")
    return np.asarray(key) if isinstance(key, list) else key


def take_along_dim(x, indices, dim):
    """y[…, i, …] = x[…, indices[…, i, …], …], with i and the indices along `dim`."""
    x, indices = as_tensor(x), _plain(indices)
    if indices.ndim != x.ndim:
        raise ValueError(f"take_along_dim: indices should have the {x.ndim} dimensions of x, "
                         f"got shape {indices.shape}")
    if not x.ndim:
        return index(index(x, None), indices)
    grid = list(np.indices(indices.shape, sparse=True))
    grid[axis(dim, x.ndim, "take_along_dim")] = indices
    return index(x, tuple(grid))


def gather(x, dim, index):
    """As `take_along_dim`, with PyTorch's order of arguments."""
    return take_along_dim(x, index, dim)


def index_select(x, dim, index):
    """The slices of x at the positions `index` along `dim`."""
    x = as_tensor(x)
    return getitem(x, (slice(None),) * axis(dim, x.ndim, "index_select") + (index,))
