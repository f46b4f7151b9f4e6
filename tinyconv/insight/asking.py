"""What every method here begins with: a model in use, images that gradients flow to, and a score.

A *score* is one number for each image, of which one asks what in the image it depends on: by
default the output ("logit") of a class.
"""
from contextlib import contextmanager

import numpy as np

from ..core import Tensor, enable_grad, grad


@contextmanager
def undisturbed(model):
    """Within it `model` is in evaluation mode and operations are recorded, also inside `no_grad`.

    Afterwards each layer is in its mode of before. (Gradients are asked for with `grad`, which
    stores none, and batch norm does not follow what it sees in evaluation.)
    """
    before = [(module, vars(module).get("training")) for module in model.modules()]
    model.eval()
    try:
        with enable_grad():
            yield
    finally:
        for module, training in before:
            if training is None:                 # it had the mode of its class
                vars(module).pop("training", None)
            else:
                module.training = training


def as_images(who, model, x):
    """x (N, C, …), an array or tensor, as a new leaf that gradients flow to, in the model's dtype.

    Raises ValueError unless it holds floating point numbers: bytes were not normalised.
    """
    array = x.data if isinstance(x, Tensor) else np.asarray(x)
    if array.dtype.kind != "f" or array.ndim < 2:
        raise ValueError(f"{who}: expected a batch of normalised images (N, C, H, W), floating "
                         f"point numbers, got {array.dtype} {array.shape}")
    dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    return Tensor(array.astype(dtype, copy=False), requires_grad=True)


def targets(who, y, target):
    """The `target` of a method for the outputs y (N, K): classes (N,), or the function it is.

    None is the class with the greatest output of each image. Raises ValueError for what is no
    class, or where the output is not (N, K).
    """
    if callable(target):
        return target
    if y.ndim != 2:
        raise ValueError(f"{who}: expected a model that answers (N, K), a number for each class, "
                         f"got {y.shape}; of another, give `target` as a function from its output "
                         "to one number for each image")
    N, K = y.shape
    classes = y.data.argmax(1) if target is None else np.asarray(
        target.data if isinstance(target, Tensor) else target)
    if classes.dtype.kind not in "iu" or classes.shape not in ((), (N,)):
        raise ValueError(f"{who}: target should be a class, or one for each of {N} images, "
                         f"got {target!r:.80}")
    if N and not 0 <= classes.min() <= classes.max() < K:
        raise ValueError(f"{who}: target {target!r:.80} is not among the classes 0 … {K - 1}")
    return np.broadcast_to(classes, (N,))


def score(who, y, target):
    """The score (N,) of the outputs y, a tensor; `target` is what `targets` returned."""
    if not callable(target):
        return y[np.arange(len(y)), target]
    s = target(y)
    if not isinstance(s, Tensor) or s.shape != y.shape[:1]:
        raise ValueError(f"{who}: the function that is the target should return a tensor of shape "
                         f"{y.shape[:1]}, one number for each image, got "
                         f"{getattr(s, 'shape', type(s).__name__)}")
    return s


def resolved(who, model, x, target):
    """The target for all that is made of the images x: classes that the model sees in them."""
    if callable(target):
        return target
    with undisturbed(model):
        return targets(who, model(as_images(who, model, x)), target)


def score_and_gradient(who, model, x, target):
    """The score (N,) of the images x, and its gradient, like x: two arrays."""
    with undisturbed(model):
        x = as_images(who, model, x)
        y = model(x)
        s = score(who, y, targets(who, y, target))
        (g,) = grad(s.sum(), [x])                # each score depends on its own image only
        return s.data, g.data
