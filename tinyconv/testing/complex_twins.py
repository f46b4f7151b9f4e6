"""Operations for complex numbers, where the functions behind them only know real ones.

Each does what the operation does, spelled out in NumPy; where a maximum or a sign decides, the real
part does. Convolution and the sums of pooling are linear in each argument, so that for these the
compiled kernel itself is used, once for the real parts and once for each imaginary part: the terms
left out are of the order h², 1e-40. `TWINS` has them by operation; what is not there has a forward
function that takes complex numbers as it is.
"""
import numpy as np

from .. import ops
from ..core import cast
from ..ops import activations, algebra, cross_entropy, normalization


def _multilinear(op, *constant):
    """The twin of an operation that is linear in each argument; without the options `constant`."""
    kernel = op.__wrapped__

    def twin(*args, **kwargs):
        kwargs = {name: value for name, value in kwargs.items() if name not in constant}
        moved = [isinstance(a, np.ndarray) and a.dtype.kind == "c" for a in args]
        real = [np.ascontiguousarray(a.real) if m else a for m, a in zip(moved, args)]
        y = kernel(*real, **kwargs).astype(complex)
        for k, a in enumerate(args):
            if moved[k]:
                y += 1j * kernel(*real[:k], np.ascontiguousarray(a.imag), *real[k + 1:], **kwargs)
        return y
    return twin


# ---- element by element --------------------------------------------------------------------------

def _erf(z):
    """erf z = 2/√π e^(−z²) Σ 2ⁿ z^(2n+1) / (1 · 3 · … · (2n+1)), without cancellation"""
    term = total = np.asarray(z)
    for n in range(1, 400):
        term = term * (2 * z * z / (2 * n + 1))
        total = total + term
    return 2 / np.sqrt(np.pi) * np.exp(-z * z) * total


def _softplus(x, beta=1.0, threshold=20.0):
    z = beta * x
    return np.where(z.real > threshold, x, np.log(1 + np.exp(z)) / beta)


def _remainder(a, b):
    return a - b * np.floor(np.real(a) / np.real(b))


def _atan2(a, b):
    """The slope is that of arctan a/b, or of −arctan b/a, whichever is less steep."""
    steep = np.abs(np.real(a)) > np.abs(np.real(b))
    y = np.where(steep, -np.arctan(b / np.where(steep, a, 1)), np.arctan(a / np.where(steep, 1, b)))
    return np.arctan2(np.real(a), np.real(b)) + 1j * y.imag


def _logaddexp(a, b):
    top = np.maximum(np.real(a), np.real(b))
    return top + np.log(np.exp(a - top) + np.exp(b - top))


# ---- many elements -------------------------------------------------------------------------------

def _shifted(x, dim):
    return x - np.max(x.real, dim, keepdims=True)


def _softmax(x, dim, dtype=None):
    e = np.exp(_shifted(x, dim))
    return e / e.sum(dim, keepdims=True)


def _log_softmax(x, dim, dtype=None):
    x = _shifted(x, dim)
    return x - np.log(np.exp(x).sum(dim, keepdims=True))


def _product(a, b, bias, ta, tb):
    a, b = a.swapaxes(-1, -2) if ta else a, b.swapaxes(-1, -2) if tb else b
    return a @ b if bias is None else a @ b + bias


def _cross_entropy(x, t, stats, n, value):
    losses = -_of_class(_log_softmax(x, 1), t)
    return losses if value.ndim else losses.sum() / n


def _softmax_error(g, x, t, stats, n):
    y = _softmax(x, 1)
    np.moveaxis(y, 1, -1)[(*np.indices(t.shape), t)] -= 1
    return y * (np.expand_dims(g, 1) if np.ndim(g) else g) / n


def _of_class(x, t):
    return np.moveaxis(x, 1, -1)[(*np.indices(t.shape), t)]


# ---- convolution and pooling ---------------------------------------------------------------------

_convolved = _multilinear(ops.conv)


def _conv(x, w, b, geometry, groups):
    y = _convolved(x, w, None, geometry=geometry, groups=groups)
    return y if b is None else y + _per_channel(b, y)


def _conv_scaled(x, w, a, scale, shift, geometry, groups, relu=False):
    y = _conv(x, w, None, geometry, groups)
    y = y * _per_channel(scale, y) + _per_channel(shift, y) + (0 if a is None else a)
    return _relu(y) if relu else y


