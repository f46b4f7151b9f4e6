"""The report of a run: one HTML file that needs no other, to be read on a phone and on paper.

    from tinyconv import report

    report.write("runs/lenet5-digits-1")         # → runs/lenet5-digits-1/report.html

`found.py` reads the run and measures its model once more, `charts.py` and `filters.py` draw,
`page.py` fills `page.html`, whose style is `page.css`.
"""
from .page import render, write

__all__ = ["render", "write"]
