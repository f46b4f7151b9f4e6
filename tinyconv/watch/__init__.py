"""Watching for trouble: where a number stopped being finite, and what changed behind one's back.

Both look on through `core/watching.py`; while nobody does, nothing here runs. TINYCONV_DEBUG=1 in
the environment is `debug()` for the whole program.
"""
import os

from .anomaly import detect_anomaly
from .saved import debug

if os.environ.get("TINYCONV_DEBUG", "0") not in ("", "0"):
    debug().__enter__()
