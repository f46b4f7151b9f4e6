"""Whether operations of this thread are recorded: `no_grad` and its relatives."""
import threading
from functools import wraps


class _Mode(threading.local):
    recording = True
    evaluate = None                              # what stands in for `computed` of primitive.py


mode = _Mode()


class _Recording:
    """Switch recording within a `with` block, or a function it decorates, and back afterwards."""

    def __init__(self, value):
        self._value, self._before = bool(value), []

    def __enter__(self):
        self._before.append(mode.recording)
        mode.recording = self._value

    def __exit__(self, *exception):
        mode.recording = self._before.pop()

    def __call__(self, f):
        @wraps(f)
        def with_mode(*args, **kwargs):
            with _Recording(self._value):
                return f(*args, **kwargs)
        return with_mode


class no_grad(_Recording):
    """Within it nothing is recorded: results are constants.

    `with tc.no_grad(): ...` is for a block, `@tc.no_grad()` for a function.
    """

    def __new__(cls, f=None):                    # `@tc.no_grad` without brackets decorates, too
        return super().__new__(cls) if f is None else cls()(f)

    def __init__(self, f=None):
        super().__init__(False)


class enable_grad(_Recording):
    """Within it operations are recorded again, also inside `no_grad`."""

    def __new__(cls, f=None):
        return super().__new__(cls) if f is None else cls()(f)

    def __init__(self, f=None):
        super().__init__(True)


class set_grad_enabled(_Recording):
    """Record within it if `mode` is true, do not if it is false."""

    def __init__(self, mode):
        super().__init__(mode)


def is_grad_enabled():
    """True while operations of this thread are recorded."""
    return mode.recording


class evaluated_by:
    """Within it the operations of this thread get their arrays from `evaluate(f, args, kwargs)`.

    f is the function of arrays that an operation lifts, args and kwargs are what it was called
    with; `computed(f, args, kwargs)` is what happens otherwise. So a program can be followed
    without being computed, as `insight/trace.py` does.
    """

    def __init__(self, evaluate):
        self._evaluate, self._before = evaluate, []

    def __enter__(self):
        self._before.append(mode.evaluate)
        mode.evaluate = self._evaluate

    def __exit__(self, *exception):
        mode.evaluate = self._before.pop()
