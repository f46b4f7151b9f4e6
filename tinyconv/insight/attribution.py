"""Which pixels does the score of a class depend on? The gradient, and its mean over noise.

Simonyan, Vedaldi & Zisserman, "Deep inside convolutional networks: visualising image classification
models and saliency maps", 2013, https://arxiv.org/abs/1312.6034.

Smilkov, Thorat, Kim, Viégas & Wattenberg, "SmoothGrad: removing noise by adding noise", 2017,
https://arxiv.org/abs/1706.03825.

In all functions x (N, C, H, W) are normalised images, an array or tensor; `target` is the class
whose score is explained, one for all images or one for each, or by default the one that the model
sees; it may also be a function from the model's output to a tensor (N,), for models that answer
something else. The model runs in evaluation mode and is left as it was.
"""
import numpy as np

from .asking import as_images, resolved, score_and_gradient


def input_gradient(model, x, target=None):
    """∂score/∂x, an array like x: what a little more of each pixel and channel does to the score"""
    return score_and_gradient("input_gradient", model, x, target)[1]


def saliency(model, x, target=None):
    """max over the channels of |∂score/∂x|, an array (N, H, W)  (Simonyan et al. 2013)"""
    return strength(score_and_gradient("saliency", model, x, target)[1])


def strength(attribution):
    """max over the channels of |attribution|: (N, C, H, W) → (N, H, W)"""
    return np.abs(attribution).max(1)


def smooth_grad(model, x, target=None, samples=25, noise=0.15, seed=0):
    """The mean of ∂score/∂x over `samples` noisy copies of each image, an array like x.

    The noise is normal, with a standard deviation of `noise` times the difference between the
    image's greatest and least value; it is the same for the same seed. The class is the one that is
    seen without noise.

    The gradient of a ReLU network jumps from pixel to pixel; the mean is that of a smoother
    function nearby.
    """
    target = resolved("smooth_grad", model, x, target)
    x, generator = as_images("smooth_grad", model, x).data, np.random.default_rng(seed)
    if samples < 1:
        raise ValueError(f"smooth_grad: samples should be at least 1, got {samples}")
    rest = tuple(range(1, x.ndim))
    deviation = noise * (x.max(rest, keepdims=True) - x.min(rest, keepdims=True))
    total = np.zeros(x.shape)
    for _ in range(samples):
        noisy = x + deviation * generator.standard_normal(x.shape).astype(x.dtype)
        total += score_and_gradient("smooth_grad", model, noisy, target)[1]
    return (total / samples).astype(x.dtype)
