"""Normalisation of the columns of a matrix: a column is a channel, a row is a pixel of an image.

With μ and σ² the mean and variance of a column and r = 1/√(σ² + ε), the normalised x is

    x̂ = (x − μ) r.

Every element of a column goes into μ and r, so what an upstream gradient g does to x comes back in
three parts: directly, through μ and through r. With ⟨·⟩ the mean of a column,

    ∂L/∂x = r (g − ⟨g⟩ − x̂ ⟨g x̂⟩).

All matrices are (M, C), all vectors (C).

Source: Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167.
"""
import numpy as np


def moments(x):
    """μ[c] = Σ_m x[m, c] / M and σ²[c] = Σ_m (x[m, c] − μ[c])² / M, at least in float64"""
    x = x.astype(np.result_type(x, np.float64))
    mean = x.mean(0)
    return mean, ((x - mean) ** 2).mean(0)


def normalize(x, mean, scale, bias, addend, relu):
    """y = (x − mean) · scale + bias + addend (or None), then max(y, 0) if `relu`"""
    y = (x - mean) * scale + bias
    if addend is not None:
        y = y + addend
    return np.maximum(y, 0) if relu else y


def gated(g, x, mean, scale, bias):
    """G = g where (x − mean) · scale + bias > 0 (or is NaN) and else 0, or g itself without bias"""
    return g if bias is None else np.where((x - mean) * scale + bias <= 0, 0, g)


def sums(g, x, mean, r, scale=None, bias=None):
    """Σ_m G and Σ_m G x̂, x̂ = (x − mean) r, with G as `gated` makes it"""
    G = gated(g, x, mean, scale, bias)
    return G.sum(0), (G * ((x - mean) * r)).sum(0)


def masked_sums(g, y, x, mean, r):
    """G = g where y > 0 (or is NaN) and else 0; Σ_m G and Σ_m G x̂"""
    G = np.where(y <= 0, 0, g)
    return G, *sums(G, x, mean, r)


def pull(g, x, mean, r, scale, mean_g, mean_gx, bias=None):
    """scale (G − ⟨G⟩ − x̂ ⟨G x̂⟩), with G as `gated` makes it and the means ⟨G⟩ and ⟨G x̂⟩ given"""
    G = gated(g, x, mean, scale, bias)
    return scale * (G - mean_g - (x - mean) * r * mean_gx)
