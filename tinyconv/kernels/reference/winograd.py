"""Winograd's F(4×4, 3×3) in plain NumPy: the three matrices, and what they do to tiles.

With x (…, 6, 6), w (…, 3, 3), g (…, 4, 4) the form Σ (G w Gᵀ) ⊙ (Bᵀ x B) ⊙ (A g Aᵀ) is the sum of
w times x under each of the sixteen outputs, times g. See `kernels/winograd.py`.
"""
import numpy as np
from numpy.polynomial import polynomial

POINTS = np.array([0, 3 / 4, -3 / 4, 3 / 2, -3 / 2])            # and infinity
OTHERS = [np.delete(POINTS, i) for i in range(5)]

# Values at the points; at infinity a polynomial is its first coefficient.
A = np.vstack([np.vander(POINTS, 4, increasing=True), np.eye(4)[3]])
G = np.vstack([np.vander(POINTS, 3, increasing=True)
               / [[np.prod(p - others)] for p, others in zip(POINTS, OTHERS)], np.eye(3)[2]])
# The polynomials that are zero at all points but one.
B = np.column_stack([*(np.append(polynomial.polyfromroots(others), 0) for others in OTHERS),
                     polynomial.polyfromroots(POINTS)])


def tiles(x, geometry):
    """(N, C, 1, H, W) → (N, C, down, across, 6, 6): every fourth row and column begins a tile."""
    (H, W), (top, left) = geometry.output[1:], geometry.before[1:]
    i = (4 * np.arange(-(-H // 4))[:, None] + np.arange(6) - top)[:, None, :, None]
    j = (4 * np.arange(-(-W // 4))[:, None] + np.arange(6) - left)[None, :, None, :]
    inside = (0 <= i) & (i < x.shape[3]) & (0 <= j) & (j < x.shape[4])
    return np.where(inside, x[:, :, 0, i.clip(0, x.shape[3] - 1), j.clip(0, x.shape[4] - 1)], 0)


def conv(x, w, bias, geometry, size=np.asarray):
    """x ∗ w + bias, or with `size=abs` what bounds its rounding errors: no sign, no cancelling."""
    a, b, g = size(A), size(B), size(G)
    v = b.T @ size(tiles(x, geometry)) @ b                           # (N, C, down, across, 6, 6)
    u = g @ size(w[:, :, 0]) @ g.T                                   # (O, C, 6, 6)
    y = a.T @ np.einsum("ncijab,ocab->noijab", v, u) @ a             # (N, O, down, across, 4, 4)
    y = y.swapaxes(3, 4).reshape(*y.shape[:2], 4 * y.shape[2], 4 * y.shape[3])
    y = y[:, :, None, :geometry.output[1], :geometry.output[2]]
    return y if bias is None else y + size(bias)[:, None, None, None]


def conv_weight(x, g, geometry, size=np.asarray):
    """∂⟨x ∗ w, g⟩/∂w, or with `size=abs` what bounds its rounding errors."""
    a, b, h = size(A), size(B), size(G)
    v = b.T @ size(tiles(x, geometry)) @ b
    N, O, _, H, W = g.shape
    whole = np.zeros((N, O, 4 * v.shape[2], 4 * v.shape[3]), g.dtype)
    whole[:, :, :H, :W] = g[:, :, 0]
    whole = whole.reshape(N, O, v.shape[2], 4, v.shape[3], 4).swapaxes(3, 4)
    m = a @ size(whole) @ a.T                                        # (N, O, down, across, 6, 6)
    return (h.T @ np.einsum("ncijab,noijab->ocab", v, m) @ h)[:, :, None]
