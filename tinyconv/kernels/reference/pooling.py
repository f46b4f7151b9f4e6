"""Pooling: the largest element of every window, and weighted sums of windows.

Along each of the three dimensions there is a list of windows (`kernels.pooling.Windows`): window o
has the places start[o], start[o] + step, … below stop[o]. A window of the image is a window of each
dimension. Outputs are numbered (a, b, e) and pixels (i, j, k), along depth, height and width.
"""
import math

import numpy as np


# ---- the largest element -------------------------------------------------------------------------

def window_max(x, windows):
    """y[n, c, o] = max of x[n, c, i] over the places i of window o, and the place where it stands.

    x (N, C, D, H, W) → y (N, C, …) and flat places in D × H × W. Of several equal maxima the first
    is meant; a NaN is larger than every number, and of several NaN the last is meant (PyTorch's
    rule).
    """
    outputs = tuple(len(w.start) for w in windows)
    flat = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))                   # (N, C, D·H·W)
    y = np.empty((*x.shape[:2], *outputs), x.dtype)
    where = np.empty(y.shape, np.int32)
    for o in np.ndindex(outputs):
        i, j, k = np.ix_(*(np.arange(w.start[p], w.stop[p], w.step) for w, p in zip(windows, o)))
        places = np.ravel_multi_index((i, j, k), x.shape[2:]).reshape(-1)
        seen = flat[:, :, places]
        nan = np.isnan(seen)
        last_nan = len(places) - 1 - nan[:, :, ::-1].argmax(-1)
        best = np.where(nan.any(-1), last_nan, seen.argmax(-1))              # (N, C)
        y[(..., *o)] = np.take_along_axis(seen, best[:, :, None], -1)[:, :, 0]
        where[(..., *o)] = places[best]
    return y, where


# ---- elements by position within the image -------------------------------------------------------

def take(x, where):
    """y[n, c, p] = x[n, c, where[n, c, p]], with flat places in D × H × W"""
    N, C, *size = x.shape
    flat, places = x.reshape(N, C, math.prod(size)), where.reshape(N, C, math.prod(where.shape[2:]))
    return np.take_along_axis(flat, places, -1).reshape(where.shape)


def put(g, where, size):
    """x[n, c, i] = Σ g[n, c, p] over all p with where[n, c, p] = i: the adjoint of `take`

    g and where (N, C, …) → x (N, C, *size).
    """
    x = np.zeros((*g.shape[:2], *size), g.dtype)
    for n, c, *p in np.ndindex(g.shape):
        x[n, c].flat[where[(n, c, *p)]] += g[(n, c, *p)]
    return x


# ---- weighted sums -------------------------------------------------------------------------------

def window_matrix(windows, scale, n):
    """A[o, i] = scale[o] if start[o] ≤ i < stop[o], else 0: (outputs, n). The step is not used."""
    i = np.arange(n)
    return scale[:, None] * ((windows.start[:, None] <= i) & (i < windows.stop[:, None]))


def window_sum(x, windows, scales):
    """y[n, c, a, b, e] = Σ_{i,j,k} A₀[a, i] A₁[b, j] A₂[e, k] x[n, c, i, j, k]

    with the `window_matrix` of each dimension: (N, C, D, H, W) → (N, C, …).
    """
    matrices = map(window_matrix, windows, scales, x.shape[2:])
    return np.einsum("ai,bj,ek,ncijk->ncabe", *matrices, x)


def window_spread(g, windows, scales, size):
    """x[n, c, i, j, k] = Σ_{a,b,e} A₀[a, i] A₁[b, j] A₂[e, k] g[n, c, a, b, e]

    The adjoint of `window_sum`, with the same matrices transposed: (N, C, …) → (N, C, *size).
    """
    matrices = map(window_matrix, windows, scales, size)
    return np.einsum("ai,bj,ek,ncabe->ncijk", *matrices, g)
