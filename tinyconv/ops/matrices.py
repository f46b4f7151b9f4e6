"""Parts of matrices: triangles and diagonals. `diagonal` and `diag_embed` are an adjoint pair."""
import numpy as np

from ..core import Tensor
from .arithmetic import where
from .creation import as_tensor
from .dimensions import axis
from .indexing import index, put
from .reducing import sum
from .shaping import movedim


def tril(x, diagonal=0):
    """x on and below the given diagonal of its last two dimensions, 0 above."""
    return _part("tril", x, lambda n, m: np.tri(n, m, diagonal, dtype=bool))


def triu(x, diagonal=0):
    """x on and above the given diagonal of its last two dimensions, 0 below."""
    return _part("triu", x, lambda n, m: ~np.tri(n, m, diagonal - 1, dtype=bool))


def _part(op, x, mask):
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"{op}: expected at least 2 dimensions, got shape {x.shape}")
    return where(mask(*x.shape[-2:]), x, Tensor(np.zeros((), x.dtype)))


def diagonal(x, offset=0, dim1=0, dim2=1):
    """The elements x[…, i, …, i + offset, …] of dimensions dim1 and dim2, as a new last one."""
    x = as_tensor(x)
    d1, d2 = _two_dims("diagonal", x, dim1, dim2)
    x = movedim(x, (d1, d2), (-2, -1))
    return index(x, (Ellipsis, *_places(offset, *x.shape[-2:])))


def diag_embed(x, offset=0, dim1=-2, dim2=-1):
    """Matrices, in dimensions dim1 and dim2, with the last dimension of x on a diagonal, else 0."""
    x = as_tensor(x)
    if x.ndim == 0:
        raise ValueError("diag_embed: expected at least 1 dimension, got a number")
    n = x.shape[-1] + abs(offset)
    y = put(x, (Ellipsis, *_places(offset, n, n)), x.shape[:-1] + (n, n))
    return movedim(y, (-2, -1), _two_dims("diag_embed", y, dim1, dim2))


def diag(x, diagonal=0):
    """A matrix with the vector x on its diagonal; or the diagonal of the matrix x."""
    x = as_tensor(x)
    if x.ndim not in (1, 2):
        raise ValueError(f"diag: expected a vector or a matrix, got shape {x.shape}")
    return diag_embed(x, diagonal) if x.ndim == 1 else _diagonal(x, diagonal)


_diagonal = diagonal                             # `diag` has an argument of that name


def trace(x):
    """y = Σᵢ x[i, i]:  (N, M) → ()"""
    x = as_tensor(x)
    if x.ndim != 2:
        raise ValueError(f"trace: expected a matrix, got shape {x.shape}")
    return sum(diagonal(x))


def _two_dims(op, x, dim1, dim2):
    d1, d2 = axis(dim1, x.ndim, op), axis(dim2, x.ndim, op)
    if x.ndim < 2 or d1 == d2:
        raise ValueError(f"{op}: expected two different dimensions of shape {x.shape}, "
                         f"got {dim1} and {dim2}")
    return d1, d2


def _places(offset, n, m):
    """The rows and columns of a diagonal of an (n, m) matrix."""
    rows = np.arange(n)[max(-offset, 0):max(m - offset, 0)]
    return rows, rows + offset
