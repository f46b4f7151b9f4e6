"""For each operation: the shape of its result, what the result sees, and its multiply-adds.

A rule gets the arguments of the operation: in place of each tensor or array an `Operand` with its
shape, its dtype and what it sees (None for weights). It returns a `Result`, or None where it cannot
say; then, as for an operation without a rule, the operation is run, and any element of the result
may have seen all that any argument has.
"""
import math
from typing import NamedTuple

import numpy as np

from .field import spread, table, windows
from .seen import (Seen, along, combined, dropped, indexed, permuted, plain, reshaped, settled)


class Operand(NamedTuple):
    """An argument that is a tensor or an array."""
    shape: tuple
    dtype: np.dtype
    seen: Seen | None


class Result(NamedTuple):
    """What a rule says of a result; with `dtype` None it is that of the first operand.

    (For `elementwise` it is what one element becomes.)
    """
    shape: tuple
    seen: Seen | None
    multiply_adds: int = 0
    dtype: np.dtype | None = None


def elementwise(*args, **kwargs):
    """Every element sees what the elements it was made from see."""
    operands = [a for a in args if isinstance(a, Operand)]
    shape = np.broadcast_shapes(*(a.shape for a in operands))
    return Result(shape, _combined(operands, shape))


def _combined(operands, shape):
    several = [a.seen for a in operands if a.seen is not None]
    return combined(several, shape) if several else None


# ---- convolution and products --------------------------------------------------------------------

def conv(x, w, b, geometry, groups):
    """(N, C, *size) → (N, O, *output), a multiply-add for each output and weight it is made with"""
    D = len(x.shape) - 2
    shape = x.shape[0], w.shape[0], *geometry.output[-D:]
    seen = _all_channels(x.seen, shape)
    for d, (k, s, p, dilation) in enumerate(zip(*(size[-D:] for size in (
            geometry.kernel, geometry.stride, geometry.before, geometry.dilation)))):
        seen = _along(seen, d + 2, lambda f: windows(f, k, s, p, dilation), shape[d + 2])
    return Result(shape, seen, math.prod(shape) * math.prod(w.shape[1:]))


def conv_scaled(x, w, a, scale, shift, geometry, groups, relu=False):
    """A convolution and what follows it in one pass."""
    y = conv(x, w, None, geometry, groups)
    seen = [s for s in (y.seen, a and a.seen) if s is not None]
    return y._replace(seen=combined(seen, y.shape) if seen else None)


def conv_input(g, w, geometry, groups, a=None):
    """Transposed convolution: every input is multiplied with all weights that it meets."""
    D = len(g.shape) - 2
    shape = g.shape[0], w.shape[1] * groups, *geometry.size[-D:]
    seen = _all_channels(g.seen, shape)
    for d, (k, s, p, dilation) in enumerate(zip(*(size[-D:] for size in (
            geometry.kernel, geometry.stride, geometry.before, geometry.dilation)))):
        seen = _along(seen, d + 2, lambda f: spread(f, k, s, p, dilation), shape[d + 2])
    return Result(shape, seen, math.prod(g.shape) * math.prod(w.shape[1:]))


def _all_channels(seen, shape):
    """Every output channel sees what any channel does."""
    return seen and along(settled(seen, (1,)), 1, lambda f: f, shape[1])


def _along(seen, axis, change, n):
    return seen and along(seen, axis, change, n)


def product(a, b, bias, ta, tb):
    """(…, M, K) and (…, K, N), either of them perhaps transposed: M N K multiply-adds each"""
    a, b = (_transposed(x) if t else x for x, t in ((a, ta), (b, tb)))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = *batch, a.shape[-2], b.shape[-1]
    inner = [x.seen and dropped(x.seen, (len(x.shape) + k,), keepdim=True)
             for x, k in ((a, -1), (b, -2))]
    several = [seen for seen in inner if seen is not None]
    return Result(shape, combined(several, shape) if several else None,
                  math.prod(shape) * a.shape[-1])


def _transposed(x):
    order = *range(len(x.shape) - 2), len(x.shape) - 1, len(x.shape) - 2
    return Operand(tuple(x.shape[i] for i in order), x.dtype, x.seen and permuted(x.seen, order))


def einsum(*xs, terms, result):
    """A multiply-add for each combination of letters, where there are two operands."""
    sizes = {c: n for term, x in zip(terms, xs) for c, n in zip(term, x.shape)}
    shape = tuple(sizes[c] for c in result)
    several = [plain(x.seen, shape) for x in xs if x.seen is not None]
    return Result(shape, combined(several, shape) if several else None,
                  math.prod(sizes.values()) * (len(xs) - 1))


# ---- pooling, interpolation ----------------------------------------------------------------------

def window_max(x, windows, relu=False):
    """The maxima and their places, both."""
    y = window_sum(x, windows)
    return [y, y._replace(seen=None, dtype=np.dtype(np.int32))]


def take_pixels(x, where, windows=None, values=None, relu=False):
    """Max pooling, or pixels at places that nobody knows."""
    return None if windows is None else window_sum(x, windows)


def window_sum(x, seen_by, scale=None):
    """Pooling: windows that slide, one over all, or such as share out the image."""
    shape = *x.shape[:2], *seen_by.outputs
    seen = x.seen
    for d, n in enumerate(seen_by.outputs):
        if seen_by.sliding:
            geometry = seen_by.sliding[d]
            seen = _along(seen, d + 2, lambda f: windows(f, *geometry), n)
        else:
            first, last = _ends(seen_by, d)
            seen = _along(seen, d + 2, lambda f: table(f, first, last), n)
    return Result(shape, seen)


