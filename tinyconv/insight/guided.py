"""Other ways back through ReLU: guided backpropagation, and a deconvnet as a rule.

Where y = relu(x), the cotangent g of y goes back as

| | |
|---|---|
| gradient | g where y > 0 |
| deconvnet | g where g > 0 |
| guided backpropagation | g where y > 0 and g > 0 |

Zeiler & Fergus, "Visualizing and understanding convolutional networks", ECCV 2014,
https://arxiv.org/abs/1311.2901; Springenberg, Dosovitskiy, Brox & Riedmiller, "Striving for
simplicity: the all convolutional net", ICLR workshop 2015, https://arxiv.org/abs/1412.6806, who
found that the three differ in nothing else.

How: every way back through a ReLU of this library, be it a layer, `F.relu` or a part of the batch
norm before it, ends in one operation, `relu_pull`, or, of one that is part of a max pooling, in
`put_pixels` with the ReLU's y. While the gradient is computed, these operations are evaluated in
another way (`core.evaluated_by`); nothing of the model is touched. An operation that would go back
through a ReLU in another way, and activations that are none, are refused.
"""
import numpy as np

from ..core import Tensor, computed, evaluated_by, grad
from ..ops.activations import relu_pull
from ..ops.pooling import put_pixels
from .asking import as_images, targets, undisturbed
from .layers import answer_of

# operations that bend what passes through them, as every activation does
OTHER = {"where": "a piecewise function such as leaky ReLU, ReLU6 or ELU", "clamp": "clamp",
         "sigmoid": "sigmoid, or SiLU", "tanh": "tanh, or GELU", "erf": "GELU",
         "softplus": "softplus, or Mish", "maximum": "maximum", "minimum": "minimum", "abs": "abs"}

RULES = {"deconvnet": lambda g, y: np.where(g > 0, g, 0),
         "guided": lambda g, y: np.where((g > 0) & (y > 0), g, 0)}


def guided_backpropagation(model, x, target=None, layer=None, unit=None):
    """What of x (N, C, H, W) goes back from a score by the guided rule: an array like x.

    It begins with 1 at the score of the class `target` (by default the one that the model sees;
    see `attribution.py`). With the name of a `layer` it begins there instead, with the greatest
    activation of channel `unit` (one for all images, or one each), by default of the channel that
    is the most active. Raises ValueError for a network with other activations than ReLU.
    """
    return _back("guided_backpropagation", "guided", model, x, target, layer, unit)


def deconvnet_by_rule(model, x, target=None, layer=None, unit=None):
    """What a deconvnet projects back to pixels, by the rule for ReLU: an array like x (N, C, H, W).

    Arguments as for `guided_backpropagation`. For a network without branches it is the same as
    `deconvnet`, which builds the way back layer by layer; this one takes any network of ReLUs.
    """
    return _back("deconvnet_by_rule", "deconvnet", model, x, target, layer, unit)


def _back(who, rule, model, x, target, layer, unit):
    with undisturbed(model):
        x = as_images(who, model, x)
        y, seed = start(who, model, x, target, layer, unit)
        check_rectified(who, way(y, x))
        with relu_goes_back(RULES[rule]):
            (g,) = grad(y, [x], seed)
        return g.data


def relu_goes_back(rule):
    """A context in which the gradient of ReLU is rule(g, y), a function of arrays.

    For a walk back (`grad`, `backward`) and nothing else. The gradient of `batch_norm` in training
    with its own ReLU does not ask: see `check_rectified`.
    """
    def back(g, y):
        g, y = (a.data if isinstance(a, Tensor) else a for a in (g, y))
        return rule(g, y).astype(g.dtype, copy=False)

    def evaluate(f, args, kwargs):
        if f is relu_pull.__wrapped__:
            return back(*args[:2])
        if f is put_pixels.__wrapped__ and args[3:] and args[3] is not None:
            g, where, size, y = args
            args = back(g, y), where, size
        return computed(f, args, kwargs)
    return evaluated_by(evaluate)


def start(who, model, x, target, layer, unit):
    """Where the way back begins: an output of the model or of a layer, and the cotangent there."""
    if layer is None:
        if unit is not None:
            raise ValueError(f"{who}: unit {unit!r} is a channel of a layer: which layer?")
        y = model(x)
        classes = targets(who, y, target)
        if callable(classes):
            raise ValueError(f"{who}: target should be a class here, got a function")
        seed = np.zeros(y.shape, y.dtype)
        seed[np.arange(len(y)), classes] = 1
        return y, Tensor(seed)
    if target is not None:
        raise ValueError(f"{who}: give a target, or a layer, not both")
    y, _ = answer_of(who, model, layer, x)
    if y.ndim < 2 or y.grad_fn is None:
        raise ValueError(f"{who}: {layer!r:.80} should answer (N, O, …) to the images, "
                         f"got {y.shape}")
    return y, Tensor(strongest(who, y.data, unit))


def strongest(who, y, unit):
    """y (N, O, …) with all but one element of each image set to 0: the greatest of channel `unit`.

    By default the greatest of all channels. (Units that are negative even there stay.)
    """
    N, O = y.shape[:2]
    rows = y.reshape(N, O, -1)
    units = rows.max(2).argmax(1) if unit is None else np.broadcast_to(np.asarray(unit), (N,))
    if units.dtype.kind not in "iu" or N and not 0 <= units.min() <= units.max() < O:
        raise ValueError(f"{who}: unit should be a channel 0 … {O - 1}, or one for each of {N} "
                         f"images, got {unit!r:.80}")
    n, seed = np.arange(N), np.zeros_like(rows)
    places = rows[n, units].argmax(1)
    seed[n, units, places] = rows[n, units, places]
    return seed.reshape(y.shape)


# ---- what lies on the way ------------------------------------------------------------------------

def way(y, x):
    """The results on the way from the tensor x to y, the oldest first: what x has an influence on.

    As pairs: a tensor with a node, and the numbers of those of its arguments that lie on the way.
    """
    seen, stack = {y}, [y]
    while stack:
        for a in stack.pop().grad_fn.args:
            if isinstance(a, Tensor) and a.grad_fn is not None and a not in seen:
                seen.add(a)
                stack.append(a)
    found, reached = [], {x}
    for t in sorted(seen, key=lambda t: t.grad_fn.birth):
        on_it = [i for i, a in enumerate(t.grad_fn.args) if isinstance(a, Tensor) and a in reached]
        if on_it:
            reached.add(t)
            found.append((t, on_it))
    return found


def check_rectified(who, results):
    """Raise ValueError unless ReLUs are the activations on this way, and their rule can be changed.

    What else bends, such as max pooling or normalisation, goes back as in the gradient.
    """
    nodes = [t.grad_fn for t, _ in results]
    for node in nodes:
        if node.name in OTHER:
            raise ValueError(f"{who}: the rule is one for ReLU, but the model also uses "
                             f"{OTHER[node.name]}; try smooth_grad or integrated_gradients")
        if (node.op.__module__ or "").split(".")[0] != __package__.split(".")[0]:
            raise ValueError(f"{who}: the rule is one for ReLU, and of {node.name}, an operation "
                             "of the model's own, is not known whether it contains one")
        if node.name == "batch_norm" and node.kwargs.get("relu"):
            raise ValueError(f"{who}: a batch norm without running statistics and the ReLU after "
                             "it are one operation, whose way back cannot be changed; let the "
                             "model call F.relu itself")
