"""A suite: cases that belong together, and what is to be concluded from them."""
from collections.abc import Callable
from dataclasses import dataclass, replace

# What a quick run makes of these arguments, where they are greater.
SMALL = {"N": 2, "length": 10, "size": 16, "images": 16}


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
        """All cases; or for a quick run one of each kind of work, small and without targets."""
        if not quick:
            return list(self.every())
        first = {}
        for case in self.every():
            kind = (case.work, case.measure, case.cold, case.arguments.get("part"),
                    case.arguments.get("augment"))
            first.setdefault(kind, case)
        return [_small(case) for case in first.values()]


def _small(case):
    """A case with small arguments; a rate would be wrong now, so it is measured in ms."""
    smaller = {name: min(small, case.arguments[name]) for name, small in SMALL.items()
               if name in case.arguments}
    unit = {} if case.measure == "memory" else {"unit": "ms", "amount": 1e3}
    return replace(case, arguments={**case.arguments, **smaller}, target=None, limit=None, **unit)
