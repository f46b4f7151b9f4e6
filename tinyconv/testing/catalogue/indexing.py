"""Elements by position, some of them read twice, some never."""
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


OPERATIONS = [
    Operation("__getitem__", _getitem),
    Operation("take_along_dim", _take_along_dim),
    Operation("gather", _gather),
    Operation("index_select", _index_select),
]
