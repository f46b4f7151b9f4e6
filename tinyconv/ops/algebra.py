"""Linear algebra: matrix product and Einstein sums.

| op | ∂/∂first | ∂/∂second |
|---|---|---|
| `a @ b` | g bᵀ | aᵀ g |
| `a @ bᵀ` | g b | gᵀ a |
| `aᵀ @ b` | b gᵀ | a g |
| `einsum("ij,jk->ik", a, b)` | `einsum("ik,jk->ij", g, b)` | `einsum("ik,ij->jk", g, a)` |
"""
import math
import string

import numpy as np

from ..core import DtypeError, Tensor, broadcast_to, defvjp, primitive
from ..kernels import matrix
from .creation import as_tensor
from .dimensions import axes
from .indexing import index
from .normalization import channel_sum
from .shaping import permute, reshape, squeeze, unsqueeze


@primitive
def _product(a, b, bias, ta, tb):
    """y = A B + bias, where A is a, or aᵀ if ta (its last two dimensions), and B is b or bᵀ"""
    a, b = a.swapaxes(-1, -2) if ta else a, b.swapaxes(-1, -2) if tb else b
    return matrix.matmul(a, b, bias)
defvjp(_product,
       lambda g, y, a, b, bias, ta, tb:
           _product(b, g, None, tb, True) if ta else _product(g, b, None, False, not tb),
       lambda g, y, a, b, bias, ta, tb:
           _product(g, a, None, True, ta) if tb else _product(a, g, None, not ta, False),
       lambda g, *_: channel_sum(g) if g.ndim == 2 else g)


def matmul(a, b):
    """The matrix product y = a b over the last two dimensions; those before them broadcast.

    (…, M, K) @ (…, K, N) → (…, M, N). A vector on the left is a row, on the right a column, and
    leaves no dimension.
    """
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError("matmul: expected at least one dimension each, "
                         f"got shapes {a.shape} and {b.shape}")
    if a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise ValueError(f"matmul: rows of a have {a.shape[-1]} elements {a.shape}, columns of b "
                         f"{b.shape[max(b.ndim - 2, 0)]} {b.shape}")
    if a.dtype != b.dtype:
        raise DtypeError(f"matmul: a is {a.dtype} and b is {b.dtype}; convert one with .to(dtype)")
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ValueError(f"matmul: the leading dimensions of {a.shape} and {b.shape} "
                         "do not broadcast") from None
    row, column = a.ndim == 1, b.ndim == 1
    y = _product(unsqueeze(a, 0) if row else a, unsqueeze(b, 1) if column else b, None,
                 False, False)
    if row or column:
        M, N = y.shape[-2:]
        y = reshape(y, y.shape[:-2] + (M,) * (not row) + (N,) * (not column))
    return y


def linear(input, weight, bias=None):
    """y = x Wᵀ + b:  (…, in) → (…, out), weight (out, in), bias (out,)"""
    input, weight = as_tensor(input), as_tensor(weight)
    if input.ndim == 0 or weight.ndim != 2 or input.shape[-1] != weight.shape[1]:
        raise ValueError(f"linear: input {input.shape} has "
                         f"{input.shape[-1] if input.ndim else 'no'} features "
                         f"but weight {weight.shape} expects {weight.shape[-1]}")
    bias = None if bias is None else as_tensor(bias)
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"linear: bias should have shape {weight.shape[:1]}, one number per "
                         f"output feature, got {bias.shape}")
    for name, v in (("weight", weight), ("bias", bias)):
        if v is not None and v.dtype != input.dtype:
            raise DtypeError(f"linear: input is {input.dtype} and {name} is {v.dtype}; "
                             "convert one with .to(dtype)")
    x = input
    if input.ndim != 2 and input.numel():        # of no elements −1 could be any number
        x = reshape(input, (-1, input.shape[-1]))
    y = _product(x, weight, bias, False, True)
    return y if input.ndim == 2 else reshape(y, input.shape[:-1] + (weight.shape[0],))


# ---- products by other names ---------------------------------------------------------------------

def mm(a, b):
    """(M, K), (K, N) → (M, N): `matmul` of two matrices, without broadcasting"""
    return matmul(*_of_dims("mm", (2, 2), a, b))


def bmm(a, b):
    """(B, M, K), (B, K, N) → (B, M, N): `matmul` of as many matrices as matrices"""
    a, b = _of_dims("bmm", (3, 3), a, b)
    if len(a) != len(b):
        raise ValueError(f"bmm: {len(a)} matrices {a.shape} for {len(b)} matrices {b.shape}")
    return matmul(a, b)


def mv(a, v):
    """(M, K), (K) → (M)"""
    return matmul(*_of_dims("mv", (2, 1), a, v))


def dot(a, b):
    """(K), (K) → ()"""
    return matmul(*_of_dims("dot", (1, 1), a, b))


def outer(a, b):
    """(M), (N) → (M, N): y[m, n] = a[m] · b[n]"""
    a, b = _of_dims("outer", (1, 1), a, b)
    return unsqueeze(a, 1) * b


