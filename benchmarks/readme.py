"""Put the newest tables of `results/` into the project's README: `python benchmarks/readme.py`.

Between `<!-- bench SUITE -->` and `<!-- end -->` stands the table of results/SUITE.md with its
notes; everything else is left as it is.
"""
import re
from pathlib import Path

HERE = Path(__file__).parent
PLACE = re.compile(r"(<!-- bench (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(readme, results):
    """The text of a README with the tables that lie in the folder `results`."""
    def table(place):
        text = (results / f"{place[2]}.md").read_text(encoding="utf-8")
        return place[1] + text.partition("\n")[2].strip() + "\n" + place[3]       # no headline
    return PLACE.sub(table, readme)


if __name__ == "__main__":
    readme = HERE.parent / "README.md"
    readme.write_text(filled(readme.read_text(encoding="utf-8"), HERE / "results"),
                      encoding="utf-8")
