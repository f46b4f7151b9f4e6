"""What is measured: one piece of work, the sides that do it, and what it should reach."""
from dataclasses import dataclass

OURS = "ours"
EAGER, CHANNELS_LAST, COMPILE = "torch eager", "torch channels-last", "torch.compile"
SIDES = OURS, EAGER, CHANNELS_LAST, COMPILE
LAYOUTS = OURS, EAGER, CHANNELS_LAST


@dataclass(frozen=True)
class Case:
    """One line of a table.

    group, name  what it is called: "ResNet-20", "batch 128"; together they are unique in a suite
    work         a function of `sides/`, called with `arguments`
    unit         of the value: what ends in "/s" is a rate (more is better), else less is better
    amount       value = amount / seconds for a rate, amount · measured otherwise
    measure      "time"; "memory" (peak of a process); "first" (from the start of a process to the
                 end of the work), with `cold` on empty caches of compiled code
    target       the ratio to reach, how many times better than the best of the other sides
    limit        the value that ours is to keep within
    flops, bytes what the work computes and what it has to read and write at least, for the roofline
    seconds, least    how long to measure in each round, and how many samples at the least
    """
    group: str
    name: str
    work: str
    arguments: dict
    unit: str = "ms"
    amount: float = 1e3
    sides: tuple = SIDES
    measure: str = "time"
    cold: bool = False
    target: float | None = None
    limit: float | None = None
    flops: float = 0
    bytes: float = 0
    seconds: float = 0.5
    least: int = 5

    @property
    def title(self):
        return f"{self.group}, {self.name}"

    @property
    def more_is_better(self):
        return self.unit.endswith("/s")

    def value(self, measured):
        """What was measured (seconds or bytes) in the unit of this case."""
        return self.amount / measured if self.more_is_better else self.amount * measured


@dataclass(frozen=True)
class Finding:
    """What follows from several cases together: a number, and what it should be."""
    text: str                          # "geometric mean of the ratios"
    value: float
    unit: str = ""
    target: float | None = None        # at least this …
    limit: float | None = None         # … or at most this

    @property
    def reached(self):
        return reached(self.value, self.target, self.limit)


def reached(value, target=None, limit=None):
    """True, False, or None where nothing was asked for."""
    if target is None and limit is None:
        return None
    return (target is None or value >= target) and (limit is None or value <= limit)
