"""The figures of a run: functions from numbers to a PNG, as bytes."""
import numpy as np

from ..drawing import BLUE, ORANGE, STYLE, figure, png

MARKED = 20                            # up to so many epochs each has its dot
NARROW = 3                             # a lesser range has too few round numbers for a log scale
ANNOTATED = 20                         # up to so many classes a confusion matrix shows its numbers


# ---- curves --------------------------------------------------------------------------------------

PANELS = {"loss": "cross-entropy loss", "accuracy": "error (%)"}


def curves(history, title=""):
    """Loss and error over the epochs, training dashed and test solid."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        drawn, axes = figure(9.6, 4.0, 1, 2)
        for axis, key in zip(axes, PANELS):
            panel(axis, history, key)
        drawn.suptitle(title)
        return png(drawn)


def panel(axis, history, key):
    """One of the PANELS on an axis of matplotlib."""
    lines = []
    for part, colour, dashes in (("train", ORANGE, "--"), ("test", BLUE, "-")):
        values = np.array(history[f"{part}_{key}"])
        if len(values):
            values = values if key == "loss" else 100 * (1 - values)
            axis.plot(history["epoch"], values, dashes, color=colour, label=part,
                      marker="o" if len(values) <= MARKED else None)
            lines.append((values, colour))
    _finish(axis, lines, history["epoch"], PANELS[key])


def _finish(axis, lines, epochs, name):
    """Scales, labels, and the last value beside each line."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_xlabel("epoch")
    axis.set_ylabel(name)
    axis.set_xlim(0.5, max(epochs) + 0.5)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    low, high = (end(end(values) for values, _ in lines) for end in (min, max))
    if low > 0 and high / low > NARROW:                      # an error of 0 % has no logarithm
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.yaxis.set_minor_formatter(FuncFormatter(_minor_label(axis)))
    axis.legend(frameon=False)
    # the greater value above its point, the lesser below: so they never overlap
    lines.sort(key=lambda line: -line[0][-1])
    for (values, colour), side in zip(lines, ("bottom", "top")):
        axis.annotate(f"{values[-1]:.3g}", (epochs[-1], values[-1]), xytext=(6, 0), va=side,
                      color=colour, textcoords="offset points", fontsize=9)


def _minor_label(axis):
    """Label 2, 3 and 5 of each power of ten, or 2 and 5, or none: as many as fit."""
    def label(value, _):
        low, high = axis.get_ylim()
        digits = "235" if high / low < 30 else "25" if high / low < 300 else ""
        return f"{value:g}" if f"{value:e}"[0] in digits else ""
    return label


# ---- confusion -----------------------------------------------------------------------------------

def confusion(matrix, classes, title=""):
    """The confusion matrix (K, K): a row for each true class, coloured by its share."""
    from matplotlib import rc_context
    from matplotlib.colors import PowerNorm

    K, longest = len(classes), max(map(len, classes))
    small = K <= ANNOTATED
    side = max(5.0, 0.52 * K) if small else 9.0              # inches
    share = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    with rc_context({**STYLE, "axes.grid": False}):
        drawn, axis = figure(side + 0.09 * longest + 1.2, side + 0.07 * longest)
        # errors are rare: on an even scale they would all look alike
        image = axis.imshow(share, cmap="Blues", norm=PowerNorm(0.4, 0, 100))
        ticks = range(0, K, 1 if small else 5)
        names = [classes[i] for i in ticks]
        slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if longest > 3 else {}
        axis.set_xticks(ticks, names, **slanted)
        axis.set_yticks(ticks, names)
        axis.tick_params(length=0)
        axis.set_xlabel("taken for")
        axis.set_ylabel("in truth")
        axis.set_title(title)
        for i, j in np.argwhere(matrix) if small else ():
            axis.text(j, i, f"{matrix[i, j]}", ha="center", va="center", fontsize=9,
                      color="white" if share[i, j] > 20 else "black")
        bar = drawn.colorbar(image, ax=axis, shrink=0.8, ticks=[0, 1, 5, 20, 50, 100])
        bar.set_label("of the true class (%)")
        bar.outline.set_visible(False)
        return png(drawn)
