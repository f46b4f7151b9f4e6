"""The matrix product."""
import numpy as np


def matmul(a, b, bias=None):
    """y[…, m, n] = Σ_k a[…, m, k] b[…, k, n] + bias[n]: (…, M, K) @ (…, K, N) → (…, M, N)"""
    y = np.einsum("...mk,...kn->...mn", a, b)
    return y if bias is None else y + bias
