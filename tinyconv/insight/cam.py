"""Where in the image is the evidence for a class? Class activation maps, and Grad-CAM.

Zhou, Khosla, Lapedriza, Oliva & Torralba, "Learning deep features for discriminative localization",
CVPR 2016, https://arxiv.org/abs/1512.04150.

Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra, "Grad-CAM: visual explanations from deep
networks via gradient-based localization", ICCV 2017, https://arxiv.org/abs/1610.02391.

Both weigh the maps of a late layer, which are coarse: 7×7 for an image of 224×224. `enlarged` lays
them over the image. x, `target` and what becomes of the model are as in `attribution.py`.
"""
import numpy as np

from ..core import Tensor, grad, no_grad
from ..models import head_of
from ..nn import Linear
from ..nn import functional as F
from .asking import as_images, score, targets, undisturbed
from .layers import answer_of, last_map, layer_named


def cam(model, x, target=None):
    """CAM[n, p] = Σ_c w[k, c] A[n, c, p], an array (N, H′, W′): what each place adds to the score.

    A are the last maps, w the weights of a linear head that sees only their means; so the mean of
    the map, and the bias, is the score of class k. Raises ValueError for other heads: LeNet and VGG
    flatten their maps, for which there is `grad_cam`.
    """
    who = "cam"
    with undisturbed(model), no_grad():
        x = as_images(who, model, x)
        name, head = _linear_head(who, model)
        path = last_map(who, model, x.data)
        features = {}
        handle = head.register_forward_pre_hook(lambda module, args: features.update(x=args[0]))
        try:
            maps, y = answer_of(who, model, path, x)
        finally:
            handle.remove()
        maps = _pooled_to(features["x"].data, maps.data)
        if maps is None:
            raise ValueError(f"{who}: {name!r}, the head of {type(model).__name__}, should see the "
                             f"means of maps, those of {path!r}, and nothing else; "
                             "grad_cam takes any head")
        k = targets(who, y, target)
        if callable(k):
            raise ValueError(f"{who}: target should be a class, got a function")
        return np.einsum("nc,nchw->nhw", head.weight.data[k], maps)


def _linear_head(who, model):
    try:
        name, head = head_of(model)
    except ValueError:
        name, head = "", None
    if not isinstance(head, Linear):
        raise ValueError(f"{who}: the last layer of {type(model).__name__} should be linear; "
                         "grad_cam takes any head")
    return name, head


def _pooled_to(features, maps):
    """The maps (N, C, H, W) of which the features (N, C) are the means: maps, or their ReLU."""
    for candidate in (maps, np.maximum(maps, 0)):
        if features.shape == maps.shape[:2] and np.allclose(
                candidate.mean((2, 3)), features, rtol=1e-4, atol=1e-5 * np.abs(features).max()):
            return candidate
    return None


def grad_cam(model, x, target=None, layer=None):
    """relu(Σ_c α[n, c] A[n, c]) with α the mean of ∂score/∂A[n, c]: an array (N, H′, W′).

    A are the maps of `layer`, a name or the module; by default of the last that answers with maps
    of several pixels.
    """
    who = "grad_cam"
    with undisturbed(model):
        x = as_images(who, model, x)
        maps, y = answer_of(who, model, last_map(who, model, x.data) if layer is None else layer, x)
        if maps.ndim != 4:
            raise ValueError(f"{who}: {layer_named(who, model, layer)[0]!r} answers "
                             f"{maps.shape}, not with maps (N, O, H, W); the last that does is "
                             f"{last_map(who, model, x.data)!r}")
        s = score(who, y, targets(who, y, target))
        (g,) = grad(s.sum(), [maps], allow_unused=True)
        if g is None:
            raise ValueError(f"{who}: the score does not depend on {layer!r}")
    weights = g.data.mean((2, 3), keepdims=True)                         # (N, O, 1, 1)
    return np.maximum((weights * maps.data).sum(1), 0)


def enlarged(maps, size):
    """Maps (N, H′, W′) as large as the image, (N, *size), in between by bilinear interpolation."""
    with no_grad():
        wide = F.interpolate(Tensor(maps[:, None]), size=tuple(size), mode="bilinear",
                             align_corners=False)
    return wide.data[:, 0]
