"""The arithmetic of the benchmarks, on made-up timings; and the cases that they are made of."""
import math

import pytest

from tinyconv.benchmark import SUITES, summary
from tinyconv.benchmark.case import (CHANNELS_LAST, COMPILE, EAGER, OURS, Case, Finding, reached)
from tinyconv.benchmark.sides.clock import measure, quartiles
from tinyconv.benchmark.sides.work import Work
from tinyconv.benchmark.suites import roofline


def timed(*seconds, fingerprint=(1.0,)):
    """Answers of a process, one a round, that took so many seconds."""
    return [{"parts": {"step": {"quartiles": [0.9 * s, s, 1.1 * s], "samples": 7}},
             "fingerprint": list(fingerprint)} for s in seconds]


def case(unit="images/s", amount=100, **options):
    return Case("group", "name", "train", {}, unit, amount, **options)


# ---- one case ------------------------------------------------------------------------------------

def test_a_value_is_the_median_over_the_rounds_and_its_spread_their_extremes():
    entry = summary.of_case(case(), {OURS: timed(2.0, 1.0, 4.0)}, {})
    ours = entry["sides"][OURS]
    assert (ours["median"], ours["low"], ours["high"]) == (50, 25, 100)
    assert ours["rounds"] == [50, 100, 25] and ours["samples"] == [7, 7, 7]
    assert ours["quartiles"][1] == pytest.approx([100 / 0.9, 100, 100 / 1.1])


@pytest.mark.parametrize("unit, amount", [("images/s", 100), ("ms", 1e3)])
def test_a_ratio_above_one_means_that_ours_is_better_for_rates_and_for_times(unit, amount):
    entry = summary.of_case(case(unit, amount), {OURS: timed(1.0), EAGER: timed(3.0),
                                                 COMPILE: timed(2.0)}, {})
    assert entry["ratio"]["median"] == pytest.approx(2.0)
    assert entry["best"] == COMPILE


def test_ratios_are_taken_round_by_round_against_the_best_of_that_round():
    entry = summary.of_case(case("ms", 1e3), {OURS: timed(1.0, 1.0, 2.0),
                                              EAGER: timed(2.0, 9.0, 9.0),
                                              CHANNELS_LAST: timed(9.0, 3.0, 2.0)}, {})
    assert entry["ratio"]["rounds"] == pytest.approx([2, 3, 1])
    assert entry["ratio"] | {"rounds": 0} == pytest.approx({"median": 2, "low": 1, "high": 3,
                                                            "rounds": 0})


def test_a_machine_that_slows_down_does_not_change_the_ratio():
    steady = summary.of_case(case(), {OURS: timed(1, 1, 1), EAGER: timed(2, 2, 2)}, {})
    slowing = summary.of_case(case(), {OURS: timed(1, 2, 5), EAGER: timed(2, 4, 10)}, {})
    assert steady["ratio"] == slowing["ratio"]


@pytest.mark.parametrize("options, ours, expected", [
    ({"target": 1.25}, 0.8, True), ({"target": 1.25}, 0.81, False), ({}, 0.5, None),
    ({"limit": 500.0}, 0.5, True), ({"limit": 499.0}, 0.5, False),
    ({"target": 1.25, "limit": 100.0}, 0.5, False)])
def test_a_target_is_reached_or_not(options, ours, expected):
    entry = summary.of_case(case("ms", 1e3, **options),
                            {OURS: timed(ours), EAGER: timed(1.0)}, {})
    assert entry["reached"] is expected


def test_a_target_without_anything_to_compare_with_is_not_called_reached():
    entry = summary.of_case(case(target=1.0), {OURS: timed(1.0), EAGER: []},
                            {EAGER: "PyTorch is not installed"})
    assert "ratio" not in entry and entry["reached"] is None
    assert entry["sides"][EAGER] == {"failed": "PyTorch is not installed"}


def test_a_side_that_failed_in_a_later_round_has_no_value():
    entry = summary.of_case(case(), {OURS: timed(1, 1), EAGER: timed(1)}, {EAGER: "killed"})
    assert entry["sides"][EAGER] == {"failed": "killed"} and "ratio" not in entry


def test_sides_that_did_other_work_are_named():
    entry = summary.of_case(case(), {OURS: timed(1.0, fingerprint=[3.0, 10]),
                                     EAGER: timed(1.0, fingerprint=[3.0001, 10]),
                                     CHANNELS_LAST: timed(1.0, fingerprint=[3.2, 10]),
                                     COMPILE: timed(1.0, fingerprint=[3.0])}, {})
    assert entry["stray"] == [CHANNELS_LAST, COMPILE]