def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta · input + alpha · mat1 @ mat2; with beta = 0 the input does not count, not even NaN"""
    y = mm(mat1, mat2) * alpha
    return y + as_tensor(input) * beta if beta else y


def tensordot(a, b, dims=2):
    """Σ over the last `dims` dimensions of a and the first of b, or over those of two lists."""
    a, b = as_tensor(a), as_tensor(b)
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ValueError(f"tensordot: dims {dims} is out of range for {a.shape} and {b.shape}")
        dims = range(a.ndim - dims, a.ndim), range(dims)
    of_a, of_b = (axes(tuple(d), x.ndim, "tensordot") for d, x in zip(dims, (a, b), strict=True))
    lengths = [tuple(x.shape[d] for d in of_x) for x, of_x in ((a, of_a), (b, of_b))]
    if lengths[0] != lengths[1]:
        raise ValueError(f"tensordot: {of_a} of {a.shape} have lengths {lengths[0]} "
                         f"but {of_b} of {b.shape} have {lengths[1]}")
    left, right = ([d for d in range(x.ndim) if d not in of_x] for x, of_x in ((a, of_a),
                                                                              (b, of_b)))
    rows, columns = tuple(a.shape[d] for d in left), tuple(b.shape[d] for d in right)
    K = math.prod(lengths[0])
    y = matmul(reshape(permute(a, (*left, *of_a)), (math.prod(rows), K)),
               reshape(permute(b, (*of_b, *right)), (K, math.prod(columns))))
    return reshape(y, rows + columns)


def _of_dims(op, dims, *given):
    """The given as tensors, which must have so many dimensions."""
    given = [as_tensor(x) for x in given]
    if tuple(x.ndim for x in given) != dims:
        raise ValueError(f"{op}: expected tensors of {dims[0]} and {dims[1]} dimensions, got "
                         f"shapes {given[0].shape} and {given[1].shape}")
    return given


# ---- Einstein sums -------------------------------------------------------------------------------

@primitive
def _einsum(*xs, terms, result):
    return np.einsum(",".join(terms) + "->" + result, *xs, optimize=len(xs) > 2)


def _einsum_rule(g, y, *xs, terms, result):
    """For each operand the same sum with g in its place.

    Letters that only it had were summed away; along them the gradient is repeated.
    """
    def gradient(i):
        others = [(t, x) for j, (t, x) in enumerate(zip(terms, xs)) if j != i]
        known = set(result).union(*(t for t, _ in others))
        kept = "".join(c for c in terms[i] if c in known)
        gx = _einsum(g, *(x for _, x in others),
                     terms=(result, *(t for t, _ in others)), result=kept)
        for d, c in enumerate(terms[i]):
            if c not in known:
                gx = unsqueeze(gx, d)
        return broadcast_to(gx, xs[i].shape)
    return [gradient(i) if isinstance(x, Tensor) and x.requires_grad else None
            for i, x in enumerate(xs)]


defvjp(_einsum, joint=_einsum_rule)


def einsum(equation, *operands):
    """Σ over the letters that `equation` leaves out of its result: "ij,jk->ik" is a matrix product.

    Letters name dimensions, `...` stands for any number of them, a letter twice in one term takes
    the diagonal; without `->` the result has the letters that occur once, in alphabetical order.
    Dimensions of length one broadcast to those of the same name, or in the same place under `...`.
    """
    if not isinstance(equation, str):
        raise TypeError("einsum: expected an equation such as 'ij,jk->ik' first, "
                        f"got {type(equation).__name__}")
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    xs = [as_tensor(x) for x in operands]
    terms, result = _parse(equation, xs)
    for i, term in enumerate(terms):
        terms[i], xs[i] = _without_repeats(term, xs[i])
    sizes = {}
    for term, x in zip(terms, xs):
        for c, n in zip(term, x.shape):
            if sizes.setdefault(c, n) == 1:
                sizes[c] = n
            elif n not in (1, sizes[c]):
                raise ValueError(f"einsum: in {equation!r} dimension {c!r} has lengths "
                                 f"{sizes[c]} and {n}")
    for i, term in enumerate(terms):
        terms[i], xs[i] = _without_ones(term, xs[i], sizes)
    return _einsum(*xs, terms=tuple(terms), result=result)


def _parse(equation, xs):
    """The letters of every operand and of the result, with dots replaced by unused letters."""
    left, arrow, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(xs):
        raise ValueError(f"einsum: {equation!r} has {len(terms)} terms but {len(xs)} operands came")
    unused = [c for c in string.ascii_letters if c not in equation]
    widest = 0
    for i, (term, x) in enumerate(zip(terms, xs)):
        hidden = x.ndim - len(term.replace("...", ""))
        if hidden and "..." not in term or hidden < 0:
            raise ValueError(f"einsum: term {term!r} of {equation!r} does not name the dimensions "
                             f"of shape {x.shape}")
        widest = max(widest, hidden)
        terms[i] = term.replace("...", "".join(unused[:hidden][::-1]))
    dots = "".join(unused[:widest][::-1])
    if not arrow:
        letters = left.replace(",", "").replace("...", "")
        once = sorted(c for c in set(letters) if letters.count(c) == 1)
        result = ("..." if "..." in left else "") + "".join(once)
    return terms, result.replace("...", dots)


def _without_repeats(term, x):
    """A letter that names two dimensions of one operand takes their diagonal."""
    for c in term:
        while term.count(c) > 1:
            i, j = term.index(c), term.rindex(c)
            n = np.arange(x.shape[i])
            if x.shape[j] != x.shape[i]:
                raise ValueError(f"einsum: dimension {c!r} has lengths {x.shape[i]} and "
                                 f"{x.shape[j]} in one operand")
            others = [d for d in range(x.ndim) if d not in (i, j)]
            x = index(permute(x, (i, j, *others)), (n, n))
            term = c + "".join(term[d] for d in others)
    return term, x


def _without_ones(term, x, sizes):
    """A dimension of length one that is longer elsewhere is left out: what it holds is repeated."""
    ones = tuple(d for d, c in enumerate(term) if x.shape[d] == 1 != sizes[c])
    if not ones:
        return term, x
    return "".join(c for d, c in enumerate(term) if d not in ones), squeeze(x, ones)