def _ends(seen_by, d):
    """The first and the last pixel of the windows along dimension d, as lists."""
    if seen_by.along:
        places = seen_by.along[d].pixels
    else:
        shape = *seen_by.outputs, -1
        places = np.stack(np.unravel_index(seen_by.pixels, seen_by.size))[d].reshape(shape)
        places = np.moveaxis(places, d, 0).reshape(seen_by.outputs[d], -1)
    return places.min(1).tolist(), places.max(1).tolist()


def resample(x, dim, taps):
    """Interpolation: places of weight 0 count nothing."""
    far = np.where(taps.weights != 0, taps.places, taps.inputs), taps.places * (taps.weights != 0)
    first, last = far[0].min(1).tolist(), far[1].max(1).tolist()
    n = len(first)
    shape = *x.shape[:dim], n, *x.shape[dim + 1:]
    return Result(shape, _along(x.seen, dim, lambda f: table(f, first, last), n))


# ---- shapes --------------------------------------------------------------------------------------

def reshape(x, shape):
    """Pixels keep their order in memory, and what they have seen; one length may be −1."""
    known = math.prod(n for n in shape if n != -1)
    shape = tuple(math.prod(x.shape) // known if n == -1 else n for n in shape)
    return Result(shape, x.seen and reshaped(x.seen, shape))


def permute(x, dims):
    """The dimensions in another order, and what was seen along them with them."""
    return Result(tuple(x.shape[d] for d in dims), x.seen and permuted(x.seen, dims))


def broadcast_to(x, shape):
    """Every copy has seen what the original has."""
    return Result(tuple(shape), x.seen and combined([x.seen], tuple(shape)))


def cat(*xs, dim):
    """Whichever of the xs lies there: together they have seen what any of them has."""
    dim %= len(xs[0].shape)
    n = sum(x.shape[dim] for x in xs)
    shape = *xs[0].shape[:dim], n, *xs[0].shape[dim + 1:]
    several = [along(settled(x.seen, (dim,)), dim, lambda f: f, n)
               for x in xs if x.seen is not None]
    return Result(shape, combined(several, shape) if several else None)


def pad_constant(x, widths, value=0.0):
    """The fields move on by what is put before them; constants have seen nothing."""
    seen = x.seen
    shape = tuple(b + n + a for (b, a), n in zip(widths, x.shape))
    for axis, (before, after) in enumerate(widths):
        if before or after:
            seen = _along(seen, axis, lambda f: windows(f, 1, 1, before, 1), shape[axis])
    return Result(shape, seen)


def index(x, key):
    """Slices and numbers: those that are left have seen what they had."""
    shape = np.broadcast_to(0, x.shape)[key].shape
    return Result(shape, x.seen and indexed(x.seen, key, shape))


def reduced(x, dim=None, keepdim=False, *, dtype=None):
    """Sums and maxima over dimensions."""
    if x.dtype.kind != "f":
        return None
    D = len(x.shape)
    dims = range(D) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    dims = tuple(d % D for d in dims)
    shape = tuple(1 if d in dims else n for d, n in enumerate(x.shape) if keepdim or d not in dims)
    return Result(shape, x.seen and dropped(x.seen, dims, keepdim), dtype=dtype)


def softmax(x, dim, dtype=None):
    """Along `dim` every result has seen all that is there."""
    return Result(x.shape, x.seen and settled(x.seen, (dim % len(x.shape),)), dtype=dtype)


def cast(x, *, dtype):
    """Another dtype, the same sight."""
    return Result(x.shape, x.seen, dtype=dtype)


# ---- normalisation -------------------------------------------------------------------------------

def scale_and_shift(x, w, b, a, stats, relu=False):
    """Batch norm in evaluation: element by element."""
    return Result(x.shape, _combined([x] if a is None else [x, a], x.shape))


def unary(x, *args, **kwargs):
    """One tensor in, one of the same shape and dtype out, element by element."""
    return Result(x.shape, x.seen)


# by the name of the function of arrays; what begins with _ is listed without it
RULES = {f.__name__: f for f in (
    conv, conv_scaled, conv_input, product, einsum, window_max, take_pixels, window_sum, resample,
    reshape, permute, broadcast_to, cat, pad_constant, index, cast, scale_and_shift, softmax)}
RULES |= {"log_softmax": softmax, "sum": reduced, "amax": reduced, "amin": reduced}
RULES |= dict.fromkeys(("relu", "sigmoid", "softplus", "clamp", "neg", "abs", "exp", "expm1", "log",
                        "log1p", "log2", "log10", "sqrt", "sin", "cos", "tanh", "erf"), unary)
RULES |= dict.fromkeys(("add", "sub", "mul", "div", "pow", "maximum", "minimum", "remainder",
                        "xlogy", "logaddexp", "where"), elementwise)

# what is worth a line of its own where it happens outside a layer
TITLES = {"conv": "convolution", "conv_scaled": "convolution", "product": "matrix product",
          "conv_input": "transposed convolution", "einsum": "matrix product",
          "take_pixels": "max pooling", "window_sum": "average pooling",
          "resample": "interpolation", "sum": "sum", "amax": "maximum"}
