"""tinyconv: convolutional networks on a CPU in NumPy and Numba, to read, to train and to check."""
from numpy import bool_ as bool, float16, float32, float64, int8, int16, int32, int64, uint8

from . import data, nn, optim, models
from .kernels.memory import keep_freed_memory
from .core import Tensor, enable_grad, grad, is_grad_enabled, no_grad, set_grad_enabled
from .ops import (abs, add, all, amax, amin, any, arange, arccos, arcsin, arctan, argmax, argmin,
                  as_tensor, broadcast_to, cat, ceil, chunk, clamp, cos, cosh, cumsum, div, einsum,
                  empty, eq, erf, exp, expm1, eye, flatten, flip, floor, floor_divide, from_numpy,
                  full, full_like, gather, ge, gt, index_select, isfinite, isinf, isnan, le,
                  linspace, log, log1p, log2, log10, log_softmax, logical_and, logical_not,
                  logical_or, logical_xor, logsumexp, lt, masked_fill, matmul, max, maximum, mean,
                  min, minimum, movedim, mul, ne, neg, ones, ones_like, permute, pow, prod, rand,
                  randint, randn, randperm, reciprocal, relu, remainder, reshape, roll, round,
                  rsqrt, sigmoid, sign, sin, sinh, softmax, split, sqrt, square, squeeze, stack,
                  std, sub, sum, take_along_dim, tan, tanh, tensor, transpose, trunc, unsqueeze,
                  var, where, zeros, zeros_like)
from .machine import VERSION as __version__
from .random import default_generator, manual_seed


keep_freed_memory()
