"""Histograms of outputs or gradients, one below the other."""
from ...drawing import BLUE, GREY, STYLE, figure, png

OVERLAP = 1.6                          # the highest histogram, in distances of two layers
LABELLED = 24                          # up to so many layers each has its name


def drawn_spread(spread, title="", name="value"):
    """The histograms of a `Spread`, the first layer on top, each as high as the others at its
    highest; at the right the standard deviation. A PNG, in bytes. `name` is what the values are."""
    from matplotlib import rc_context

    L = len(spread.names)
    middles = (spread.edges[1:] + spread.edges[:-1]) / 2
    with rc_context({**STYLE, "axes.grid.axis": "x", "axes.spines.left": False}):
        drawn, axis = figure(6.4, min(1.4 + 0.34 * L, 9.0))
        for i, share in enumerate(spread.share):
            height = OVERLAP * share / (share.max() or 1)
            axis.fill_between(middles, i, i - height, step="mid", facecolor=BLUE, alpha=0.55,
                              edgecolor="white", linewidth=0.8, zorder=2 + i)
        every = -(-L // LABELLED)
        shown = range(0, L, every)
        axis.set_yticks(shown, [spread.names[i] for i in shown])
        axis.tick_params(axis="y", length=0)
        axis.set_ylim(L - 0.6, -OVERLAP - 0.2)
        for i in shown:
            zero = f", {100 * spread.zero[i]:.0f} % are 0" if spread.zero[i] > 0.005 else ""
            axis.annotate(f"std {spread.std[i]:.2g}{zero}", (1, i), xytext=(4, 2), fontsize=8,
                          xycoords=("axes fraction", "data"), textcoords="offset points",
                          color=GREY)
        axis.set_xlabel(f"log₁₀ of the size of the {name}" if spread.log else
                        f"{name} (the bins at the ends hold what is beyond them)")
        axis.set_title(title)
        return png(drawn)
