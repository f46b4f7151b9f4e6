"""The deconvnet of Zeiler & Fergus: a network that runs another one backwards, layer by layer.

"Visualizing and understanding convolutional networks", ECCV 2014, section 2.1,
https://arxiv.org/abs/1311.2901. An activation is to be seen in pixels, so on the way back

| what was | on the way back is |
|---|---|
| convolution | *filtering*: the transposed convolution, with the same weights and no bias |
| max pooling | *unpooling*: each value to where its maximum was, which a *switch* remembers |
| ReLU | *rectification*: ReLU again, of what comes back |
| batch norm in evaluation | its slope of each channel |
| linear layer, mean, reshaping | the transposed matrix, shares of the mean, the shape of before |

Switches depend on the images, so a reverse network belongs to the images it was made for. That it
computes a gradient in which one rule is another, the one for ReLU, is shown by the tests:
`deconvnet_by_rule` gives the same and is not confined to networks without branches.

ReLU before max pooling and after it are the same function with the same gradient, and yet another
deconvnet: where a window holds nothing positive, a switch that comes after ReLU sees only zeros and
points to the first of them, one that comes before it (`max_pool2d(x, 2, relu=True)`, as in our
LeNet-5) to the greatest of what is not rectified yet.
"""

from .. import nn, ops
from ..core import Tensor, broadcast_to, no_grad
from .asking import as_images, undisturbed
from .guided import check_rectified, start, way

WHO = "deconvnet"


def deconvnet(model, x, target=None, layer=None, unit=None):
    """What a deconvnet projects back to the pixels of x (N, C, H, W), an array like x.

    Without a `layer` it begins with 1 at the class `target` of each image, by default the one that
    the model sees. With one, it begins with the greatest activation of its channel `unit` (one for
    all images or one each), by default of the channel that is the most active: all else there is
    set to zero, as in the paper. Raises ValueError for a network with branches, or with a step
    whose way back is not in the table.
    """
    with undisturbed(model):
        x = as_images(WHO, model, x)
        y, seed = start(WHO, model, x, target, layer, unit)
        with no_grad():
            return _reversed(y, x)(seed).data


def reverse_network(model, x, layer=None):
    """The network from the outputs of `layer`, or of the model, back to the images x (N, C, H, W).

    An `nn.Sequential` that takes (N, O, …), the shape of those outputs, and returns the shape of x;
    printed, it shows each step. Raises ValueError as `deconvnet` does.
    """
    with undisturbed(model):
        x = as_images(WHO, model, x)
        return _reversed(start(WHO, model, x, None, layer, None)[0], x)


def _reversed(y, x):
    """The steps from the tensor y back to x, by what was recorded on the way between them."""
    steps, results = [], way(y, x)
    check_rectified(WHO, results)
    passed = [t.grad_fn.args[i] for t, on_it in results for i in on_it]
    if len(passed) > len(set(passed)) or any(len(on_it) > 1 for _, on_it in results):
        raise ValueError(f"{WHO}: the network has branches; deconvnet_by_rule takes it")
    for t, on_it in reversed(results):
        back = BACK.get(t.grad_fn.name)
        found = back and on_it == [0] and back(*t.grad_fn.args, **t.grad_fn.kwargs)
        if not found:
            raise ValueError(f"{WHO}: there is no step back through {t.grad_fn.name}; "
                             "deconvnet_by_rule takes it")
        steps += found
    return nn.Sequential(*steps)


# ---- the steps of the way back -------------------------------------------------------------------

class Filter(nn.Module):
    """The transposed convolution, with the weights (O, C, *kernel) of the convolution that was."""

    def __init__(self, weight, geometry, groups):
        self.weight, self.geometry, self.groups = weight, geometry, groups

    def forward(self, g):
        return ops.conv_input(g, self.weight, self.geometry, self.groups)

    def extra_repr(self):
        O, C, *kernel = self.weight.shape
        return f"{O} → {C * self.groups}, {'×'.join(map(str, kernel))}"


class Unpool(nn.Module):
    """Each value to where its maximum was; what several windows share receives the sum."""

    def __init__(self, switches, size, windows):
        self.switches, self.size, self.windows = switches, size, windows

    def forward(self, g):
        return ops.put_pixels(g, self.switches, self.size, windows=self.windows)

    def extra_repr(self):
        return f"{'×'.join(map(str, self.switches.shape[2:]))} → {'×'.join(map(str, self.size))}"


class Rectify(nn.ReLU):
    """ReLU of what comes back."""


class Scale(nn.Module):
    """What a batch norm in evaluation multiplied each channel with."""

    def __init__(self, scale):
        self.scale = scale                                               # (C,)

    def forward(self, g):
        return g * ops.per_channel(Tensor(self.scale), g)

    def extra_repr(self):
        return f"{len(self.scale)} channels"


class Transposed(nn.Module):
    """The transposed matrix of a linear layer (out, in):  (N, out) → (N, in)."""

    def __init__(self, weight):
        self.weight = weight

    def forward(self, g):
        return ops.matmul(g, self.weight)

    def extra_repr(self):
        return "{} → {}".format(*self.weight.shape)


class Share(nn.Module):
    """Each value to all pixels of its window, times what it weighed in the mean."""

    def __init__(self, windows, scale):
        self.windows, self.scale = windows, scale

    def forward(self, g):
        return ops.window_spread(g, self.windows, self.scale)


class Shape(nn.Module):
    """The shape of before: reshaped, or repeated along dimensions that were summed over."""

    def __init__(self, shape, summed=None):
        self.shape, self.summed = shape, summed          # summed: that shape, with ones there

    def forward(self, g):
        if self.summed is None:
            return ops.reshape(g, self.shape)
        return broadcast_to(ops.reshape(g, self.summed), self.shape)

    def extra_repr(self):
        return f"{self.shape[1:]}"


class Divide(nn.Module):
    """By the number of elements that a mean was taken of."""

    def __init__(self, by):
        self.by = by

    def forward(self, g):
        return g / self.by

    def extra_repr(self):
        return f"{self.by:g}"


# ---- which step goes back through what -----------------------------------------------------------
# each takes the arguments of an operation and returns steps, or None if it cannot

def _scale_and_shift(x, w, b, a, stats, relu=False):
    slope = stats[1] if w is None else stats[1] * w.data
    return [*[Rectify()] * relu, Scale(slope)]


def _product(a, b, bias, ta, tb):
    return [Transposed(b)] if a.ndim == b.ndim == 2 and tb and not ta else None


def _sum(x, dim=None, keepdim=False, *, dtype=None):
    dims = range(x.ndim) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    dims = {d % x.ndim for d in dims}
    return [Shape(x.shape, tuple(1 if d in dims else n for d, n in enumerate(x.shape)))]


def _div(x, by):
    return [Divide(by)] if isinstance(by, (int, float)) else None


BACK = {
    "conv": lambda x, w, b, geometry, groups: [Filter(w, geometry, groups)],
    "relu": lambda x: [Rectify()],
    "take_pixels": lambda x, where, windows=None, values=None, relu=False: [
        *[Rectify()] * relu, Unpool(where, x.shape[2:], windows)],
    "window_sum": lambda x, windows, scale: [Share(windows, scale)],
    "scale_and_shift": _scale_and_shift,
    "product": _product,
    "reshape": lambda x, shape: [Shape(x.shape)],
    "sum": _sum, "div": _div}
