"""What is shown and kept of a benchmark: the table, the files, the figures, and the command."""
import importlib.util
import json
import os
from pathlib import Path

import pytest

from tinyconv.__main__ import main
from tinyconv.benchmark import SUITES, figures, folder, keep, markdown, plain, read, summary
from tinyconv.benchmark.case import COMPILE, EAGER, OURS


def script(path):
    """A file outside of the package, as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, Path(__file__).parents[1] / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


README = script("benchmarks/readme.py")


def document(name, **changes):
    """A document of a suite with made-up timings: PyTorch takes 1.1, 1.2 and 1.3 times as long."""
    suite = SUITES[name]
    entries = []
    for case in suite.every():
        answers = {side: [_answer(case, (1 + i / 10 if i else 1) * (1 + r / 50)) for r in range(3)]
                   for i, side in enumerate(case.sides)}
        entries.append(summary.of_case(case, answers, {}))
    return {"format": 1, "suite": name, "about": suite.about, "quick": False, "only": None,
            "without": [], "date": "2026-01-02T03:04:05Z", "threads": 2, "rounds": 3,
            "commit": "0123456789ab", "load": [0.1, 1.9],
            "machine": {"processor": "made up", "cores": 2, "vectors": ["avx2"],
                        "memory_gib": 8.0, "system": "none"},
            "versions": {"python": "3", "numpy": "2", "numba": "0", "llvmlite": "0", "torch": "2"},
            "cases": entries, "findings": [summary.of_finding(f) for f in suite.findings(entries)],
            **changes}


def _answer(case, seconds):
    if case.measure == "memory":
        return {"bytes": 1e8 * seconds, "fingerprint": [1]}
    if case.measure == "first":
        return {"seconds": seconds}
    parts = ("epoch", "bare") if case.work == "epoch" else ("step",)
    return {"parts": {p: {"quartiles": [seconds] * 3, "samples": 5} for p in parts},
            "fingerprint": [1]}


# ---- the table -----------------------------------------------------------------------------------

def test_the_table_shows_target_and_reached_and_the_conditions():
    text = plain(document("training"))
    line = next(line for line in text.splitlines() if "≥ 1.25×" in line)
    assert "1.10× (1.10–1.10)" in line and line.endswith("✗")
    for fact in ("made up", "2 threads", "3 rounds", "commit 0123456789ab", "torch 2", OURS,
                 COMPILE, "2026-01-02"):
        assert fact in text


def test_a_failed_side_a_busy_machine_and_a_quick_run_are_not_silent():
    found = document("training", quick=True, load=[2.6, 2.7])
    found["cases"][0]["sides"][COMPILE] = {"failed": "InvalidCxxCompiler: none found"}
    found["cases"][1]["stray"] = [EAGER]
    for text in (plain(found), markdown(found)):
        assert "torch.compile, 1 case: InvalidCxxCompiler: none found" in text
        assert "busy" in text and "quick run" in text and "did other work" in text
        assert "×* " in text or "×*\n" in text or ")*" in text


def test_markdown_has_as_many_cells_in_every_row():
    rows = [line for line in markdown(document("kernels")).splitlines() if line.startswith("|")]
    assert len(rows) > 100 and len({row.count("|") for row in rows}) == 1


# ---- the files -----------------------------------------------------------------------------------

def test_what_is_kept_can_be_read_again(tmp_path):
    path = keep(document("memory"), tmp_path / "new" / "folder")
    assert sorted(p.name for p in path.parent.iterdir()) == ["memory.json", "memory.md",
                                                             "memory.png"]
    again = read(path.parent, "memory")
    assert plain(again) == plain(document("memory"))
    assert json.loads(path.read_text()) == again
    before = path.read_bytes()
    keep(again, path.parent)                     # reading and writing changes nothing
    assert path.read_bytes() == before


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = keep(document("memory"), tmp_path)
    before = path.read_bytes()
    broken = document("memory", date=object())
    with pytest.raises(TypeError):
        keep(broken, tmp_path)
    with pytest.raises(ValueError):              # JSON has no word for what is not a number
        keep(document("memory", load=[float("nan")]), tmp_path)

    def full(*args):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        keep(document("memory", threads=7), tmp_path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 3    # and no litter


@pytest.mark.parametrize("text, complaint", [
    ("{", "is not JSON"), ("[]", "not a document"), ('{"format": 99}', "not a document")])
def test_a_file_that_is_no_document_is_refused(tmp_path, text, complaint):
    (tmp_path / "memory.json").write_text(text)
    with pytest.raises(ValueError, match=complaint):
        read(tmp_path, "memory")
    with pytest.raises(FileNotFoundError, match="tinyconv bench training"):
        read(tmp_path, "training")


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_has_a_figure(name):
    assert figures.draw(document(name)).startswith(b"\x89PNG")


def test_no_figure_is_drawn_of_nothing():
    nothing = document("training")
    for case in nothing["cases"]:
        case["sides"] = {OURS: {"failed": "x"}}
        del case["ratio"]
    assert figures.draw(nothing) is None
    alone = document("training")
    for case in alone["cases"]:
        case["sides"] = {OURS: case["sides"][OURS]}
        del case["ratio"]
    assert figures.draw(alone) is None


# ---- the command ---------------------------------------------------------------------------------

@pytest.fixture
def tinyconv(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*argv):
        try:
            status = main(["bench", *argv])
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()
    return run


def test_bench_lists_its_suites(tinyconv):
    status, out, err = tinyconv("--list")
    assert status == 0 and [line.split()[0] for line in out.splitlines()] == list(SUITES)
    status, out, err = tinyconv("--list", "--json", "training")
    assert "ResNet-20, batch 128" in json.loads(out)[0]["cases"]


@pytest.mark.parametrize("argv, complaint", [
    (["kernel"], "unknown suite 'kernel'"), (["kernels", "--only", "zebra"], "'zebra'"),
    (["--repeats", "0"], "at least 1"), (["--without", "jax"], "jax")])
def test_a_wrong_command_line_is_one_line_on_standard_error(tinyconv, argv, complaint):
    status, out, err = tinyconv(*argv)
    assert status == 2 and complaint in err and out == "" and err.count("\n") == 1


def test_redraw_without_results_says_what_to_do(tinyconv):
    status, out, err = tinyconv("memory", "--redraw")
    assert status == 1 and "measure first: tinyconv bench memory" in err


def test_redraw_makes_table_and_figure_from_the_json(tinyconv, tmp_path):
    keep(document("memory"), tmp_path)
    (tmp_path / "memory.png").unlink()
    status, out, err = tinyconv("memory", "--redraw", "--out", str(tmp_path))
    assert status == 0 and "MiB" in out and (tmp_path / "memory.png").exists()


def test_a_partial_run_is_shown_and_not_kept(tinyconv, tmp_path):
    sides = ["--without", "torch eager", "--without", "torch channels-last",
             "--without", "torch.compile"]
    status, out, err = tinyconv("kernels", "--quick", "--only", "mean over", "--threads", "1",
                                *sides)
    assert status == 0 and "mean over the image" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_quick_run_from_end_to_end(tinyconv, tmp_path, torch):
    status, out, err = tinyconv("dispatch", "--quick", "--json", "--repeats", "2", "--threads",
                                "1", "--out", str(tmp_path / "results"))
    assert status == 0, err
    (found,) = json.loads(out)
    assert found["rounds"] == 2 and found["quick"] and found["threads"] == 1
    case = found["cases"][0]
    assert set(case["sides"]) == {OURS, EAGER} and "stray" not in case
    assert len(case["ratio"]["rounds"]) == 2
    assert folder.read(tmp_path / "results", "dispatch")["cases"]
    assert "quick run" in err                    # the table, beside the JSON


# ---- the README ----------------------------------------------------------------------------------

def test_only_the_marked_places_of_a_readme_are_filled(tmp_path):
    (tmp_path / "training.md").write_text("## training: steps\n\n| a |\n| - |\n\n* a note\n")
    text = "before\n<!-- bench training -->\nold\n<!-- end -->\nafter\n"
    assert README.filled(text, tmp_path) == (
        "before\n<!-- bench training -->\n| a |\n| - |\n\n* a note\n<!-- end -->\nafter\n")


def test_each_figure_of_trust_has_a_row_and_what_is_not_good_a_mark(tmp_path):
    for name, good in (("kill", True), ("bits", False)):
        found = {"what": f"{name} it", "found": "all", "command": f"python {name}.py", "good": good}
        (tmp_path / f"trust-{name}.json").write_text(json.dumps(found))
    assert README.filled("<!-- trust -->\n<!-- end -->", tmp_path) == (
        "<!-- trust -->\n| what is done | found | command |\n| --- | --- | --- |\n"
        "| bits it | ✗ all | `python bits.py` |\n| kill it | all | `python kill.py` |\n<!-- end -->")


def test_the_readme_shows_the_newest_tables():
    here = Path(__file__).parents[1]
    readme = (here / "README.md").read_text(encoding="utf-8")
    assert "<!-- bench training -->" in readme
    assert README.filled(readme, here / "benchmarks" / "results") == readme, (
        "python benchmarks/readme.py")
