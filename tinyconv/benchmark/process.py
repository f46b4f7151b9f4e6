"""The process of one side, seen from here: start it, ask it, end it."""
import json
import os
import subprocess
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path

from .case import CHANNELS_LAST, COMPILE, EAGER, OURS

HERE = Path(__file__).parent
MODES = {EAGER: "eager", CHANNELS_LAST: "channels-last", COMPILE: "compile"}
PATIENCE = 1_800                       # seconds to wait for an answer
POOLS = "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"
CACHES = "NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"


class Failed(Exception):
    """A side could not do its work; says why."""


def missing(side):
    """Why a side cannot run on this machine, or None."""
    if side != OURS and find_spec("torch") is None:
        return "PyTorch is not installed (pip install 'tinyconv[bench]')"
    return None


class Process:
    """One side at work. `caches` is a folder for compiled code, instead of the usual ones."""

    def __init__(self, side, threads, caches=None):
        self.side, self._errors = side, tempfile.TemporaryFile("w+", errors="replace")
        environment = {**os.environ, **{name: str(threads) for name in POOLS}}
        environment.pop("PYTHONSAFEPATH", None)            # modules are found in `cwd`
        if caches is not None:
            environment |= {name: str(caches) for name in CACHES}
        if side == OURS:
            command, folder = ["-m", f"{__package__}.sides.ours"], HERE.parents[1]
        else:
            command, folder = ["-m", "sides.theirs", MODES[side], str(threads)], HERE
        self._process = subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=environment, text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors)

    def ask(self, request, patience=PATIENCE):
        """The answer to a request (see `sides/worker.py`). Raises Failed."""
        late = threading.Event()

        def give_up():
            late.set()
            self._process.kill()
        guard = threading.Timer(patience, give_up)
        guard.start()
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            guard.cancel()
        if not line:
            words = self._epitaph()
            raise Failed(f"no answer within {patience:g} s" if late.is_set() else words)
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def _epitaph(self):
        """How the process ended, and the last thing it said."""
        status = self._process.wait()
        self._errors.seek(0)
        said = [line.strip() for line in self._errors if line.strip()]
        return f"the process ended with status {status}" + (f": {said[-1]}" if said else "")

    @property
    def running(self):
        return self._process.poll() is None

    def close(self):
        """End the process, and wait until it has."""
        try:
            self._process.stdin.close()
        except BrokenPipeError:                  # it is gone already
            pass
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is not None and not issubclass(kind, Failed):
            self._process.kill()                 # interrupted: there is no answer to wait for
        self.close()


class Processes:
    """A process for each side, started when it is first needed, and again after one has died."""

    def __init__(self, threads):
        self.threads, self._running = threads, {}

    def ask(self, side, request):
        process = self._running.get(side)
        if process is None or not process.running:
            if process is not None:
                process.close()
            process = self._running[side] = Process(side, self.threads)
        return process.ask(request)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        for process in self._running.values():
            process.__exit__(*what)
