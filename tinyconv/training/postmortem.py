"""Why a loss is not finite: the step that made it is taken again, and watched."""
from .. import random
from ..core import AnomalyError
from ..watch import detect_anomaly


def first_anomaly(forward, drawn_from):
    """In words, the first operation of `forward()` and its walk back that made a number bad.

    `drawn_from` is the state that the default generator had before, so that dropout drops the same.
    "" where all is finite this time.
    """
    random.default_generator().bit_generator.state = drawn_from
    try:
        with detect_anomaly():
            forward().backward()
    except AnomalyError as error:
        return str(error)
    return ""
