"""Convolution and its two gradients: any stride, padding, dilation and groups, 1 to 3 dimensions.

All three are the one product of `product.py`, c[out[m] + o] = Σ_r a[row[m] + off[r]] · b[r, o],
with other tables:

|            | a                | m runs over       | r runs over        | b           |
|------------|------------------|-------------------|--------------------|-------------|
| y = x ∗ w  | x, padded        | output pixels     | (tap, in channel)  | w           |
| ∂L/∂w      | x, padded        | (tap, in channel) | output pixels      | g           |
| ∂L/∂x      | g, padded        | input pixels      | (tap, out channel) | w, turned   |

The tables are made in `geometry.py`: they are im2col without the copy. Where there is padding, one
image at a time (for ∂L/∂w a few) is copied into a padded array that stays in cache. Kernels of
3 × 3 and stride 1 with many channels take a shorter way, `winograd.py`; the gradient of images with
few, `col2im.py`; small images are gone through several at a time, `volumes.py`, or, where the
weights outweigh them, tap by tap, `taps.py`.

Inside this file arrays are channels-last, (N, D, H, W, C), and every problem has three dimensions;
what has fewer gets dimensions of length one. "Convolution" is cross-correlation, as everywhere in
this field: the kernel is not flipped.
"""
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import prange

from . import col2im, neighbours, taps, volumes, winograd
from .compile import kernel, part
from .geometry import KEPT, backward, forward, whole_tiles
from .layout import channels_first, channels_last
from .memory import empty
from .product import CHUNK, TASKS, best_shape, filled_up, finish_rows, multiply_as, pack

GRADIENT_BYTES = 32 << 20              # memory for the partial sums of a weight gradient


# ---- the kernels ---------------------------------------------------------------------------------

@part
def _copy_inside(x, n, padded, start, size, shift):
    """padded[start + (p + shift)] = x[n, p] for every pixel p; `size` is that of the padded image.
    """
    _, D, H, W, C = x.shape
    source = x.reshape(-1)
    for d in range(D):
        for h in range(H):
            i = ((n * D + d) * H + h) * W * C
            k = start + (((d + shift[0]) * size[1] + h + shift[1]) * size[2] + shift[2]) * C
            to, run = padded[k:k + W * C], source[i:i + W * C]
            for c in range(run.size):
                to[c] = run[c]


