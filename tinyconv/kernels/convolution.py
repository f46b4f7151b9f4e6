"""Convolution and its two gradients: any stride, padding, dilation and groups, 1 to 3 dimensions.

All three are the one product of `product.py`, c[out[m] + o] = Σ_r a[row[m] + off[r]] · b[r, o],
with other tables:

|            | a                | m runs over       | r runs over        | b           |
|------------|------------------|-------------------|--------------------|-------------|
| y = x ∗ w  | x, padded        | output pixels     | (tap, in channel)  | w           |
| ∂L/∂w      | x, padded        | (tap, in channel) | output pixels      | g           |
| ∂L/∂x      | g, padded        | input pixels      | (tap, out channel) | w, turned   |

The tables are made in `geometry.py`: they are im2col without the copy. One image at a time is
copied into a padded scratch array that stays in cache. Kernels of 3 × 3 and stride 1 with many
channels take a shorter way, `winograd.py`.

Inside this file arrays are channels-last, (N, D, H, W, C), and every problem has three dimensions;
what has fewer gets dimensions of length one. "Convolution" is cross-correlation, as everywhere in
this field: the kernel is not flipped.
"""
import math

import numpy as np
from numba import njit, prange

from . import winograd
from .compile import kernel
from .geometry import backward, forward, whole_tiles
from .layout import channels_first, channels_last
from .memory import empty
from .product import CHUNK, best_shape, filled_up, multiply_as, panels

TASKS = 16                             # pieces of work: a matter of the data, not of the threads
GRADIENT_BYTES = 32 << 20              # memory for the partial sums of a weight gradient


# ---- the kernels ---------------------------------------------------------------------------------

@njit(nogil=True)
def copy_inside(x, n, padded, size, shift):
    """padded[p + shift] = x[n, p] for every pixel p that lands inside `size`; x (N, D, H, W, C)."""
    _, D, H, W, C = x.shape
    low, high = max(0, -shift[2]), min(W, size[2] - shift[2])
    source, run = x.reshape(-1), (high - low) * C
    for d in range(max(0, -shift[0]), min(D, size[0] - shift[0])):
        for h in range(max(0, -shift[1]), min(H, size[1] - shift[1])):
            i = (((n * D + d) * H + h) * W + low) * C
            k = (((d + shift[0]) * size[1] + h + shift[1]) * size[2] + low + shift[2]) * C
            padded[k:k + run] = source[i:i + run]


