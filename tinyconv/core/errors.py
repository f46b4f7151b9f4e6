"""What can go wrong with a graph, each with a class of its own; the messages are where it happens.

Each derives from what Python, NumPy and PyTorch raise for the like, so that `except RuntimeError`
catches them, too.
"""


class FreedGraphError(RuntimeError):
    """A second walk over a graph that the first one freed (see `retain_graph`)."""


class ChangedError(RuntimeError):
    """A value that a gradient needs is no longer what it was when an operation used it."""


class InPlaceError(RuntimeError):
    """A tensor that a graph refers to, or a leaf while operations are recorded, cannot change."""


class AnomalyError(RuntimeError):
    """Under `detect_anomaly`: a result or a gradient that is not finite.

    operation : its name; place : the line that called it, as "file:line", or None if unknown;
    index : of the first bad element; originated : whether all that went in was finite; backward :
    whether it was found in a gradient.
    """

    def __init__(self, message, operation, place, index, originated, backward):
        super().__init__(message)
        self.operation, self.place, self.index = operation, place, index
        self.originated, self.backward = originated, backward


class DtypeError(TypeError):
    """A tensor of the wrong dtype."""
