"""Effective receptive fields beside the theoretical ones."""
import numpy as np

from ...drawing import ORANGE, figure, png
from .canvas import STYLE, bare

FAINTEST = 1e-3                        # of the greatest influence, that is still drawn


def drawn_fields(fields, names, title="effective receptive fields"):
    """The `EffectiveField` of each layer as a PNG, in bytes, with a frame around the theoretical.

    The colour is the logarithm of the influence, from a thousandth of the greatest on.
    """
    from matplotlib import rc_context
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle

    with rc_context(STYLE):
        drawn, axes = figure(2.1 * len(fields) + 0.9, 2.9, 1, len(fields), squeeze=False)
        for axis, field, name in zip(axes[0], fields, names):
            shown = bare(axis).imshow(np.maximum(field.influence, FAINTEST), cmap="cividis",
                                      norm=LogNorm(FAINTEST, 1))
            rows, columns = field.window
            axis.add_patch(Rectangle((columns.start - 0.5, rows.start - 0.5),
                                     columns.stop - columns.start, rows.stop - rows.start,
                                     fill=False, edgecolor=ORANGE, linewidth=1.6, clip_on=False))
            axis.set_title(name)
            axis.set_xlabel(f"framed: theoretical {rows.stop - rows.start}×"
                            f"{columns.stop - columns.start}"
                            f"\n95 % within {field.within(0.95)}×{field.within(0.95)}", fontsize=9)
        bar = drawn.colorbar(shown, ax=list(axes[0]), shrink=0.7, pad=0.02)
        bar.set_label("influence, of the greatest", fontsize=9)
        bar.outline.set_visible(False)
        drawn.suptitle(title, fontsize=11)
        return png(drawn)
