"""What Ctrl-C and SIGTERM do: nothing by halves.

A signal may come between any two instructions, and Python's answer, an exception on the spot, would
leave a model half updated. Within `Signals` a run is stopped between two steps instead.
"""
import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, raised where everything is whole."""
    status = 128 + signal.SIGINT


class Terminated(SystemExit):
    """SIGTERM, raised where everything is whole; the process ends with status 143."""
    status = 128 + signal.SIGTERM

    def __init__(self):
        super().__init__(self.status)


STOPS = Interrupted, Terminated


class Signals:
    """A context in which the first signal waits for `check()`; a second one ends the process.

    Only a program's own answer is respected: a signal that is ignored or handled otherwise, or a
    thread that is not the main one (to which Python does not bring signals), is left as it is.
    """

    def __init__(self):
        self._came, self._at_once, self._before = None, False, {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number, usual in ((signal.SIGINT, signal.default_int_handler),
                                  (signal.SIGTERM, signal.SIG_DFL)):
                if signal.getsignal(number) == usual:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind, error, trace):
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if kind is None:
            self.check()

    def check(self):
        """Raise Interrupted or Terminated if a signal has come."""
        if self._came is not None:
            raise Interrupted() if self._came == signal.SIGINT else Terminated()

    @contextmanager
    def at_once(self):
        """Within it nothing is changed that must stay whole: a signal need not wait."""
        self._at_once = True
        try:
            self.check()
            yield
        finally:
            self._at_once = False

    def _handle(self, number, frame):
        if self._came is not None:
            _end(number)
        self._came = number
        if self._at_once:
            self.check()


def quiet_start():
    """Let Ctrl-C end the command `tinyconv` without a traceback while it is still being imported.

    Does nothing in any other program.
    """
    if _is_command() and signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda number, frame: _end(number, b"interrupted\n"))


def started():
    """The command is imported: from here on Ctrl-C raises KeyboardInterrupt, as it always does."""
    if _is_command() and callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_command():
    """Whether this process was started as `tinyconv …` or `python -m tinyconv …`."""
    words = sys.orig_argv
    module = "-m" in words and words[words.index("-m") + 1:][:1] == ["tinyconv"]
    return module or Path(sys.argv[0]).stem == "tinyconv"


def _end(number, message=b""):
    os.write(2, message)
    os._exit(128 + number)
