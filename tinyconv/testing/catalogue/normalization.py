"""Normalisation: by the statistics of a batch, of a layer, of groups; by norms of vectors."""
import numpy as np

from ...nn import functional as F
from .operation import Call, Constant, Operation

# At least three values that differ are normalised together. Of two, one becomes 1 and one −1
# wherever they lie, and what little remains of the derivative is mostly round-off.
SPREAD = ("contiguous", "fortran", "channels_last", "reversed", "strided", "read_only")


def _affine(draw, shape):
    """Weight and bias, either of which may be missing."""
    return {name: draw.array(shape) for name in ("weight", "bias") if draw.chance()}


def _x(draw):
    shape = draw.whole(3, 4), draw.pick(2, 4, 6), *draw.shape(0, 2, min_side=2)
    return draw.array(shape, layouts=SPREAD)


def _statistics(draw, C):
    return [Constant(draw.array((C,), "positive", layouts=("contiguous",))) for _ in range(2)]


def _batch_norm(draw):
    x = _x(draw)
    mean, var = _statistics(draw, x.shape[1])
    training = draw.chance()
    if training and draw.chance():
        mean = var = None
    return Call(x, mean, var, **_affine(draw, x.shape[1:2]), training=training,
                eps=draw.pick(1e-5, 1e-2))


def _batch_norm_add_relu(draw):
    """Each channel lies on one side of ReLU's kink, far from it: its bias outweighs the rest."""
    call = _batch_norm(draw)
    x = call.args[0]
    bias = (50 + draw.array((x.shape[1],), "unit")) * np.where(draw.mask(x.shape[1:2]), 1, -1)
    options = {"weight": draw.array(x.shape[1:2], "unit"), "bias": bias, "relu": True}
    if draw.chance():
        options["add"] = draw.array(x.shape, "unit")
    return Call(*call.args, **{**call.kwargs, **options})


def _layer_norm(draw):
    x = draw.array(draw.shape(1, 3, min_side=3), layouts=SPREAD)
    shape = x.shape[draw.whole(0, x.ndim - 1):]
    return Call(x, shape, **_affine(draw, shape), eps=draw.pick(1e-5, 1e-2))


def _rms_norm(draw):
    call = _layer_norm(draw)
    call.kwargs.pop("bias", None)
    return Call(*call.args, **call.kwargs)


def _similarity(draw):
    shape = draw.shape(1, 3, min_side=2)
    return Call(draw.array(shape), draw.array(shape), dim=draw.dim(len(shape)))


def _normalize(draw):
    x = draw.array(draw.shape(1, 3, min_side=2), "distinct")
    return Call(x, p=draw.pick(2.0, 1.0, 3.0), dim=draw.dim(x.ndim))


def _distance(draw):
    shape = (*draw.shape(0, 1), draw.whole(2, 4))
    a, b = (5 * draw.array(shape, "distinct") for _ in range(2))
    return Call(a, np.asarray(b + 0.1), p=draw.pick(2.0, 1.0, 3.0), keepdim=draw.chance())


def _group_norm(draw):
    groups, channels = draw.whole(1, 3), draw.whole(1, 3)
    spatial = draw.shape(0, 2, min_side=3)
    channels = channels if spatial else 4
    x = draw.array((draw.whole(1, 3), groups * channels, *spatial), layouts=SPREAD)
    affine = _affine(draw, x.shape[1:2])
    affine = affine if len(affine) == 2 else {}            # PyTorch fails on a bias alone
    return Call(x, groups, **affine, eps=draw.pick(1e-5, 1e-2))


def _instance_norm(draw):
    shape = draw.whole(1, 3), draw.whole(1, 3), *draw.shape(1, 2, min_side=3)
    x = draw.array(shape, layouts=SPREAD)
    if draw.chance():
        mean, var = _statistics(draw, x.shape[1])
        return Call(x, mean, var, **_affine(draw, x.shape[1:2]), use_input_stats=False)
    return Call(x, **_affine(draw, x.shape[1:2]), eps=draw.pick(1e-5, 1e-2))


def _local_response_norm(draw):
    shape = draw.whole(1, 3), draw.whole(1, 5), *draw.shape(1, 2, max_side=3)
    return Call(draw.array(shape), size=draw.whole(1, 4), alpha=draw.pick(1e-4, 0.5),
                beta=draw.pick(0.75, 1.0), k=draw.pick(1.0, 2.0))


OPERATIONS = [
    Operation("batch_norm", _batch_norm),
    Operation("batch_norm_add_relu", _batch_norm_add_relu, torch="", function=F.batch_norm),
    Operation("layer_norm", _layer_norm),
    Operation("group_norm", _group_norm),
    Operation("instance_norm", _instance_norm),
    Operation("local_response_norm", _local_response_norm),
    Operation("rms_norm", _rms_norm),
    Operation("normalize", _normalize),
    Operation("cosine_similarity", _similarity),
    Operation("pairwise_distance", _distance),
]
