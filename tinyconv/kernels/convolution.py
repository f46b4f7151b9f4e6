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
from .layout import as_it_lies, channels_first, channels_last, outputs_first
from .memory import CACHE_LINE, empty
from .product import CHUNK, TASKS, best_shape, filled_up, finish_rows, multiply_as, pack, scratch

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
def _lie_packed(w, steps, S, columns, width, off, passes):
    """Whether the weights lie in memory as a product reads them: all taps, in rows of whole panels.
    """
    _, step_o, step_s, step_t = steps
    return (step_o == 1 and step_t == S * step_s and columns % width == 0 and len(passes) == 1
            and len(off) * step_s == w.size and w.ctypes.data % CACHE_LINE == 0)


@part
def _pack_panel(group, panel, panels, groups, w, steps, S, columns, passes, taps, width, b):
    """Of the weights one panel, as a plan reads them:

    b (pass, group, panel, (tap, summed channel), column), one after another; see `product.py`.
    In w groups, columns, summed channels and taps lie so many `steps` apart.
    """
    weights = w[group * steps[0] + panel * width * steps[1]:]
    for p in range(passes.shape[0]):
        r0, r1 = passes[p, 2], passes[p, 3]
        start = (groups * panels * r0 + (group * panels + panel) * (r1 - r0)) * width
        pack(weights, steps[1:], taps[r0 // S:r1 // S], S, min(width, columns - panel * width),
             width, b[start:])


@kernel(parallel=True)
def _sweep(tile, x, plan, w, steps, groups, bias, y, finishing, finish):
    """y[n, out[m] + o] = bias[o] + Σ_r padded x[n, row[m] + off[r]] b[r, o], pass by pass.

    `plan` is a `geometry.Plan`; b is made of w, the panels of every pass and group in turn, or is w
    itself. y (N, M, O), which `finishing` goes through `finish_rows` while it is still in cache.
    """
    N, width, size, inside = len(x), tile[2], plan[0], plan[1]
    S, O = x.shape[4] // groups, y.shape[2] // groups
    panels = (O + width - 1) // width
    whole = _lie_packed(w, steps, S, O, width, plan[4], plan[5])
    b = w if whole else scratch(groups * panels * width * len(plan[4]), x)
    packed = 0 if whole else groups * panels
    pieces = max(1, TASKS // max(N, 1))          # few images: each is split further, by pixels
    tasks, one = min(N, TASKS), size[0] * size[1] * size[2] * x.shape[4]
    bare = one * N == x.size and inside[0] == inside[1] == inside[2] == 0        # no padding
    copies = 0 if bare or pieces == 1 else N     # are padded once, for all the pieces
    images = x.reshape(-1) if bare else np.zeros(copies * one, x.dtype)
    for task in prange(copies + packed):
        if task < copies:
            _copy_inside(x, task, images, task * one, size, inside)
        else:
            panel = task - copies
            _pack_panel(panel // panels, panel % panels, panels, groups, w, steps, S, O, plan[5],
                        plan[6], width, b)
    for task in prange(tasks * pieces):
        image, piece = task // pieces, task % pieces
        _sweep_images(image * N // tasks, (image + 1) * N // tasks, piece, pieces, tile, x, images,
                      plan, b, whole, steps, bias, y, groups, finishing, finish)


@part
def _sweep_images(start, stop, piece, pieces, tile, x, images, plan, b, whole, steps, bias, y,
                  groups, finishing, finish):
    """The part of `_sweep` for some images, and of these a piece of the pixels.

    `images` are those of x with their padding, or none, where they are padded here one by one. b
    are packed panels, or the `whole` weights with their steps.
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
            line, panel = (steps[2], width) if whole else (width, width * (r1 - r0))
            group = steps[0] if whole else columns * (r1 - r0)
            multiply_as(kind, groups, (C // groups, group, columns, O), padded, row[begin:end],
                        off[r0:r1], b[columns * groups * r0:], line, panel, bias,
                        flat[n * M * groups * O:], out[begin:end], O, False)
            if finishing:
                end = min(end, M)
                finish_rows(y[n, begin:end], scale, shift, addend[n, begin:end], relu)


@kernel(parallel=True)
def _correlate(tile, images, x, plan, taps, g, sums, gw):
    """gw[k, c, (group, o)] = Σ_task sums[task, group, m, o], where m is (k, c) and

    sums[task, group, m, o] = Σ_n Σ_p padded x[n, taps[m] + row[p]] · g[n, p, o].

    n runs over the images of the task, `images` at a time; the row table has those of so many.
    """
    N, tasks, groups, C = len(x), len(sums), sums.shape[1], gw.shape[1]
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
    K, C, O = gw.shape
    O //= sums.shape[1]
    for k in range(K):
        total = gw[k, c, group * O:(group + 1) * O]
        total[:] = 0
        for part in range(sums.shape[0]):
            for o in range(O):
                total[o] += sums[part, group, k * C + c, o]


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
    O = len(w)
    way, *known = _way(geometry, len(x), x.shape[1], O, groups, x.dtype,
                       best_shape(O // groups, x.itemsize))
    return way(x, w, bias, finish, *known)


@lru_cache(maxsize=KEPT)
def _way(geometry, N, C, O, groups, dtype, tile):
    """How `conv` is done for such sizes: a function, and those of its arguments that follow from
    them."""
    s = neighbours.number(geometry, N, O, groups, dtype.itemsize)
    if s > 1:
        return _conv_side_by_side, s, geometry, neighbours.as_one(geometry, s), groups
    shape = (N, *geometry.output, O)
    if winograd.fits(geometry, N, C, O, groups, dtype):
        return _conv_by_winograd, shape, geometry.before[1:]
    if taps.fits(geometry, N, C, O, groups, dtype):
        return _conv_by_taps, shape, geometry
    k = volumes.number(geometry, N)
    if k > 1:
        return _conv_of_volumes, k, volumes.as_one(geometry, k), groups
    return _conv_by_sums, shape, tuple(forward(geometry, C, O, groups, tile[1])), tile, groups


def _conv_side_by_side(x, w, bias, finish, s, geometry, as_one, groups):
    wide = neighbours.widened(w, s, geometry.stride[2])
    bias = bias if bias is None else np.tile(bias, s)
    finish = finish and finish._replace(scale=np.tile(finish.scale, s))
    return _regrouped(conv(x, wide, bias, as_one, groups, finish), geometry.output, len(w))


def _regrouped(y, size, O):
    """The same memory, (N, …, W, O), as images of another width with as many more channels."""
    return channels_first(channels_last(y).reshape(len(y), *size, O))


def _conv_by_winograd(x, w, bias, finish, shape, before):
    y = empty(shape, x.dtype)
    winograd.conv(channels_last(x)[:, 0], w[:, :, 0], bias, before, y[:, 0], finish)
    return channels_first(y)


def _conv_by_taps(x, w, bias, finish, shape, geometry):
    y = empty(shape, x.dtype)
    taps.conv(x, w, bias, geometry, y, finish)
    return channels_first(y)


def _conv_of_volumes(x, w, bias, finish, k, as_one, groups):
    if finish and finish.addend is not None:
        finish = finish._replace(addend=volumes.together(finish.addend, k))
    return volumes.apart(conv(volumes.together(x, k), w, bias, as_one, groups, finish))


def _conv_by_sums(x, w, bias, finish, shape, plan, tile, groups):
    return _run(plan, tile, x, w, True, bias, empty(shape, x.dtype), groups, finish)


def _run(plan, tile, x, w, turned, bias, y, groups, finish=None):
    """Fill y by sweeping the plan over x; `turned`: the columns are the first dimension of w."""
    N, O = len(y), y.shape[-1]
    if y.size:
        line, (to_o, to_c, to_t) = as_it_lies(w)
        to_group = len(w) // groups * to_o
        flat = y.reshape(N, -1, O)
        shift, bias = (bias, None) if finish else (None, bias)
        _sweep(tile, channels_last(x), plan, line,
               (to_group, to_o, to_c, to_t) if turned else (to_group, to_c, to_o, to_t), groups,
               filled_up(bias, O // groups, tile[2], x.dtype, groups), flat,
               finish is not None, _whole(finish, shift, flat))
    return channels_first(y)


def _whole(finish, shift, y):
    """(scale, shift, addend, relu) as kernels take them, y (N, M, O): what is missing is empty."""
    scale, addend, relu = finish or (np.empty(0, y.dtype), None, False)
    shift = np.zeros_like(scale) if shift is None else np.ascontiguousarray(shift)
    return (np.ascontiguousarray(scale), shift,
            y[:, :0] if addend is None else channels_last(addend).reshape(y.shape), relu)


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
        x = _run(tuple(plan), tile, g, w, False, None, x, groups)
    if addend is not None:
        x += addend
    return x


def conv_weight(x, g, geometry, groups):
    """∂L/∂w for y = x ∗ w:  x (N, C, D, H, W), g (N, O, …output) → (O, C/groups, kd, kh, kw)

    In memory it lies as the weights of layers do, (kd, kh, kw, C/groups, O).
    """
    N, C, O = len(x), x.shape[1] // groups, g.shape[1] // groups
    if x.size == 0 or g.size == 0:
        return outputs_first(np.zeros((*geometry.kernel, C, O * groups), x.dtype))
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
    gw = empty((*geometry.kernel, C, O * groups), x.dtype)
    _correlate(tile, images, channels_last(x), plan, table,
               channels_last(g).reshape(N, -1, O * groups), sums,
               gw.reshape(-1, C, O * groups))
    return outputs_first(gw)


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
