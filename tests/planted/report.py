"""What came of the trials: `report.md`, written after each of them and read to go on."""
import re
from pathlib import Path

from .trial import Outcome

REPORT = Path(__file__).parent / "report.md"
ROW = re.compile(r"\| `([0-9a-f]{8})` \| .* \| (.*) \| ([\d.]+) \|")
HEAD = """\
# Planted errors

{planted} deliberate bugs, each alone in a copy of the package: {caught} ({share:.1%}) were caught
by the ordinary tests. `python -m tests.planted` makes this report; the seconds are those of a busy
machine.

| room | planted | caught |
|---|---|---|
{rooms}
"""
MISSED = """
## Not caught

{missed}
"""
TABLE = """
## {file}

| key | what is wrong | caught by | seconds |
|---|---|---|---|
{rows}
"""


def load(path=REPORT):
    """The outcomes kept in a report, by the keys of the bugs."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return {key: Outcome("" if name == "nothing" else name.strip("`"), float(seconds))
            for key, name, seconds in ROW.findall(text)}


def save(bugs, outcomes, path=REPORT):
    """Write the report of those of the bugs that were tried."""
    path.write_text(text(bugs, outcomes), encoding="utf-8")


def text(bugs, outcomes):
    """The report, as Markdown."""
    tried = [bug for bug in bugs if bug.key in outcomes]
    missed = [bug for bug in tried if not outcomes[bug.key].caught_by]
    rooms = [f"| {room}/ | {len(there)} | {sum(bug not in missed for bug in there)} |"
             for room, there in _grouped(tried, lambda bug: bug.file.split("/")[0]).items()]
    report = HEAD.format(planted=len(tried), caught=len(tried) - len(missed),
                         share=1 - len(missed) / max(len(tried), 1), rooms="\n".join(rooms))
    if missed:
        report += MISSED.format(missed="\n".join(
            f"* {bug.file}: {bug.what}. {bug.excuse}" for bug in missed))
    for file, there in _grouped(tried, lambda bug: bug.file).items():
        report += TABLE.format(file=file, rows="\n".join(
            f"| `{bug.key}` | {bug.what.replace('|', '∣')} | {_name(outcomes[bug.key])} "
            f"| {outcomes[bug.key].seconds:.1f} |" for bug in there))
    return report


def _grouped(bugs, of):
    groups = {}
    for bug in bugs:
        groups.setdefault(of(bug), []).append(bug)
    return groups


def _name(outcome):
    return f"`{outcome.caught_by}`" if outcome.caught_by else "nothing"
