"""Where a network puts images before it decides: what its last layer is given, in the plane."""
from typing import NamedTuple

import numpy as np

from ..core import no_grad
from ..models import head_of
from ..nn import Linear
from .asking import as_images, undisturbed


class Plane(NamedTuple):
    """Points along the directions in which they differ most.

    points       (N, dims): their places
    directions   (dims, D): orthonormal, in the space they came from
    share        (dims,): the part of all variance that lies along each, falling
    mean         (D,): the place of the origin
    """
    points: np.ndarray
    directions: np.ndarray
    share: np.ndarray
    mean: np.ndarray


def features(model, images, batch_size=250):
    """What the head of `model`, its last layer, is given for images (N, C, H, W), normalised as
    for training: an array (N, D). What has places is averaged over them: those of maps (N, D, H, W)
    before a 1×1 convolution, those of tokens (N, T, D) before a linear layer.

    The model is as in use, and is left as it was. Raises ValueError where its last layer is none
    that weighs features (see `models.head_of`).
    """
    _, head = head_of(model)
    found = []

    def note(module, args):
        x = args[0].data
        if not isinstance(head, Linear):
            x = np.moveaxis(x, 1, -1)                    # (N, …, D), as a linear layer has it
        found.append(x.reshape(len(x), -1, x.shape[-1]).mean(axis=1))
    handle = head.register_forward_pre_hook(note)
    try:
        with undisturbed(model), no_grad():
            for start in range(0, len(images), batch_size):
                model(as_images("features", model, images[start:start + batch_size]))
    finally:
        handle.remove()
    return np.concatenate(found)


def pca(x, dims=2):
    """The principal components of x (N, D), as a `Plane` of so many dimensions.

        x − mean = u s vᵀ,   directions = the first rows of vᵀ,   share = s² / Σ s²

    Their signs, which the decomposition leaves open, are such that the element of each direction
    that is farthest from zero is positive. Pearson 1901, "On lines and planes of closest fit".
    """
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or not 1 <= dims <= min(x.shape):
        raise ValueError(f"pca: expected an array (N, D) and dims from 1 to the lesser of both, "
                         f"got {x.shape} and dims = {dims}")
    mean = x.mean(axis=0)
    _, s, vt = np.linalg.svd(x - mean, full_matrices=False)
    vt = vt[:dims]
    largest = vt[np.arange(dims), np.abs(vt).argmax(axis=1)]
    vt *= np.where(largest < 0, -1.0, 1.0)[:, None]
    variance = s ** 2
    return Plane((x - mean) @ vt.T, vt, variance[:dims] / max(variance.sum(), 1e-300), mean)
