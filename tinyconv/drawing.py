"""What figures share: colours that anybody can tell apart, figures without pyplot, files as bytes.

matplotlib is imported by the functions that need it: it takes longer than the rest of the package.
"""
import base64
import io

import numpy as np

# From the palette of Okabe & Ito (2008), which people of any colour vision can tell apart.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, AMBER, BLACK = "#56B4E9", "#E69F00", "#000000"
SERIES = BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY, BLACK
MARKERS = "o", "s", "^", "D", "v", "P", "X"
GREY = "#6b6b6b"
STYLE = {"font.size": 11, "axes.titlesize": 12, "axes.spines.top": False,
         "axes.spines.right": False, "axes.grid": True, "grid.color": "#e6e6e6",
         "axes.edgecolor": GREY, "axes.axisbelow": True, "lines.linewidth": 1.8,
         "lines.markersize": 4}
DPI = 150
STEADY = {"svg.hashsalt": "tinyconv"}  # the same figure is the same file


# ---- figures -------------------------------------------------------------------------------------

def figure(width, height, rows=1, columns=1, **options):
    """A figure of so many inches, and its axes as `subplots` gives them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made, made.subplots(rows, columns, **options)


def png(drawn):
    """A figure as a PNG, in bytes."""
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def svg(drawn):
    """A figure as an SVG on a transparent ground, in bytes: sharp at any size."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context(STEADY):
        drawn.savefig(buffer, format="svg", transparent=True,
                      metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


# ---- images --------------------------------------------------------------------------------------

def picture(pixels):
    """An image (C, H, W), bytes, as a PNG of as many pixels: three channels are colours, a fourth
    says how opaque they are; of any other number the first is shown in grey."""
    from PIL import Image

    pixels = np.moveaxis(pixels, 0, -1) if len(pixels) in (3, 4) else pixels[0]
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels, np.uint8)).save(buffer, "png")
    return buffer.getvalue()


def data_uri(data, kind="png"):
    """A file as the address of itself, to stand in an HTML page; `kind` is "png" or "svg+xml"."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
