"""Pooling: the largest element of every window, and weighted sums of windows.

There is a list of windows (`kernels.pooling.Windows`): window o has the pixels
pixels[o, :counts[o]], numbered as in the flattened image.
"""
import math

import numpy as np


# ---- the largest element -------------------------------------------------------------------------

def window_max(x, windows, relu=False):
    """y[n, c, o] = max of x[n, c, i] over the pixels i of window o, and the i where it stands.

    x (N, C, *size) → y (N, C, *outputs) and flat places in the image. Of several equal maxima the
    first is meant; a NaN is larger than every number, and of several NaN the last is meant
    (PyTorch's rule). With `relu` y is max(y, 0), and the place is the same.
    """
    flat = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))                   # (N, C, P)
    y = np.empty((*x.shape[:2], len(windows.pixels)), x.dtype)
    where = np.empty(y.shape, np.int32)
    for o, (pixels, n) in enumerate(zip(windows.pixels, windows.counts)):
        places = pixels[:n]
        seen = flat[:, :, places]
        nan = np.isnan(seen)
        last_nan = n - 1 - nan[:, :, ::-1].argmax(-1)
        best = np.where(nan.any(-1), last_nan, seen.argmax(-1))              # (N, C)
        y[:, :, o] = np.take_along_axis(seen, best[:, :, None], -1)[:, :, 0]
        where[:, :, o] = places[best]
    shape = *x.shape[:2], *windows.outputs
    y = np.maximum(y, x.dtype.type(0)) if relu else y                        # (NaN stays NaN)
    return y.reshape(shape), where.reshape(shape)


# ---- elements by position within the image -------------------------------------------------------

def take(x, where):
    """y[n, c, p] = x[n, c, where[n, c, p]], with flat places in D × H × W"""
    N, C, *size = x.shape
    flat, places = x.reshape(N, C, math.prod(size)), where.reshape(N, C, math.prod(where.shape[2:]))
    return np.take_along_axis(flat, places, -1).reshape(where.shape)


def put(g, where, size, windows=None, y=None):
    """x[n, c, i] = Σ g[n, c, p] over all p with where[n, c, p] = i: the adjoint of `take`

    g and where (N, C, …) → x (N, C, *size). With y, like g, only over those p where y > 0 or NaN.
    (Where the places come from makes no difference.)
    """
    g = g if y is None else np.where(y <= 0, g.dtype.type(0), g)
    x = np.zeros((*g.shape[:2], *size), g.dtype)
    for n, c, *p in np.ndindex(g.shape):
        x[n, c].flat[where[(n, c, *p)]] += g[(n, c, *p)]
    return x


# ---- weighted sums -------------------------------------------------------------------------------

def window_matrix(windows, scale):
    """A[o, i] = scale[o] if pixel i is in window o, else 0: (outputs, pixels)"""
    A = np.zeros((len(scale), math.prod(windows.size)))
    for o, (pixels, n) in enumerate(zip(windows.pixels, windows.counts)):
        A[o, pixels[:n]] = scale[o]
    return A


def window_sum(x, windows, scale):
    """y[n, c, o] = Σ_i A[o, i] x[n, c, i] with the `window_matrix` A: (N, C, *size) → (N, C, …)"""
    flat = x.reshape(*x.shape[:2], math.prod(windows.size))
    y = np.einsum("oi,nci->nco", window_matrix(windows, scale), flat)
    return y.reshape(*x.shape[:2], *windows.outputs)


def window_spread(g, windows, scale):
    """x[n, c, i] = Σ_o A[o, i] g[n, c, o], the adjoint of `window_sum`: the matrix transposed"""
    flat = g.reshape(*g.shape[:2], len(scale))
    x = np.einsum("oi,nco->nci", window_matrix(windows, scale), flat)
    return x.reshape(*g.shape[:2], *windows.size)
