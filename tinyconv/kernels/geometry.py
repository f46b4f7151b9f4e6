"""Where the taps of a convolution fall, as tables of positions in a padded, channels-last image.

im2col is in these tables. The patch matrix of a convolution has a row for every output pixel and a
column for every (tap, channel) of the kernel; its element (m, r) lies in the padded image at

    row[m] + off[r]

because the way to a pixel and the way from there to a tap add up. So the matrix is never made.

Tables depend on sizes only; they are made once for every size, and those used last are kept.
"""
import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

# So many plans are kept for either direction: more than a network has different layers, and so few
# that images of ever new sizes do not fill the memory. A plan takes 16 bytes per output pixel,
# 0.8 MB for 224 × 224, and seldom is a layer as large as that.
KEPT = 128


class Geometry(NamedTuple):
    """Sizes of a convolution; every field has one entry per spatial dimension (three of them)."""
    size: tuple                        # of the input
    kernel: tuple
    stride: tuple
    before: tuple                      # padding at the low end …
    after: tuple                       # … and at the high end
    dilation: tuple

    @property
    def output(self):
        """⌊(size + padding − dilation (kernel − 1) − 1) / stride⌋ + 1"""
        return _output(self)

    @property
    def padded(self):
        """The size with its padding."""
        return tuple(n + b + a for n, b, a in zip(self.size, self.before, self.after))


@lru_cache(maxsize=KEPT)
def _output(geometry):
    return tuple((n + b + a - d * (k - 1) - 1) // s + 1 for n, k, s, b, a, d in zip(*geometry))


class Plan(NamedTuple):
    """The tables of a convolution, in one or several passes that lie end to end."""
    size: np.ndarray                   # of the padded image
    shift: np.ndarray                  # where in it the image begins
    row: np.ndarray                    # (M) where the patch of an output begins
    out: np.ndarray                    # (M) where that output goes
    off: np.ndarray                    # (R) from the beginning of a patch to a (tap, channel) of it
    passes: np.ndarray                 # (F, 4) first and last row, first and last offset
    taps: np.ndarray                   # (R / channels) which taps the passes see, one after another


@lru_cache(maxsize=KEPT)
def forward(geometry, C, O, groups, rows):
    """The plan of y = x ∗ w: x has C channels, y has O; M is a multiple of `rows`. One pass."""
    size = geometry.padded
    row = places(geometry.output, geometry.stride, size, C)
    off = with_channels(places(geometry.kernel, geometry.dilation, size, C), C // groups)
    out = np.arange(len(row)) * O
    taps = np.arange(math.prod(geometry.kernel))
    return _plan(size, geometry.before, [(row, off, out, taps)], rows)


@lru_cache(maxsize=KEPT)
def backward(geometry, C, O, groups, rows):
    """The plan of ∂L/∂x, in which g, with O channels, is the image, and x, with C, the output.

    Input pixel i receives g[p] w[k] wherever i + before = stride · p + dilation · k. Pixels with
    the same (i + before) mod stride meet the same taps: they are a *phase*, and a pass, which is a
    convolution of stride 1 with only those taps. No product with a zero between strides is made.
    """
    phases = [list(_phases(*axis)) for axis in zip(
        geometry.size, geometry.kernel, geometry.stride, geometry.before, geometry.dilation)]
    # g is padded as far as any tap of any phase reaches beyond it
    shift = [max([0] + [-p for *_, met in axis for p in met]) for axis in phases]
    size = [max([n + s] + [p + count + s for _, count, _, met in axis for p in met])
            for axis, s, n in zip(phases, shift, geometry.output)]
    passes = []
    for first, count, taps, met in (zip(*phase) for phase in itertools.product(*phases)):
        d, h, w = (np.array(p, np.intp) + s for p, s in zip(met, shift))
        row = places(count, (1, 1, 1), size, O)
        off = with_channels(flat(d, h, w, size, O), O // groups)
        out = flat(*([i] for i in first), geometry.size, C) + places(count, geometry.stride,
                                                                      geometry.size, C)
        every = np.arange(math.prod(geometry.kernel)).reshape(geometry.kernel)
        passes.append((row, off, out, every[taps].reshape(-1)))
    return _plan(size, shift, passes, rows)


def _phases(size, kernel, stride, before, dilation):
    """The phases of one dimension: (first pixel, number of pixels, taps, outputs met).

    `outputs met` has for each tap the output that the first pixel of the phase meets through it;
    the next pixel of the phase meets the next output.
    """
    period = stride // math.gcd(stride, dilation)          # from one tap of a phase to the next
    for first in range(min(stride, size)):
        count = (size - first - 1) // stride + 1
        start = next((k for k in range(kernel) if (first + before - dilation * k) % stride == 0),
                     kernel)
        yield first, count, slice(start, kernel, period), [
            (first + before - dilation * k) // stride for k in range(start, kernel, period)]


# ---- making tables -------------------------------------------------------------------------------

def flat(d, h, w, size, channels):
    """The positions of pixels (d, h, w), for all d × h × w, in a channels-last image of `size`."""
    d, h, w = (np.asarray(i, np.intp) for i in (d, h, w))
    return (((d[:, None, None] * size[1] + h[:, None]) * size[2] + w) * channels).reshape(-1)


def places(counts, steps, size, channels):
    """The positions of the pixels i · steps for i < counts, in order."""
    return flat(*(np.arange(n) * s for n, s in zip(counts, steps)), size, channels)


def with_channels(places, channels):
    """For every place those of its channels."""
    return (places[:, None] + np.arange(channels)).reshape(-1)


def whole_tiles(table, rows):
    """A row table repeated at its end up to a multiple of `rows`."""
    return np.concatenate([table, np.repeat(table[-1:], -len(table) % rows)]).astype(np.intp)


def _plan(size, shift, passes, rows):
    row, off, out, taps, index = [], [], [], [], []
    m = r = 0
    for p_row, p_off, p_out, p_taps in passes:
        row.append(whole_tiles(p_row, rows))
        out.append(whole_tiles(p_out, rows))
        off.append(p_off)
        taps.append(p_taps)
        index.append((m, m + len(row[-1]), r, r + len(p_off)))
        m, r = m + len(row[-1]), r + len(p_off)
    return Plan(*(np.array(v, np.intp) for v in (size, shift)),
                *(np.concatenate(t).astype(np.intp) for t in (row, out, off)),
                np.array(index, np.intp), np.concatenate(taps).astype(np.intp))
