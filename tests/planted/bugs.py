"""The bugs: what is wrong, in which file, the right text and the wrong one.

A file of bugs reads like a patch. A line `= file` says which file of the package the following are
for; then, between empty lines, each bug has a line in words, what it takes away and what it puts
there instead:

    = ops/arithmetic.py

    the gradient of b in a − b without its sign
    - lambda g, y, a, b: -g)
    + lambda g, y, a, b: g)

The text that is taken away, a part of a line or several lines, stands in the file exactly once.
Where no test can be expected to notice, a line `? reason` says why.
"""
import hashlib
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Bug(NamedTuple):
    """One bug: the text of a file that is right, and the wrong one in its place."""
    file: str                          # below tinyconv/
    what: str
    right: str
    wrong: str
    excuse: str = ""

    @property
    def key(self):
        """A name that changes when the bug does."""
        return hashlib.sha256("\0".join(self[:4]).encode()).hexdigest()[:8]

    def plant(self, package):
        """Change the file in a copy of the package; ValueError unless the text is there once."""
        path = Path(package) / self.file
        text = path.read_text(encoding="utf-8")
        if not self.right or text.count(self.right) != 1:
            raise ValueError(f"{self.file}: {self.what}: the text to change is there "
                             f"{text.count(self.right)} times, expected once:\n{self.right}")
        path.write_text(text.replace(self.right, self.wrong), encoding="utf-8")


def read(text):
    """The bugs in a text of the form above."""
    found, file = [], None
    for block in text.strip().split("\n\n"):
        first, *lines = block.strip("\n").split("\n")
        if first.startswith("= "):
            file = first[2:]
            continue
        right, wrong, excuse = ("\n".join(line[2:] for line in lines if line[0] == sign)
                                for sign in "-+?")
        found.append(Bug(file, first, right, wrong, excuse))
    return found


def read_all():
    """All bugs, file by file."""
    return [bug for path in sorted((HERE / "bugs").glob("*.txt"))
            for bug in read(path.read_text(encoding="utf-8"))]