@kernel(parallel=True)
def _sweep(kind, rows, width, x, size, shift, passes, row, off, out, b, bias, y, groups):
    """y[n, out[m] + o] = bias[o] + Σ_r padded x[n, row[m] + off[r]] b[r, o], pass by pass.

    The arguments are those of a `geometry.Plan`; b has the panels of every pass and group in turn.
    """
    N, C, O = x.shape[0], x.shape[4], y.shape[1] // groups
    columns, flat = (O + width - 1) // width * width, y.reshape(-1)
    pieces = max(1, TASKS // max(N, 1))          # few images: each is split further, by pixels
    tasks = min(N, TASKS) * pieces
    one, pixels = size[0] * size[1] * size[2] * C, x.reshape(-1)
    bare = one * N == x.size and shift[0] == shift[1] == shift[2] == 0       # nothing is padded
    for task in prange(tasks):
        padded = np.zeros(0 if bare else one, x.dtype)
        image, piece, images = task // pieces, task % pieces, tasks // pieces
        for n in range(image * N // images, (image + 1) * N // images):
            if bare:
                padded = pixels[n * one:(n + 1) * one]
            else:
                copy_inside(x, n, padded, size, shift)
            target = flat[n * (flat.size // N):(n + 1) * (flat.size // N)]
            for p in range(passes.shape[0]):
                first, last, r0, r1 = passes[p]
                tiles = (last - first) // rows
                m = slice(first + piece * tiles // pieces * rows,
                          first + (piece + 1) * tiles // pieces * rows)
                for group in range(groups):
                    start = columns * (groups * r0 + group * (r1 - r0))
                    multiply_as(kind, padded[group * (C // groups):], row[m], off[r0:r1],
                                b[start:], width, width * (r1 - r0),
                                bias[group * columns:], target[group * O:], out[m], O, False)


@kernel(parallel=True)
def _correlate(kind, width, images, x, size, shift, taps, pixels, g, sums, groups):
    """sums[task, group, m, o] = Σ_n Σ_p padded x[n, taps[m] + pixels[p]] · g[n, p, o].

    n runs over the images of the task, `images` at a time. g is read where it lies: columns of a
    panel beyond the last channel are the next pixel's, and computed for nothing. Only the last
    pixel of all has none; there g is copied to where it has.
    """
    N, C, P, O = x.shape[0], x.shape[4], g.shape[1], g.shape[2] // groups
    tasks, M, columns = sums.shape[0], sums.shape[2], sums.shape[3]
    one, line, flat = size[0] * size[1] * size[2] * C, O * groups, g.reshape(-1)
    out, none = np.arange(M) * columns, np.zeros(columns, x.dtype)
    for task in prange(tasks):
        padded = np.zeros(images * one, x.dtype)
        for first in range(task * N // tasks, (task + 1) * N // tasks, images):
            count = min(images, (task + 1) * N // tasks - first)
            for i in range(count):
                copy_inside(x, first + i, padded[i * one:], size, shift)
            b = flat[first * P * line:(first + count) * P * line]
            if first + count == N and O < columns:
                b = np.concatenate((b, np.zeros(columns, x.dtype)))
            for group in range(groups):
                multiply_as(kind, padded[group * (C // groups):], taps, pixels[:count * P],
                            b[group * O:], line, width, none, sums[task, group].reshape(-1), out,
                            columns, first > task * N // tasks)


@kernel(parallel=True)
def _collect(sums, gw):
    """gw[group, o, c, k] = Σ_task sums[task, group, (k, c), o]"""
    groups, O, C, K = gw.shape
    for task in prange(groups * C):
        group, c = task // C, task % C
        total = np.zeros((K, O), gw.dtype)
        for part in range(sums.shape[0]):
            for k in range(K):
                for o in range(O):
                    total[k, o] += sums[part, group, k * C + c, o]
        for o in range(O):
            for k in range(K):
                gw[group, o, c, k] = total[k, o]


# ---- the three operations ------------------------------------------------------------------------

def conv(x, w, bias, geometry, groups):
    """y = x ∗ w + bias

    x (N, C, D, H, W), w (O, C/groups, kd, kh, kw), bias (O) or None → (N, O, …output)
    """
    y = empty((len(x), *geometry.output, len(w)), x.dtype)
    if winograd.fits(geometry, len(x), x.shape[1], len(w), groups, x.dtype):
        winograd.conv(channels_last(x)[:, 0], w[:, :, 0], bias, geometry.before[1:], y[:, 0])
        return channels_first(y)
    kind, rows, width = best_shape(len(w) // groups, x.itemsize)
    plan = forward(geometry, x.shape[1], len(w), groups, rows)
    w = w.reshape(groups, -1, *w.shape[1:]).swapaxes(1, 2)           # (groups, C, O, kd, kh, kw)
    return _run(plan, kind, rows, width, x, w, bias, y, groups)


def conv_input(g, w, geometry, groups):
    """∂L/∂x for y = x ∗ w:  g (N, O, …output), w (O, C/groups, kd, kh, kw) → (N, C, D, H, W)"""
    x = empty((len(g), *geometry.size, w.shape[1] * groups), g.dtype)
    if winograd.fits(geometry, len(g), x.shape[-1], len(w), groups, g.dtype):
        winograd.conv_input(channels_last(g)[:, 0], w[:, :, 0], geometry.before[1:], x[:, 0])
        return channels_first(x)
    kind, rows, width = best_shape(w.shape[1], g.itemsize)
    plan = backward(geometry, x.shape[-1], len(w), groups, rows)
    w = w.reshape(groups, -1, *w.shape[1:])                          # (groups, O, C, kd, kh, kw)
    return _run(plan, kind, rows, width, g, w, None, x, groups)


def _run(plan, kind, rows, width, x, w, bias, y, groups):
    """Fill y by sweeping the plan over x; w (groups, summed channels, columns, kd, kh, kw)."""
    if y.size:
        b = panels([_as_matrix(w[(..., *taps)]) for taps in plan.taps], width)
        _sweep(kind, rows, width, channels_last(x), plan.size, plan.shift, plan.passes, plan.row,
               plan.off, plan.out, b, filled_up(bias, w.shape[2], width, x.dtype, groups),
               y.reshape(-1, y.shape[-1]), groups)
    return channels_first(y)


def _as_matrix(w):
    """(groups, summed channels, columns, kd, kh, kw) → (groups, (tap, summed channel), columns)"""
    return w.transpose(0, 3, 4, 5, 1, 2).reshape(len(w), -1, w.shape[2])


def conv_weight(x, g, geometry, groups):
    """∂L/∂w for y = x ∗ w:  x (N, C, D, H, W), g (N, O, …output) → (O, C/groups, kd, kh, kw)"""
    N, C, O = len(x), x.shape[1] // groups, g.shape[1] // groups
    if x.size == 0 or g.size == 0:
        return np.zeros((O * groups, C, *geometry.kernel), x.dtype)
    if winograd.fits(geometry, N, C, O, groups, x.dtype):
        return winograd.conv_weight(channels_last(x)[:, 0], channels_last(g)[:, 0],
                                    geometry.before[1:])[:, :, None]
    kind, rows, width = best_shape(O, x.itemsize)
    # The plan of y = x ∗ w with its roles exchanged: rows are taps, sums run over pixels.
    plan = forward(geometry, C * groups, O * groups, groups, 1)
    taps, P = whole_tiles(plan.off, rows), len(plan.row)
    columns = -(-O // width) * width
    one = groups * len(taps) * columns * x.itemsize
    tasks = max(1, min(N, TASKS, GRADIENT_BYTES // one))
    images = min(-(-CHUNK // P), -(-N // tasks))                     # sums worth their beginning
    pixels = plan.row + np.arange(images)[:, None] * (np.prod(plan.size) * C * groups)
    sums = empty((tasks, groups, len(taps), columns), x.dtype)
    _correlate(kind, width, images, channels_last(x), plan.size, plan.shift, taps,
               pixels.reshape(-1), channels_last(g).reshape(N, P, O * groups), sums, groups)
    gw = np.empty((groups, O, C, math.prod(geometry.kernel)), x.dtype)
    _collect(sums, gw)
    return gw.reshape(O * groups, C, *geometry.kernel)
