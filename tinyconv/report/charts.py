"""The charts of a report: one panel each, as SVG, of a width that a phone can show as it is."""
from typing import NamedTuple

from ..drawing import BLUE, GREEN, STYLE, data_uri, figure, svg
from ..training.figures import MARKED, PANELS, panel

SIZE = 4.8, 3.1                        # inches; on a phone letters of 11 points are read at 11 px


class Chart(NamedTuple):
    """A figure as an address, its title, and what it shows in words."""
    title: str
    image: str
    alt: str


def charts(history):
    """The Charts of a History of at least one epoch: loss, error, speed and learning rate."""
    return [_curve(history, "loss"), _curve(history, "accuracy"), _speed(history), _rate(history)]


def _curve(history, key):
    """Training and test over the epochs."""
    parts = []
    for part in ("train", "test"):
        values = history[f"{part}_{key}"]
        if key == "accuracy":
            values = [100 * (1 - value) for value in values]
        if values:
            name = "training" if part == "train" else part
            parts.append(f"{name} from {values[0]:.3g} to {values[-1]:.3g}")
    return Chart("Loss" if key == "loss" else "Error",
                 _drawn(lambda axis: panel(axis, history, key)),
                 f"Chart of the {PANELS[key]} by epoch: {', '.join(parts)}")


def _speed(history):
    """Images a second over the epochs."""
    values = history["images_per_second"]
    return Chart("Speed", _drawn(lambda axis: _line(axis, history, values, "images/s", BLUE)),
                 f"Chart of images per second by epoch: from {min(values):,.0f} to "
                 f"{max(values):,.0f}")


def _rate(history):
    """The learning rate at the end of each epoch."""
    values = history["lr"]
    return Chart("Learning rate",
                 _drawn(lambda axis: _line(axis, history, values, "learning rate", GREEN)),
                 f"Chart of the learning rate at the end of each epoch: at most {max(values):.3g}, "
                 f"at last {values[-1]:.3g}")


def _line(axis, history, values, name, colour):
    """One line over the epochs, with zero in sight."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    epochs = history["epoch"]
    axis.plot(epochs, values, color=colour, marker="o" if len(values) <= MARKED else None)
    axis.set_xlim(0.5, max(epochs) + 0.5)
    axis.set_ylim(0, 1.1 * max(*values, 1e-12))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_xlabel("epoch")
    axis.set_ylabel(name)


def _drawn(draw):
    """The address of the SVG that `draw(axis)` draws on an empty figure."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        drawn, axis = figure(*SIZE)
        draw(axis)
        return data_uri(svg(drawn), "svg+xml")
