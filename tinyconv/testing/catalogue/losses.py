"""Losses: of classes by number, of distributions, element by element."""
import numpy as np

from .operation import Call, Constant, Operation

REDUCTIONS = ("mean", "sum", "none")


def _classes(draw):
    """Logits (N, C, …) or (C), and the number of the right class at each position."""
    C = draw.whole(2, 5)
    shape = (C,) if draw.chance() else (draw.whole(1, 4), C, *draw.shape(0, 2, max_side=3))
    x = draw.array(shape)
    return x, draw.integers(0, C, shape[:1] * (len(shape) > 1) + shape[2:])


def _options(draw, C):
    weight = Constant(draw.array((C,), "positive", layouts=("contiguous",)))
    return {"weight": draw.pick(None, weight), "reduction": draw.pick(*REDUCTIONS)}


def _by_class(draw):
    x, target = _classes(draw)
    options = _options(draw, x.shape[min(1, x.ndim - 1)])
    if draw.chance() and target.size > 1:
        target.flat[0] = -7                                    # an ignored position, not the only
        options["ignore_index"] = -7
    return Call(x, target, **options)


def _cross_entropy(draw):
    smoothing = draw.pick(0.0, 0.1)
    if draw.chance():
        call = _by_class(draw)
        return Call(*call.args, **call.kwargs, label_smoothing=smoothing)
    x, _ = _classes(draw)
    p = draw.array(x.shape, "positive", layouts=("contiguous",))
    target = Constant(p / p.sum(min(1, p.ndim - 1), keepdims=True))
    return Call(x, target, **_options(draw, x.shape[min(1, x.ndim - 1)]), label_smoothing=smoothing)


def _elementwise(values="normal"):
    """Input and target, both differentiable."""
    def problem(draw):
        shape = draw.shape()
        x, target = draw.array(shape, values), draw.array(shape, values)
        if values == "distinct":
            target = np.asarray(target + 0.02)                 # no two equal, whatever was drawn
        return Call(x, target, reduction=draw.pick(*REDUCTIONS))
    return problem


def _bce_with_logits(draw):
    shape = draw.shape()
    target = Constant(np.asarray(draw.array(shape, "positive") / 2))
    weights = {name: Constant(draw.array(shape, "positive")) for name in ("weight", "pos_weight")
               if draw.chance()}
    return Call(draw.array(shape), target, **weights, reduction=draw.pick(*REDUCTIONS))


OPERATIONS = [
    Operation("cross_entropy", _cross_entropy),
    Operation("nll_loss", _by_class),
    Operation("mse_loss", _elementwise()),
    Operation("l1_loss", _elementwise("distinct")),
    Operation("binary_cross_entropy_with_logits", _bce_with_logits),
]
