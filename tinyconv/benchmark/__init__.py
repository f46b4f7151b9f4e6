"""Measuring, side by side with PyTorch: the suites behind `tinyconv bench`.

    case            what is measured, and what it should reach
    suites/         all cases, a file for each kind
    sides/          the work itself, and the processes that do it: one for us, one for PyTorch
    process         how those are started and asked
    rounds          the sides in turn, round after round
    summary         medians, ratios and spreads
    table, figures  what people read; figures are drawn from the JSON alone
    folder          what is kept of a suite: JSON, Markdown, PNG

This process computes nothing itself, and never imports PyTorch.
"""
from .case import OURS, SIDES
from .folder import keep, read
from .rounds import measure
from .suites import SUITES
from .table import markdown, plain

__all__ = ["OURS", "SIDES", "SUITES", "keep", "markdown", "measure", "plain", "read"]
