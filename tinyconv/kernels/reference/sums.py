"""Sums over some dimensions of an array."""
import numpy as np


def middle_sums(x):
    """y[a, b] = Σ_r x[a, r, b], in float64:  (A, R, B) → (A, B)"""
    return x.sum(1, dtype=np.float64)


def sums(x, dims, keepdim=False):
    """Σ x over the dimensions `dims`, in float64"""
    return x.sum(dims, dtype=np.float64, keepdims=keepdim)
