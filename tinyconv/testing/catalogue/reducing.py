"""From many elements to few, or along a dimension: sums, extremes, the softmax family."""
import numpy as np

from .operation import Call, Operation


def _over_dims(values="normal", **shape):
    def problem(draw):
        x = draw.array(draw.shape(**shape), values)
        dims = draw.dims(x.ndim)
        return Call(x) if dims is None else Call(x, dims, keepdim=draw.chance())
    return problem


def _over_one(values="normal"):
    def problem(draw):
        x = draw.array(draw.shape(), values)
        return Call(x, draw.dim(x.ndim), keepdim=draw.chance()) if draw.chance() else Call(x)
    return problem


def _prod(draw):
    """With zeros in it at times, where y / x would be no gradient."""
    x = draw.array(draw.shape(0, 2, max_side=3), draw.pick("normal", "integers"))
    return Call(x, draw.dim(x.ndim), keepdim=draw.chance()) if draw.chance() else Call(x)


def _spread(draw):
    """Variances of several different values: one value has none, equal ones have no root of it."""
    x = draw.array(draw.shape(1, 3, min_side=3), layouts=("contiguous", "fortran", "reversed"))
    return Call(x, dim=draw.dims(x.ndim), correction=draw.pick(1, 0, 2), keepdim=draw.chance())


def _along(draw):
    x = draw.array(draw.shape())
    return Call(x, draw.dim(x.ndim))


def _logsumexp(draw):
    x = draw.array(draw.shape(1))
    return Call(x, draw.dim(x.ndim), keepdim=draw.chance())


def _sorted(values="distinct"):
    def problem(draw):
        x = draw.array(draw.shape(), values)
        return Call(x, draw.dim(x.ndim), descending=draw.chance())
    return problem


def _topk(draw):
    x = draw.array(draw.shape(1), "distinct")
    dim = draw.dim(x.ndim)
    return Call(x, draw.whole(0, x.shape[dim]), dim, largest=draw.chance())


def _vector_norm(name):
    """Of order inf the largest decides: no two may be equal, nor may one be near zero."""
    def problem(draw):
        x = draw.array(draw.shape(1), "positive", layouts=("contiguous", "fortran", "reversed"))
        x = np.asarray(x * np.where(draw.mask(x.shape), 1, -1))
        return Call(x, **{name: draw.pick(2, 1, 3, 0.5, np.inf, -np.inf)}, dim=draw.dims(x.ndim),
                    keepdim=draw.chance())
    return problem


def _cumprod(draw):
    x = draw.array(draw.shape(1, 2), draw.pick("normal", "integers"))
    return Call(x, draw.dim(x.ndim))


OPERATIONS = [
    *(Operation(name, _over_dims()) for name in ("sum", "mean")),
    *(Operation(name, _spread) for name in ("var", "std")),
    Operation("prod", _prod),
    Operation("cumsum", _along),
    *(Operation(name, _over_dims("distinct")) for name in ("amax", "amin")),
    *(Operation(name, _over_one("distinct")) for name in ("max", "min")),
    *(Operation(name, _along) for name in ("softmax", "log_softmax")),
    Operation("softmin", _along),
    Operation("logsumexp", _logsumexp),
    Operation("cumprod", _cumprod),
    Operation("sort", _sorted()),
    Operation("topk", _topk),
    Operation("norm", _vector_norm("p")),
    Operation("vector_norm", _vector_norm("ord"), torch="linalg.vector_norm"),
]
