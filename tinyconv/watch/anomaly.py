"""`detect_anomaly`: which operation was the first to make a number that is not finite."""
import threading
import warnings
from contextlib import contextmanager

import numpy as np

from ..core import AnomalyError, Tensor, Watcher, cast, watchers
from .place import here


class detect_anomaly(Watcher):
    """Within it the first result or gradient that is not finite raises AnomalyError.

        with tc.detect_anomaly():
            loss = F.cross_entropy(model(x), y)
            loss.backward()

    The error names the operation and where it was called, the first bad index, and whether the
    number originated there or came in with the arguments: then it says where from. Forward, every
    operation is looked at; an infinity that came in may be handed on (masks are made of −∞), until
    it becomes NaN or the result that `backward` begins with. In a walk every gradient is looked at,
    but not what a rule does on the way to it.

    With `check_nan=False` nothing is looked at; only where operations were called is remembered,
    and told if a rule fails. It holds for all threads, and each operation takes some microseconds
    more, and a pass over its result. (PyTorch's of that name looks at gradients, for NaN.)
    """

    def __init__(self, check_nan=True):
        self.check_nan = check_nan
        self._walking = threading.local()

    def __enter__(self):
        watchers.append(self)
        return self

    def __exit__(self, *exception):
        watchers.remove(self)

    # ---- forward ---------------------------------------------------------------------------------

    def made(self, op, y, args, kwargs):
        if y.grad_fn is not None:
            y.grad_fn.place = here()
        if not self.check_nan or getattr(self._walking, "now", False):
            return
        if first_bad(y.data) is None:
            return
        came_in = _first_among(args)
        if came_in is None:
            found, words = first_bad(y.data), "its arguments are finite: it originated here"
        elif np.isnan(y.data).any() and op is not cast:    # a copy: what reads it will be named
            i, x, bad = came_in
            found = first_bad(y.data, np.isnan)
            words = f"it came in: argument {i} is {bad}{_history(x)}"
        else:
            return
        _raise(f"{_name(op)} made {found} of its result of shape {y.shape}, at {{place}}; {words}",
               op, here(), found, came_in is None, False)

    # ---- backward --------------------------------------------------------------------------------

    def begins(self, roots, results):
        for y in roots if self.check_nan else ():
            bad = first_bad(y.data)
            if bad is not None and y.grad_fn is not None:
                _raise(f"backward: the result of {y.grad_fn.name} to begin with is {bad}, made at "
                       f"{{place}}; it came in{_history(y)}",
                       y.grad_fn.op, _place(y.grad_fn), bad, False, True)

    def around(self, pull_back):
        def watched(y, g, wanted, gradients):
            node, args = y.grad_fn, y.grad_fn.args
            with self._in_a_walk(), _told_where(node):
                walked = pull_back(y, g, wanted, gradients)
            for i, x in enumerate(args if self.check_nan else ()):
                if isinstance(x, Tensor) and x in gradients:
                    self._look_at(i, first_bad(gradients[x].data), node, y, g)
            return walked
        return watched

    def _look_at(self, i, bad, node, y, g):
        if bad is None:
            return
        words = "what it was made from is finite: it originated here"
        for what, value in (("the gradient that came in", g), ("its result", y),
                            *((f"argument {k}", a) for k, a in enumerate(node.args))):
            before = _bad(value)
            if before is not None:
                words = f"{what} is {before} already"
                break
        _raise(f"backward: the gradient of argument {i} of {node.name}, called at {{place}}, is "
               f"{bad}; {words}", node.op, _place(node), bad, words.endswith("here"), True)

    @contextmanager
    def _in_a_walk(self):
        before, self._walking.now = getattr(self._walking, "now", False), True
        try:
            yield
        finally:
            self._walking.now = before


# ---- what is bad ---------------------------------------------------------------------------------

class Bad:
    """An element that is not finite: where it stands, and what it is."""

    def __init__(self, index, value):
        self.index, self.value = index, value

    def __str__(self):
        return f"{self.value} at {self.index}" if self.index else f"{self.value}"


def first_bad(array, test=lambda array: ~np.isfinite(array)):
    """The first element that is not finite (or that passes another test); None if there is none."""
    if array.dtype.kind != "f":
        return None
    bad = test(array)
    if not bad.any():
        return None
    index = tuple(map(int, np.unravel_index(bad.argmax(), bad.shape)))
    return Bad(index, array[index])


def _bad(value):
    """What is bad about an argument: a tensor, an array, a number, or none of these."""
    if isinstance(value, (Tensor, np.ndarray, float, np.floating)):
        return first_bad(np.asarray(value.data if isinstance(value, Tensor) else value))
    return None


def _first_among(args):
    """(number, argument, what is bad about it) of the first bad argument; None if all are good."""
    return next(((i, x, bad) for i, x in enumerate(args) if (bad := _bad(x)) is not None), None)


def _history(x):
    """Which operation x owes it to that it is bad, as far as that was recorded."""
    words = ""
    while isinstance(x, Tensor) and x.grad_fn is not None:
        node, came_in = x.grad_fn, _first_among(x.grad_fn.args)
        if came_in is None:
            return f"; {node.name}{node.at} made it"
        i, x, bad = came_in
        words = f"; argument {i} of {node.name}{node.at} was {bad}"
    return words


# ---- what is said --------------------------------------------------------------------------------

def _name(op):
    return op.__name__.lstrip("_")


def _place(node):
    return getattr(node, "place", None)


def _raise(message, op, place, bad, originated, backward):
    place = str(place or "") or None
    raise AnomalyError(message.format(place=place or "a line that nobody looked at"), _name(op),
                       place, bad.index, originated, backward)


@contextmanager
def _told_where(node):
    """Say where the operation was called if its rule fails."""
    try:
        yield
    except Exception:
        warnings.warn(f"backward through {node.name} failed, which was called{node.at}",
                      RuntimeWarning, stacklevel=2)
        raise
