"""Winograd's F(2×2, 3×3) in plain NumPy: the three matrices, and what they do to tiles.

With x (…, 4, 4), w (…, 3, 3), g (…, 2, 2) the form Σ (G w Gᵀ) ⊙ (Bᵀ x B) ⊙ (A g Aᵀ) is the sum of
w times x under each of the four outputs, times g. See `kernels/winograd.py`.
"""
import numpy as np

A = np.array([[1, 0], [1, 1], [1, -1], [0, -1.]])
B = np.array([[1, 0, 0, 0], [0, 1, -1, 1], [-1, 1, 1, 0], [0, 0, 0, -1.]])
G = np.array([[1, 0, 0], [.5, .5, .5], [.5, -.5, .5], [0, 0, 1]])


def tiles(x, geometry):
    """(N, C, 1, H, W) → (N, C, down, across, 4, 4): every second row and column begins a tile."""
    _, H, W = geometry.output
    down, across = -(-H // 2), -(-W // 2)
    _, top, left = geometry.before
    padded = np.zeros((*x.shape[:2], 2 * down + 2, 2 * across + 2), x.dtype)
    inside = x[:, :, 0, :2 * down + 2 - top, :2 * across + 2 - left]
    padded[:, :, top:top + inside.shape[2], left:left + inside.shape[3]] = inside
    windows = np.lib.stride_tricks.sliding_window_view(padded, (4, 4), axis=(2, 3))
    return windows[:, :, ::2, ::2]


def conv(x, w, bias, geometry, size=np.asarray):
    """x ∗ w + bias, or with `size=abs` what bounds its rounding errors: no sign, no cancelling."""
    a, b, g = size(A), size(B), size(G)
    v = b.T @ size(tiles(x, geometry)) @ b                           # (N, C, down, across, 4, 4)
    u = g @ size(w[:, :, 0]) @ g.T                                   # (O, C, 4, 4)
    y = a.T @ np.einsum("ncijab,ocab->noijab", v, u) @ a             # (N, O, down, across, 2, 2)
    y = y.swapaxes(3, 4).reshape(*y.shape[:2], 2 * y.shape[2], 2 * y.shape[3])
    y = y[:, :, None, :geometry.output[1], :geometry.output[2]]
    return y if bias is None else y + size(bias)[:, None, None, None]


def conv_weight(x, g, geometry, size=np.asarray):
    """∂⟨x ∗ w, g⟩/∂w, or with `size=abs` what bounds its rounding errors."""
    a, b, h = size(A), size(B), size(G)
    v = b.T @ size(tiles(x, geometry)) @ b
    N, O, _, H, W = g.shape
    whole = np.zeros((N, O, 2 * v.shape[2], 2 * v.shape[3]), g.dtype)
    whole[:, :, :H, :W] = g[:, :, 0]
    whole = whole.reshape(N, O, v.shape[2], 2, v.shape[3], 2).swapaxes(3, 4)
    m = a @ size(whole) @ a.T                                        # (N, O, down, across, 4, 4)
    return (h.T @ np.einsum("ncijab,noijab->ocab", v, m) @ h)[:, :, None]
