"""Elements by position, some of them read twice, some never."""
import numpy as np

from .operation import Call, Operation


def _getitem(draw):
    x = draw.array(draw.shape(2, 3, min_side=2))
    rows = draw.integers(-2, 2, draw.shape(0, 2))
    key = draw.pick(0, -1, slice(1, None), (slice(None), slice(0, 4, 2)), (..., 1), (None, 1),
                    rows, (slice(None), rows), (rows, 0), (rows, rows, ...), draw.mask(x.shape),
                    draw.mask(x.shape[:1]), [1, 0, 1])
    return Call(x, key)


def _take_along_dim(draw):
    x = draw.array(draw.shape(1))
    dim = draw.dim(x.ndim)
    shape = list(x.shape)
    shape[dim] = draw.whole(1, 5)
    return Call(x, draw.integers(0, x.shape[dim], shape), dim)


def _gather(draw):
    x, index, dim = _take_along_dim(draw).args
    return Call(x, dim, index)


def _index_select(draw):
    x = draw.array(draw.shape(1))
    dim = draw.dim(x.ndim)
    return Call(x, dim, draw.integers(0, x.shape[dim], (draw.whole(0, 5),)))


def _scatter(draw):
    """Every position once: of two that are written to the same, PyTorch keeps either."""
    x = draw.array(draw.shape(1, 2))
    dim = draw.dim(x.ndim)
    k = draw.whole(1, x.shape[dim])
    index = np.argsort(draw.generator().random(x.shape), dim).take(range(k), dim)
    return Call(x, dim, index, draw.array(index.shape))


def _scatter_add(draw):
    x = draw.array(draw.shape(1))
    dim = draw.dim(x.ndim)
    shape = list(x.shape)
    shape[dim] = draw.whole(1, 5)
    return Call(x, dim, draw.integers(0, x.shape[dim], shape), draw.array(shape))


def _index_add(draw):
    x = draw.array(draw.shape(1))
    dim = draw.dim(x.ndim)
    shape = list(x.shape)
    shape[dim] = draw.whole(1, 5)
    return Call(x, dim, draw.integers(0, x.shape[dim], shape[dim]), draw.array(shape),
                alpha=draw.pick(1, 2.5))


def _select(draw):
    x = draw.array(draw.shape(1))
    dim = draw.dim(x.ndim)
    return Call(x, dim, draw.whole(-x.shape[dim], x.shape[dim] - 1))


def _narrow(draw):
    x = draw.array(draw.shape(1))
    dim = draw.dim(x.ndim)
    start = draw.whole(0, x.shape[dim] - 1)
    return Call(x, dim, start, draw.whole(0, x.shape[dim] - start))


def _masked_select(draw):
    a, b = draw.broadcastable()
    return Call(draw.array(a), draw.mask(b))


def _embedding(draw):
    """The row `padding_idx` is not read: it would have no gradient on purpose."""
    rows = draw.whole(2, 5)
    return Call(draw.integers(0, rows - 1, draw.shape(0, 2)), draw.array((rows, draw.whole(1, 3))),
                padding_idx=draw.pick(None, -1, rows - 1))


OPERATIONS = [
    Operation("__getitem__", _getitem),
    Operation("take_along_dim", _take_along_dim),
    Operation("gather", _gather),
    Operation("index_select", _index_select),
    Operation("scatter", _scatter),
    Operation("scatter_add", _scatter_add),
    Operation("index_add", _index_add),
    Operation("select", _select),
    Operation("narrow", _narrow),
    Operation("masked_select", _masked_select),
    Operation("embedding", _embedding),
]
