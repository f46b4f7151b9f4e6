"""Pooling, as two adjoint pairs: elements by position, and weighted sums of windows.

| op | ∂/∂x |
|---|---|
| `take_pixels(x, where)` | `put_pixels(g, where)` |
| `y = take_pixels(x, where, relu=True)` | `put_pixels(g, where, y)` |
| `put_pixels(g, where)` | `take_pixels(c, where)` |
| `put_pixels(g, where, y)` | `relu_pull(take_pixels(c, where), y)` |
| `window_sum(x)` | `window_spread(g)` |
| `window_spread(g)` | `window_sum(c)` |

Max pooling is `take_pixels` at the positions of the maxima, which are locally constant, and may
have ReLU in the same pass over memory: `put_pixels`, as `relu_pull`, depends on y only through a
mask. Average, adaptive and global pooling are `window_sum` with different windows. x is
(N, C, *size) with any number of spatial dimensions, `windows` a `kernels.pooling.Windows`, and
`scale` an array with a number for each window.
"""
from ..core import defvjp, primitive, several
from ..kernels import elementwise
from ..kernels import pooling as kernels
from .normalization import passed


@primitive
def take_pixels(x, where, windows=None, values=None, relu=False):
    """y[n, c, p] = x[n, c, where[n, c, p]], then ReLU if asked for

    `windows` are those the places lie in, one in each, if any; `values` is the result where it is
    known already.
    """
    if values is not None:
        return values
    y = kernels.take(x, where)
    return elementwise.relu(y) if relu else y


@primitive
def put_pixels(g, where, size, y=None, windows=None):
    """x[n, c, where[n, c, p]] += g[n, c, p], from zeros of the spatial shape `size`

    With y, which is like g, of `relu_pull(g, y)`.
    """
    return kernels.put(g, where, size, windows, y)


defvjp(take_pixels, lambda g, y, x, where, windows=None, values=None, relu=False:
       put_pixels(g, where, x.shape[2:], y if relu else None, windows=windows))
defvjp(put_pixels, lambda c, _, g, where, size, y=None, windows=None:
       passed(take_pixels(c, where, windows=windows), y, y is not None), None, argnums=(0, 3))


def window_max(x, windows, relu=False):
    """The maximum of every window, and its flat position in the image as an int32 array.

    With `relu` the maximum is then 0 where it is negative.
    """
    values, where = several(kernels.window_max, x, windows, relu)
    return take_pixels(x, where, windows=windows, values=values, relu=relu), where


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
