"""The page itself: `page.html`, filled with what was found; whatever is text is escaped there."""
from pathlib import Path
from statistics import median

from ..atomic import write_atomically
from ..insight.summary import HEAD, cells
from .found import find

REPORT = "report.html"
HERE = Path(__file__).parent


def write(path, model=None, test=None):
    """Write `report.html` into the folder `path` of a run; returns where it is.

    A run that is still under way, or was stopped, is reported as far as it has come.

    model    for a run of a model of your own: one made as it was then (it stays as it is)
    test     a Dataset with the test images, where the run does not say where to find them

    Raises FileNotFoundError or ValueError if `path` is not the folder of a run, or if no epoch is
    finished yet; OSError if the file cannot be written.
    """
    file = Path(path) / REPORT
    write_atomically(file, render(find(path, model, test)).encode())
    return file


def render(found):
    """The HTML of what `find` found: one page that loads nothing from elsewhere."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    page = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    page.filters.update(percent=_percent, thousands=lambda n: f"{n:,.0f}", duration=_duration,
                        short=lambda x: f"{x:.4g}")
    style = Markup((HERE / "page.css").read_text(encoding="utf-8"))      # our own, not a user's
    layers = [(row.depth, _layer(row)) for row in found.summary.rows] if found.summary else []
    return page.get_template("page.html").render(
        found=found, style=style, head=HEAD, layers=layers,
        seconds=sum(record["seconds"] for record in found.history),
        speed=median(record["images_per_second"] for record in found.history))


def _layer(row):
    """The cells of a row of the summary, with thousands as they stand elsewhere on the page."""
    label, shape, parameters, *others = cells(row)
    return [label.strip(), shape, f"{row.parameters:,}" if parameters else "", *others]


def _percent(part):
    return "–" if part != part else f"{100 * part:.2f} %"


def _duration(seconds):
    """1.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
