"""More arrangements of the same elements: repeated, taken apart, laid out as grids and windows."""
import numpy as np

from ..core import broadcast_to
from .creation import as_tensor
from .dimensions import axis
from .indexing import index
from .shaping import cat, flatten, movedim, reshape, transpose, unsqueeze

swapaxes, moveaxis = transpose, movedim


def ravel(x):
    """All elements in a row."""
    return flatten(x)


def unbind(x, dim=0):
    """The slices along `dim`, as a tuple."""
    x = as_tensor(x)
    if x.ndim == 0:
        raise ValueError("unbind: expected at least 1 dimension, got a number")
    before = (slice(None),) * axis(dim, x.ndim, "unbind")
    return tuple(index(x, before + (i,)) for i in range(x.shape[dim]))


def unflatten(x, dim, sizes):
    """Dimension `dim` made several of the given sizes, one of which may be −1."""
    x = as_tensor(x)
    d, known = axis(dim, x.ndim, "unflatten"), 1
    for n in sizes:
        known *= n if n != -1 else 1
    whole = tuple(x.shape[d] // max(known, 1) if n == -1 else n for n in sizes)
    if int(np.prod(whole)) != x.shape[d] or sum(n == -1 for n in sizes) > 1:
        raise ValueError(f"unflatten: sizes {tuple(sizes)} do not multiply to {x.shape[d]}, "
                         f"the length of dim {dim} of {x.shape}")
    return reshape(x, x.shape[:d] + whole + x.shape[d + 1:])


# ---- repeated ------------------------------------------------------------------------------------

def tile(x, dims):
    """x laid out dims[i] times along dimension i; numbers that are missing in front are 1."""
    x = as_tensor(x)
    ndim = max(x.ndim, len(dims))
    shape, times = ((1,) * (ndim - len(s)) + tuple(s) for s in (x.shape, dims))
    if any(t < 0 for t in times):
        raise ValueError(f"tile: expected numbers of at least 0, got {tuple(dims)}")
    x = reshape(x, tuple(n for length in shape for n in (1, length)))
    x = broadcast_to(x, tuple(n for pair in zip(times, shape) for n in pair))
    return reshape(x, tuple(t * n for t, n in zip(times, shape)))


def repeat_interleave(x, repeats, dim=None):
    """Every slice along `dim` repeated at once, all as often or each as `repeats` says.

    Without `dim` x is taken as flat.
    """
    x = as_tensor(x)
    x, dim = (ravel(x), 0) if dim is None else (x, dim)
    d, repeats = axis(dim, x.ndim, "repeat_interleave"), as_tensor(repeats).data
    if repeats.dtype.kind not in "iu" or repeats.size not in (1, x.shape[d]) or (repeats < 0).any():
        raise ValueError(f"repeat_interleave: repeats should be a number ≥ 0 or {x.shape[d]} of "
                         f"them, one for each slice, got {repeats.tolist()}")
    return index(x, (slice(None),) * d + (np.repeat(np.arange(x.shape[d]), repeats.reshape(-1)),))


# ---- grids and windows ---------------------------------------------------------------------------

def broadcast_tensors(*tensors):
    """The tensors, all repeated to the shape to which they broadcast together."""
    tensors = [as_tensor(x) for x in tensors]
    try:
        shape = np.broadcast_shapes(*(x.shape for x in tensors))
    except ValueError:
        raise ValueError(f"broadcast_tensors: the shapes {', '.join(str(x.shape) for x in tensors)}"
                         " do not broadcast") from None
    return tuple(broadcast_to(x, shape) for x in tensors)


def meshgrid(*tensors, indexing="ij"):
    """Vectors x₁ … xₙ as n grids: the i-th varies along dimension i alone.

    With `indexing` "xy" the first two dimensions of all grids are exchanged.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    if indexing not in ("ij", "xy"):
        raise ValueError(f"meshgrid: indexing should be 'ij' or 'xy', got {indexing!r}")
    vectors = [as_tensor(x) for x in tensors]
    if not vectors or any(x.ndim > 1 for x in vectors):
        raise ValueError("meshgrid: expected vectors, got shapes "
                         f"{', '.join(str(x.shape) for x in vectors) or 'none'}")
    n = len(vectors)
    grids = broadcast_tensors(*(reshape(x, (1,) * i + (x.numel(),) + (1,) * (n - i - 1))
                                for i, x in enumerate(vectors)))
    return tuple(transpose(g, 0, 1) for g in grids) if indexing == "xy" and n > 1 else grids


def unfold(x, dimension, size, step):
    """Windows of `size` elements along a dimension, one every `step`, as a new last dimension."""
    x = as_tensor(x)
    d = axis(dimension, x.ndim, "unfold")
    n = x.shape[d] if x.ndim else 1
    if not 0 <= size <= n or step < 1:
        raise ValueError(f"unfold: windows of {size} elements every {step} do not fit into dim "
                         f"{dimension} of {x.shape}")
    places = np.arange(0, n - size + 1, step)[:, None] + np.arange(size)
    y = index(x if x.ndim else reshape(x, (1,)), (slice(None),) * d + (places,))
    return movedim(y, d + 1, -1) if x.ndim else y[0]


# ---- joined --------------------------------------------------------------------------------------

def vstack(tensors):
    """The tensors one below the other: a vector is a row."""
    tensors = [as_tensor(x) for x in tensors]
    return cat([x if x.ndim > 1 else reshape(x, (1, x.numel())) for x in tensors], 0)


def hstack(tensors):
    """The tensors side by side: along dimension 1, vectors along 0."""
    tensors = [x if x.ndim else unsqueeze(x, 0) for x in map(as_tensor, tensors)]
    return cat(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)
