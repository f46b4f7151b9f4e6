"""Images as points of the plane."""
import numpy as np

from ...drawing import MARKERS, SERIES, STYLE, figure, png


MARKS = (*MARKERS, "<", ">", "*")      # ten, so that ten classes differ in greyscale, too
NAMED = 14                             # up to so many classes have their names among the points
LETTER, LINE = 0.022, 0.055            # width and height of bold letters, in parts of the picture


def drawn_plane(plane, labels, classes, title=""):
    """The first two dimensions of a `Plane`: a PNG, in bytes.

    Each class has a colour and a mark, which the legend tells; the names of a few classes also
    stand at the median of their points.
    """
    from matplotlib import rc_context
    from matplotlib.patheffects import withStroke

    labels = np.asarray(labels)
    with rc_context(STYLE):
        drawn, axis = figure(7.4, 5.4)
        names = []
        for k, name in enumerate(classes):
            points = plane.points[labels == k, :2]
            if not len(points):
                continue
            colour, mark = SERIES[k % len(SERIES)], MARKS[k % len(MARKS)]
            axis.scatter(*points.T, s=12, color=colour, marker=mark, alpha=0.5, linewidths=0,
                         label=name)
            names.append((*np.median(points, axis=0), name, colour))
        shown = names if len(names) <= NAMED else []
        for x, y, name, colour in _apart(shown, np.ptp(plane.points[:, :2], axis=0)):
            axis.text(x, y, name, color=colour, weight="bold", fontsize=12, ha="center",
                      va="center", path_effects=[withStroke(linewidth=3, foreground="white")])
        if names:
            key = drawn.legend(loc="outside right upper", frameon=False, fontsize=9,
                               handletextpad=0.1, markerscale=2, ncols=-(-len(names) // 24))
            for handle in key.legend_handles:
                handle.set_alpha(1)
        for number, label in enumerate((axis.set_xlabel, axis.set_ylabel)):
            label(f"component {number + 1} ({100 * plane.share[number]:.0f} % of the variance)")
        axis.set_title(title)
        return png(drawn)


def _apart(names, ranges):
    """Names (x, y, name, colour) moved up or down until no two lie over each other."""
    ranges = np.maximum(ranges, 1e-300)
    places = np.array([name[:2] for name in names]).reshape(-1, 2) / ranges
    order = np.argsort(places[:, 1], kind="stable")
    wide = np.array([LETTER * len(name[2]) for name in names])
    for _ in range(200):
        moved = False
        for at, i in enumerate(order):
            for j in order[at + 1:]:                     # which is above, and stays above
                near = LINE - (places[j, 1] - places[i, 1])
                if near > 1e-9 and abs(places[j, 0] - places[i, 0]) < (wide[i] + wide[j]) / 2:
                    places[i, 1] -= near / 2
                    places[j, 1] += near / 2
                    moved = True
        if not moved:
            break
    return [(*place, *name[2:]) for place, name in zip(places * ranges, names)]
