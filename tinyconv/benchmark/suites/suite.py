"""A suite: cases that belong together, and what is to be concluded from them."""
from collections.abc import Callable
from dataclasses import dataclass, replace

SMALL = {"N": 2, "length": 10, "size": 16}       # what a quick run makes of these arguments


def _as_it_is(case, folder):
    return case.arguments


def _nothing(entries):
    return []


@dataclass(frozen=True)
class Suite:
    """
    name, about  for `tinyconv bench --list`
    every        () → its cases
    findings     (entries of the JSON) → list of `Finding`
    prepare      (case, folder) → the arguments of its work; may write files to the folder, and
                 raises `process.Failed` for a case that cannot be measured here
    """
    name: str
    about: str
    every: Callable
    findings: Callable = _nothing
    prepare: Callable = _as_it_is

    def cases(self, quick=False):
        """All cases; or for a quick run one of each kind of work, with small arguments."""
        if not quick:
            return list(self.every())
        first = {}
        for case in self.every():
            first.setdefault((case.work, case.arguments.get("part"), case.measure, case.cold), case)
        return [replace(case, arguments={**case.arguments,
                                         **{name: min(small, case.arguments[name])
                                            for name, small in SMALL.items()
                                            if name in case.arguments}})
                for case in first.values()]
