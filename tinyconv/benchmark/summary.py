"""From measurements to numbers: medians, ratios, and how far they spread.

A *ratio* says how many times better ours is than the best of the others: rate ÷ rate, or the
other's time ÷ ours. It is taken round by round, so that both of its numbers were measured within
the same seconds; its median and its extremes over the rounds are what a table shows.
"""
import math
import statistics

from .case import OURS, reached

AGREE = 1e-3                           # how far the fingerprints of two sides may differ


def spread(values):
    """Median, least and greatest."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def ratios(ours, others, more_is_better):
    """Ours against the best of the others, for every round.

    `ours` is a value for each round, `others` a dictionary {side: a value for each round}.
    """
    best = map(max if more_is_better else min, zip(*others.values()))
    return [a / b if more_is_better else b / a for a, b in zip(ours, best)]


def geometric_mean(values):
    """exp of the mean of the logarithms of positive numbers"""
    return math.exp(statistics.fmean(map(math.log, values)))


# ---- a case --------------------------------------------------------------------------------------

def of_case(case, answers, failures):
    """The entry of a case in the JSON.

    answers   {side: [answer of its process, one a round]}
    failures  {side: why it has no value}
    """
    sides = {}
    for side, given in answers.items():
        if side in failures:
            sides[side] = {"failed": failures[side]}
        elif given:
            sides[side] = _of_side(case, given)
    entry = {"group": case.group, "name": case.name, "work": case.work,
             "arguments": case.arguments, "unit": case.unit, "target": case.target,
             "limit": case.limit, "flops": case.flops, "bytes": case.bytes, "sides": sides}
    _compare(case, entry)
    stray = _stray({side: given[0]["fingerprint"] for side, given in answers.items()
                    if "median" in sides.get(side, ()) and "fingerprint" in given[0]})
    if stray:
        entry["stray"] = stray
    return entry


def _of_side(case, answers):
    """{"median", "low", "high", "rounds", …} of one side; other parts than the first are kept by
    their names."""
    parts = [_measured(answer) for answer in answers]
    first, *others = parts[0]
    values = [case.value(p[first]) for p in parts]
    entry = {**spread(values), "rounds": values}
    if case.measure == "time":
        entry["quartiles"] = [[case.value(q) for q in a["parts"][first]["quartiles"]]
                              for a in answers]
        entry["samples"] = [a["parts"][first]["samples"] for a in answers]
    for name in others:
        entry[name] = [case.value(p[name]) for p in parts]
    return entry


def _measured(answer):
    """{part: seconds or bytes} of one answer."""
    if "parts" in answer:
        return {name: part["quartiles"][1] for name, part in answer["parts"].items()}
    return {"": answer["bytes"] if "bytes" in answer else answer["seconds"]}


def _compare(case, entry):
    """Add the ratio, the best of the others and whether the target is reached."""
    good = {side: s for side, s in entry["sides"].items() if "failed" not in s}
    ours, met = good.pop(OURS, None), []
    if ours and good:
        found = ratios(ours["rounds"], {side: s["rounds"] for side, s in good.items()},
                       case.more_is_better)
        choose = max if case.more_is_better else min
        entry["best"] = choose(good, key=lambda side: good[side]["median"])
        entry["ratio"] = {**spread(found), "rounds": found}
        met.append(reached(entry["ratio"]["median"], case.target))
    if ours:
        met.append(reached(ours["median"], limit=case.limit))
    met = [m for m in met if m is not None]
    entry["reached"] = all(met) if met else None


def _stray(fingerprints):
    """The sides that did not compute what the first one did."""
    if not fingerprints:
        return []
    first, *_ = fingerprints.values()
    return [side for side, numbers in fingerprints.items()
            if len(numbers) != len(first) or not all(
                math.isclose(a, b, rel_tol=AGREE) for a, b in zip(first, numbers))]


# ---- several -------------------------------------------------------------------------------------

def of_finding(finding):
    """The entry of a finding in the JSON."""
    return {"text": finding.text, "value": finding.value, "unit": finding.unit,
            "target": finding.target, "limit": finding.limit, "reached": finding.reached}


def median_ratios(cases):
    """The median ratios of those entries that have one."""
    return [case["ratio"]["median"] for case in cases if "ratio" in case]


def straightness(x, y):
    """How far points are from a straight line: the greatest |y − fit| / fit.

    The line is the one of least squares, y ≈ a + b x.
    """
    slope, start = statistics.linear_regression(x, y)
    return max(abs(v - (start + slope * u)) / (start + slope * u) for u, v in zip(x, y))
