"""What the figures have in common beside `drawing`: their style, and arrays as pixels.

Colours are from maps whose lightness rises all the way (cividis, and grey), so that they mean the
same in greyscale and to any colour vision: of numbers with a sign, dark blue is below zero, grey
zero, yellow above.
"""
import numpy as np

from ... import drawing

STYLE = {**drawing.STYLE, "font.size": 10, "axes.titlesize": 10, "axes.linewidth": 0.8,
         "axes.grid": False, "image.interpolation": "nearest"}
MOST = 99.5                            # percentile of the sizes that has the full colour
LONGEST = 14                           # letters of a name below an image


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


def short(name, longest=LONGEST):
    """A name as it stands by an image, its end left out if it is long."""
    return name if len(name) <= longest else name[:longest - 1] + "…"
