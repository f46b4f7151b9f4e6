"""What figures share: colours that anybody can tell apart, figures without pyplot, files as bytes.

matplotlib is imported by the functions that need it: it takes longer than the rest of the package.
"""
import base64
import io
import math

import numpy as np

# From the palette of Okabe & Ito (2008), which people of any colour vision can tell apart.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, AMBER, YELLOW, BLACK = "#56B4E9", "#E69F00", "#F0E442", "#000000"
SERIES = BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY, BLACK
MARKERS = "o", "s", "^", "D", "v", "P", "X"
INK, GREY, PALE = "#222222", "#6b6b6b", "#e6e6e6"
STYLE = {"font.size": 11, "axes.titlesize": 12, "axes.spines.top": False,
         "axes.spines.right": False, "axes.grid": True, "grid.color": PALE,
         "axes.edgecolor": GREY, "axes.axisbelow": True, "lines.linewidth": 1.8,
         "lines.markersize": 4}
DPI = 150
STEADY = {"svg.hashsalt": "tinyconv"}  # the same figure is the same file


# ---- figures -------------------------------------------------------------------------------------

def figure(width, height, rows=1, columns=1, **options):
    """A figure of so many inches, and its axes as `subplots` gives them."""
    made = empty(width, height, layout="constrained")
    return made, made.subplots(rows, columns, **options)


def empty(width, height, **options):
    """A figure of so many inches without axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), **options)
    FigureCanvasAgg(made)
    return made


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

def mosaic(tiles, columns=None, gap=1, fill=0.0):
    """Tiles (T, H, W, …) side by side in rows, with `gap` pixels of `fill` between them.

    By default as many in a row as there are rows. Of whole numbers if tiles and `fill` are.
    """
    T, H, W = tiles.shape[:3]
    columns = columns or math.ceil(math.sqrt(T))
    rows = -(-T // columns)
    wide = np.full((rows * (H + gap) - gap, columns * (W + gap) - gap, *tiles.shape[3:]), fill,
                   tiles.dtype if isinstance(fill, int) else np.result_type(tiles, np.float32))
    for t, tile in enumerate(tiles):
        r, c = divmod(t, columns)
        wide[r * (H + gap):r * (H + gap) + H, c * (W + gap):c * (W + gap) + W] = tile
    return wide


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