def test_memory_and_starts_of_processes_are_amounts():
    memory = Case("g", "n", "train", {}, "MiB", 2.0 ** -20, measure="memory")
    entry = summary.of_case(memory, {OURS: [{"bytes": 2 ** 21, "fingerprint": [1]}],
                                     EAGER: [{"bytes": 2 ** 22, "fingerprint": [1]}]}, {})
    assert entry["sides"][OURS]["median"] == 2 and entry["ratio"]["median"] == 2
    first = Case("g", "n", "train", {}, "s", 1.0, measure="first")
    assert summary.of_case(first, {OURS: [{"seconds": 3.0}]}, {})["sides"][OURS]["median"] == 3


# ---- several -------------------------------------------------------------------------------------

def test_a_geometric_mean_weighs_twice_as_fast_like_twice_as_slow():
    assert summary.geometric_mean([2.0, 0.5, 1.0]) == pytest.approx(1.0)


def test_straightness_is_zero_on_a_line_and_the_worst_deviation_off_it():
    x = [20, 32, 44, 56, 110]
    assert summary.straightness(x, [5 + 2 * v for v in x]) == pytest.approx(0, abs=1e-12)
    bent = summary.straightness(x, [v ** 2 for v in x])
    assert bent > 0.2


def test_a_finding_compares_with_what_was_asked_for():
    assert reached(1.0, target=1.0) and not reached(0.99, target=1.0)
    assert Finding("x", 4.0, "%", limit=5).reached is True
    assert Finding("x", 4.0).reached is None


def test_the_loader_share_is_taken_from_epochs_and_bare_steps_of_the_same_round():
    found = SUITES["epochs"].findings([{"group": "g", "sides": {
        OURS: {"rounds": [1.05, 2.0, 1.02], "bare": [1.0, 1.0, 1.0]}, EAGER: {"failed": "x"}}}])
    assert [f.value for f in found] == pytest.approx([5.0])
    assert found[0].limit == 5


def test_the_roof_is_the_slower_of_arithmetic_and_memory():
    def entry(flops, nbytes, median):
        return {"flops": flops, "bytes": nbytes, "sides": {OURS: {"median": median}}}
    copies = {1_000: 100.0, 1_000_000: 10.0}               # GB/s
    assert roofline.share(entry(2e9, 1_000, 50.0), 100.0, copies) == pytest.approx(0.5)
    assert roofline.share(entry(0, 1_000_000, 5.0), 100.0, copies) == pytest.approx(0.5)


# ---- the clock -----------------------------------------------------------------------------------

def test_the_clock_warms_up_then_takes_samples_of_all_parts_in_turn():
    calls = []
    work = Work({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, list,
                warm_up=lambda: calls.append("warm"))
    samples = measure(work, seconds=0, least=3)
    assert calls == ["warm", "a", "b", "a", "b", "a", "b"]
    assert len(samples["a"]) == len(samples["b"]) == 3 and min(samples["a"]) >= 0


def test_quartiles_of_few_samples():
    assert quartiles([2.0]) == [2, 2, 2]
    assert quartiles([3.0, 1.0, 2.0, 4.0, 5.0]) == [2, 3, 4]


# ---- the cases -----------------------------------------------------------------------------------

@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_every_case_has_a_name_of_its_own_and_quick_ones_are_small(suite):
    titles = [case.title for case in suite.cases()]
    assert len(set(titles)) == len(titles) > 0
    for small in suite.cases(quick=True):
        assert small.title in titles and small.arguments.get("N", 1) <= 2
        assert small.target is None and small.limit is None


def test_the_targets_of_the_issue_stand_beside_the_cases():
    def wanted(suite, **arguments):
        return [c.target for c in SUITES[suite].cases()
                if arguments.items() <= c.arguments.items()]
    assert wanted("training", model="resnet20", N=128) == [1.25]
    assert wanted("training", model="resnet20", N=32) == [1.25]
    assert wanted("training", model="lenet5", N=64) == [2.0]
    assert wanted("training", model="vgg11", N=64) == [1.0]
    assert wanted("inference", model="resnet20", N=1) == [1.0]
    assert wanted("memory", model="resnet20", N=128) == [1.0]
    assert wanted("dispatch", length=1000, backward=True) == [pytest.approx(2 / 3)]
    assert {c.limit for c in SUITES["startup"].cases()} == {25, 40, 2, 3}
    assert [c.limit for c in SUITES["epochs"].cases()] == [2.5, None]


def test_a_convolution_counts_two_operations_for_each_multiply_add():
    conv = next(c for c in SUITES["kernels"].cases()
                if c.name == "32 → 64, 3×3/2, 16×16, forward")
    assert conv.flops == 2 * 128 * 8 * 8 * 32 * 64 * 9
    assert conv.bytes == 4 * (128 * 32 * 16 * 16 + 64 * 32 * 9 + 128 * 64 * 8 * 8)
    assert math.isclose(conv.value(1e-3), conv.flops / 1e9 / 1e-3)
