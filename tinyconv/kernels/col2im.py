"""The gradient of an image with few channels: products first, then added where they belong.

∂L/∂x[i] = Σ g[p] w[k] over all i + before = p + dilation k. With few channels C the sums of
`convolution.py`, whose columns are the C channels of one pixel, leave most lanes of a register
empty. Here one row of taps k and all their channels make the columns,

    row[p, (k, c)] = Σ_o g[p, o] w[o, c, k],

kernel-width · C of them. What is one line of the matrix that im2col would have made of x is added
to x where im2col would have read it: hence the name. Without dilation along the row that is one
run of memory.
"""
import math

import numpy as np
from numba import prange

from .compile import kernel, part
from .geometry import whole_tiles
from .layout import channels_first, channels_last
from .product import ONCE, TASKS, best_shape, multiply_as, panels, scratch
from .tile import ONE, load, save
from .tile import width as width_of


def fits(geometry, C, groups, dtype):
    """Whether `conv_input` can do this, and fills registers better than the sums per pixel.

    (With a stride those leave out products that this would make.)
    """
    return (groups == 1 and 2 * C < ONE.width(np.dtype(dtype).itemsize) and geometry.kernel[2] > 1
            and geometry.stride == (1, 1, 1) and geometry.dilation[2] == 1)


# ---- the kernels ---------------------------------------------------------------------------------

@kernel(parallel=True)
def _spread(kind, width, g, b, columns, kernel, dilation, size, before, row, x):
    """x[n, p + dilation k − before] += Σ_o g[n, p, o] b[k, o], image by image."""
    N = len(x)
    tasks = min(N, TASKS)
    for task in prange(tasks):
        _spread_images(task * N // tasks, (task + 1) * N // tasks, kind, width, g, b, columns,
                       kernel, dilation, size, before, row, x)


@part
def _spread_images(start, stop, kind, width, g, b, columns, kernel, dilation, size, before, row,
                   x):
    """g (N, D, H, W, O), b (a row of taps, panels), x (N, D′, H′, W′, C)

    A line of products is filled up to whole vectors with zeros, which are added to the next pixels.
    Lines of neighbouring pixels overlap, and a sum that is read again at once has to be waited for:
    so the pixels of a column are done one after another.
    """
    _, D, H, W, O = g.shape
    C, lanes, panels = x.shape[4], width_of(ONE, x), (columns + width - 1) // width
    lines = (columns + lanes - 1) // lanes * lanes
    padded = scratch(size[0] * size[1] * size[2] * C + lines, x)
    products = np.zeros(row.size * lines, x.dtype)
    off, out, none = np.arange(O), np.arange(row.size) * lines, np.zeros(panels * width, x.dtype)
    for n in range(start, stop):
        padded[:] = 0
        image = g[n].reshape(-1)
        for k in range(kernel[0] * kernel[1]):
            multiply_as(kind, 1, ONCE, image, row, off, b[k * panels * width * O:], width,
                        width * O, none, products, out, columns, False)
            for w in range(W):
                for d in range(D):
                    for h in range(H):
                        z, y = d + k // kernel[1] * dilation[0], h + k % kernel[1] * dilation[1]
                        i = ((z * size[1] + y) * size[2] + w) * C
                        j = ((d * H + h) * W + w) * lines
                        for c in range(0, lines, lanes):
                            save(load(padded, i + c) + load(products, j + c), padded, i + c)
        for d in range(x.shape[1]):
            for h in range(x.shape[2]):
                i = (((d + before[0]) * size[1] + h + before[1]) * size[2] + before[2]) * C
                to, line = x[n, d, h].reshape(-1), padded[i:]
                for c in range(to.size):
                    to[c] = line[c]


# ---- the operation -------------------------------------------------------------------------------

def conv_input(g, w, geometry, x):
    """∂L/∂x for y = x ∗ w:  g (N, O, …output), w (O, C, kd, kh, kw) → (N, C, D, H, W), made in x
    (N, D, H, W, C)"""
    (O, C, *kernel), P = w.shape, math.prod(geometry.output)
    if not g.size:
        x[...] = 0
    elif x.size:
        columns = kernel[2] * C
        kind, rows, width = best_shape(columns, g.itemsize)
        lines = w.transpose(2, 3, 0, 4, 1).reshape(kernel[0] * kernel[1], O, columns)
        # the padded image, as far as any tap reaches
        size = [max(n + b, m + d * (k - 1)) for n, b, m, d, k in zip(
            geometry.size, geometry.before, geometry.output, geometry.dilation, kernel)]
        _spread(kind, width, channels_last(g), panels([lines], width), columns, np.array(kernel),
                np.array(geometry.dilation), np.array(size), np.array(geometry.before),
                whole_tiles(np.arange(P) * O, rows), x)
    return channels_first(x)
