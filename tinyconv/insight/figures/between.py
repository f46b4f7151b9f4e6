"""The loss on the way from one set of weights to another."""
import numpy as np

from ...drawing import BLUE, GREY, STYLE, figure, png


def drawn_between(places, losses, ends=("first", "last"), title=""):
    """The loss along the line, and where its two ends are: a PNG, in bytes."""
    from matplotlib import rc_context
    from matplotlib.ticker import FuncFormatter

    places, losses = np.asarray(places), np.asarray(losses)
    with rc_context(STYLE):
        drawn, axis = figure(6.4, 4.0)
        axis.plot(places, losses, color=BLUE, marker="o")
        if losses.min() > 0 and losses.max() > 30 * losses.min():
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        for place, name in zip((0, 1), ends):
            axis.axvline(place, color=GREY, linestyle="--", linewidth=1)
            axis.annotate(name, (place, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
                          textcoords="offset points", ha="center", va="bottom", color=GREY)
        axis.set_xlabel(f"t: weights (1 − t) · {ends[0]} + t · {ends[1]}")
        axis.set_ylabel("loss")
        axis.set_title(title, pad=18)
        return png(drawn)
