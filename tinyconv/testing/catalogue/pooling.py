"""Pooling: maxima (of values that differ), means, adaptive windows, the way back."""
from dataclasses import replace

import numpy as np

from ...nn import functional as F
from .operation import Call, Operation


def _x_shape(p, draw):
    return p.x_shape if p.N == 0 or draw.chance() else p.x_shape[1:]


def _max_pool(dims, **options):
    def problem(draw):
        p = draw.pool_problem(dims)
        return Call(draw.array(_x_shape(p, draw), "distinct"), **p.max_options,
                    return_indices=draw.chance(), **options)
    return problem


def _avg_pool(dims):
    def problem(draw):
        p = draw.pool_problem(dims, max_dilation=1)
        if dims == 3:                      # PyTorch wants the kernel to fit without the padding
            p = replace(p, size=tuple(map(max, p.size, p.kernel)))
        options = {"count_include_pad": draw.chance()}
        if dims > 1:
            options["divisor_override"] = draw.pick(None, 3)
        return Call(draw.array(_x_shape(p, draw)), **p.avg_options, **options)
    return problem


def _adaptive(dims, values="normal", **options):
    def problem(draw):
        shape = (draw.whole(1, 2), draw.whole(1, 3), *(draw.whole(1, 5) for _ in range(dims)))
        size = tuple(draw.whole(1, 5) for _ in range(dims))
        size = draw.pick(size, size[0], (None,) * (dims - 1) + size[:1]) if dims > 1 else size[0]
        return Call(draw.array(shape[draw.whole(0, 1):], values), size,
                    **{name: draw.pick(*choices) for name, choices in options.items()})
    return problem


def _lp_pool(dims):
    def problem(draw):
        p = draw.pool_problem(dims, min_batch=1, max_dilation=1)
        shape = (p.N, p.C, *map(max, p.size, p.kernel))
        kernel, stride = (p.kernel, p.stride) if dims > 1 else (p.kernel[0], p.stride[0])
        return Call(draw.array(shape, "positive"), draw.pick(2, 1, 3), kernel, stride,
                    ceil_mode=p.ceil_mode)
    return problem


def _max_unpool(dims):
    """Windows of 2 that do not overlap: an index in each."""
    def problem(draw):
        shape = (draw.whole(1, 2), draw.whole(1, 2), *(draw.whole(1, 3) for _ in range(dims)))
        grid = np.indices(shape)[2:]
        places = [2 * g + draw.integers(0, 2, shape) for g in grid]
        index = np.ravel_multi_index(places, [2 * n for n in shape[2:]])
        if dims == 1:
            return Call(draw.array(shape), index, (2,))
        return Call(draw.array(shape), index, 2)
    return problem


def _pyramid(draw):
    shape = draw.whole(1, 2), draw.whole(1, 2), draw.whole(4, 6), draw.whole(4, 6)
    return Call(draw.array(shape, "distinct"), levels=draw.pick((1, 2), (1, 2, 4)),
                mode=draw.pick("max", "avg"))


OPERATIONS = [
    *(Operation(f"max_pool{dims}d", _max_pool(dims)) for dims in (1, 2, 3)),
    *(Operation(f"max_pool{dims}d_relu", _max_pool(dims, relu=True), torch="", function=pool)
      for dims, pool in enumerate((F.max_pool1d, F.max_pool2d, F.max_pool3d), 1)),
    *(Operation(f"avg_pool{dims}d", _avg_pool(dims)) for dims in (1, 2, 3)),
    *(Operation(f"adaptive_avg_pool{dims}d", _adaptive(dims)) for dims in (1, 2, 3)),
    *(Operation(f"adaptive_max_pool{dims}d",
                _adaptive(dims, "distinct", return_indices=(False, True))) for dims in (1, 2, 3)),
    *(Operation(f"lp_pool{dims}d", _lp_pool(dims)) for dims in (1, 2, 3)),
    *(Operation(f"max_unpool{dims}d", _max_unpool(dims)) for dims in (1, 2, 3)),
    Operation("spatial_pyramid_pool", _pyramid, torch=""),
]
