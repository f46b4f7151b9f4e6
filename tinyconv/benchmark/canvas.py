"""What the figures share: colours that anybody can tell apart, and figures without pyplot."""
import io

from .case import CHANNELS_LAST, COMPILE, EAGER, OURS

# From the palette of Okabe & Ito (2008), which people of any colour vision can tell apart.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
GREY, PALE, INK = "#6b6b6b", "#e6e6e6", "#222222"
COLOURS = {OURS: BLUE, EAGER: ORANGE, CHANNELS_LAST: GREEN, COMPILE: PURPLE}
MARKERS = {OURS: "o", EAGER: "s", CHANNELS_LAST: "^", COMPILE: "D"}
STYLE = {"font.size": 10, "axes.titlesize": 11, "axes.spines.top": False,
         "axes.spines.right": False, "axes.edgecolor": GREY, "axes.axisbelow": True,
         "grid.color": PALE, "text.color": INK, "axes.labelcolor": INK, "xtick.color": GREY,
         "ytick.color": GREY, "axes.titlelocation": "left"}
STEPS = 1, 1.5, 2, 3, 5, 7             # of a logarithmic scale, in every power of ten


def canvas(width, height, rows=1, columns=1, **options):
    """A figure of so many inches, and its axes as a two-dimensional array."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def png(figure):
    """The bytes of a PNG file of the figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def heading(figure, document, key):
    """The suite; below it what the colours mean; and at the foot on what it was measured."""
    threads, rounds = document["threads"], document["rounds"]
    title = document["about"][0].upper() + document["about"][1:]
    # the empty second line is the room that the legend takes
    figure.suptitle(title + "\n", x=0.01, ha="left", fontsize=13, fontweight="bold")
    figure.legend(handles=key, loc="upper left", ncols=len(key), frameon=False, fontsize=9,
                  bbox_to_anchor=(0.0, 1 - 0.28 / figure.get_figheight()))
    figure.supxlabel(
        f"{document['machine']['processor']} · {threads} thread{'s' if threads > 1 else ''} · "
        f"medians of {rounds} round{'s' if rounds > 1 else ''} · "
        f"PyTorch {document['versions']['torch'] or 'not installed'} · {document['date'][:10]}"
        + (" · A QUICK RUN, NOT A MEASUREMENT" if document["quick"] else ""),
        x=0.01, ha="left", fontsize=8, color=GREY)


def logarithmic(axis, low, high):
    """A logarithmic scale from low to high with plain numbers on it, for an XAxis or YAxis."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    ticks = [step * 10.0 ** power for power in range(-9, 13) for step in STEPS
             if low <= step * 10.0 ** power <= high]
    for fewer in ((1, 2, 5), (1, 3), (1,)):
        if len(ticks) > 9:
            ticks = [t for t in ticks if round(float(f"{t:e}".split("e")[0]), 3) in fewer]
    getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
    getattr(axis.axes, f"set_{axis.axis_name}lim")(low, high)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
