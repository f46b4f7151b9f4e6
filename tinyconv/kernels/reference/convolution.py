"""Convolution and its two gradients in plain NumPy, as the textbook has them.

im2col, as a matrix. Convolution is a matrix product in disguise: lay every patch of the image that
the kernel will cover in a row of a matrix, the kernel in a column, and multiply.

    x = 1 2 3 4        patches   1 2 5 6        w = 1 0      y = 7  9 11
        5 6 7 8                  2 3 6 7            0 1          5  7  9
        9 0 1 2                  3 4 7 8
                                 5 6 9 0
                                 6 7 0 1
                                 7 8 1 2

The matrix repeats every pixel K² times, so the fast kernels never make it: they compute where its
elements lie.
"""
import numpy as np


def patches(x, geometry):
    """The patch matrix with its dimensions still apart, as a view of x padded.

    (N, C, D, H, W) → (N, C, kd, kh, kw, od, oh, ow)
    """
    x = np.pad(x, ((0, 0), (0, 0), *zip(geometry.before, geometry.after)))
    N, C = x.shape[:2]
    steps = x.strides[2:]
    return np.lib.stride_tricks.as_strided(
        x, (N, C, *geometry.kernel, *geometry.output),
        x.strides[:2] + tuple(d * s for d, s in zip(geometry.dilation, steps))
        + tuple(d * s for d, s in zip(geometry.stride, steps)), writeable=False)


def conv(x, w, bias, geometry, groups):
    """y[n, o, p] = bias[o] + Σ_{c,k} x[n, c, stride p + dilation k − before] w[o, c, k]"""
    p = patches(x, geometry)
    p = p.reshape(len(x), groups, p.shape[1] // groups, *p.shape[2:])
    y = np.einsum("ngcijkdhw,gocijk->ngodhw", p, w.reshape(groups, -1, *w.shape[1:]))
    y = y.reshape(len(x), len(w), *geometry.output)
    return y if bias is None else y + bias[:, None, None, None]


def conv_weight(x, g, geometry, groups):
    """∂L/∂w[o, c, k] = Σ_{n,p} x[n, c, stride p + dilation k − before] g[n, o, p]"""
    p = patches(x, geometry)
    N, O, C = len(x), g.shape[1], x.shape[1]
    p = p.reshape(N, groups, C // groups, *p.shape[2:])
    g = g.reshape(N, groups, O // groups, *geometry.output)
    gw = np.einsum("ngcijkdhw,ngodhw->gocijk", p, g)
    return gw.reshape(O, C // groups, *geometry.kernel)


def conv_input(g, w, geometry, groups):
    """∂L/∂x: every output hands g back to the pixels it was made of, times the weight (col2im)."""
    N, O, C = len(g), len(w), w.shape[1] * groups
    x = np.zeros((N, C, *geometry.padded), g.dtype)
    g = g.reshape(N, groups, O // groups, *geometry.output)
    w = w.reshape(groups, O // groups, *w.shape[1:])
    per_tap = np.einsum("ngodhw,gocijk->ngcijkdhw", g, w)
    per_tap = per_tap.reshape(N, C, *geometry.kernel, *geometry.output)
    for k in np.ndindex(geometry.kernel):
        window = tuple(slice(d * i, d * i + s * n, s) for d, i, s, n in
                       zip(geometry.dilation, k, geometry.stride, geometry.output))
        x[(slice(None), slice(None), *window)] += per_tap[(slice(None), slice(None), *k)]
    inside = tuple(slice(b, b + n) for b, n in zip(geometry.before, geometry.size))
    return x[(slice(None), slice(None), *inside)]
