"""The sides in turn, round after round.

In every round each side has a new process, which does the cases one after another; for each case
the sides take turns: A B C D, A B C D, … So what changes slowly (the processor's clock, other
programs) touches all sides alike, and what differs between processes (where memory lies) is
sampled as well. Only one process computes at a time.
"""
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from .. import machine
from . import summary
from .process import Failed, Process, Processes, missing

FORMAT = 1                             # of the JSON


def measure(suite, rounds, threads, quick=False, only=None, without=(), tick=None, after=None):
    """Measure a suite; returns the document that is kept as JSON.

    quick    a few small cases, for a short time: to see that all works, not to measure
    only     only cases whose title contains this text
    without  sides to leave out
    tick     called with (title, side) before each measurement
    after    called with the document after every round
    """
    cases = [case for case in suite.cases(quick)
             if only is None or only.lower() in case.title.lower()]
    document = {"format": FORMAT, "suite": suite.name, "about": suite.about, "quick": quick,
                "only": only, "without": list(without),
                "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "threads": threads, "rounds": 0, "commit": machine.commit(),
                "machine": machine.describe(), "versions": machine.versions("torch"),
                "load": [machine.load()]}
    with tempfile.TemporaryDirectory(prefix="tinyconv-bench-") as folder:
        run = _Run(suite, cases, threads, quick, without, Path(folder), tick or (lambda *_: None))
        for number in range(1, rounds + 1):
            run.round()
            document |= {"rounds": number, **run.results()}
            document["load"] = [document["load"][0], machine.load()]
            if after is not None:
                after(document)
    return document


class _Run:
    """What has been measured so far."""

    def __init__(self, suite, cases, threads, quick, without, folder, tick):
        self.suite, self.cases, self.threads, self.quick = suite, cases, threads, quick
        self.folder, self.tick = folder, tick
        self.answers = {(case.title, side): [] for case in cases for side in case.sides
                        if side not in without}
        self.failures = {key: missing(key[1]) for key in self.answers if missing(key[1])}
        self.arguments = {}
        for case in cases:
            try:
                self.arguments[case.title] = suite.prepare(case, folder)
            except Failed as reason:
                self.failures |= {key: str(reason) for key in self.answers if key[0] == case.title}

    def round(self):
        """Every case once, on every side that has not failed before."""
        with Processes(self.threads) as processes:
            for case in self.cases:
                for side in case.sides:
                    key = case.title, side
                    if key in self.answers and key not in self.failures:
                        self.tick(*key)
                        try:
                            self.answers[key].append(self._ask(case, side, processes))
                        except Failed as reason:
                            self.failures[key] = str(reason)

    def _ask(self, case, side, processes):
        request = {"work": case.work, "arguments": self.arguments[case.title],
                   "measure": case.measure, "least": 2 if self.quick else case.least,
                   "seconds": min(case.seconds, 0.02) if self.quick else case.seconds}
        if case.measure == "time":
            return processes.ask(side, request)
        if case.measure == "first":
            return {"seconds": self._first(case, side, request)}
        with Process(side, self.threads) as process:
            return process.ask(request)

    def _first(self, case, side, request):
        """Seconds from the start of a process to its answer."""
        with tempfile.TemporaryDirectory(dir=self.folder) if case.cold else nullcontext() as caches:
            for _ in range(1 if case.cold else 2):         # the first of two fills the cache
                begin = time.perf_counter()
                with Process(side, self.threads, caches) as process:
                    process.ask(request)
                    seconds = time.perf_counter() - begin
        return seconds

    def results(self):
        """The part of the document that was measured."""
        lines = [summary.of_case(case, {side: self.answers[case.title, side]
                                        for side in case.sides
                                        if (case.title, side) in self.answers},
                                 {side: self.failures[case.title, side] for side in case.sides
                                  if (case.title, side) in self.failures})
                 for case in self.cases]
        findings = [] if self.quick else map(summary.of_finding, self.suite.findings(lines))
        return {"cases": lines, "findings": list(findings)}
