"""Operations: functions of tensors with their derivative rules. See each file's table."""
from ..core import broadcast_to, cast, sum_to
from .activations import gelu, leaky_relu, relu, sigmoid, silu, softplus
from .arithmetic import (abs, arccos, arcsin, arctan, ceil, clamp, cos, cosh, eq, erf, exp,
                         expm1, floor, floor_divide, ge, gt, isfinite, isinf, isnan, le, log, log1p,
                         log2, log10, logical_and, logical_not, logical_or, logical_xor, lt,
                         masked_fill, maximum, minimum, mul, ne, neg, pow, reciprocal, remainder,
                         round, rsqrt, sign, sin, sinh, sqrt, square, tan, tanh, trunc, where)
from .arranging import (broadcast_tensors, hstack, meshgrid, moveaxis, ravel, repeat_interleave,
                        swapaxes, tile, unbind, unflatten, unfold, vstack)
from .convolution import conv, conv_input, conv_scaled, conv_weight
from .creation import (arange, as_tensor, empty, empty_like, eye, floating, from_numpy, full,
                       full_like, linspace, ones, ones_like, rand, rand_like, randint, randn,
                       randn_like, randperm, tensor, zeros, zeros_like)
from .cross_entropy import binary_cross_entropy, index_cross_entropy, of_class
from .elementary import (acos, acosh, add, allclose, asin, asinh, atan, atan2, atanh, clip, div,
                         equal, exp2, isclose, lerp, logaddexp, sub, xlogy)
from .indexing import (gather, getitem, index, index_add, index_select, masked_select, narrow,
                       nonzero, put, scatter, scatter_add, select, take_along_dim)
from .algebra import addmm, bmm, dot, einsum, linear, matmul, mm, mv, outer, tensordot
from .interpolation import resample
from .linalg import norm, power, vector_norm
from .matrices import diag, diag_embed, diagonal, trace, tril, triu
from .normalization import (batch_norm, batch_statistics, channel_sum, per_channel,
                            scale_and_shift, standardize)
from .ordering import argsort, sort, topk
from .patches import patches, unpatch
from .pooling import put_pixels, take_pixels, window_max, window_spread, window_sum
from .reducing import (all, amax, amin, any, argmax, argmin, count_nonzero, cumprod, cumsum,
                       log_softmax, logsumexp, max, mean, min, prod, softmax, std, sum, var)
from .shaping import (cat, chunk, concat, expand, flatten, flip, movedim, pad, pad_constant,
                      permute, reshape, roll, split, squeeze, stack, transpose, unsqueeze)
from . import linalg, methods, showing
