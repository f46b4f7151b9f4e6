"""The patch matrix of im2col as an operation, and its adjoint: patches added where they were.

| op | ∂/∂first |
|---|---|
| `patches(x)` | `unpatch(g)` |
| `unpatch(p)` | `patches(g)` |

x is (N, C, H, W), p is (N, C, KH, KW, OH, OW); `slices` yields, tap by tap, what the outputs see.
"""
import numpy as np

from ..core import defvjp, primitive


def slices(kernel, stride, dilation, outputs):
    """((i, j), the slices of the image that tap (i, j) has under it), for all taps."""
    for tap in np.ndindex(*kernel):
        yield tap, tuple(slice(t * d, t * d + s * (o - 1) + 1, s)
                         for t, s, d, o in zip(tap, stride, dilation, outputs))


@primitive
def patches(x, kernel, stride, dilation, outputs):
    """p[n, c, i, j, o, q] = x[n, c, stride · (o, q) + dilation · (i, j)]"""
    p = np.empty(x.shape[:2] + kernel + outputs, x.dtype)
    for tap, seen in slices(kernel, stride, dilation, outputs):
        p[(slice(None), slice(None), *tap)] = x[(slice(None), slice(None), *seen)]
    return p


@primitive
def unpatch(p, size, stride, dilation):
    """x[n, c, stride · (o, q) + dilation · (i, j)] += p[n, c, i, j, o, q], x zeros of `size`"""
    x = np.zeros(p.shape[:2] + size, p.dtype)
    for tap, seen in slices(p.shape[2:4], stride, dilation, p.shape[4:]):
        x[(slice(None), slice(None), *seen)] += p[(slice(None), slice(None), *tap)]
    return x


defvjp(patches, lambda g, y, x, kernel, stride, dilation, outputs:
       unpatch(g, x.shape[2:], stride, dilation))
defvjp(unpatch, lambda c, y, p, size, stride, dilation:
       patches(c, p.shape[2:4], stride, dilation, p.shape[4:]))
