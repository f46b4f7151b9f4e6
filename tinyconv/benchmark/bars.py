"""Figures of bars: how many times better ours is, or how much of something each side takes."""
from itertools import combinations

from ..drawing import BLUE, GREY, INK, ORANGE, png
from .canvas import COLOURS, STYLE, canvas, heading, logarithmic
from .case import OURS
from .table import number

LONGEST = 50                           # lines in one column of bars
LINE = 0.235                           # inches


# ---- ratios --------------------------------------------------------------------------------------

def ratios(document):
    """A bar for every case, from parity to its ratio; to the right is faster.

    The thin line is the spread over the rounds, the upright tick is the target.
    """
    from matplotlib import rc_context

    columns = _columns(document["cases"])
    low, high = _range(document["cases"])
    longest = max(len(text) for lines in columns for text, _ in lines)
    with rc_context(STYLE):
        tallest = max(map(len, columns))
        figure, axes = canvas(max(8.5, (4.4 + 0.07 * longest) * len(columns)),
                              LINE * tallest + 1.6, 1, len(columns))
        for axis, lines in zip(axes[0], columns):
            _ratio_column(axis, lines, low, high, tallest)
        heading(figure, document, _key(document))
        return png(figure)


def _columns(cases):
    """Lines (text, case or None for a heading), in columns; the longest is as short as can be."""
    groups = {}
    for case in cases:
        if "ratio" in case:
            groups.setdefault(case["group"], [(case["group"], None)]).append((case["name"], case))
    blocks = list(groups.values())
    count = min(len(blocks), -(-sum(map(len, blocks)) // LONGEST))

    def cut(places):
        ends = [0, *places, len(blocks)]
        return [sum(blocks[a:b], []) for a, b in zip(ends, ends[1:])]
    return min(map(cut, combinations(range(1, len(blocks)), count - 1)),
               key=lambda columns: max(map(len, columns)))


def _range(cases):
    """The ends of the common scale."""
    values = [1.0]
    for case in cases:
        if "ratio" in case:
            values += [case["ratio"]["low"], case["ratio"]["high"], case["target"] or 1.0]
    return min(0.8, min(values) / 1.08), max(1.25, max(values) * 1.08)


def _ratio_column(axis, lines, low, high, tallest):
    logarithmic(axis.xaxis, low, high)
    axis.set_ylim(tallest - 0.4, -0.8)
    axis.grid(axis="x")
    axis.axvline(1, color=INK, linewidth=1.2, zorder=3)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0, labelcolor=INK)
    axis.set_yticks(range(len(lines)), [text for text, _ in lines])
    for y, (label, (_, case)) in enumerate(zip(axis.get_yticklabels(), lines)):
        if case is None:
            label.set_fontweight("bold")
        else:
            _ratio_bar(axis, y, case)
    axis.set_xlabel("← PyTorch is faster          ratio          ours is faster →")


def _ratio_bar(axis, y, case):
    r = case["ratio"]
    colour = BLUE if r["median"] >= 1 else ORANGE
    axis.barh(y, r["median"] - 1, left=1, height=0.66, color=colour, zorder=2)
    axis.plot([r["low"], r["high"]], [y, y], color=INK, linewidth=1, zorder=4,
              solid_capstyle="butt")
    if case["target"] is not None and case["target"] != 1:
        axis.plot([case["target"]] * 2, [y - 0.4, y + 0.4], color=INK, linewidth=2, zorder=5)
    axis.text(1.01, y, f"{r['median']:.2f}×", transform=axis.get_yaxis_transform(), va="center",
              fontsize=9, color=colour, fontweight="bold" if case["reached"] else "normal")


def _key(document):
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries = [Patch(color=BLUE, label="ours is faster"),
               Patch(color=ORANGE, label="PyTorch's best mode is faster"),
               Line2D([], [], color=INK, linewidth=1, label="least to greatest of the rounds")]
    if any(case["target"] not in (None, 1) for case in document["cases"] if "ratio" in case):
        entries.append(Line2D([], [], color=INK, marker="|", linestyle="", markersize=9,
                              markeredgewidth=2, label="target, where it is not 1"))
    return entries


# ---- amounts -------------------------------------------------------------------------------------

def amounts(document):
    """A group of bars for every case, one for each side: seconds, MiB; shorter is better.

    Cases of another name have a panel of their own where they are of another size.
    """
    from matplotlib import rc_context

    cases = [case for case in document["cases"]
             if any("median" in side for side in case["sides"].values())]
    sides = list(dict.fromkeys(side for case in cases for side in case["sides"]))
    panels = _panels(cases)
    heights = [sum(len(case["sides"]) + 1 for case in panel) for panel in panels]
    with rc_context(STYLE):
        figure, axes = canvas(8.6, 0.26 * sum(heights) + 0.6 * len(panels) + 1.1, len(panels),
                              height_ratios=heights)
        for axis, panel in zip(axes[:, 0], panels):
            _amount_panel(axis, panel)
        heading(figure, document,
                _sides_key(sides, any(case["limit"] is not None for case in cases)))
        return png(figure)


def _panels(cases):
    """The cases, divided by their names if some are more than five times as large as others."""
    named = {}
    for case in cases:
        named.setdefault(case["name"], []).append(case)
    largest = [max(side["median"] for case in some for side in case["sides"].values()
                   if "median" in side) for some in named.values()]
    return list(named.values()) if max(largest) > 5 * min(largest) else [cases]


def _amount_panel(axis, cases):
    y, ticks = 0.0, []
    for case in cases:
        top = y
        for side, measured in case["sides"].items():
            if "median" in measured:
                _amount_bar(axis, y, side, measured)
            else:
                axis.text(0, y, " failed", va="center", fontsize=8.5, color=GREY)
            y += 1
        ticks.append(((top + y - 1) / 2, f"{case['group']}\n{case['name']}"))
        if case["limit"] is not None:
            axis.plot([case["limit"]] * 2, [top - 0.5, y - 0.5], color=INK, linestyle=":",
                      linewidth=1.6)
        y += 0.9
    axis.set_ylim(y - 0.9, -0.8)
    axis.set_yticks(*zip(*ticks))
    axis.tick_params(axis="y", length=0, labelcolor=INK)
    axis.spines["left"].set_visible(False)
    axis.grid(axis="x")
    axis.set_xlim(0, axis.get_xlim()[1] * 1.08)
    axis.set_xlabel(" / ".join(dict.fromkeys(case["unit"] for case in cases)) + ", less is better")


def _amount_bar(axis, y, side, measured):
    axis.barh(y, measured["median"], height=0.8, color=COLOURS[side], zorder=2)
    axis.plot([measured["low"], measured["high"]], [y, y], color=INK, linewidth=1, zorder=3)
    axis.annotate(number(measured["median"]), (max(measured["median"], measured["high"]), y),
                  xytext=(5, 0), textcoords="offset points", va="center", fontsize=9, zorder=5,
                  fontweight="bold" if side == OURS else "normal",
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})


def _sides_key(sides, limits):
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries = [Patch(color=COLOURS[side], label=side) for side in sides]
    if limits:
        entries.append(Line2D([], [], color=INK, linestyle=":", label="limit for ours"))
    return entries
