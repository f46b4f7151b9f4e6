"""Reading elements by position, and its adjoint: adding elements at positions.

| op | ∂/∂first |
|---|---|
| `index(x, key)` = x[key] | `put(g, key, x.shape)` |
| `put(x, key, shape)` = zeros, += x at [key] | `index(g, key)` |

⟨index(x, key), g⟩ = ⟨x, put(g, key)⟩. A position that is read twice receives both gradients.
"""
import numpy as np

from ..core import DtypeError, Tensor, broadcast_to, defvjp, primitive
from ..kernels.layout import full
from .arithmetic import where
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
               or isinstance(k, slice) or is_whole(k)
               for k in (key if isinstance(key, tuple) else (key,)))


def getitem(x, key):
    """x[key], where the key may hold tensors of whole numbers or booleans too.

    These are copied: the gradient goes to where they pointed when x was read. Numbers take their
    slices first, so that they never move what arrays read to the front (as they do in NumPy).
    """
    for part in read_in_turn(key):
        x = index(x, part)
    return x


def read_in_turn(key):
    """The NumPy keys by which to read one after the other: numbers beside arrays come first."""
    if not isinstance(key, tuple):
        return [_plain(key)]
    key = tuple(map(_plain, key))
    if any(isinstance(k, np.ndarray) for k in key) and any(map(is_whole, key)):
        return [tuple(kept for k in key for kept in _slices(k)),
                tuple(k for k in key if not is_whole(k))]
    return [key]


def _slices(k):
    """What a part of a key leaves of its dimensions before arrays are read: all, but for numbers"""
    if k is None:
        return ()
    if is_whole(k) or k is Ellipsis:
        return (k,)
    return (slice(None),) * (k.ndim if isinstance(k, np.ndarray) and k.dtype == bool else 1)


def is_whole(k):
    """Whether a part of a key is a number: no boolean, which is a mask."""
    return isinstance(k, (int, np.integer)) and not isinstance(k, bool)


def _plain(key):
    key = key.data.copy() if isinstance(key, Tensor) else key
    if isinstance(key, np.ndarray) and key.dtype.kind not in "iub":
        raise IndexError(f"index: expected whole numbers or booleans, got a tensor of {key.dtype}")
    if isinstance(key, np.ndarray) and key.ndim == 0 and key.dtype != bool:
        return key.item()
    return np.asarray(key) if isinstance(key, list) else key


def masked_select(x, mask):
    """The elements of x where the mask holds, in a row; both broadcast."""
    x, mask = as_tensor(x), as_tensor(mask).data
    if mask.dtype != bool:
        raise DtypeError(f"masked_select: mask should be boolean, got {mask.dtype}")
    shape = np.broadcast_shapes(x.shape, mask.shape)
    return index(broadcast_to(x, shape), np.array(np.broadcast_to(mask, shape)))


def nonzero(x, *, as_tuple=False):
    """The positions (n, dimensions) of what is not zero; or a tensor for each dimension."""
    x = as_tensor(x).data
    return tuple(map(Tensor, np.nonzero(np.atleast_1d(x)))) if as_tuple else Tensor(np.argwhere(x))


# ---- along one dimension -------------------------------------------------------------------------

def take_along_dim(x, indices, dim=None):
    """y[…, i, …] = x[…, indices[…, i, …], …], with i and the indices along `dim`.

    In the other dimensions x and the indices broadcast; without `dim` both are taken as flat.
    Negative indices count from the end.
    """
    x, indices = as_tensor(x), as_tensor(indices)
    if dim is None:
        x, indices, dim = x.reshape(-1), indices.reshape(-1), 0
    if indices.ndim != x.ndim:
        raise ValueError(f"take_along_dim: indices should have the {x.ndim} dimensions of x, "
                         f"got shape {indices.shape}")
    d = axis(dim, x.ndim, "take_along_dim")
    shapes = [s[:d] + (1,) + s[d + 1:] for s in (x.shape, indices.shape)]
    shape = np.broadcast_shapes(*shapes)
    x = broadcast_to(x, shape[:d] + x.shape[d:d + 1] + shape[d + 1:])
    indices = np.broadcast_to(indices.data, shape[:d] + indices.shape[d:d + 1] + shape[d + 1:])
    n = x.shape[d] if x.ndim else 1
    return index(x, _key("take_along_dim", x, d, np.where(indices < 0, indices + n, indices)))


def gather(x, dim, index):
    """y[…, i, …] = x[…, index[…, i, …], …], with i and the index along `dim`.

    `index` may be smaller than x in the other dimensions: what lies beyond is not read.
    """
    x, indices = as_tensor(x), as_tensor(index).data
    return getitem(x, _key("gather", x, axis(dim, x.ndim, "gather"), indices))


def scatter_add(x, dim, index, src):
    """x with src[…, i, …] added at […, index[…, i, …], …], the index along `dim`.

    `index` may be smaller than src, of which what lies beyond is not read. Positions that come
    twice receive both.
    """
    x, key, src = _scattered("scatter_add", x, dim, index, src)
    return x + put(src, key, x.shape)


