"""Classes as vectors: one-hot, or rows of a table; and products of two vectors with a table."""
import numpy as np

from ... import ops
from ...core import DtypeError


def one_hot(tensor, num_classes=-1):
    """Class c of shape (…) as (…, C) with 1 at place c and 0 elsewhere, int64.

    C = `num_classes`, or by default one more than the largest class.
    """
    t = _classes("one_hot", tensor)
    if num_classes == -1:
        if t.size == 0:
            raise ValueError("one_hot: of no classes at all the number cannot be told; "
                             "pass num_classes")
        num_classes = int(t.max()) + 1
    _check_range("one_hot", t, num_classes)
    return ops.as_tensor((t[..., None] == np.arange(num_classes)).astype(np.int64))


def embedding(input, weight, padding_idx=None):
    """Rows of the table `weight` (classes, E):  (…) → (…, E)

    The row `padding_idx`, negative from the end, gets no gradient.
    """
    t, weight = _classes("embedding", input), ops.as_tensor(weight)
    if weight.ndim != 2:
        raise ValueError("embedding: weight should be a table (classes, features), "
                         f"got shape {weight.shape}")
    n = len(weight)
    _check_range("embedding", t, n)
    rows = ops.index(weight, (t.astype(np.intp),))         # a copy: later changes must not show
    if padding_idx is None:
        return rows
    if not -n <= padding_idx < n:
        raise ValueError(f"embedding: padding_idx {padding_idx} is not one of {n} classes")
    return ops.where((t == padding_idx % n)[..., None], rows.detach(), rows)


def bilinear(input1, input2, weight, bias=None):
    """y_o = x₁ᵀ W_o x₂ + b_o:  (…, I), (…, J), weight (O, I, J), bias (O) → (…, O)"""
    x1, x2, weight = (ops.floating(x, "bilinear") for x in (input1, input2, weight))
    if (weight.ndim != 3 or not x1.ndim or x1.shape[:-1] != x2.shape[:-1]
            or (x1.shape[-1], x2.shape[-1]) != weight.shape[1:]):
        raise ValueError(f"bilinear: inputs {x1.shape} and {x2.shape} should be (…, I) and (…, J) "
                         f"for a weight (O, I, J), got {weight.shape}")
    y = ops.einsum("...i,oij,...j->...o", x1, weight, x2)
    if bias is None:
        return y
    bias = ops.as_tensor(bias)
    if bias.shape != weight.shape[:1]:
        raise ValueError(f"bilinear: bias should have shape {weight.shape[:1]}, got {bias.shape}")
    return y + bias


def _classes(op, tensor):
    t = ops.as_tensor(tensor).data
    if t.dtype.kind not in "iu":
        raise DtypeError(f"{op}: expected classes as whole numbers, got {t.dtype}; write x.long()")
    return t


def _check_range(op, t, n):
    wrong = np.argwhere((t < 0) | (t >= n))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        raise IndexError(f"{op}: class {t[place]} at {place} is not one of {n} (0..{n - 1})")
