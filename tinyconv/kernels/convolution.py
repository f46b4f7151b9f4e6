"""Convolution and its two gradients: any stride, padding, dilation and groups, 1 to 3 dimensions.

All three are the one product of `product.py`, c[out[m] + o] = Σ_r a[row[m] + off[r]] · b[r, o],
with other tables:

|            | a                | m runs over       | r runs over        | b           |
|------------|------------------|-------------------|--------------------|-------------|
| y = x ∗ w  | x, padded        | output pixels     | (tap, in channel)  | w           |
| ∂L/∂w      | x, padded        | (tap, in channel) | output pixels      | g           |
| ∂L/∂x      | g, padded        | input pixels      | (tap, out channel) | w, turned   |

im2col is in the tables: element (m, r) of the patch matrix lies at row[m] + off[r] in the padded
image, because the way to a pixel and the way from there to a tap add up. One image at a time is
copied into a padded scratch array that stays in cache.

With stride S the input pixels of ∂L/∂x fall into S *phases* (per dimension): pixels with the same
(i + P) mod S see the same taps, each phase is a convolution of stride 1 with those taps, and none
multiplies by zeros.

Inside this file arrays are channels-last, (N, D, H, W, C), and every problem has three dimensions;
what has fewer gets dimensions of length one. "Convolution" is cross-correlation, as everywhere in
this field: the kernel is not flipped.
"""
import itertools
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from .compile import kernel
from .layout import channels_first, channels_last
from .memory import empty, zeros
from .product import best_shape, filled_up, multiply_as, panels, whole_tiles

TASKS = 16                                       # pieces of work: a matter of the data, never of the number of threads
GRADIENT_BYTES = 32 << 20                        # memory for the partial sums of a weight gradient


