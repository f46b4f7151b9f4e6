"""The same elements in another arrangement: reshape, permute, pad, join, cut.

| op | its adjoint |
|---|---|
| `reshape(x, shape)` | `reshape(g, x.shape)` |
| `permute(x, dims)` | `permute(g, inverse of dims)` |
| `cat(x₁, x₂, …)` | slices of g |
| `pad(x)` | crop (padding by negative amounts) |

Padding by reflection, replication or wrapping around indexes with a table of positions; see `pad`.
"""
import math

import numpy as np

from ..core import broadcast_to, defvjp, primitive
from ..kernels.layout import full, images_in_order
from .creation import as_tensor
from .dimensions import axes, axis
from .indexing import index


@primitive
def reshape(x, shape):
    """The elements of x in logical order under another shape; one length may be −1."""
    if x.ndim > 2 and len(shape) == 2 and shape[0] == len(x):        # images as vectors: a copy
        x = images_in_order(x)
    try:
        return x.reshape(shape)
    except ValueError:
        raise ValueError(f"reshape: {x.size} elements of shape {x.shape} do not fit into "
                         f"{tuple(shape)}") from None
defvjp(reshape, lambda g, y, x, shape: reshape(g, x.shape))


@primitive
def permute(x, dims):
    """y.shape[i] = x.shape[dims[i]], without a copy"""
    if sorted(axis(d, x.ndim, "permute") for d in dims) != list(range(x.ndim)):
        raise ValueError(f"permute: dims {tuple(dims)} are not the {x.ndim} dimensions of shape "
                         f"{x.shape} in some order")
    return np.transpose(x, dims)
defvjp(permute, lambda g, y, x, dims:
       permute(g, tuple(np.argsort([d % x.ndim for d in dims]).tolist())))


def transpose(x, dim0, dim1):
    """Dimensions dim0 and dim1 exchanged."""
    x = as_tensor(x)
    dims = list(range(x.ndim))
    i, j = axis(dim0, x.ndim, "transpose"), axis(dim1, x.ndim, "transpose")
    if dims:
        dims[i], dims[j] = j, i
    return permute(x, tuple(dims))


def movedim(x, source, destination):
    """Dimensions `source` moved to the places `destination`, the others in their order."""
    x = as_tensor(x)
    sources, destinations = axes(source, x.ndim, "movedim"), axes(destination, x.ndim, "movedim")
    if len(sources) != len(destinations):
        raise ValueError(f"movedim: source {source} and destination {destination} "
                         "are not equally many")
    dims = [d for d in range(x.ndim) if d not in sources]
    for d, s in sorted(zip(destinations, sources)):
        dims.insert(d, s)
    return permute(x, tuple(dims))


def flatten(x, start_dim=0, end_dim=-1):
    """Dimensions start_dim … end_dim made one."""
    x = as_tensor(x)
    start, end = axis(start_dim, x.ndim, "flatten"), axis(end_dim, x.ndim, "flatten")
    if x.ndim == 0:
        return reshape(x, (1,))
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} "
                         f"in shape {x.shape}")
    return reshape(x, x.shape[:start] + (math.prod(x.shape[start:end + 1]),) + x.shape[end + 1:])


def squeeze(x, dim=None):
    """Without dimensions of length one: all of them, or those among `dim`."""
    x = as_tensor(x)
    dims = axes(dim, x.ndim, "squeeze")
    return reshape(x, tuple(n for d, n in enumerate(x.shape) if n != 1 or d not in dims))


def unsqueeze(x, dim):
    """With a new dimension of length one at `dim`."""
    x = as_tensor(x)
    if not -x.ndim - 1 <= dim <= x.ndim:
        raise IndexError(f"unsqueeze: dim {dim} is out of range "
                         f"for a tensor with {x.ndim} dimensions")
    dim %= x.ndim + 1
    return reshape(x, x.shape[:dim] + (1,) + x.shape[dim:])


def expand(x, *sizes):
    """Dimensions of length one repeated to `sizes`, and new ones in front; −1 keeps a length.

    Nothing is copied.
    """
    x = as_tensor(x)
    sizes = sizes[0] if len(sizes) == 1 and not hasattr(sizes[0], "__index__") else sizes
    kept = (0,) * (len(sizes) - x.ndim) + x.shape
    shape = tuple(k if n == -1 else n for n, k in zip(sizes, kept))
    try:
        if -1 in sizes[:len(sizes) - x.ndim]:
            raise ValueError("a new dimension has no length to keep")
        return broadcast_to(x, shape)
    except ValueError:
        raise ValueError(f"expand: shape {x.shape} cannot be repeated to {tuple(sizes)}") from None


# ---- joining and cutting -------------------------------------------------------------------------

@primitive
def _cat(*xs, dim):
    return np.concatenate(xs, dim)


def _cat_rule(g, y, *xs, dim):
    """The slices of g that came from each of the xs."""
    ends = np.cumsum([x.shape[dim] for x in xs]).tolist()
    before = (slice(None),) * (dim % y.ndim)
    return [index(g, before + (slice(end - x.shape[dim], end),)) for x, end in zip(xs, ends)]


defvjp(_cat, joint=_cat_rule)


def cat(tensors, dim=0):
    """The tensors one after another along `dim`; all other lengths must agree.

    As in PyTorch, a tensor of shape (0,) adds nothing to tensors of any shape.
    """
    tensors = [as_tensor(x) for x in tensors]
    if not tensors:
        raise ValueError("cat: expected at least one tensor, got none")
    shapes = [x.shape for x in tensors]
    full = next((s for s in shapes if s != (0,)), (0,))
    ndim = len(full)
    if ndim > 1 and (0,) in shapes and -ndim <= dim < ndim:
        none = full[:dim % ndim] + (0,) + full[dim % ndim + 1:]
        return cat([reshape(x, none) if x.shape == (0,) else x for x in tensors], dim)
    if any(len(s) != ndim for s in shapes) or not -ndim <= dim < ndim or len(
            {s[:dim % ndim] + s[dim % ndim + 1:] for s in shapes}) > 1:
        raise ValueError(f"cat: along dim {dim} the shapes {', '.join(map(str, shapes))} "
                         "do not fit together")
    return _cat(*tensors, dim=dim)


