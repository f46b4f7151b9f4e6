"""tinyconv: convolutional networks on a CPU in NumPy and Numba, to read, to train and to check."""
from . import interrupt

interrupt.quiet_start()                          # before all that takes time to import

from numpy import bool_ as bool, float16, float32, float64, int8, int16, int32, int64, uint8

from . import data, nn, optim, models, vision
from .kernels.memory import keep_freed_memory
from .core import (AnomalyError, ChangedError, DtypeError, FreedGraphError, InPlaceError, Tensor,
                   enable_grad, grad, is_grad_enabled, no_grad, set_grad_enabled)
from .ops import (abs, acos, acosh, add, addmm, all, allclose, amax, amin, any, arange, arccos,
                  arcsin, arctan, argmax, argmin, argsort, as_tensor, asin, asinh, atan, atan2,
                  atanh, bmm, broadcast_tensors, broadcast_to, cat, ceil, chunk, clamp, clip,
                  concat, cos, cosh, count_nonzero, cumprod, cumsum, diag, diag_embed, diagonal,
                  div, dot, einsum, empty, empty_like, eq, equal, erf, exp, exp2, expm1, eye,
                  flatten, flip, floor, floor_divide, from_numpy, full, full_like, gather, ge, gt,
                  hstack, index_add, index_select, isclose, isfinite, isinf, isnan, le, lerp,
                  linalg, linspace, log, log10, log1p, log2, log_softmax, logaddexp, logical_and,
                  logical_not, logical_or, logical_xor, logsumexp, lt, masked_fill, masked_select,
                  matmul, max, maximum, mean, meshgrid, min, minimum, mm, moveaxis, movedim, mul,
                  mv, narrow, ne, neg, nonzero, norm, ones, ones_like, outer, permute, pow, prod,
                  rand, rand_like, randint, randn, randn_like, randperm, ravel, reciprocal, relu,
                  remainder, repeat_interleave, reshape, roll, round, rsqrt, scatter, scatter_add,
                  select, sigmoid, sign, sin, sinh, softmax, sort, split, sqrt, square, squeeze,
                  stack, std, sub, sum, swapaxes, take_along_dim, tan, tanh, tensor, tensordot,
                  tile, topk, trace, transpose, tril, triu, trunc, unbind, unflatten, unsqueeze,
                  var, vstack, where, xlogy, zeros, zeros_like)
from .machine import VERSION as __version__
from .random import default_generator, manual_seed
from .watch import debug, detect_anomaly


keep_freed_memory()
