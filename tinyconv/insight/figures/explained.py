"""Images in rows, what explains them in columns."""
import numpy as np

from ...drawing import YELLOW, figure, mosaic, png
from ..cam import enlarged
from .canvas import STYLE, around_grey, bare, limit, show

SIDE = 1.65                            # inches of a picture
SHOWN = 16                             # feature maps of an image, in a square
LEGENDS = {"size": "white: counts most", "signed": "yellow: for it · blue: against it",
           "picture": "grey: 0 · light: above it", "place": "lit: evidence · line: half of it",
           "maps": "the most active · yellow: high"}


def explained(pictures, captions, columns, title=""):
    """The figure as a PNG, in bytes.

    pictures are (N, C, H, W), bytes or numbers in [0, 1], as people see them; captions a text for
    each; columns a list of (title, kind, result), as `methods.METHODS` has kinds and their
    functions have results.
    """
    from matplotlib import rc_context

    N, width = len(pictures), 1 + len(columns)
    H, W = pictures.shape[2:]
    lines = max(caption.count("\n") for caption in captions) + 1
    with rc_context(STYLE):
        drawn, axes = figure(width * (SIDE + 0.12),
                             N * (SIDE * H / W + 0.16 * lines + 0.06) + 0.5, N, width,
                             squeeze=False)
        for n, row in enumerate(axes):
            show(row[0], pictures[n])
            row[0].set_xlabel(captions[n], fontsize=9, labelpad=3)
            for axis, (_, kind, result) in zip(row[1:], columns):
                draw(axis, kind, result[n], pictures[n])
        axes[0, 0].set_title("image", pad=5)
        for axis, (name, kind, _) in zip(axes[0, 1:], columns):
            axis.set_title(name, pad=5)
        for axis, (_, kind, _) in zip(axes[-1, 1:], columns):
            axis.set_xlabel(LEGENDS[kind], fontsize=8, labelpad=3)
        if title:
            drawn.suptitle(title, fontsize=11)
        return png(drawn)


# ---- one result on one axis ----------------------------------------------------------------------

def draw(axis, kind, values, picture):
    """Draw the result of a method of this kind for one image on an axis, which becomes bare.

    values are (H, W), (C, H, W) of kind "picture", (O, H′, W′) of kind "maps"; picture (C, H, W).
    """
    DRAWN[kind](bare(axis), values, picture)


def _size(axis, values, picture):
    axis.imshow(values, cmap="gray", vmin=0, vmax=limit(values))


def _signed(axis, values, picture):
    most = limit(values)
    axis.imshow(values, cmap="cividis", vmin=-most, vmax=most)


def _picture(axis, values, picture):
    show(axis, around_grey(values))


def _place(axis, values, picture):
    """The picture, as bright as the map is high, and a line around where it is half as high."""
    size = picture.shape[1:]
    high = np.clip(enlarged(values[None].astype(np.float32), size)[0], 0, None)
    high = high / (high.max() or 1)
    whole = 255 if picture.dtype == np.uint8 else 1
    light = 0.35 + 0.65 * (picture / whole)              # so that black ink is not lost in the dark
    show(axis, light * (0.15 + 0.85 * high))
    if 0 < (high > 0.5).mean() < 1:
        axis.contour(high, [0.5], colors=YELLOW, linewidths=1)


def _maps(axis, values, picture):
    strongest = np.argsort(-values.max((1, 2)), kind="stable")[:SHOWN]
    axis.imshow(mosaic(values[strongest], fill=np.nan), cmap="cividis")


DRAWN = {"size": _size, "signed": _signed, "picture": _picture, "place": _place, "maps": _maps}
