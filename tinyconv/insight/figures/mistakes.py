"""What a classifier gets wrong."""
import numpy as np

from ...drawing import BLUE, GREY, ORANGE, STYLE, figure, png

COLUMNS, TILE = 8, 1.15                # of a sheet of images; inches


def drawn_confused(confused, classes, title=""):
    """`Confused` as bars, the longest on top: a PNG, in bytes."""
    from matplotlib import rc_context
    from matplotlib.ticker import MaxNLocator

    n = len(confused.count)
    with rc_context({**STYLE, "axes.grid.axis": "x"}):
        drawn, axis = figure(6.4, 1.0 + 0.32 * max(n, 1))
        axis.barh(np.arange(n), confused.count, color=BLUE, height=0.7)
        axis.set_yticks(np.arange(n), [f"{classes[i]} taken for {classes[j]}" for i, j in
                                       zip(confused.truth, confused.taken)])
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
    """A sheet of the images of `Wrong`, from all images (N, C, H, W) of the data set, bytes: below
    each what it was taken for, with which probability, and what it is. A PNG, in bytes."""
    from matplotlib import rc_context

    n = len(wrong.index)
    columns = min(COLUMNS, max(n, 3))
    rows = max(1, -(-n // columns))
    with rc_context({**STYLE, "axes.grid": False}):
        drawn, axes = figure(TILE * columns, (TILE + 0.42) * rows + 0.4, rows, columns,
                             squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for axis, at, truth, taken, p in zip(axes.flat, wrong.index, wrong.truth, wrong.taken,
                                             wrong.confidence):
            image = images[at]
            axis.imshow(image.transpose(1, 2, 0) if len(image) == 3 else image[0], vmin=0,
                        vmax=255, cmap="gray", interpolation="nearest")
            axis.text(0.5, -0.04, f"{classes[taken]} {100 * p:.3g} %", transform=axis.transAxes,
                      ha="center", va="top", fontsize=9, color=ORANGE)
            axis.text(0.5, -0.2, f"is {classes[truth]}", transform=axis.transAxes, ha="center",
                      va="top", fontsize=9)
        drawn.suptitle(title)
        return png(drawn)
