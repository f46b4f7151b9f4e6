"""Put the newest results into the project's README: `python benchmarks/readme.py`.

Between `<!-- bench SUITE -->` and `<!-- end -->` stands the table of results/SUITE.md with its
notes; between `<!-- trust -->` and `<!-- end -->` a row for each results/trust-FIGURE.json.
Everything else is left as it is.
"""
import json
import re
from pathlib import Path

HERE = Path(__file__).parent
PLACE = re.compile(r"(<!-- bench (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
TRUST = re.compile(r"(<!-- trust -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(readme, results):
    """The text of a README with the tables that lie in the folder `results`."""
    def table(place):
        text = (results / f"{place[2]}.md").read_text(encoding="utf-8")
        return place[1] + text.partition("\n")[2].strip() + "\n" + place[3]       # no headline
    readme = PLACE.sub(table, readme)
    return TRUST.sub(lambda place: place[1] + trust(results) + place[2], readme)


def trust(results):
    """What the scripts under trust/ have found, a row each."""
    rows = [("what is done", "found", "command"), ("---",) * 3]
    for path in sorted(results.glob("trust-*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        mark = "" if found["good"] else "✗ "
        rows.append((found["what"], mark + found["found"], f"`{found['command']}`"))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    readme = HERE.parent / "README.md"
    readme.write_text(filled(readme.read_text(encoding="utf-8"), HERE / "results"),
                      encoding="utf-8")
