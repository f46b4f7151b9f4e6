"""Pooling, as two adjoint pairs: elements by position, and weighted sums of windows.

| op | ∂/∂x |
|---|---|
| `take_pixels(x, where)` | `put_pixels(g, where)` |
| `put_pixels(g, where)` | `take_pixels(c, where)` |
| `window_sum(x)` | `window_spread(g)` |
| `window_spread(g)` | `window_sum(c)` |

Max pooling is `take_pixels` at the positions of the maxima, which are locally constant; average,
adaptive and global pooling are `window_sum` with different windows. x is (N, C, *size) with one to
three spatial dimensions; `windows` (three `kernels.pooling.Windows`), `scales` and `size` always
have three entries.
"""
from ..core import defvjp, primitive
from ..kernels import pooling as kernels
from ..kernels.layout import as_volume, from_volume


@primitive
def take_pixels(x, where, values=None):
    """y[n, c, p] = x[n, c, where[n, c, p]]; `values` is that result where it is known already"""
    return kernels.take(x, where) if values is None else values


@primitive
def put_pixels(g, where, size):
    """x[n, c, where[n, c, p]] += g[n, c, p], from zeros of the spatial shape `size`"""
    return kernels.put(g, where, size)


defvjp(take_pixels, lambda g, y, x, where, values=None: put_pixels(g, where, x.shape[2:]))
defvjp(put_pixels, lambda c, y, g, where, size: take_pixels(c, where))


def window_max(x, windows):
    """The maximum of every window, and its flat position in the image as an int32 array."""
    values, where = kernels.window_max(as_volume(x.data), windows)
    values, where = from_volume(values, x.ndim), from_volume(where, x.ndim)
    return take_pixels(x, where, values=values), where


@primitive
def window_sum(x, windows, scales):
    """y[o] = Π scales[o] · Σ over the window of o of x"""
    return from_volume(kernels.window_sum(as_volume(x), windows, scales), x.ndim)


@primitive
def window_spread(g, windows, scales, size):
    """x[i] = Σ over the windows that see i of Π scales[o] · g[o]"""
    return from_volume(kernels.window_spread(as_volume(g), windows, scales, size), g.ndim)


defvjp(window_sum, lambda g, y, x, windows, scales:
       window_spread(g, windows, scales, (1,) * (5 - x.ndim) + x.shape[2:]))
defvjp(window_spread, lambda c, y, g, windows, scales, size: window_sum(c, windows, scales))
