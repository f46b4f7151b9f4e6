"""What the figures share beside `drawing`: a colour for each side, headings, scales."""
from ..drawing import BLUE, GREEN, GREY, INK, ORANGE, PALE, PURPLE, figure
from .case import CHANNELS_LAST, COMPILE, EAGER, OURS

COLOURS = {OURS: BLUE, EAGER: ORANGE, CHANNELS_LAST: GREEN, COMPILE: PURPLE}
MARKERS = {OURS: "o", EAGER: "s", CHANNELS_LAST: "^", COMPILE: "D"}
STYLE = {"font.size": 10, "axes.titlesize": 11, "axes.spines.top": False,
         "axes.spines.right": False, "axes.edgecolor": GREY, "axes.axisbelow": True,
         "grid.color": PALE, "text.color": INK, "axes.labelcolor": INK, "xtick.color": GREY,
         "ytick.color": GREY, "axes.titlelocation": "left"}
STEPS = 1, 1.5, 2, 3, 5, 7             # of a logarithmic scale, in every power of ten


def canvas(width, height, rows=1, columns=1, **options):
    """A figure of so many inches, and its axes as a two-dimensional array."""
    return figure(width, height, rows, columns, squeeze=False, **options)


def heading(drawn, document, key):
    """The suite; below it what the colours mean; and at the foot on what it was measured."""
    threads, rounds = document["threads"], document["rounds"]
    title = document["about"][0].upper() + document["about"][1:]
    # the empty second line is the room that the legend takes
    drawn.suptitle(title + "\n", x=0.01, ha="left", fontsize=13, fontweight="bold")
    drawn.legend(handles=key, loc="upper left", ncols=len(key), frameon=False, fontsize=9,
                 bbox_to_anchor=(0.0, 1 - 0.28 / drawn.get_figheight()))
    drawn.supxlabel(
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
