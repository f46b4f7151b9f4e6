"""Convolution, its transpose, and convolution with the batch norm after it."""
import numpy as np

from .operation import Call, Constant, Operation


def _conv(dims):
    """Every geometry; 3 × 3 with many channels (Winograd's) and few; "same"; without a batch."""
    def problem(draw):
        kind = draw.pick("any", "any", "any", "same", "unbatched",
                         "many channels" if dims == 2 else "any")
        p = draw.conv_problem(dims, min_batch=kind == "unbatched")
        x_shape, w_shape, options = p.x_shape, p.w_shape, p.options
        if kind == "same":
            options = {**options, "padding": "same", "stride": 1}
        if kind == "unbatched":
            x_shape = x_shape[1:]
        if kind == "many channels":
            padding = draw.whole(0, 2)
            x_shape, w_shape, options = (2, 16, 9, 8), (16, 16, 3, 3), {"padding": padding}
        bias = draw.array(w_shape[:1]) if draw.chance() else None
        return Call(draw.array(x_shape), draw.array(w_shape), bias, **options)
    return problem


def _conv_transpose(dims):
    """The shapes of a convolution the other way round, so that its input is what comes out."""
    def problem(draw):
        p = draw.conv_problem(dims, min_batch=1)
        left = [(n + 2 * pad - d * (k - 1) - 1) % s for n, k, s, pad, d in
                zip(p.size, p.kernel, p.stride, p.padding, p.dilation)]
        g, w = draw.array(p.y_shape), draw.array(p.w_shape)
        bias = draw.array((p.C,)) if draw.chance() else None
        return Call(g, w, bias, output_padding=tuple(left), **p.options)
    return problem


def _conv_scaled(draw):
    """With ReLU each channel lies on one side of its kink: its shift is larger than the rest."""
    p = draw.conv_problem(min_batch=1)
    relu = draw.chance()
    scale, shift = (draw.array((p.O,), "positive", layouts=("contiguous",)) for _ in range(2))
    if relu:
        shift = np.where(draw.mask((p.O,)), 200 * shift, -200 * shift)
    return Call(draw.array(p.x_shape), draw.array(p.w_shape), Constant(scale), Constant(shift),
                add=draw.array(p.y_shape) if draw.chance() else None, relu=relu, **p.options)


OPERATIONS = [
    *(Operation(f"conv{dims}d", _conv(dims)) for dims in (1, 2, 3)),
    *(Operation(f"conv_transpose{dims}d", _conv_transpose(dims)) for dims in (1, 2, 3)),
    Operation("conv_scaled", _conv_scaled, torch=""),
]
