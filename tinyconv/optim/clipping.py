"""Gradients held to a length."""
import math

import numpy as np

from ..core import Tensor


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False):
    """Scale all gradients together to a common norm of at most `max_norm`; returns what it was.

        ‖g‖ = (Σ |gᵢ|^p)^(1/p)          over all elements of all gradients
        g ← g · min(1, max_norm / (‖g‖ + 10⁻⁶))

    `norm_type` is p, or infinity for the largest element. The gradients are changed in place, those
    that are None are passed over. Raises RuntimeError for a norm that is not finite if
    `error_if_nonfinite`.

    Pascanu, Mikolov & Bengio 2013, arXiv 1211.5063. PyTorch keeps it in torch.nn.utils.
    """
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    tensors = [p.grad for p in parameters if p.grad is not None]
    gradients = [g.data for g in tensors]
    p = float(norm_type)
    if not p > 0:
        raise ValueError("clip_grad_norm_: norm_type must be above 0, or infinity, "
                         f"got {norm_type!r}")
    norm = float(np.max([np.abs(g).max(initial=0) for g in gradients], initial=0))
    if p < math.inf and 0 < norm < math.inf:     # in units of the largest: no power overflows
        parts = (((np.abs(g) / norm) ** p).sum(dtype=np.float64) for g in gradients)
        norm *= float(sum(parts)) ** (1 / p)
    if error_if_nonfinite and not math.isfinite(norm):
        raise RuntimeError(f"clip_grad_norm_: the norm of the gradients is {norm}")
    scale = max_norm / (norm + 1e-6)
    if not scale >= 1:
        for g in tensors:
            g.data *= g.dtype.type(scale)
            g.touch()
    return Tensor(np.asarray(norm, gradients[0].dtype if gradients else np.float32))
