"""What the figures have in common: style, colours, a PNG without pyplot, arrays as pixels.

Colours are from maps whose lightness rises all the way (cividis, and grey), so that they mean the
same in greyscale and to any colour vision: of numbers with a sign, dark blue is below zero, grey
zero, yellow above.
"""
import io

import numpy as np

# of the palette of Okabe & Ito (2008)
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b6b6b"
STYLE = {"font.size": 10, "axes.titlesize": 10, "axes.edgecolor": GREY, "axes.linewidth": 0.8,
         "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 1.8,
         "image.interpolation": "nearest"}
MOST = 99.5                            # percentile of the sizes that has the full colour


def figure_of(width, height):
    """An empty figure of so many inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure):
    """The figure as a PNG, in bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def bare(axis):
    """An axis for a picture: no ticks, no frame."""
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
    return axis


def limit(values):
    """The size that has the full colour: nearly the greatest, lest one pixel darken all others."""
    sizes = np.abs(values)
    return float(np.percentile(sizes, MOST) or sizes.max() or 1)


def pixels(image):
    """An image (C, H, W) for `imshow`: (H, W) of one channel, (H, W, 3) of three, bytes or [0, 1]

    Of any other number of channels, their mean.
    """
    if len(image) == 3:
        return np.moveaxis(image, 0, -1)
    return image[0] if len(image) == 1 else image.mean(0)


def show(axis, image, **options):
    """Draw an image (C, H, W) of bytes, or of numbers in [0, 1], on a bare axis."""
    whole = 255 if np.asarray(image).dtype == np.uint8 else 1
    return bare(axis).imshow(pixels(image), cmap="gray", vmin=0, vmax=whole, **options)


def around_grey(values):
    """Numbers around 0 as an image in [0, 1] in which 0 is grey."""
    return np.clip(0.5 + 0.5 * values / limit(values), 0, 1)
