"""Many small pictures in one: filters, feature maps, images that excite units."""
import numpy as np

from ...drawing import figure, mosaic, png
from .canvas import STYLE, around_grey, bare, pixels, short, show

MOST = 64                              # of one layer that are drawn
FINE, FRAME = 40, 0.4                  # pixels of an enlarged kernel; grey of the line around it


def drawn_filters(weights, title="convolution"):
    """Kernels (O, C, h, w) as a PNG, in bytes: colours where C is 3, else their first channels.

    Each is stretched to the full range around grey, which is 0.
    """
    if weights.ndim != 4:
        raise ValueError(f"drawn_filters: expected kernels (O, C, h, w), got {weights.shape}")
    shown = weights[:MOST]
    tiles = [pixels(around_grey(w if len(w) in (1, 3) else w[:1])) for w in shown]
    note = "" if weights.shape[1] in (1, 3) else f", the first of {weights.shape[1]} channels"
    return _sheet(np.stack(tiles), f"{title}: {len(weights)} kernels of {_size(weights)}{note}",
                  "below zero dark, above light")


def drawn_maps(maps, picture=None, title="feature maps"):
    """The maps (O, H, W) of one image as a PNG, in bytes; each has its own scale.

    `picture` (C, H, W) is drawn beside them.
    """
    from matplotlib import rc_context

    shown = maps[:MOST]
    tiles = mosaic(np.stack([_stretched(m) for m in shown]), fill=np.nan)
    with rc_context(STYLE):
        widths = [3] if picture is None else [1, 3]
        drawn, axes = figure(3.2 + 2 * len(widths), 5.2, 1, len(widths), squeeze=False,
                             width_ratios=widths)
        if picture is not None:
            show(axes[0, 0], picture)
            axes[0, 0].set_title("image")
        axis = bare(axes[0, -1])
        axis.imshow(tiles, cmap="cividis", vmin=0, vmax=1)
        axis.set_title(f"{title}: {len(shown)} of {len(maps)}, {_size(maps)}")
        axis.set_xlabel("each from its least (blue) to its greatest value (yellow)", fontsize=9)
        return png(drawn)


def drawn_images(images, names=None, title=""):
    """Images (U, C, H, W) around 0, such as `visualise` makes, as a PNG, in bytes; 0 is grey."""
    from matplotlib import rc_context

    columns = min(len(images), 5)
    rows = -(-len(images) // columns)
    with rc_context(STYLE):
        drawn, axes = figure(1.5 * columns, 1.75 * rows + 0.4, rows, columns, squeeze=False)
        for axis in axes.flat:
            bare(axis)
        for i, (axis, image) in enumerate(zip(axes.flat, images)):
            axis.imshow(pixels(around_grey(image)), cmap="gray", vmin=0, vmax=1)
            if names is not None:
                axis.set_xlabel(short(names[i]), labelpad=3)
        drawn.suptitle(title, fontsize=11)
        return png(drawn)


def _sheet(tiles, title, note):
    """A mosaic with a title, and a line below it."""
    from matplotlib import rc_context

    scale = -(-FINE // max(tiles.shape[1:3]))
    tiles = tiles.repeat(scale, 1).repeat(scale, 2)
    around = ((0, 0), (1, 1), (1, 1)) + ((0, 0),) * (tiles.ndim - 3)
    framed = np.pad(tiles, around, constant_values=FRAME)    # lest white be taken for the paper
    wide = mosaic(framed, columns=min(len(tiles), 8), gap=scale, fill=1.0)
    with rc_context(STYLE):
        width = 5.6
        drawn, axis = figure(width, width * wide.shape[0] / wide.shape[1] + 0.7)
        bare(axis).imshow(wide, cmap="gray", vmin=0, vmax=1)
        axis.set_title(title)
        axis.set_xlabel(note, fontsize=9)
        return png(drawn)


def _stretched(values):
    low, high = values.min(), values.max()
    return (values - low) / (high - low or 1)


def _size(arrays):
    return "×".join(map(str, arrays.shape[-2:]))
