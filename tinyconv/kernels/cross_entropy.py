"""Softmax cross-entropy of rows of logits: two sweeps over a row forward, one backward.

With the largest logit of a row, `top`, and total = Σ_c e^(x_c − top),

    y = ln total − (x_t − top)                     its loss, where t is the right class
    ∂y/∂x_c = e^(x_c − top) / total − [c = t]      softmax less one-hot

No matrix but the gradient is written. Nothing overflows, for no exponent is above zero, and where
one logit towers over the rest the loss is exact. Logits come as a matrix (M, C), float32 or
float64, classes as intp (M).
"""
import math

import numpy as np
from llvmlite import ir
from numba import from_dtype, njit, prange, types
from numba.extending import intrinsic, overload

from .compile import kernel, part

BLOCK = 1 << 14                        # elements, more or less, of the rows that one task takes


# ---- the exponential function, in vectors --------------------------------------------------------

# the Taylor series of eʳ for |r| ≤ ln 2 / 2 ends where the rest is below the last digit; ln 2 comes
# in two parts, of which the first has few digits, so that its product with a small n is exact
TERMS = {types.float32: 8, types.float64: 14}
LOG_2 = {types.float32: (0.693359375, -2.12194440e-4),
         types.float64: (6.93147180369123816490e-01, 1.90821492927058770002e-10)}
LOWEST = {types.float32: -87.0, types.float64: -708.0}     # eˣ is still a normal number


@intrinsic
def _power_of_two(typing, n):
    """2ⁿ for a whole number n, a float: it is written into the bits that hold the exponent."""
    bits, digits, zero = (32, 23, 127) if n == types.float32 else (64, 52, 1023)

    def generate(context, builder, signature, args):
        whole = ir.IntType(bits)
        exponent = builder.add(builder.fptosi(args[0], whole), whole(zero))
        return builder.bitcast(builder.shl(exponent, whole(digits)), args[0].type)
    return n(n), generate


def exponential(x):
    """eˣ for x ≤ 0, within two units in the last place; 0 below e^LOWEST; NaN stays NaN.

    eˣ = 2ⁿ eʳ with x = n ln 2 + r. (`math.exp` is a call for every single number.) So it is
    compiled, by `_exponential`; this here is for NUMBA_DISABLE_JIT.
    """
    return type(x)(0 if x < LOWEST[from_dtype(x.dtype)] else math.exp(x))


@overload(exponential, jit_options={"fastmath": {"contract"}})
def _exponential(x):
    number = np.dtype(str(x)).type
    lowest, zero, per_log_2 = number(LOWEST[x]), number(0), number(1 / math.log(2))
    high, low = (number(part) for part in LOG_2[x])
    series = tuple(number(1 / math.factorial(k)) for k in reversed(range(TERMS[x])))

    def implementation(x):
        n = np.rint((x if x > lowest else lowest) * per_log_2)
        r = (x - n * high) - n * low
        y = zero
        for coefficient in series:
            y = y * r + coefficient
        return zero if x < lowest else y * _power_of_two(n)
    return implementation


# ---- forward -------------------------------------------------------------------------------------

@njit(nogil=True, fastmath={"contract", "reassoc", "nsz"})
def _total(x, top):
    total = x.dtype.type(0)
    for c in range(x.size):
        total += exponential(x[c] - top)
    return total


@part
def _block_losses(x, t, y, tops, totals):
    for m in range(x.shape[0]):
        totals[m] = _total(x[m], tops[m])
        y[m] = np.log(totals[m]) - (x[m, t[m]] - tops[m])


@kernel(parallel=True)
def _losses(x, t, y, tops, totals, rows):
    if x.shape[0] <= rows:
        _block_losses(x, t, y, tops, totals)
    else:
        for block in prange((x.shape[0] + rows - 1) // rows):
            piece = slice(block * rows, (block + 1) * rows)
            _block_losses(x[piece], t[piece], y[piece], tops[piece], totals[piece])


def losses(x, t):
    """The loss of every row, and (top, total) of every row: (M, C), (M) → (M), (2, M)"""
    y, totals, tops = (np.empty(len(x), x.dtype), np.empty(len(x), x.dtype),
                       np.maximum.reduce(x, 1))
    _losses(x, t, y, tops, totals, rows_of_a_block(x))
    return y, (tops, totals)


# ---- backward ------------------------------------------------------------------------------------

@part
def _block_pull(g, x, t, tops, totals, gx):
    for m in range(x.shape[0]):
        top, scale = tops[m], g[m] / totals[m]
        for c in range(x.shape[1]):
            gx[m, c] = scale * exponential(x[m, c] - top)
        gx[m, t[m]] -= g[m]


@kernel(parallel=True)
def _pull(g, x, t, tops, totals, gx, rows):
    if x.shape[0] <= rows:
        _block_pull(g, x, t, tops, totals, gx)
    else:
        for block in prange((x.shape[0] + rows - 1) // rows):
            piece = slice(block * rows, (block + 1) * rows)
            _block_pull(g[piece], x[piece], t[piece], tops[piece], totals[piece], gx[piece])


def pull(g, x, t, stats):
    """g (softmax x − onehot t), g one number for each row: (M), (M, C), (M), (2, M) → (M, C)"""
    gx = np.empty(x.shape, x.dtype)
    _pull(g, x, t, *stats, gx, rows_of_a_block(x))
    return gx


def rows_of_a_block(x):
    """How many rows of x (M, C) make a block of about `BLOCK` numbers, at least one."""
    return max(1, BLOCK // max(1, x.shape[1]))