class Geometry(NamedTuple):
    """Where the taps of a convolution fall; every field has one entry per dimension (three of them)."""
    size: tuple                                  # of the input
    kernel: tuple
    stride: tuple
    before: tuple                                # padding at the low end …
    after: tuple                                 # … and at the high end
    dilation: tuple

    @property
    def output(self):
        """⌊(size + padding − dilation (kernel − 1) − 1) / stride⌋ + 1"""
        return tuple((n + b + a - d * (k - 1) - 1) // s + 1
                     for n, k, s, b, a, d in zip(*self))

    @property
    def padded(self):
        return tuple(n + b + a for n, b, a in zip(self.size, self.before, self.after))


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

    `passes` (F, 5): where the tables of a pass begin and end in `row` and `out`, and in `off`, and
    where its panels begin in b.
    """
    N, C, O = x.shape[0], x.shape[4], y.shape[1] // groups
    columns, flat = (O + width - 1) // width * width, y.reshape(-1)
    pieces = max(1, TASKS // max(N, 1))          # few images: each is split further, by pixels
    tasks = min(N, TASKS) * pieces
    for task in prange(tasks):
        padded = np.zeros(size[0] * size[1] * size[2] * C, x.dtype)
        image, piece, images = task // pieces, task % pieces, tasks // pieces
        for n in range(image * N // images, (image + 1) * N // images):
            copy_inside(x, n, padded, size, shift)
            target = flat[n * (flat.size // N):(n + 1) * (flat.size // N)]
            for p in range(passes.shape[0]):
                first, last, r0, r1, start = passes[p]
                tiles = (last - first) // rows
                m = slice(first + piece * tiles // pieces * rows,
                          first + (piece + 1) * tiles // pieces * rows)
                for group in range(groups):
                    multiply_as(kind, padded[group * (C // groups):], row[m], off[r0:r1],
                                b[start + group * columns * (r1 - r0):], width, width * (r1 - r0),
                                bias[group * columns:], target[group * O:], out[m], O, False)


@kernel(parallel=True)
def _correlate(kind, width, x, size, shift, taps, pixels, g, sums, groups):
    """sums[task, group, m, o] = Σ_n Σ_p padded x[n, taps[m] + pixels[p]] · g[n, p, o].

    n runs over the images of the task. g is read where it lies if its channels fill whole panels,
    and copied to where they do if not.
    """
    N, C, P, O = x.shape[0], x.shape[4], g.shape[1], g.shape[2] // groups
    tasks, M, columns = sums.shape[0], sums.shape[2], sums.shape[3]
    fits, flat = O == columns, g.reshape(-1)
    out, bias = np.arange(M) * columns, np.zeros(columns, x.dtype)
    for task in prange(tasks):
        padded = np.zeros(size[0] * size[1] * size[2] * C, x.dtype)
        filled = np.zeros(0 if fits else P * columns, x.dtype)
        for n in range(task * N // tasks, (task + 1) * N // tasks):
            copy_inside(x, n, padded, size, shift)
            for group in range(groups):
                b, line = flat[n * P * O * groups + group * O:], O * groups
                if not fits:
                    for p in range(P):
                        filled[p * columns:p * columns + O] = b[p * line:p * line + O]
                    b, line = filled, columns
                multiply_as(kind, padded[group * (C // groups):], taps, pixels, b, line, width,
                            bias, sums[task, group].reshape(-1), out, columns, True)


# ---- the tables ----------------------------------------------------------------------------------

def _places(counts, steps, size, channels):
    """The flat positions of pixels (i · steps) for i < counts in a channels-last image of `size`, in order."""
    d, h, w = (np.arange(n) * s for n, s in zip(counts, steps))
    return (((d[:, None, None] * size[1] + h[:, None]) * size[2] + w) * channels).reshape(-1)


def _with_channels(places, channels):
    return (places[:, None] + np.arange(channels)).reshape(-1)


def _tables(passes, rows):
    """Rows, offsets and outputs of all passes end to end, and where each begins and ends."""
    row, off, out, index, start = [], [], [], [], 0
    m = r = 0
    for p_row, p_off, p_out, b in passes:
        row.append(whole_tiles(p_row, rows))
        out.append(whole_tiles(p_out, rows))
        off.append(p_off)
        index.append((m, m + len(row[-1]), r, r + len(p_off), start))
        m, r, start = m + len(row[-1]), r + len(p_off), start + b.size
    return (np.array(index, np.intp), *(np.concatenate(t).astype(np.intp) for t in (row, off, out)))


def _vector(values):
    return np.array(values, np.intp)


# ---- the three operations ------------------------------------------------------------------------

def conv(x, w, bias, geometry, groups):
    """y = x ∗ w + b:  x (N, C, D, H, W), w (O, C/groups, kd, kh, kw), bias (O) or None → (N, O, …output)"""
    N, O, C = len(x), len(w), w.shape[1]
    y = empty((N, *geometry.output, O), x.dtype)
    if y.size == 0:
        return channels_first(y)
    kind, rows, width = best_shape(O // groups, x.itemsize)
    size = geometry.padded
    pixels = _places(geometry.output, geometry.stride, size, x.shape[1])
    taps = _places(geometry.kernel, geometry.dilation, size, x.shape[1])
    b = panels(w.reshape(groups, O // groups, C, -1).transpose(0, 3, 2, 1).reshape(groups, -1, O // groups), width)
    passes, row, off, out = _tables([(pixels, _with_channels(taps, C), np.arange(len(pixels)) * O, b)], rows)
    _sweep(kind, rows, width, channels_last(x), _vector(size), _vector(geometry.before), passes,
           row, off, out, b.reshape(-1), filled_up(bias, O // groups, width, x.dtype, groups),
           y.reshape(-1, O), groups)
    return channels_first(y)


def conv_input(g, w, geometry, groups):
    """∂L/∂x for y = x ∗ w:  g (N, O, …output), w (O, C/groups, kd, kh, kw) → (N, C, D, H, W)

    Input pixel i receives g[p] w[k] wherever i + before = stride · p + dilation · k.
    """
    N, O, C = len(g), len(w) // groups, w.shape[1]
    x = empty((N, *geometry.size, C * groups), g.dtype)
    if x.size == 0 or g.size == 0:
        return channels_first(np.zeros_like(x))
    kind, rows, width = best_shape(C, g.itemsize)
    phases = [_phases(*axis) for axis in zip(geometry.size, geometry.kernel, geometry.stride, geometry.before,
                                             geometry.dilation)]
    shift = [max(0, -min((low for _, _, _, reach in axis for low, _ in reach), default=0)) for axis in phases]
    size = [max([n + s] + [high + s + 1 for _, _, _, reach in axis for _, high in reach])
            for axis, s, n in zip(phases, shift, geometry.output)]
    turned = w.reshape(groups, O, C, *geometry.kernel)
    passes = []
    for phase in itertools.product(*phases):
        first, count, taps, reach = zip(*phase)
        row = _places(count, (1, 1, 1), size, O * groups)
        start = [s + (r[0][0] if r else 0) for s, r in zip(shift, reach)]
        # tap k of a dimension is met k' places before the first one: lows fall as taps rise
        steps = [np.array([low for low, _ in r], np.intp) - (r[0][0] if r else 0) for r in reach]
        off = (((steps[0][:, None, None] * size[1] + steps[1][:, None]) * size[2] + steps[2]) * O * groups).reshape(-1)
        base = ((start[0] * size[1] + start[1]) * size[2] + start[2]) * O * groups
        out = _places(count, geometry.stride, geometry.size, C * groups)
        origin = ((first[0] * geometry.size[1] + first[1]) * geometry.size[2] + first[2]) * C * groups
        part = turned[:, :, :, taps[0]][:, :, :, :, taps[1]][:, :, :, :, :, taps[2]]
        b = panels(part.transpose(0, 3, 4, 5, 1, 2).reshape(groups, len(off) * O, C), width)
        passes.append((row + base, _with_channels(off, O), out + origin, b))
    index, row, off, out = _tables(passes, rows)
    b = empty((sum(p[3].size for p in passes),), g.dtype)
    np.concatenate([p[3].reshape(-1) for p in passes], out=b)
    _sweep(kind, rows, width, channels_last(g), _vector(size), _vector(shift), index, row, off,
           out, b, filled_up(None, C, width, g.dtype, groups), x.reshape(-1, C * groups), groups)
    return channels_first(x)


def _phases(size, kernel, stride, before, dilation):
    """One dimension of ∂L/∂x: (first pixel, number of pixels, taps, [(lowest, highest output met) per tap]) per phase."""
    phases = []
    for first in range(min(stride, size)):
        count = (size - first - 1) // stride + 1
        taps = [k for k in range(kernel) if (first + before - dilation * k) % stride == 0]
        reach = [((first + before - dilation * k) // stride, (first + before - dilation * k) // stride + count - 1)
                 for k in taps]
        phases.append((first, count, taps, reach))
    return phases


def conv_weight(x, g, geometry, groups):
    """∂L/∂w for y = x ∗ w:  x (N, C, D, H, W), g (N, O, …output) → (O, C/groups, kd, kh, kw)"""
    N, O, C = len(x), g.shape[1], x.shape[1] // groups
    shape = (O, C, *geometry.kernel)
    if x.size == 0 or g.size == 0:
        return np.zeros(shape, x.dtype)
    kind, rows, width = best_shape(O // groups, x.itemsize)
    size = geometry.padded
    taps = _with_channels(_places(geometry.kernel, geometry.dilation, size, x.shape[1]), C)
    pixels = _places(geometry.output, geometry.stride, size, x.shape[1]).astype(np.intp)
    row = whole_tiles(taps, rows)
    columns = -(-(O // groups) // width) * width
    one = groups * len(row) * columns * x.itemsize
    sums = zeros((max(1, min(N, TASKS, GRADIENT_BYTES // one)), groups, len(row), columns), x.dtype)
    _correlate(kind, width, channels_last(x), _vector(size), _vector(geometry.before), row, pixels,
               channels_last(g).reshape(N, -1, O), sums, groups)
    gw = sums.sum(0)[:, :len(taps), :O // groups].reshape(groups, *geometry.kernel, C, O // groups)
    return np.ascontiguousarray(gw.transpose(0, 5, 4, 1, 2, 3)).reshape(shape)
