"""The same elements in another shape or order; joining, cutting, padding."""
import numpy as np

from ...core import Tensor
from .operation import Call, Operation


def _plain(draw):
    return Call(draw.array(draw.shape()))


def _reshape(draw):
    x = draw.array(draw.shape())
    return Call(x, draw.pick((-1,), (1, -1), x.shape[::-1], (x.size, 1)))


def _like(draw):
    x = draw.array(draw.shape())
    return Call(x, np.zeros(x.shape[::-1], bool))


def _permute(draw):
    x = draw.array(draw.shape())
    return Call(x, tuple(draw.generator().permutation(x.ndim).tolist()))


def _transpose(draw):
    x = draw.array(draw.shape(1))
    return Call(x, draw.dim(x.ndim), draw.dim(x.ndim))


def _movedim(draw):
    x = draw.array(draw.shape(2))
    return draw.pick(Call(x, draw.dim(x.ndim), draw.dim(x.ndim)), Call(x, (0, 1), (-1, 0)))


def _flatten(draw):
    x = draw.array(draw.shape(1))
    start = draw.whole(0, x.ndim - 1)
    return Call(x, start, draw.whole(start, x.ndim - 1) - x.ndim)


def _squeeze(draw):
    x = draw.array(draw.shape(1, max_side=2))
    return draw.pick(Call(x), Call(x, draw.dim(x.ndim)))


def _unsqueeze(draw):
    x = draw.array(draw.shape())
    return Call(x, draw.dim(x.ndim + 1))


def _expand(draw):
    x = draw.array(draw.shape(1, max_side=2))
    shape = tuple(3 if n == 1 else n for n in x.shape)
    return draw.pick(Call(x, shape), Call(x, (2, *shape)), Call(x, (2, *(-1,) * x.ndim)))


def _broadcast(draw):
    x = draw.array(draw.shape(1, max_side=2))
    return Call(x, (2, *(3 if n == 1 else n for n in x.shape)))


def _expand_as(draw):
    call = _broadcast(draw)
    return Call(call.args[0], np.zeros(call.args[1], bool))


def _cat(draw):
    shape = draw.shape(1)
    dim = draw.dim(len(shape))
    def one():
        sizes = list(shape)
        sizes[dim] = draw.whole(0, 3)
        return draw.array(sizes)
    return Call([one() for _ in range(draw.whole(1, 3))], dim=dim)


def _stack(draw):
    shape = draw.shape()
    return Call([draw.array(shape) for _ in range(draw.whole(1, 3))], dim=draw.dim(len(shape) + 1))


def _split(draw):
    x = draw.array(draw.shape(1))
    dim = draw.dim(x.ndim)
    first = draw.whole(0, x.shape[dim])
    return Call(x, draw.pick(draw.whole(1, 3), [first, x.shape[dim] - first]), dim=dim)


def _chunk(draw):
    x = draw.array(draw.shape(1))
    return Call(x, draw.whole(1, 3), dim=draw.dim(x.ndim))


def _flip(draw):
    x = draw.array(draw.shape(1))
    return Call(x, tuple(d for d in range(x.ndim) if draw.chance()))


def _roll(draw):
    x = draw.array(draw.shape(1))
    shift = draw.whole(-3, 3)
    return draw.pick(Call(x, shift), Call(x, shift, draw.dim(x.ndim)), Call(x, (shift, 1), (0, -1)))


def _pad(draw):
    x = draw.array((draw.whole(1, 2), draw.whole(1, 2), draw.whole(2, 4), draw.whole(2, 4)))
    mode = draw.pick("constant", "reflect", "replicate", "circular")
    if mode == "constant":
        return Call(x, [draw.whole(-1, 2) for _ in range(draw.pick(2, 4))],
                    value=draw.pick(0.0, 1.5))
    return Call(x, [draw.whole(0, 1 if mode == "reflect" else 2) for _ in range(4)], mode=mode)


def _unflatten(draw):
    x = draw.array((*draw.shape(0, 2), draw.whole(1, 3) * draw.pick(1, 2)))
    return Call(x, -1, draw.pick((1, -1), (x.shape[-1], 1)))


def _unbind(draw):
    x = draw.array(draw.shape(1))
    return Call(x, draw.dim(x.ndim))


def _tile(draw):
    x = draw.array(draw.shape(0, 2, max_side=3))
    return Call(x, tuple(draw.whole(1, 3) for _ in range(x.ndim + draw.whole(0, 1))))


def _repeat_interleave(draw):
    x = draw.array(draw.shape(1))
    dim = draw.dim(x.ndim)
    return draw.pick(Call(x, 2), Call(x, 3, dim),
                     Call(x, draw.integers(0, 3, x.shape[dim:][:1]), dim))


def _unfold(draw):
    x = draw.array(draw.shape(1))
    dim = draw.dim(x.ndim)
    return Call(x, dim, draw.whole(1, x.shape[dim]), draw.whole(1, 3))


def _several(draw):
    return Call(*map(draw.array, draw.broadcastable(draw.whole(1, 3))))


def _meshgrid(draw):
    return Call(*(draw.array((draw.whole(1, 3),)) for _ in range(draw.whole(1, 3))),
                indexing=draw.pick("ij", "xy"))


def _same_shapes(min_dims):
    def problem(draw):
        shape = draw.shape(min_dims)
        return Call([draw.array(shape) for _ in range(draw.whole(1, 3))])
    return problem


OPERATIONS = [
    *(Operation(name, _reshape) for name in ("reshape", "view")),
    *(Operation(name, _like, torch=f"Tensor.{name}") for name in ("view_as", "reshape_as")),
    Operation("permute", _permute),
    *(Operation(name, _transpose) for name in ("transpose", "swapaxes")),
    *(Operation(name, _movedim) for name in ("movedim", "moveaxis")),
    Operation("ravel", _plain),
    Operation("unflatten", _unflatten, torch="unflatten"),
    Operation("unbind", _unbind),
    *(Operation(name, _tile) for name in ("tile", "repeat")),
    Operation("repeat_interleave", _repeat_interleave),
    Operation("Tensor.unfold", _unfold, torch="Tensor.unfold", function=Tensor.unfold),
    Operation("broadcast_tensors", _several),
    Operation("meshgrid", _meshgrid),
    *(Operation(name, _same_shapes(0)) for name in ("vstack", "hstack")),
    Operation("flatten", _flatten),
    Operation("squeeze", _squeeze),
    Operation("unsqueeze", _unsqueeze),
    Operation("expand", _expand),
    Operation("expand_as", _expand_as),
    Operation("broadcast_to", _broadcast),
    Operation("cat", _cat),
    Operation("concat", _cat),
    Operation("stack", _stack),
    Operation("split", _split, torch="split"),
    Operation("chunk", _chunk),
    Operation("flip", _flip),
    Operation("roll", _roll),
    Operation("pad", _pad),
]
