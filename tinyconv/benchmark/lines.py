"""Figures of lines: growth, and the roofline."""
import math

from ..drawing import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, png
from .canvas import COLOURS, MARKERS, STYLE, canvas, heading, logarithmic
from .case import OURS
from .suites.roofline import roofs, shares


# ---- growth --------------------------------------------------------------------------------------

def growth(document):
    """A panel for each thing that grows, a line for each side: ms an image, both scales
    logarithmic."""
    from matplotlib import rc_context

    groups = {}
    for case in document["cases"]:
        groups.setdefault(case["group"], []).append(case)
    columns = min(2, len(groups))
    rows = -(-len(groups) // columns)
    with rc_context(STYLE):
        figure, axes = canvas(5.2 * columns, 3.4 * rows + 0.8, rows, columns)
        for axis in axes.flat[len(groups):]:
            axis.set_visible(False)
        for axis, (name, cases) in zip(axes.flat, groups.items()):
            _panel(axis, name, cases)
        heading(figure, document, axes[0, 0].get_legend_handles_labels()[0])
        return png(figure)


def _panel(axis, name, cases):
    values = []
    for side in dict.fromkeys(side for case in cases for side in case["sides"]):
        points = [(int(case["name"]), case["sides"][side]) for case in cases
                  if "median" in case["sides"].get(side, {})]
        if points:
            x = [at for at, _ in points]
            axis.fill_between(x, [p["low"] for _, p in points], [p["high"] for _, p in points],
                              color=COLOURS[side], alpha=0.15, linewidth=0)
            axis.plot(x, [p["median"] for _, p in points], color=COLOURS[side], label=side,
                      marker=MARKERS[side], markersize=4.5, linewidth=1.8,
                      zorder=3 if side == OURS else 2)
            values += [v for _, p in points for v in (p["low"], p["high"])]
    ticks = [int(case["name"]) for case in cases]
    logarithmic(axis.xaxis, ticks[0] / 1.15, ticks[-1] * 1.15)
    axis.set_xticks(ticks, map(str, ticks))
    if values:
        logarithmic(axis.yaxis, min(values) / 1.25, max(values) * 1.25)
    axis.grid(True)
    axis.set_title(name)
    axis.set_ylabel("ms per image")


# ---- roofline ------------------------------------------------------------------------------------

KINDS = {"forward": (BLUE, "o"), "input": (ORANGE, "s"), "weight": (GREEN, "^"),
         "other": (PURPLE, "D")}
NAMES = {"forward": "convolution, forward", "input": "its input gradient",
         "weight": "its weight gradient", "other": "other operations"}


def roofline(document):
    """Left: GFLOP/s by operations per byte, under the roofs of the machine. Right: the share of its
    roof that every kernel reaches, sorted."""
    from matplotlib import rc_context

    found = shares(document["cases"])
    if not found:
        return None
    peak, copies = roofs(document["cases"])
    with rc_context(STYLE):
        figure, axes = canvas(11, 4.8, 1, 2)
        _roofs(axes[0, 0], found, peak, copies)
        _sorted_shares(axes[0, 1], found)
        heading(figure, document, axes[0, 1].get_legend_handles_labels()[0])
        return png(figure)


def _kind(entry):
    return entry["arguments"].get("part", "other")


def _roofs(axis, found, peak, copies):
    points = [(e["flops"] / e["bytes"], e["sides"][OURS]["median"], _kind(e)) for e, _ in found
              if e["flops"]]
    slow, fast = copies[max(copies)], max(copies.values())
    left = min([peak / fast, *(x for x, _, _ in points)]) / 3
    right = max([peak / slow, *(x for x, _, _ in points)]) * 1.6
    floor = min([peak, *(y for _, y, _ in points)]) / 2
    logarithmic(axis.xaxis, left, right)
    logarithmic(axis.yaxis, floor, peak * 1.7)
    for bandwidth, name in ((slow, "memory"), (fast, "cache")):
        axis.plot([left, peak / bandwidth], [left * bandwidth, peak], color=GREY, linewidth=1.2)
        y = max(floor, left * bandwidth) * 1.15            # where the line comes into the picture
        axis.text(y / bandwidth, y * 1.06, f"{name}: {bandwidth:.0f} GB/s", fontsize=8, color=GREY,
                  rotation=math.degrees(math.atan(bandwidth)), rotation_mode="anchor",
                  transform_rotates_text=True, va="bottom")
    axis.plot([peak / fast, right], [peak, peak], color=INK, linewidth=1.4)
    axis.text(right, peak * 1.04, f"peak: {peak:.0f} GFLOP/s ", fontsize=8.5, ha="right",
              va="bottom")
    for kind, (colour, marker) in KINDS.items():
        some = [(x, y) for x, y, k in points if k == kind]
        if some:
            axis.plot(*zip(*some), marker, color=colour, markersize=5.5, alpha=0.85,
                      markeredgecolor="white", markeredgewidth=0.6)
    axis.grid(True)
    axis.set_xlabel("operations per byte that has to be moved")
    axis.set_ylabel("GFLOP/s")


def _sorted_shares(axis, found):
    for kind, (colour, marker) in KINDS.items():
        parts = sorted((100 * part for entry, part in found if _kind(entry) == kind), reverse=True)
        if parts:
            where = [i / max(1, len(parts) - 1) for i in range(len(parts))]
            axis.plot(where, parts, marker=marker, color=colour, label=NAMES[kind], markersize=4.5,
                      linewidth=1.4)
    axis.axhline(100, color=INK, linewidth=1.4)
    axis.set_ylim(0, None)
    axis.set_xticks([0, 1], ["best", "worst"])
    axis.grid(axis="y")
    axis.set_ylabel("% of the roof that is reached")
