"""What a classifier gets wrong."""
import numpy as np

from ...drawing import BLUE, GREY, ORANGE, STYLE, figure, png
from .canvas import short, show

COLUMNS, TILE, WIDE = 8, 1.1, 9.6      # of a sheet of images; inches of one, and of all
LETTER = 0.08                          # inches


def drawn_confused(confused, classes, title=""):
    """`Confused` as bars, the longest on top: a PNG, in bytes."""
    from matplotlib import rc_context
    from matplotlib.ticker import MaxNLocator

    n = len(confused.count)
    names = [f"{classes[i]} taken for {classes[j]}" for i, j in
             zip(confused.truth, confused.taken)]
    with rc_context({**STYLE, "axes.grid.axis": "x"}):
        drawn, axis = figure(4.5 + LETTER * max(map(len, names), default=0),
                             1.0 + 0.32 * max(n, 1))
        axis.barh(np.arange(n), confused.count, color=BLUE, height=0.7)
        axis.set_yticks(np.arange(n), names)
        for y, (count, share) in enumerate(zip(confused.count, confused.share)):
            axis.annotate(f"{100 * share:.2g} %", (count, y), xytext=(4, 0), va="center",
                          textcoords="offset points", fontsize=9, color=GREY)
        axis.set_ylim(max(n, 1) - 0.4, -0.6)
        axis.margins(x=0.12)
        axis.tick_params(axis="y", length=0)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlabel("images (beside the bar: part of the true class)")
        axis.set_title(title)
        return png(drawn)


def drawn_wrong(images, wrong, classes, title=""):
    """A sheet of the images of `Wrong`, from all images (N, C, H, W) of the data set, bytes: above
    each what it is, below what it was taken for, with which probability. A PNG, in bytes."""
    from matplotlib import rc_context

    n = len(wrong.index)
    above = [short(classes[k]) for k in wrong.truth]
    below = [f"{short(classes[k])}: {100 * p:.3g} %"
             for k, p in zip(wrong.taken, wrong.confidence)]
    tile = max(TILE, LETTER * max(map(len, above + below), default=0))
    columns = min(COLUMNS, int(WIDE / tile), max(n, 3))
    rows = max(1, -(-n // columns))
    with rc_context({**STYLE, "axes.grid": False}):
        drawn, axes = figure(tile * columns, (TILE + 0.54) * rows + 0.7, rows, columns,
                             squeeze=False)
        drawn.get_layout_engine().set(hspace=0.05)       # a row's words are nearest to its images
        for axis, at, truth, taken in zip(axes.flat, wrong.index, above, below):
            show(axis, images[at], interpolation="nearest")
            axis.set_title(truth, fontsize=9, pad=3)
            axis.set_xlabel(taken, fontsize=9, labelpad=3, color=ORANGE)
        for axis in axes.flat[n:]:
            axis.set_axis_off()
        drawn.suptitle(title)
        drawn.supxlabel("above: what it is · below: what it was taken for", fontsize=9)
        return png(drawn)
