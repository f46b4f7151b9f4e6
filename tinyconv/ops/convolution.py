"""Convolution and its gradients, a family closed under differentiation.

| op | ∂/∂first | ∂/∂second |
|---|---|---|
| `conv(x, w)` | `conv_input(g, w)` | `conv_weight(x, g)` |
| `conv_input(g, w)` | `conv(c, w)` | `conv_weight(c, g)` |
| `conv_weight(x, g)` | `conv_input(g, c)` | `conv(x, c)` |

All three are partial gradients of one trilinear form,

    ⟨conv(x, w), g⟩ = ⟨x, conv_input(g, w)⟩ = ⟨w, conv_weight(x, g)⟩,

so that each is the gradient of another, to any order. Transposed convolution is `conv_input` under
another name.

Shapes: x (N, C, *size), w (O, C/groups, *kernel), g (N, O, *output) with one to three spatial
dimensions; `geometry` is a `kernels.geometry.Geometry`, always of three. Arguments are checked
in `nn/functional/convolution.py`.
"""
from ..core import defvjp, primitive
from ..kernels import convolution as kernels
from ..kernels.layout import as_volume, from_volume
from .normalization import channel_sum, passed, per_channel


@primitive
def conv(x, w, b, geometry, groups):
    """y[n, o, p] = b[o] + Σ_{c,k} x[n, c, stride p + dilation k − padding] w[o, c, k]

    Without a bias, b is None.
    """
    ndim, x, w = x.ndim, _volume(x, geometry.size), _volume(w, geometry.kernel)
    return from_volume(kernels.conv(x, w, b, geometry, groups), ndim)


@primitive
def conv_scaled(x, w, a, scale, shift, geometry, groups, relu=False):
    """y = (x ∗ w) · scale + shift + a, then ReLU if asked for, in one pass over memory.

    So a convolution and the batch norm of evaluation are one operation. scale and shift (O) are
    constant arrays, a is None or like y.
    """
    ndim, x, w = x.ndim, _volume(x, geometry.size), _volume(w, geometry.kernel)
    a = None if a is None else _volume(a, geometry.output)
    finish = kernels.Finish(scale, a, relu)
    return from_volume(kernels.conv(x, w, shift, geometry, groups, finish), ndim)


@primitive
def conv_input(g, w, geometry, groups, a=None):
    """∂⟨conv(x, w), g⟩/∂x: every output hands g back to the pixels it was made from

    To which a (None or like x) is added, where possible while the result is in cache.
    """
    ndim, g, w = g.ndim, _volume(g, geometry.output), _volume(w, geometry.kernel)
    if a is not None:
        a, expected = _volume(a, geometry.size), (len(g), w.shape[1] * groups, *geometry.size)
        if a.shape != expected:
            raise ValueError(f"conv_input: expected a of shape {expected}, got {a.shape}")
    return from_volume(kernels.conv_input(g, w, geometry, groups, a), ndim)


@primitive
def conv_weight(x, g, geometry, groups):
    """∂⟨conv(x, w), g⟩/∂w: what the image had under each tap, weighted by g"""
    ndim, x, g = x.ndim, _volume(x, geometry.size), _volume(g, geometry.output)
    return from_volume(kernels.conv_weight(x, g, geometry, groups), ndim)


def _volume(x, expected):
    """x with three spatial dimensions, which must be the expected ones: no kernel checks bounds."""
    volume = as_volume(x)
    if volume.shape[2:] != tuple(expected):
        raise ValueError(f"convolution: the geometry has {tuple(expected)} where an array of shape "
                         f"{x.shape} came")
    return volume


defvjp(conv, lambda g, y, x, w, b, geometry, groups: conv_input(g, w, geometry, groups),
             lambda g, y, x, w, b, geometry, groups: conv_weight(x, g, geometry, groups),
             lambda g, y, x, w, b, geometry, groups: channel_sum(g),
       onto={0: lambda s, g, y, x, w, b, geometry, groups: conv_input(g, w, geometry, groups, s)})
defvjp(conv_input, lambda c, y, g, w, geometry, groups, a=None: conv(c, w, None, geometry, groups),
                   lambda c, y, g, w, geometry, groups, a=None: conv_weight(c, g, geometry, groups),
                   lambda c, y, g, w, geometry, groups, a=None: c, argnums=(0, 1, 4))
defvjp(conv_weight, lambda c, y, x, g, geometry, groups: conv_input(g, c, geometry, groups),
                    lambda c, y, x, g, geometry, groups: conv(x, c, None, geometry, groups))


defvjp(conv_scaled,
       lambda g, y, x, w, a, scale, shift, geometry, groups, relu=False:
       conv_input(passed(g, y, relu) * per_channel(scale, g), w, geometry, groups),
       lambda g, y, x, w, a, scale, shift, geometry, groups, relu=False:
       conv_weight(x, passed(g, y, relu) * per_channel(scale, g), geometry, groups),
       lambda g, y, x, w, a, scale, shift, geometry, groups, relu=False: passed(g, y, relu))
