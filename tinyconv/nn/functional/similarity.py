"""Vectors compared: normalised, the angle between them, how far apart they are."""
from ... import ops


def normalize(input, p=2.0, dim=1, eps=1e-12):
    """y = x / max(‖x‖, eps) along `dim`, with the norm of order p"""
    x = ops.floating(input, "normalize")
    return x / ops.clamp(ops.vector_norm(x, p, dim, keepdim=True), min=eps)


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """y = ⟨x₁, x₂⟩ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)) along `dim`; x₁ and x₂ broadcast."""
    x1, x2 = ops.broadcast_tensors(*(ops.floating(x, "cosine_similarity") for x in (x1, x2)))
    return ops.sum(normalize(x1, 2, dim, eps) * normalize(x2, 2, dim, eps), dim)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """y = ‖x₁ − x₂ + eps‖ along the last dimension, with the norm of order p."""
    d = ops.floating(x1, "pairwise_distance") - ops.floating(x2, "pairwise_distance") + eps
    return ops.vector_norm(d, p, -1, keepdim)