def scatter(x, dim, index, src=None, *, value=None):
    """x with src[…, i, …], or a number, written to […, index[…, i, …], …], the index along `dim`.

    Of positions that come twice the last is written, and it alone has a gradient.
    """
    if (src is None) == (value is None):
        raise TypeError("scatter: expected either src or value")
    src = value if src is None else src
    if not isinstance(src, (Tensor, np.ndarray)):
        src = Tensor(np.full(as_tensor(index).shape, src, as_tensor(x).dtype))
    x, key, src = _scattered("scatter", x, dim, index, src)
    written, zero = np.zeros(x.shape, bool), Tensor(np.zeros((), x.dtype))
    written[key] = True
    number, last = np.arange(src.numel()).reshape(src.shape), np.zeros(x.shape, int)
    np.maximum.at(last, key, number)
    src = where(last[key] == number, src, zero)
    return where(written, put(src, key, x.shape), x)


def index_add(x, dim, index, source, *, alpha=1):
    """x with alpha times the slices of `source` added to those at `index` along `dim`."""
    x, source, d = as_tensor(x), as_tensor(source), axis(dim, as_tensor(x).ndim, "index_add")
    positions = _positions("index_add", x, d, index)
    if x.ndim == 0 or source.shape != x.shape[:d] + positions.shape + x.shape[d + 1:]:
        raise ValueError(f"index_add: {positions.size} positions along dim {dim} of {x.shape} "
                         f"do not fit source {source.shape}")
    return x + put(source * alpha, (slice(None),) * d + (positions,), x.shape)


def _positions(op, x, d, index):
    """The positions along dimension d as a vector of their own, checked."""
    positions = np.array(as_tensor(index).data)
    n = x.shape[d] if x.ndim else 1
    if positions.ndim > 1 or positions.dtype.kind not in "iu":
        raise ValueError(f"{op}: index should be a vector of whole numbers, got {positions.dtype} "
                         f"of shape {positions.shape}")
    if ((positions < 0) | (positions >= n)).any():
        raise IndexError(f"{op}: positions {positions.tolist()} are not all within 0 … {n - 1}, "
                         f"dim {d} of {x.shape}")
    return positions.reshape(-1)


def _scattered(op, x, dim, indices, src):
    """x, the key under which src is written, and as much of src as the indices name."""
    x, indices, src = as_tensor(x), as_tensor(indices).data, as_tensor(src)
    key = _key(op, x, axis(dim, x.ndim, op), indices)
    if src.ndim != x.ndim or any(n > m for n, m in zip(indices.shape, src.shape)):
        raise ValueError(f"{op}: index {indices.shape} should be no larger than src {src.shape}")
    if src.dtype != x.dtype:
        raise DtypeError(f"{op}: x is {x.dtype} and src is {src.dtype}; "
                         "convert one with .to(dtype)")
    return x, key, index(src, tuple(slice(n) for n in indices.shape))


def _key(op, x, d, indices):
    """The key that reads x at the indices along dimension d, checked."""
    if indices.dtype.kind not in "iu":
        raise DtypeError(f"{op}: indices should be whole numbers, got {indices.dtype}")
    fits = all(n <= m for i, (n, m) in enumerate(zip(indices.shape, x.shape)) if i != d)
    if indices.ndim != x.ndim or not fits:
        raise ValueError(f"{op}: an index of shape {indices.shape} does not fit x {x.shape} "
                         f"along dim {d}")
    n = x.shape[d] if x.ndim else 1
    wrong = np.argwhere((indices < 0) | (indices >= n))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        raise IndexError(f"{op}: index {indices[place]} at {place} is out of range 0 … {n - 1} "
                         f"along dim {d} of {x.shape}")
    grid = list(np.indices(indices.shape, sparse=True))
    grid[d:d + 1] = [indices.astype(np.intp)] * (x.ndim > 0)       # a copy
    return tuple(grid)


def index_select(x, dim, index):
    """The slices of x at the positions `index`, a vector, along `dim`."""
    x, d = as_tensor(x), axis(dim, as_tensor(x).ndim, "index_select")
    positions = _positions("index_select", x, d, index)
    return getitem(x, (slice(None),) * d + (positions,)) if x.ndim else x


def select(x, dim, index):
    """The slice of x at the position `index` along `dim`, without that dimension."""
    x = as_tensor(x)
    return getitem(x, (slice(None),) * axis(dim, x.ndim, "select") + (index,))


def narrow(x, dim, start, length):
    """x from `start` on along `dim`, `length` positions."""
    x = as_tensor(x)
    d = axis(dim, x.ndim, "narrow")
    n = x.shape[d] if x.ndim else 0
    if not 0 <= start + n * (start < 0) <= n - length or length < 0:
        raise IndexError(f"narrow: {length} positions from {start} on are not within dim {dim} "
                         f"of {x.shape}")
    start += n * (start < 0)
    return index(x, (slice(None),) * d + (slice(start, start + length),))
