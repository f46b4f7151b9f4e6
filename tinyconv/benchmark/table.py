"""A document of a suite as a table: for the terminal, and in Markdown."""
from .case import OURS

BUSY = 0.5                             # processes running on average: more, and timings are noisy


# ---- numbers -------------------------------------------------------------------------------------

def number(value):
    """Three significant digits: 0.0123, 1.23, 12.3, 123, 1,234."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")


def ratio(entry):
    """"1.32 (1.28–1.35)×", with a star where a side is missing; "" without a ratio."""
    if "ratio" not in entry:
        return ""
    r = entry["ratio"]
    star = "*" if any("failed" in side for side in entry["sides"].values()) else ""
    return f"{r['median']:.2f}× ({r['low']:.2f}–{r['high']:.2f}){star}"


def wanted(entry):
    """What was asked for: "≥ 1.25×", "≤ 2.5 s"."""
    parts = [f"≥ {entry['target']:.2f}×"] if entry["target"] is not None else []
    parts += [f"≤ {entry['limit']:g} {entry['unit']}"] if entry["limit"] is not None else []
    return ", ".join(parts)


def mark(reached):
    """The sign for a target that is reached, missed, or not there (None)."""
    return {True: "✓", False: "✗", None: ""}[reached]


def finding(f):
    """A finding in one line."""
    asked = (f", wanted ≥ {f['target']:g}" if f["target"] is not None else
             f", wanted ≤ {f['limit']:g}" if f["limit"] is not None else "")
    return f"{f['text']}: {number(f['value'])} {f['unit']}{asked} {mark(f['reached'])}".rstrip()


# ---- rows ----------------------------------------------------------------------------------------

def _sides(document):
    """All sides of a document, in the order of the cases."""
    return list(dict.fromkeys(side for case in document["cases"] for side in case["sides"]))


def _head(document):
    return ["", "unit", *_sides(document), "ratio", "wanted", ""]


def _cells(case, sides):
    def value(side):
        measured = case["sides"].get(side)
        return "" if measured is None else "–" if "failed" in measured else number(
            measured["median"])
    return [case["name"], case["unit"], *map(value, sides), ratio(case), wanted(case),
            mark(case["reached"])]


def _groups(document):
    """[(group, [cases])] in order."""
    groups = {}
    for case in document["cases"]:
        groups.setdefault(case["group"], []).append(case)
    return list(groups.items())


# ---- around the table ----------------------------------------------------------------------------

def conditions(document):
    """On what, with what and when it was measured: a few lines."""
    m, v = document["machine"], document["versions"]
    memory = f", {m['memory_gib']:g} GiB" if m["memory_gib"] else ""
    versions = ", ".join(f"{name} {v[name] or 'not installed'}" for name in
                         ("python", "numpy", "numba", "llvmlite", "torch"))
    loads = " → ".join("?" if x is None else f"{x:g}" for x in document["load"])
    return [f"{m['processor']}, {m['cores']} cores{memory}, {' '.join(m['vectors'])}",
            versions,
            f"{document['date']}, commit {document['commit'] or 'unknown'}, "
            f"{_count(document['threads'], 'thread')}, {_count(document['rounds'], 'round')}, "
            f"load {loads}"]


def notes(document):
    """What a reader has to know about this table: a list of lines."""
    found = []
    if document["quick"]:
        found.append("A quick run: it shows that everything works, its numbers mean nothing.")
    if document["load"][0] is not None and document["load"][0] > BUSY:
        found.append(f"The machine was busy when this began (load {document['load'][0]:g}): "
                     "the numbers are noisy.")
    found += [f"{side} was left out." for side in document["without"]]
    reasons = {}
    for case in document["cases"]:
        for side, measured in case["sides"].items():
            if "failed" in measured:
                reasons.setdefault((side, measured["failed"]), []).append(case)
    found += [f"– {side}, {_count(len(cases), 'case')}: {reason}"
              for (side, reason), cases in reasons.items()]
    if any(side != OURS for side, _ in reasons):
        found.append("* against the sides that have a number.")
    found += [f"{case['group']}, {case['name']}: {', '.join(case['stray'])} did other work than "
              f"{OURS}; compare nothing." for case in document["cases"] if case.get("stray")]
    return found


def legend(document):
    """How to read the columns."""
    if not any("ratio" in case for case in document["cases"]):
        return "Medians over the rounds."
    return ("Medians over the rounds. Ratio: how many times better ours is than the best of the "
            "others, taken round by round: median (least–greatest).")


def _count(n, what):
    return f"{n} {what}{'' if n == 1 else 's'}"


# ---- the two forms -------------------------------------------------------------------------------

def plain(document):
    """The table for a terminal."""
    sides, head = _sides(document), _head(document)
    body = [_cells(case, sides) for case in document["cases"]]
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
    widths[0] += 2

    def line(cells):
        first, *rest = cells
        return "  ".join([f"{first:{widths[0]}}",
                          *(f"{cell:>{w}}" for cell, w in zip(rest, widths[1:]))]).rstrip()
    lines = [f"{document['suite']}: {document['about']}", *conditions(document), "", line(head)]
    for group, cases in _groups(document):
        lines += [group, *(line(["  " + name, *rest]) for name, *rest in
                           (_cells(case, sides) for case in cases))]
    return "\n".join([*lines, "", legend(document), *notes(document),
                      *map(finding, document["findings"])])


def markdown(document):
    """The table in Markdown."""
    sides, head = _sides(document), _head(document)
    lines = [f"## {document['suite']}: {document['about']}", "",
             _row(head), _row(["---", "---", *["---:"] * len(sides), "---:", "---:", "---"])]
    for group, cases in _groups(document):
        lines.append(_row([f"**{group}**", *[""] * (len(head) - 1)]))
        lines += [_row(_cells(case, sides)) for case in cases]
    text = [legend(document), *notes(document), *map(finding, document["findings"]),
            *conditions(document)]
    return "\n".join([*lines, "", *(f"* {line.removeprefix('* ')}" for line in text), ""])


def _row(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
