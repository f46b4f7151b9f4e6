"""Images as points of the plane."""
import numpy as np

from ...drawing import MARKERS, SERIES, STYLE, figure, png


def drawn_plane(plane, labels, classes, title=""):
    """The first two dimensions of a `Plane`, a colour and a mark for each class, and its name at
    the median of its points: a PNG, in bytes."""
    from matplotlib import rc_context
    from matplotlib.patheffects import withStroke

    labels = np.asarray(labels)
    with rc_context(STYLE):
        drawn, axis = figure(6.4, 5.6)
        names = []
        for k, name in enumerate(classes):
            points = plane.points[labels == k, :2]
            if not len(points):
                continue
            colour, mark = SERIES[k % len(SERIES)], MARKERS[k // len(SERIES) % len(MARKERS)]
            axis.scatter(*points.T, s=9, color=colour, marker=mark, alpha=0.5, linewidths=0)
            names.append((*np.median(points, axis=0), name, colour))
        for x, y, name, colour in _apart(names, np.ptp(plane.points[:, :2], axis=0)):
            axis.text(x, y, name, color=colour, weight="bold", fontsize=12, ha="center",
                      va="center", path_effects=[withStroke(linewidth=3, foreground="white")])
        for number, label in enumerate((axis.set_xlabel, axis.set_ylabel)):
            label(f"component {number + 1} ({100 * plane.share[number]:.0f} % of the variance)")
        axis.set_title(title)
        return png(drawn)


def _apart(names, ranges, least=0.06):
    """Names (x, y, name, colour) moved so that no two are nearer than that part of the picture."""
    if not names:
        return []
    places = np.array([name[:2] for name in names]) / np.maximum(ranges, 1e-300)
    for _ in range(60):
        gaps = places[:, None] - places              # (K, K, 2)
        distances = np.linalg.norm(gaps, axis=2) + np.eye(len(names))
        close = np.clip(least - distances, 0, None)[..., None]
        aside = np.where(gaps == 0, np.sign(np.subtract.outer(*[np.arange(len(names))] * 2))
                         [..., None], gaps)          # of two in one place each goes its way
        places += (close * aside / np.maximum(distances, 1e-3)[..., None]).sum(axis=1) / 2
    return [(*place, *name[2:]) for place, name in zip(places * ranges, names)]