concat = cat


def stack(tensors, dim=0):
    """The tensors, all of one shape, along a new dimension `dim`."""
    return cat([unsqueeze(x, dim) for x in tensors], dim)


def split(x, split_size_or_sections, dim=0):
    """Slices along `dim`: of equal size (the last may be smaller), or of the sizes in a list."""
    x = as_tensor(x)
    dim = axis(dim, x.ndim, "split")
    n, sizes = x.shape[dim], split_size_or_sections
    if isinstance(sizes, int):
        if sizes < 1:
            raise ValueError(f"split: slices should be at least 1 long, got {sizes}")
        sizes = [min(sizes, n - start) for start in range(0, n, sizes)] or [0]
    if sum(sizes) != n:
        raise ValueError(f"split: sizes {list(sizes)} add up to {sum(sizes)}, "
                         f"but dim {dim} has length {n}")
    before, ends = (slice(None),) * dim, np.cumsum(sizes).tolist()
    return tuple(index(x, before + (slice(end - size, end),)) for size, end in zip(sizes, ends))


def chunk(x, chunks, dim=0):
    """At most `chunks` slices of equal size along `dim`, the last perhaps smaller."""
    x = as_tensor(x)
    if chunks < 1:
        raise ValueError(f"chunk: expected at least 1 chunk, got {chunks}")
    return split(x, max(1, -(-x.shape[axis(dim, x.ndim, "chunk")] // chunks)), dim)


def flip(x, dims):
    """The order reversed along `dims`."""
    x = as_tensor(x)
    dims = axes(dims, x.ndim, "flip")
    return index(x, tuple(slice(None, None, -1 if d in dims else 1) for d in range(x.ndim)))


# ---- padding -------------------------------------------------------------------------------------

@primitive
def pad_constant(x, widths, value=0.0):
    """x with `widths` = ((before, after), …) more elements along its dimensions; negative: crop."""
    x = x[tuple(slice(max(-b, 0), n - max(-a, 0)) for (b, a), n in zip(widths, x.shape))]
    before = [max(b, 0) for b, _ in widths]
    y = full([b + n + max(a, 0) for b, n, (_, a) in zip(before, x.shape, widths)], value, like=x)
    y[tuple(slice(b, b + n) for b, n in zip(before, x.shape))] = x
    return y
defvjp(pad_constant, lambda g, y, x, widths, value=0.0:
       pad_constant(g, tuple((-b, -a) for b, a in widths)))


_POSITIONS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(input, pad, mode="constant", value=None):
    """The input with more elements around it, as `torch.nn.functional.pad`.

    `pad` counts (before, after) for the last dimension first, then for the one before it, and so
    on. Modes: "constant" (`value`, default 0; negative counts crop), "reflect" (mirrored, the edge
    not repeated), "replicate" (the edge repeated), "circular" (wrapped around). The last three read
    each position from a table: y[i] = x[table[i]].
    """
    x = as_tensor(input)
    if not hasattr(pad, "__len__") or len(pad) % 2 or len(pad) > 2 * x.ndim:
        raise ValueError(f"pad: expected pairs for at most {x.ndim} dimensions, got {pad!r}")
    pairs = list(zip(pad[::2], pad[1::2]))[::-1]
    widths = ((0, 0),) * (x.ndim - len(pairs)) + tuple(pairs)
    if any(n + min(b, 0) + min(a, 0) < 0 for (b, a), n in zip(widths, x.shape)):
        raise ValueError(f"pad: cropping shape {x.shape} by {tuple(pad)} leaves a negative length")
    if mode == "constant":
        return pad_constant(x, widths, 0.0 if value is None else value)
    if mode not in _POSITIONS:
        raise ValueError("pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', "
                         f"got {mode!r}")
    if value is not None:
        raise ValueError(f"pad: mode {mode!r} takes no value, got {value}")
    limit = {"reflect": -1, "replicate": np.inf, "circular": 0}[mode]
    for d, ((b, a), n) in enumerate(zip(widths, x.shape)):
        if (b or a) and (max(b, a) > n + limit or n == 0):
            raise ValueError(f"pad: {mode} padding ({b}, {a}) is too wide for length {n} "
                             f"(dim {d} of shape {x.shape})")
        if b or a:
            cropped = np.arange(n)[max(-b, 0):n - max(-a, 0)]
            table = np.pad(cropped, (max(b, 0), max(a, 0)), _POSITIONS[mode])
            x = index(x, (slice(None),) * d + (table,))
    return x


def roll(x, shifts, dims=None):
    """Elements shifted along `dims`, those that fall off the end coming in at the start."""
    x = as_tensor(x)
    if dims is None:
        return reshape(roll(flatten(x), shifts, 0), x.shape)
    shifts, dims = np.atleast_1d(shifts).tolist(), np.atleast_1d(dims).tolist()
    if len(shifts) != len(dims):
        raise ValueError(f"roll: {len(shifts)} shifts for {len(dims)} dims")
    for shift, d in zip(shifts, (axis(d, x.ndim, "roll") for d in dims)):
        table = (np.arange(x.shape[d]) - shift) % max(x.shape[d], 1)
        x = index(x, (slice(None),) * d + (table,))
    return x
