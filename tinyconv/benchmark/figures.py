"""Which figure a suite has."""
from .bars import amounts, ratios
from .lines import growth, roofline

FIGURES = {"kernels": ratios, "training": ratios, "inference": ratios, "growth": growth,
           "roofline": roofline}


def draw(document):
    """The figure of a document as a PNG, or None where nothing was measured that could be drawn."""
    if not any("median" in side for case in document["cases"] for side in case["sides"].values()):
        return None
    figure = FIGURES.get(document["suite"], amounts)
    if figure is ratios and not any("ratio" in case for case in document["cases"]):
        return None
    return figure(document)