@part
def _pack_panel(group, panel, panels, w, turned, passes, taps, width, b):
    """Of the weights w (groups, summed channels S, columns, taps) one panel, as a plan reads them:

    b (pass, group, panel, (tap, summed channel), column), one after another; see `product.py`.
    `turned`: w has its columns before the summed channels.
    """
    groups, K = w.shape[0], w.shape[3]
    S, O = (w.shape[2], w.shape[1]) if turned else (w.shape[1], w.shape[2])
    step_s, step_o = (K, S * K) if turned else (O * K, K)
    weights = w.reshape(-1)[group * S * O * K + panel * width * step_o:]
    for p in range(passes.shape[0]):
        r0, r1 = passes[p, 2], passes[p, 3]
        start = (groups * panels * r0 + (group * panels + panel) * (r1 - r0)) * width
        pack(weights, step_s, step_o, taps[r0 // S:r1 // S], S, min(width, O - panel * width),
             width, b[start:])


@kernel(parallel=True)
def _sweep(tile, x, plan, w, turned, b, bias, y, finishing, finish):
    """y[n, out[m] + o] = bias[o] + Σ_r padded x[n, row[m] + off[r]] b[r, o], pass by pass.

    `plan` is a `geometry.Plan`; b is made of w, the panels of every pass and group in turn. y
    (N, M, O), which `finishing` goes through `finish_rows` while it is still in cache.
    """
    N, groups, width, size, inside = len(x), len(w), tile[2], plan[0], plan[1]
    panels = (w.shape[1 if turned else 2] + width - 1) // width
    pieces = max(1, TASKS // max(N, 1))          # few images: each is split further, by pixels
    tasks, one = min(N, TASKS), size[0] * size[1] * size[2] * x.shape[4]
    bare = one * N == x.size and inside[0] == inside[1] == inside[2] == 0        # no padding
    copies = 0 if bare or pieces == 1 else N     # are padded once, for all the pieces
    images = x.reshape(-1) if bare else np.zeros(copies * one, x.dtype)
    for task in prange(copies + groups * panels):
        if task < copies:
            _copy_inside(x, task, images, task * one, size, inside)
        else:
            panel = task - copies
            _pack_panel(panel // panels, panel % panels, panels, w, turned, plan[5], plan[6], width,
                        b)
    for task in prange(tasks * pieces):
        image, piece = task // pieces, task % pieces
        _sweep_images(image * N // tasks, (image + 1) * N // tasks, piece, pieces, tile, x, images,
                      plan, b, bias, y, groups, finishing, finish)


@part
def _sweep_images(start, stop, piece, pieces, tile, x, images, plan, b, bias, y, groups, finishing,
                  finish):
    """The part of `_sweep` for some images, and of these a piece of the pixels.

    `images` are those of x with their padding, or none, where they are padded here one by one.
    """
    (kind, rows, width), (scale, shift, addend, relu) = tile, finish
    size, inside, row, out, off, passes, _ = plan
    C, M, O, flat = x.shape[4], y.shape[1], y.shape[2] // groups, y.reshape(-1)
    columns = (O + width - 1) // width * width
    one = size[0] * size[1] * size[2] * C
    padded = np.zeros(0 if images.size else one, x.dtype)
    for n in range(start, stop):
        if images.size:
            padded = images[n * one:]
        else:
            _copy_inside(x, n, padded, 0, size, inside)
        for p in range(passes.shape[0]):
            first, last, r0, r1 = passes[p]
            tiles = (last - first) // rows
            begin = first + piece * tiles // pieces * rows
            end = first + (piece + 1) * tiles // pieces * rows
            steps = C // groups, columns * (r1 - r0), columns, O
            multiply_as(kind, groups, steps, padded, row[begin:end], off[r0:r1],
                        b[columns * groups * r0:], width, width * (r1 - r0), bias,
                        flat[n * M * groups * O:], out[begin:end], O, False)
            if finishing:
                end = min(end, M)
                finish_rows(y[n, begin:end], scale, shift, addend[n, begin:end], relu)


@kernel(parallel=True)
def _correlate(tile, images, x, plan, taps, g, sums, gw):
    """gw[group, o, c, k] = Σ_task sums[task, group, m, o], where m is (k, c) and

    sums[task, group, m, o] = Σ_n Σ_p padded x[n, taps[m] + row[p]] · g[n, p, o].

    n runs over the images of the task, `images` at a time; the row table has those of so many.
    """
    N, tasks, groups, C = len(x), len(sums), len(gw), gw.shape[2]
    for task in prange(tasks):
        _correlate_images(task * N // tasks, (task + 1) * N // tasks, tile, images, x, plan, taps,
                          g, sums[task], groups)
    for task in prange(groups * C):
        _collect_channel(sums, task // C, task % C, gw)


@part
def _correlate_images(start, stop, tile, images, x, plan, taps, g, sums, groups):
    """The part of `_correlate` for images from `start` to `stop`.

    g is read where it lies: columns of a panel beyond the last channel are the next pixel's, and
    computed for nothing. Towards the end of g, where none follow, it is copied to where some do.
    """
    kind, _, width = tile
    size, shift, row, _, _, _, _ = plan
    C, P, O, columns = x.shape[4], g.shape[1], g.shape[2] // groups, sums.shape[2]
    one, line, flat = size[0] * size[1] * size[2] * C, O * groups, g.reshape(-1)
    out, none = np.arange(sums.shape[1]) * columns, np.zeros(columns, x.dtype)
    bare = one * len(x) == x.size and shift[0] == shift[1] == shift[2] == 0     # no padding
    padded = np.zeros(0 if bare else images * one, x.dtype)
    for first in range(start, stop, images):
        count = min(images, stop - first)
        if bare:
            padded = x.reshape(-1)[first * one:]
        else:
            for i in range(count):
                _copy_inside(x, first + i, padded, i * one, size, shift)
        b = flat[first * P * line:]
        if g.size - (first + count) * P * line < columns - O:
            whole = np.zeros(len(b) + columns, x.dtype)
            for i in range(len(b)):
                whole[i] = b[i]
            b = whole
        multiply_as(kind, groups, (C // groups, O, 0, sums[0].size), padded, taps, row[:count * P],
                    b, line, width, none, sums.reshape(-1), out, columns, first > start)


@part
def _collect_channel(sums, group, c, gw):
    """The part of `_correlate` for one channel, when all sums are there."""
    _, O, C, K = gw.shape
    total = np.zeros((K, O), gw.dtype)
    for part in range(sums.shape[0]):
        for k in range(K):
            for o in range(O):
                total[k, o] += sums[part, group, k * C + c, o]
    for o in range(O):
        for k in range(K):
            gw[group, o, c, k] = total[k, o]


# ---- the three operations ------------------------------------------------------------------------

class Finish(NamedTuple):
    """What is done to the result of a convolution before it leaves the cache.

    relu((x ∗ w) · scale + bias + addend) with a vector scale (O), addend shaped like y or None.
    """
    scale: np.ndarray
    addend: np.ndarray | None
    relu: bool


def conv(x, w, bias, geometry, groups, finish=None):
    """y = x ∗ w + bias, or what a `Finish` makes of it

    x (N, C, D, H, W), w (O, C/groups, kd, kh, kw), bias (O) or None → (N, O, …output).
    """
    s = neighbours.number(geometry, len(x), len(w), groups, x.itemsize)
    if s > 1:
        wide = neighbours.widened(w, s, geometry.stride[2])
        bias = bias if bias is None else np.tile(bias, s)
        finish = finish and finish._replace(scale=np.tile(finish.scale, s))
        y = conv(x, wide, bias, neighbours.as_one(geometry, s), groups, finish)
        return _regrouped(y, geometry.output, len(w))
    y = empty((len(x), *geometry.output, len(w)), x.dtype)
    if winograd.fits(geometry, len(x), x.shape[1], len(w), groups, x.dtype):
        winograd.conv(channels_last(x)[:, 0], w[:, :, 0], bias, geometry.before[1:], y[:, 0],
                      finish)
        return channels_first(y)
    if taps.fits(geometry, len(x), x.shape[1], len(w), groups, x.dtype):
        taps.conv(x, w, bias, geometry, y, finish)
        return channels_first(y)
    k = volumes.number(geometry, len(x))
    if k > 1:
        if finish and finish.addend is not None:
            finish = finish._replace(addend=volumes.together(finish.addend, k))
        return volumes.apart(conv(volumes.together(x, k), w, bias, volumes.as_one(geometry, k),
                                  groups, finish))
    tile = best_shape(len(w) // groups, x.itemsize)
    plan = forward(geometry, x.shape[1], len(w), groups, tile[1])
    return _run(plan, tile, x, w, True, bias, y, groups, finish)


def _regrouped(y, size, O):
    """The same memory, (N, …, W, O), as images of another width with as many more channels."""
    return channels_first(channels_last(y).reshape(len(y), *size, O))


def conv_input(g, w, geometry, groups, addend=None):
    """∂L/∂x for y = x ∗ w, plus the addend (like x) if there is one

    g (N, O, …output), w (O, C/groups, kd, kh, kw) → (N, C, D, H, W)
    """
    x = empty((len(g), *geometry.size, w.shape[1] * groups), g.dtype)
    if not x.size:
        return channels_first(x)
    if winograd.fits(geometry, len(g), x.shape[-1], len(w), groups, g.dtype):
        winograd.conv_input(channels_last(g)[:, 0], w[:, :, 0], geometry.before[1:], x[:, 0],
                            addend)
        return channels_first(x)
    if taps.fits(geometry, len(g), len(w), x.shape[-1], groups, g.dtype):
        taps.conv_input(g, w, geometry, x, addend)
        return channels_first(x)
    k = volumes.number(geometry, len(g))
    if k > 1:
        x = volumes.apart(conv_input(volumes.together(g, k), w, volumes.as_one(geometry, k),
                                     groups))
    elif col2im.fits(geometry, w.shape[1], groups, g.dtype):
        x = col2im.conv_input(g, w, geometry, x)
    else:
        tile = best_shape(w.shape[1], g.itemsize)
        plan = backward(geometry, x.shape[-1], len(w), groups, tile[1])
        x = _run(plan, tile, g, w, False, None, x, groups)
    if addend is not None:
        x += addend
    return x


def _run(plan, tile, x, w, turned, bias, y, groups, finish=None):
    """Fill y by sweeping the plan over x; `turned`: the columns are the first dimension of w."""
    N, O, width = len(y), y.shape[-1], tile[2]
    if y.size:
        b = empty((groups * len(plan.off) * -(-O // groups // width) * width,), x.dtype)
        w = np.ascontiguousarray(w).reshape(groups, len(w) // groups, w.shape[1], -1)
        flat = y.reshape(N, -1, O)
        shift, bias = (bias, None) if finish else (None, bias)
        _sweep(tile, channels_last(x), tuple(plan), w, turned, b,
               filled_up(bias, O // groups, width, x.dtype, groups), flat,
               finish is not None, _whole(finish, shift, flat))
    return channels_first(y)


def _whole(finish, shift, y):
    """(scale, shift, addend, relu) as kernels take them, y (N, M, O): what is missing is empty."""
    scale, addend, relu = finish or (np.empty(0, y.dtype), None, False)
    shift = np.zeros_like(scale) if shift is None else np.ascontiguousarray(shift)
    return (np.ascontiguousarray(scale), shift,
            y[:, :0] if addend is None else channels_last(addend).reshape(y.shape), relu)


def conv_weight(x, g, geometry, groups):
    """∂L/∂w for y = x ∗ w:  x (N, C, D, H, W), g (N, O, …output) → (O, C/groups, kd, kh, kw)"""
    N, C, O = len(x), x.shape[1] // groups, g.shape[1] // groups
    if x.size == 0 or g.size == 0:
        return np.zeros((O * groups, C, *geometry.kernel), x.dtype)
    s, (D, H, W) = neighbours.number(geometry, N, O, groups, x.itemsize), geometry.output
    if s > 1:
        g = _regrouped(g, (D, H, W // s), s * O)
        gw = conv_weight(x, g, neighbours.as_one(geometry, s), groups)
        return neighbours.narrowed(gw, s, geometry.stride[2])
    if winograd.fits(geometry, N, C, O, groups, x.dtype):
        return winograd.conv_weight(channels_last(x)[:, 0], channels_last(g)[:, 0],
                                    geometry.before[1:])[:, :, None]
    if taps.fits(geometry, N, C, O, groups, x.dtype):
        return taps.conv_weight(x, g, geometry)
    tile = best_shape(O, x.itemsize)
    tasks, images, plan, table = _weight_plan(geometry, N, C, O, groups, tile, x.itemsize)
    sums = empty((tasks, groups, len(table), -(-O // tile[2]) * tile[2]), x.dtype)
    gw = np.empty((groups, O, C, math.prod(geometry.kernel)), x.dtype)
    _correlate(tile, images, channels_last(x), plan, table,
               channels_last(g).reshape(N, -1, O * groups), sums, gw)
    return gw.reshape(O * groups, C, *geometry.kernel)


@lru_cache(maxsize=KEPT)
def _weight_plan(geometry, N, C, O, groups, tile, itemsize):
    """What `_correlate` takes: (tasks, images at a time, plan, table of taps)

    The plan is that of y = x ∗ w with its roles exchanged: rows are taps, sums run over pixels.
    """
    plan = forward(geometry, C * groups, O * groups, groups, 1)
    table, P = whole_tiles(plan.off, tile[1]), len(plan.row)
    one = groups * len(table) * -(-O // tile[2]) * tile[2] * itemsize
    tasks = max(1, min(N, TASKS, GRADIENT_BYTES // one))
    images = min(-(-CHUNK // P), -(-N // tasks))                     # sums worth their beginning
    pixels = plan.row + np.arange(images)[:, None] * (np.prod(plan.size) * C * groups)
    return tasks, images, tuple(plan._replace(row=pixels.reshape(-1))), table
