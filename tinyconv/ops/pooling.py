"""Pooling, as two adjoint pairs: elements by position, and weighted sums of windows.

| op | ∂/∂x |
|---|---|
| `take_pixels(x, where)` | `put_pixels(g, where)` |
| `put_pixels(g, where)` | `take_pixels(c, where)` |
| `window_sum(x)` | `window_spread(g)` |
| `window_spread(g)` | `window_sum(c)` |

Max pooling is `take_pixels` at the positions of the maxima, which are locally constant; average,
adaptive and global pooling are `window_sum` with different windows. x is (N, C, *size) with any
number of spatial dimensions, `windows` a `kernels.pooling.Windows`, and `scale` an array with a
number for each window.
"""
from ..core import defvjp, primitive, several
from ..kernels import pooling as kernels


@primitive
def take_pixels(x, where, windows=None, values=None):
    """y[n, c, p] = x[n, c, where[n, c, p]]

    `windows` are those the places lie in, one in each, if any; `values` is the result where it is
    known already.
    """
    return kernels.take(x, where) if values is None else values


@primitive
def put_pixels(g, where, size, windows=None):
    """x[n, c, where[n, c, p]] += g[n, c, p], from zeros of the spatial shape `size`"""
    return kernels.put(g, where, size, windows)


defvjp(take_pixels, lambda g, y, x, where, windows=None, values=None:
       put_pixels(g, where, x.shape[2:], windows=windows))
defvjp(put_pixels, lambda c, y, g, where, size, windows=None:
       take_pixels(c, where, windows=windows))


def window_max(x, windows):
    """The maximum of every window, and its flat position in the image as an int32 array."""
    values, where = several(kernels.window_max, x, windows)
    return take_pixels(x, where, windows=windows, values=values), where


@primitive
def window_sum(x, windows, scale):
    """y[o] = scale[o] · Σ x over the window of o"""
    return kernels.window_sum(x, windows, scale)


@primitive
def window_spread(g, windows, scale):
    """x[i] = Σ over the windows o that see i of scale[o] · g[o]"""
    return kernels.window_spread(g, windows, scale)


defvjp(window_sum, lambda g, y, x, windows, scale: window_spread(g, windows, scale))
defvjp(window_spread, lambda c, y, g, windows, scale: window_sum(c, windows, scale))
