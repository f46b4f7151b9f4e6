"""The steps of the optimisers, as formulas on whole arrays.

They are changed in place, as by the fast kernels. Hyperparameters are narrowed to the dtype of the
parameter by NumPy itself: a Python float does not widen a float32 array.
"""
import numpy as np


def sgd(p, g, v, lr, weight_decay, momentum, share, nesterov):
    """Stochastic gradient descent with momentum (v) or without (None)."""
    d = g + weight_decay * p
    if v is not None:
        v[:] = momentum * v + share * d
        d = d + momentum * v if nesterov else v
    p -= lr * d


def adam(p, g, m, v, largest, rate, beta1, beta2, eps, weight_decay, shrink):
    """Adam, AdamW (shrink) and AMSGrad (largest)."""
    d = g + weight_decay * p
    m[:] = beta1 * m + (1 - beta1) * d
    v[:] = beta2 * v + (1 - beta2) * (d * d)
    second = v
    if largest is not None:
        largest[:] = second = np.maximum(largest, v)
    p[:] = shrink * p - rate * (m / (np.sqrt(second) + eps))


def rmsprop(p, g, v, mean, b, lr, alpha, eps, weight_decay, momentum):
    """RMSprop, centred (mean) or not (None), with momentum (b) or without (None)."""
    d = g + weight_decay * p
    v[:] = alpha * v + (1 - alpha) * (d * d)
    spread = v
    if mean is not None:
        mean[:] = alpha * mean + (1 - alpha) * d
        spread = v - mean * mean
    d = d / (np.sqrt(spread) + eps)
    if b is not None:
        b[:] = d = momentum * b + d
    p -= lr * d
