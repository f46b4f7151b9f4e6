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


def _elementwise(values="normal", **options):
    """Input and target, both differentiable."""
    def problem(draw):
        shape = draw.shape()
        x, target = draw.array(shape, values), draw.array(shape, values)
        if values == "distinct":
            target = np.asarray(target + 0.02)                 # no two equal, whatever was drawn
        return Call(x, target, reduction=draw.pick(*REDUCTIONS),
                    **{name: draw.pick(*choices) for name, choices in options.items()})
    return problem


def _bce_with_logits(draw):
    shape = draw.shape()
    target = Constant(np.asarray(draw.array(shape, "positive") / 2))
    weights = {name: Constant(draw.array(shape, "positive")) for name in ("weight", "pos_weight")
               if draw.chance()}
    return Call(draw.array(shape), target, **weights, reduction=draw.pick(*REDUCTIONS))


def _bce(draw):
    shape = draw.shape()
    x, target = (np.asarray(0.5 + 0.4 * draw.array(shape, "unit")) for _ in range(2))
    return Call(x, Constant(target), reduction=draw.pick(*REDUCTIONS))


def _kl_div(draw):
    shape, log_target = draw.shape(1), draw.chance()
    target = draw.array(shape, "normal" if log_target else "positive")
    return Call(draw.array(shape), target, log_target=log_target,
                reduction=draw.pick(*REDUCTIONS, "batchmean"))


def _poisson(draw):
    shape = draw.shape()
    target = Constant(draw.array(shape, "positive"))
    return Call(draw.array(shape, "positive"), target, log_input=draw.chance(), full=draw.chance(),
                reduction=draw.pick(*REDUCTIONS))


def _gaussian(draw):
    shape = draw.shape(1)
    var = draw.array(draw.pick(shape, (*shape[:-1], 1)), "positive")
    return Call(draw.array(shape), draw.array(shape), var, full=draw.chance(),
                reduction=draw.pick(*REDUCTIONS))


# ---- with a margin -------------------------------------------------------------------------------

def _signs(draw, shape):
    return Constant(np.where(draw.mask(shape), 1.0, -1.0))


def _ranking(draw):
    shape = draw.shape()
    a, b = draw.array(shape, "distinct"), draw.array(shape, "distinct")
    return Call(a, np.asarray(b + 0.02), _signs(draw, shape), margin=draw.pick(0.0, 0.4),
                reduction=draw.pick(*REDUCTIONS))


def _signed(values, **options):
    def problem(draw):
        x = draw.array(draw.shape(), values)
        return Call(x, _signs(draw, x.shape), reduction=draw.pick(*REDUCTIONS),
                    **{name: draw.pick(*choices) for name, choices in options.items()})
    return problem


def _cosine(draw):
    N, D = draw.whole(1, 3), draw.whole(2, 4)
    return Call(draw.array((N, D)), draw.array((N, D)), _signs(draw, (N,)),
                margin=draw.pick(0.0, 0.2), reduction=draw.pick(*REDUCTIONS))


def _triplet(draw):
    """Well apart: a distance of 0 has no slope."""
    shape = draw.whole(1, 3), draw.whole(2, 4)
    points = [np.asarray(draw.array(shape, "unit") + at) for at in (0, 3, -3)]
    return Call(*points, margin=draw.pick(1.0, 0.3), p=draw.pick(2.0, 3.0),
                swap=draw.chance(), reduction=draw.pick(*REDUCTIONS))


def _multilabel(draw):
    shape = draw.whole(1, 3), draw.whole(1, 4)
    target = Constant(np.asarray(draw.mask(shape), float))
    return Call(draw.array(shape), target, reduction=draw.pick(*REDUCTIONS))


def _multi_margin(draw):
    """Differences are even multiples of 0.02, margins odd ones."""
    shape = draw.whole(1, 3), draw.whole(2, 4)
    return Call(draw.array(shape, "distinct"), draw.integers(0, shape[1], shape[:1]),
                p=draw.pick(1, 2), margin=draw.pick(0.5, 0.1), reduction=draw.pick(*REDUCTIONS))


OPERATIONS = [
    Operation("cross_entropy", _cross_entropy),
    Operation("nll_loss", _by_class),
    Operation("mse_loss", _elementwise()),
    Operation("l1_loss", _elementwise("distinct")),
    Operation("smooth_l1_loss", _elementwise("distinct", beta=(1.0, 0.4))),
    Operation("huber_loss", _elementwise("distinct", delta=(1.0, 0.4))),
    Operation("binary_cross_entropy", _bce),
    Operation("kl_div", _kl_div),
    Operation("poisson_nll_loss", _poisson),
    Operation("gaussian_nll_loss", _gaussian),
    Operation("margin_ranking_loss", _ranking),
    Operation("hinge_embedding_loss", _signed("distinct", margin=(1.0, 0.4))),
    Operation("soft_margin_loss", _signed("normal")),
    Operation("cosine_embedding_loss", _cosine),
    Operation("triplet_margin_loss", _triplet),
    Operation("multilabel_soft_margin_loss", _multilabel),
    Operation("multi_margin_loss", _multi_margin),
    Operation("binary_cross_entropy_with_logits", _bce_with_logits),
]
