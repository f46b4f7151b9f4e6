"""Images enlarged and reduced, taken apart into patches, channels as pixels."""
from ...nn import functional as F
from .operation import Call, Operation

MODES = {1: ("nearest", "nearest-exact", "linear", "area"),
         2: ("nearest", "nearest-exact", "bilinear", "bicubic", "area"),
         3: ("nearest", "nearest-exact", "trilinear", "area")}


def _interpolate(draw):
    dims = draw.whole(1, 3)
    shape = draw.whole(1, 2), draw.whole(1, 2), *(draw.whole(1, 4) for _ in range(dims))
    mode = draw.pick(*MODES[dims])
    options = draw.pick({"size": tuple(draw.whole(1, 5) for _ in range(dims))},
                        {"scale_factor": draw.pick(1.5, 2.0, 1.0)})
    if mode.endswith(("linear", "cubic")):
        options["align_corners"] = draw.pick(None, False, True)
        if dims == 2 and "size" in options:
            options["antialias"] = draw.chance()
    return Call(draw.array(shape), mode=mode, **options)


def _pixels(fold):
    def problem(draw):
        r, C, H, W = draw.whole(1, 3), *(draw.whole(1, 2) for _ in range(3))
        before = draw.shape(0, 1, max_side=2)
        return Call(draw.array((*before, *((C * r * r, H, W) if fold else (C, H * r, W * r)))), r)
    return problem


def _channel_shuffle(draw):
    groups = draw.whole(1, 3)
    shape = draw.whole(1, 2), groups * draw.whole(1, 2), *draw.shape(1, 2, max_side=2)
    return Call(draw.array(shape), groups)


def _patches(draw):
    """A convolution without its weights."""
    p = draw.conv_problem(dims=2, min_batch=1, max_groups=1)
    return p, {"kernel_size": p.kernel, "dilation": p.dilation, "padding": p.padding,
               "stride": p.stride}


def _unfold(draw):
    p, options = _patches(draw)
    return Call(draw.array(p.x_shape[draw.whole(0, 1):]), **options)


def _fold(draw):
    p, options = _patches(draw)
    columns = p.N, p.C * p.kernel[0] * p.kernel[1], p.out[0] * p.out[1]
    return Call(draw.array(columns[draw.whole(0, 1):]), p.size, **options)


OPERATIONS = [
    Operation("interpolate", _interpolate),
    Operation("pixel_shuffle", _pixels(True)),
    Operation("pixel_unshuffle", _pixels(False)),
    Operation("channel_shuffle", _channel_shuffle),
    Operation("unfold", _unfold, function=F.unfold),
    Operation("fold", _fold),
]
