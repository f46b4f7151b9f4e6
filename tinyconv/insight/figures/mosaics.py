"""Many small pictures in one: filters, feature maps, images that excite units."""
import math

import numpy as np

from .canvas import STYLE, around_grey, bare, figure_of, pixels, png

MOST = 64                              # of one layer that are drawn


def mosaic(tiles, columns=None, gap=1, fill=0.0):
    """Tiles (T, H, W) or (T, H, W, 3) side by side in rows, with `gap` pixels of `fill` between."""
    T, H, W = tiles.shape[:3]
    columns = columns or math.ceil(math.sqrt(T))
    rows = -(-T // columns)
    wide = np.full((rows * (H + gap) - gap, columns * (W + gap) - gap, *tiles.shape[3:]), fill,
                   np.result_type(tiles.dtype, np.float32))
    for t, tile in enumerate(tiles):
        r, c = divmod(t, columns)
        wide[r * (H + gap):r * (H + gap) + H, c * (W + gap):c * (W + gap) + W] = tile
    return wide


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
        figure = figure_of(7.2 if picture is not None else 5.2, 5.2)
        axes = figure.subplots(1, 2 if picture is not None else 1, squeeze=False,
                               width_ratios=[1, 3] if picture is not None else [1])[0]
        if picture is not None:
            whole = 255 if picture.dtype == np.uint8 else 1
            bare(axes[0]).imshow(pixels(picture), cmap="gray", vmin=0, vmax=whole)
            axes[0].set_title("image")
        bare(axes[-1]).imshow(tiles, cmap="cividis", vmin=0, vmax=1)
        axes[-1].set_title(f"{title}: {len(shown)} of {len(maps)}, {_size(maps)}")
        axes[-1].set_xlabel("each from its least (blue) to its greatest value (yellow)", fontsize=9)
        return png(figure)


def drawn_images(images, names=None, title=""):
    """Images (U, C, H, W) around 0, such as `visualise` makes, as a PNG, in bytes; 0 is grey."""
    from matplotlib import rc_context

    columns = min(len(images), 5)
    rows = -(-len(images) // columns)
    with rc_context(STYLE):
        figure = figure_of(1.5 * columns, 1.75 * rows + 0.4)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis in axes:
            bare(axis)
        for i, (axis, image) in enumerate(zip(axes, images)):
            axis.imshow(pixels(around_grey(image)), cmap="gray", vmin=0, vmax=1)
            if names is not None:
                axis.set_xlabel(names[i], labelpad=3)
        figure.suptitle(title, fontsize=11)
        return png(figure)


def _sheet(tiles, title, note):
    """A mosaic with a title, and a line below it."""
    from matplotlib import rc_context

    wide = mosaic(tiles, columns=min(len(tiles), 8), fill=1.0)
    with rc_context(STYLE):
        width = 5.6
        figure = figure_of(width, width * wide.shape[0] / wide.shape[1] + 0.7)
        axis = bare(figure.subplots())
        axis.imshow(wide, cmap="gray", vmin=0, vmax=1)
        axis.set_title(title)
        axis.set_xlabel(note, fontsize=9)
        return png(figure)


def _stretched(values):
    low, high = values.min(), values.max()
    return (values - low) / (high - low or 1)


def _size(arrays):
    return "×".join(map(str, arrays.shape[-2:]))