_spread_back = _multilinear(ops.conv_input)


def _conv_input(g, w, geometry, groups, a=None):
    x = _spread_back(g, w, geometry=geometry, groups=groups)
    return x if a is None else x + a


_taken, _put = _multilinear(ops.take_pixels), _multilinear(ops.put_pixels)


def _take_pixels(x, where, windows=None, values=None, relu=False):
    y = _taken(x, where)
    return _relu(y) if relu else y


def _put_pixels(g, where, size, y=None, windows=None):
    return _put(g if y is None else _relu_pull(g, y), where, size)


def _relu(y):
    return np.where(y.real > 0, y, 0)


def _relu_pull(g, y, value=None):
    return np.where(np.real(y) > 0, g, 0j)


# ---- normalisation: see the table in `ops/normalization.py` --------------------------------------

def _per_channel(v, x):
    return np.reshape(v, (1, -1) + (1,) * (x.ndim - 2))


def _others(x):
    return (0, *range(2, x.ndim))


def _centred(x, stats):
    """x̂ and r, by the statistics of the complex x.

    `stats` has those of its real part, and with them ε: 1/r² = σ² + ε, of which only σ² moves.
    """
    d = x - x.mean(_others(x), keepdims=True)
    moved = (d * d).mean(_others(x)).imag
    r = 1 / np.sqrt(1 / np.square(stats[1]) + 1j * moved)
    return d * _per_channel(r, x), r


def _channel_dot(g, x, stats, value=None):
    return (g * _centred(x, stats)[0]).sum(_others(x))


def _pull(g, x, w, stats, sums=None):
    y, r = _centred(x, stats)
    mean = {"axis": _others(x), "keepdims": True}
    y = g - g.mean(**mean) - y * (g * y).mean(**mean)
    return y * _per_channel(r if w is None else r * w, x)


def _batch_norm(x, w, b, a, stats, relu=False):
    return _finished(_centred(x, stats)[0], w, b, a, relu)


def _scale_and_shift(x, w, b, a, stats, relu=False):
    mean, r = (_per_channel(v, x) for v in stats)
    return _finished((x - mean) * r, w, b, a, relu)


def _finished(y, w, b, a, relu):
    y = y if w is None else y * _per_channel(w, y)
    y = y if b is None else y + _per_channel(b, y)
    y = y if a is None else y + a
    return _relu(y) if relu else y


TWINS = {
    cast: lambda x, dtype: x,
    ops.abs: lambda x: x * np.sign(x.real),
    ops.erf: _erf,
    ops.relu: _relu,
    ops.sigmoid: lambda x: 1 / (1 + np.exp(-x)),
    ops.softplus: _softplus,
    ops.remainder: _remainder,
    ops.atan2: _atan2,
    ops.logaddexp: _logaddexp,
    ops.maximum: lambda a, b: np.where(np.real(a) >= np.real(b), a, b),
    ops.minimum: lambda a, b: np.where(np.real(a) <= np.real(b), a, b),
    activations.relu_pull: _relu_pull,
    ops.sum: lambda x, dim=None, keepdim=False: np.sum(x, dim, keepdims=keepdim),
    ops.cumsum: lambda x, dim: np.cumsum(x, dim) if x.ndim else x,
    ops.softmax: _softmax,
    ops.log_softmax: _log_softmax,
    algebra._product: _product,
    cross_entropy._cross_entropy: _cross_entropy,
    cross_entropy.softmax_error: _softmax_error,
    ops.conv: _conv,
    ops.conv_scaled: _conv_scaled,
    ops.conv_input: _conv_input,
    ops.conv_weight: _multilinear(ops.conv_weight),
    ops.take_pixels: _take_pixels,
    ops.put_pixels: _put_pixels,
    ops.window_sum: _multilinear(ops.window_sum),
    ops.window_spread: _multilinear(ops.window_spread),
    ops.channel_sum: lambda g, value=None: g.sum(_others(g)),
    normalization.channel_dot: _channel_dot,
    ops.standardize: lambda x, stats: _centred(x, stats)[0],
    normalization.inverse_std: lambda x, stats: _centred(x, stats)[1],
    normalization.pull: _pull,
    ops.batch_norm: _batch_norm,
    ops.scale_and_shift: _scale_and_shift,
}
