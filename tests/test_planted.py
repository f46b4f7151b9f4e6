"""Deliberate bugs: all can still be planted, the report tells of all, and the tests catch most.

The trials themselves take an hour: `python -m tests.planted`. Here a handful of them runs.
"""
import pytest
from planted.bugs import Bug, read, read_all
from planted.report import load, text
from planted.trial import PACKAGE, Outcome, attempt

BUGS = read_all()
MANY, ENOUGH = 200, 0.95

RIGHT = "lambda g, y, a, b: g * a)"
PATCH = """\
= ops/arithmetic.py

the gradient of b in a · b is that of a
- lambda g, y, a, b: g * a)
+ lambda g, y, a, b: g * b)

two lines, of which one stays
- defvjp(sinh, lambda g, y, x: g * cosh(x))
- defvjp(cosh,
+ defvjp(sinh, None)
+ defvjp(cosh,
? only an example

= core/walk.py

a line is left out
- x
+
"""


# ---- the list ------------------------------------------------------------------------------------

def test_a_list_of_bugs_reads_like_a_patch():
    times, sinh, left_out = read(PATCH)
    assert times == ("ops/arithmetic.py", "the gradient of b in a · b is that of a", RIGHT,
                     "lambda g, y, a, b: g * b)", "")
    assert sinh.right == "defvjp(sinh, lambda g, y, x: g * cosh(x))\ndefvjp(cosh,"
    assert sinh.wrong == "defvjp(sinh, None)\ndefvjp(cosh," and sinh.excuse == "only an example"
    assert left_out == ("core/walk.py", "a line is left out", "x", "", "")


@pytest.mark.parametrize("file", sorted({bug.file for bug in BUGS}))
def test_every_bug_changes_one_place_and_leaves_python(tmp_path, file):
    copy = tmp_path / file
    copy.parent.mkdir(parents=True)
    for bug in [bug for bug in BUGS if bug.file == file]:
        copy.write_text((PACKAGE / file).read_text(encoding="utf-8"), encoding="utf-8")
        bug.plant(tmp_path)
        assert bug.wrong != bug.right
        compile(copy.read_text(encoding="utf-8"), file, "exec")


@pytest.mark.parametrize("right, times", [("import", 3), ("nowhere", 0), ("", 0)])
def test_a_text_that_is_not_there_once_is_named(tmp_path, right, times):
    (tmp_path / "one.py").write_text("import a\nimport b\nimport c\n")
    with pytest.raises(ValueError, match=r"one\.py: a bug: the text to change"):
        Bug("one.py", "a bug", right, "wrong").plant(tmp_path)


def test_there_are_many_bugs_and_no_two_are_the_same():
    assert len(BUGS) >= MANY
    assert len({bug.key for bug in BUGS}) == len(BUGS)
    assert len({(bug.file, bug.wrong, bug.right) for bug in BUGS}) == len(BUGS)


# ---- the report ----------------------------------------------------------------------------------

def test_the_report_tells_of_every_bug_and_most_were_caught():
    outcomes = load()
    untried = [bug for bug in BUGS if bug.key not in outcomes]
    assert not untried, f"python -m tests.planted has to try {len(untried)} more"
    missed = [bug for bug in BUGS if not outcomes[bug.key].caught_by]
    assert len(missed) <= (1 - ENOUGH) * len(BUGS)
    assert all(bug.excuse for bug in missed), "the list has to say why these are not caught"


def test_a_report_is_read_as_it_was_written(tmp_path):
    bugs = read(PATCH)
    outcomes = {bugs[0].key: Outcome("test_core::test_one", 1.5), bugs[1].key: Outcome("", 20.0)}
    (tmp_path / "report.md").write_text(text(bugs, outcomes), encoding="utf-8")
    assert load(tmp_path / "report.md") == outcomes
    assert "only an example" in text(bugs, outcomes) and "1 (50.0%)" in text(bugs, outcomes)
    assert load(tmp_path / "none.md") == {}


# ---- trials --------------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("what, test", [
    ("the gradient of b in a · b is that of a", "test_ops_elementwise"),
    ("the last part of a gradient replaces those before it", "test_core_walk"),
    ("momentum the other way round", "test_functional_normalization"),
    ("CosineAnnealingLR: over one step less", "test_optim"),
    ("put: assigns instead of adding", "test_kernels_pooling"),
])
def test_a_planted_bug_is_caught_by_the_tests_of_its_file(what, test):
    (bug,) = [bug for bug in BUGS if bug.what == what]
    assert attempt(bug).caught_by.startswith(test)


def test_a_package_that_cannot_be_imported_proves_nothing():
    with pytest.raises(RuntimeError, match="could not run"):
        attempt(Bug("ops/arithmetic.py", "a name that is not there", RIGHT, RIGHT + "\nno_such()"))
