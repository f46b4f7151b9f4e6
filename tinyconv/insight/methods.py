"""The methods that explain what a model says of an image, by name, for a command and a figure."""
from typing import Callable, NamedTuple

from .attribution import saliency, smooth_grad, strength
from .cam import cam, grad_cam
from .guided import deconvnet_by_rule, guided_backpropagation
from .integrated import integrated_gradients
from .layers import feature_maps, last_map
from .occlusion import occlusion


DRAWN = 0.01                           # tolerance of integrated gradients that are only looked at


class Method(NamedTuple):
    """A way of explaining.

    title      a line for the top of a column
    kind       how its result is to be drawn: "size" (N, H, W) of at least 0; "signed" (N, H, W);
               "picture" (N, C, H, W) around 0; "place" (N, H′, W′), coarser than the image;
               "maps" (N, O, H′, W′)
    of         function(model, x, target, layer) → that result
    """
    title: str
    kind: str
    of: Callable


METHODS = {
    "saliency": Method("gradient", "size", lambda model, x, target, layer:
                       saliency(model, x, target)),
    "smoothgrad": Method("SmoothGrad", "size", lambda model, x, target, layer:
                         strength(smooth_grad(model, x, target))),
    "integrated": Method("integrated gradients", "signed", lambda model, x, target, layer:
                         integrated_gradients(model, x, target, tolerance=DRAWN)
                         .attribution.sum(1)),
    "guided": Method("guided backprop", "picture", lambda model, x, target, layer:
                     guided_backpropagation(model, x, target)),
    "deconvnet": Method("deconvnet", "picture", lambda model, x, target, layer:
                        deconvnet_by_rule(model, x, target)),
    "occlusion": Method("occlusion", "signed", lambda model, x, target, layer:
                        occlusion(model, x, target)),
    "cam": Method("CAM", "place", lambda model, x, target, layer: cam(model, x, target)),
    "gradcam": Method("Grad-CAM", "place", lambda model, x, target, layer:
                      grad_cam(model, x, target, layer)),
    "features": Method("feature maps", "maps", lambda model, x, target, layer:
                       feature_maps(model, x, layer or last_map("features", model, x))),
}
