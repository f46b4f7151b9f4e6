"""The matrix product."""
import numpy as np


def matmul(a, b):
    """y[…, m, n] = Σ_k a[…, m, k] b[…, k, n]: (…, M, K) @ (…, K, N) → (…, M, N)"""
    return np.einsum("...mk,...kn->...mn", a, b)
