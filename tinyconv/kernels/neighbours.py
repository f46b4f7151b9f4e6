"""Convolution to few channels: pixels side by side, taken for the channels of one.

With O output channels a vector of L lanes is filled to O / L only, six of sixteen in LeNet. But a
channels-last image (…, W, O) is also one of W / s pixels with s·O channels, (…, W/s, s·O). Output
j of the s that now are one sees the same kernel, j strides further on:

    y[p, (j, o)] = Σ_k x[s·stride·p + k] · w'[(j, o), k]        w'[(j, o), k] = w[o, k − stride·j]

which is a convolution again, of stride s·stride, with kernels that are (s − 1)·stride taps wider
and zero where they are not w. It makes (K + (s − 1)·stride) / s products where there were K. The
price: zero times infinity or NaN is NaN, which so reaches neighbours that do not see its pixel.
"""
import math
from functools import lru_cache

import numpy as np

from .geometry import KEPT
from .layout import outputs_first, outputs_last
from .tile import ONE

WORTH = 0.8                            # for less it does not pay to make other weights …
PIXELS = 1 << 10                       # … nor for so few outputs


@lru_cache(maxsize=KEPT)
def number(geometry, N, O, groups, itemsize):
    """How many neighbours to take for one: what leaves fewest products, 1 if nothing is saved."""
    K, stride, W = geometry.kernel[2], geometry.stride[2], geometry.output[2]
    lanes = ONE.width(itemsize)
    if (groups > 1 or geometry.dilation[2] > 1 or 2 * O > lanes
            or N * math.prod(geometry.output) < PIXELS):
        return 1
    s = min((s for s in range(1, lanes // O + 1) if W % s == 0),
            key=lambda s: (K + (s - 1) * stride) / s)
    return s if K + (s - 1) * stride <= WORTH * s * K else 1


def as_one(geometry, s):
    """The geometry of the convolution with s neighbours in one."""
    (*other, K), (*steps, stride) = geometry.kernel, geometry.stride
    return geometry._replace(kernel=(*other, K + (s - 1) * stride), stride=(*steps, s * stride))


def widened(w, s, stride):
    """w' (s·O, C, kd, kh, kw + (s − 1)·stride) from w (O, C, kd, kh, kw)"""
    last = outputs_last(w)                                              # (kd, kh, kw, C, O)
    kd, kh, kw, C, O = last.shape
    wide = np.zeros((kd, kh, kw + (s - 1) * stride, C, s, O), w.dtype)
    for j in range(s):
        wide[:, :, j * stride:j * stride + kw, :, j] = last
    return outputs_first(wide.reshape(*wide.shape[:4], s * O))


def narrowed(gw, s, stride):
    """The adjoint of `widened`: the gradient of w from that of w'"""
    wide, K = gw.reshape(s, -1, *gw.shape[1:]), gw.shape[-1] - (s - 1) * stride
    return sum(wide[j, ..., j * stride:j * stride + K] for j in range(s))
