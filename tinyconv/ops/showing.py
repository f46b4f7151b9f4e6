"""How a tensor shows itself in a notebook: what it is, its range, some values, and images if it
looks like some."""
import html
import math

import numpy as np

from ..core import Tensor
from ..drawing import data_uri, picture

MOST = 8                               # images that are shown
SIDES = range(4, 513)                  # of what may be an image
HEIGHT = 72                            # pixels on the screen, at least
VALUES = 120                           # up to so many all are printed


def _repr_html_(self):
    """For Jupyter. Every text in it is escaped."""
    parts = [f"{self.shape} {self.dtype}"]
    if self.grad_fn is not None:
        parts.append(f"from {self.grad_fn.name}")
    elif self.requires_grad:
        parts.append("requires grad")
    lines = [f"<b>{html.escape(type(self).__name__.lower())}</b> {html.escape(', '.join(parts))}"]
    if self.data.size > 1:
        lines.append(html.escape(_range(self.data)))
    body = f"<pre>{html.escape(_values(self.data))}</pre>{_images(self.data)}"
    return f"<div>{'<br>'.join(lines)}{body}</div>"


def _range(x):
    """Least, greatest, mean and standard deviation of what is finite, and how much is not."""
    finite = x[np.isfinite(x)] if x.dtype.kind == "f" else x
    parts = []
    if finite.size:
        wide = finite.astype(np.float64)
        parts.append(f"from {finite.min():.4g} to {finite.max():.4g}, mean {wide.mean():.4g}, "
                     f"std {wide.std():.4g}")
    if finite.size < x.size:
        parts.append(f"{x.size - finite.size:,} not finite")
    return ", ".join(parts)


def _values(x):
    """The values, in short; of many dimensions the first matrix."""
    name = ""
    if x.ndim > 2 and x.size > VALUES:
        name = f"[{', '.join(['0'] * (x.ndim - 2))}]:\n"
        x = x[(0,) * (x.ndim - 2)] if x.size else x
    return name + np.array2string(x, separator=", ", precision=4, threshold=VALUES, edgeitems=3)


def _images(x):
    """Images (C, H, W) or (N, C, H, W) of one or three channels, on one scale of brightness."""
    if x.ndim == 3:
        x = x[None]
    if x.ndim != 4 or x.shape[1] not in (1, 3) or x.shape[2] not in SIDES or (
            x.shape[3] not in SIDES) or not x.size or x.dtype.kind == "b":
        return ""
    shown = x[:MOST]
    if x.dtype != np.uint8:
        shown = shown.astype(np.float64)
        finite = shown[np.isfinite(shown)]
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
        scaled = (np.nan_to_num(shown, nan=low, posinf=high, neginf=low) - low) / (high - low or 1)
        shown = np.rint(255 * scaled).astype(np.uint8)
    scale = max(1, math.ceil(HEIGHT / x.shape[2]))
    size = f'width="{scale * x.shape[3]}" height="{scale * x.shape[2]}"'
    return "".join(f'<img src="{data_uri(picture(image))}" {size} alt="image {i} of {len(x)}" '
                   'style="display: inline-block; margin: 2px; image-rendering: pixelated">'
                   for i, image in enumerate(shown))


Tensor._repr_html_ = _repr_html_
