"""Element by element: relu and its gradient, the error function."""
import numpy as np


def relu(x):
    """y = max(x, 0); NaN stays NaN"""
    return np.maximum(x, 0)


def relu_pull(g, y):
    """g where y > 0 (or is NaN), else 0"""
    return np.where(y <= 0, 0, g)


def erf(x):
    """erf x = 2/√π ∫₀ˣ e^(−t²) dt, by Gauss' formula with 64 nodes

    On [−1, 1] the formula is ∫ f(s) ds ≈ Σ_i w[i] f(s[i]), exact for polynomials to degree 127;
    t = x (1 + s)/2 takes that interval to [0, x]. Beyond 6 the function is 1 to the last digit.
    """
    s, w = np.polynomial.legendre.leggauss(64)
    x = np.clip(x, -6, 6)[..., None]
    t = x * (1 + s) / 2
    return 2 / np.sqrt(np.pi) * (np.exp(-t * t) * w * x / 2).sum(-1)
