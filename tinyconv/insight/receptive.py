"""Sizes of outputs and of receptive fields, by calculation."""
from typing import NamedTuple

from ..nn import Linear
from ..nn.arguments import per_dim
from .field import Field
from .layers import CONVOLUTIONS, layer_named
from .trace import trace


class ReceptiveField(NamedTuple):
    """What an output sees of the image, for each of its dimensions.

    size      how many pixels wide the window is that an output sees
    stride    by how many pixels it moves from one output to the next (a Fraction where the image
              was enlarged; 0 where all outputs see the same)
    offset    where the window of output 0 begins: a negative number of pixels in the padding

    So output o sees the pixels offset + stride · o … offset + stride · o + size − 1, as far as they
    are within the image. `fields` tells exactly what each output sees where an image was enlarged:
    `fields[d].at(o)` are the first and the last pixel.
    """
    size: tuple
    stride: tuple
    offset: tuple
    fields: tuple

    def pixels(self, place, image):
        """The slices of an image of size `image` that the output at `place` sees."""
        ends = [field.at(o) for field, o in zip(self.fields, place, strict=True)]
        return tuple(slice(max(0, first), max(0, min(last + 1, n))) if last >= first
                     else slice(0, 0) for (first, last), n in zip(ends, image, strict=True))


def of_fields(fields):
    """The ReceptiveField that these fields, one for each dimension of the image, are."""
    return ReceptiveField(*(tuple(getattr(field, name) for field in fields)
                            for name in ("size", "stride", "offset")), tuple(fields))


def receptive_field(model, layer, shape=None):
    """The receptive field of the output of `layer` ("layer1.0.conv2", or the module itself).

        >>> receptive_field(models.create("resnet50"), "layer4").size
        (427, 427)

    It is the theoretical one: the least window that holds every pixel with an influence, whatever
    the weights, on one output. It is followed through a pass of the model in evaluation over an
    image of `shape` (C, *size), by default one that such a model is usually given; the size of the
    image matters only where all of it is seen together, as after global pooling. Once an image is
    flattened and its elements were mixed, each sees all of it. Raises ValueError for a layer there
    is none of, or that the model does not call.
    """
    path, _ = layer_named("receptive_field", model, layer)
    call = trace(model, usual_shape(model) if shape is None else shape, until=path)
    if call.path != path or call.seen is None:
        raise ValueError(f"receptive_field: the model does not call {path!r}, or its output is "
                         "not made from the image")
    return of_fields(call.seen.fields())


def usual_shape(model):
    """The shape (C, H, W) of the images that a model is meant for, as far as one can tell.

    The channels are those of its first convolution; the side is 224 for 1000 classes and else 32 or
    28, whichever the model takes first. Raises ValueError if it takes none of these.
    """
    channels = [m.in_channels for m in model.modules() if isinstance(m, CONVOLUTIONS)]
    classes = [m.out_features for m in model.modules() if isinstance(m, Linear)]
    large = not classes or classes[-1] >= 1000
    for channels in channels[:1] or (1, 3):
        for side in (224, 32, 28, 64) if large else (32, 28, 64, 224):
            try:
                trace(model, (channels, side, side))
                return channels, side, side
            except (ValueError, TypeError):
                continue
    raise ValueError(f"{type(model).__name__} takes no image of a usual size: say which, as in "
                     "shape=(3, 224, 224)")


def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    """⌊(size + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1, a number or one per dimension.

        >>> conv_output_size(224, 7, stride=2, padding=3)
        112

    Of convolution and, with the stride of the window, of pooling. `padding` may be "same" (stride
    1 only) or "valid". Raises ValueError if the kernel is larger than the padded image.
    """
    several = isinstance(size, (tuple, list))
    D, op = len(size) if several else 1, "conv_output_size"
    sizes = per_dim(op, "size", size, D, 1)
    kernels, strides, dilations = (per_dim(op, name, value, D, 1) for name, value in (
        ("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)))
    if padding == "same":
        if any(s != 1 for s in strides):
            raise ValueError(f"{op}: padding='same' needs stride 1, got {stride}")
        return size if not several else tuple(sizes)
    paddings = per_dim(op, "padding", 0 if padding == "valid" else padding, D, 0)
    outputs = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in
                    zip(sizes, kernels, strides, paddings, dilations))
    if min(outputs) < 1:
        raise ValueError(f"{op}: kernel_size {kernel_size} with dilation {dilation} is larger than "
                         f"the image {size} with padding {padding}")
    return outputs if several else outputs[0]
