"""Mutated files of every kind are refused with the right error, or read rightly; quickly.

A short part of what `python benchmarks/trust/fuzz.py` does with 100 000 files; and the judges are
shown readers that are wrong.
"""
import collections
import gzip
import os
import sys
import time
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from tinyconv.data import FormatError

TRUST = Path(__file__).parents[1] / "benchmarks" / "trust"
sys.path.insert(0, str(TRUST))
import fuzz  # noqa: E402
import mutants  # noqa: E402

sys.path.remove(str(TRUST))
CASES = 350                            # of each kind


@pytest.mark.parametrize("name", mutants.KINDS)
def test_every_sample_is_read_before_it_is_altered(name, tmp_path):
    kind = mutants.KINDS[name]()
    for sample in kind.samples:
        content = gzip.compress(sample) if name == "tar" else sample
        (tmp_path / "file").write_bytes(content)
        kind.read(tmp_path / "file", sample)


@pytest.mark.parametrize("name", mutants.KINDS)
def test_a_mutated_file_is_refused_with_the_right_error_or_read_rightly(name, tmp_path):
    outcomes = collections.Counter()
    for number in range(CASES):
        outcome, _ = mutants.judge(name, number, tmp_path / "file")
        assert outcome in ("refused", "valid"), f"fuzz.py --show '{name}' {number}: {outcome}"
        outcomes[outcome] += 1
    assert outcomes["refused"] > CASES / 3 and outcomes["valid"] >= 5


def test_a_case_is_always_the_same_file():
    for name in mutants.KINDS:
        some = [mutants.mutant(name, number)[0] for number in range(20)]
        assert some == [mutants.mutant(name, number)[0] for number in range(20)]
        assert len(set(some)) > 15 and some != [mutants.mutant(name, n, 1)[0] for n in range(20)]


# ---- the judges are judged -----------------------------------------------------------------------

@pytest.mark.parametrize("read, outcome", [
    (lambda path, sample: None, "valid"),
    (lambda path, sample: mutants.expect(False, "zeros"), "wrong: zeros"),
    (lambda path, sample: {}["key"], "wrong kind of error: KeyError: 'key'"),
    (lambda path, sample: path.read_bytes().decode("ascii"), "wrong kind of error: UnicodeDecode"),
    (lambda path, sample: _refuse(), "no reason given: FormatError()"),
    (lambda path, sample: warnings.warn("odd", stacklevel=1), "wrong kind of error: UserWarning"),
    (lambda path, sample: _work_for(0.05), "slow, 0."),
])
def test_a_reader_that_is_wrong_is_caught(read, outcome, tmp_path, monkeypatch):
    monkeypatch.setitem(mutants.KINDS, "IDX", lambda: replace(mutants.idx(), read=read))
    monkeypatch.setattr(mutants, "LIMIT", 0.04)
    number = next(n for n in range(100) if not mutants.mutant("IDX", n)[0].isascii())
    assert mutants.judge("IDX", number, tmp_path / "file")[0].startswith(outcome)


def _refuse():
    raise FormatError


def _work_for(seconds):
    start = time.process_time()
    while time.process_time() < start + seconds:
        pass


def test_a_reader_that_does_not_compare_checksums_is_caught(tmp_path, monkeypatch):
    def believing(path, size):
        try:
            return zlib.decompressobj(-15).decompress(path.read_bytes()[10:], size)
        except zlib.error as error:
            raise FormatError("damaged") from error

    monkeypatch.setattr(mutants, "unpack", believing)
    outcomes = {mutants.judge("gzip and xz", n, tmp_path / "file")[0] for n in range(100)}
    assert "wrong: other content" in outcomes


WORKER = """
import os, signal, sys
first, last = map(int, sys.argv[3:5])
for number in range(first, last):
    if number == 2:
        os.abort()
    if number == 4:
        signal.setitimer(signal.ITIMER_PROF, 0.05)
        while True: pass
    print(number, 1.5, 2e6, "refused" if number else "wrong: it was", flush=True)
if last == 6:
    print("a library said something", file=sys.stderr)
"""


@pytest.mark.skipif(os.name != "posix", reason="the signals are those of POSIX")
def test_a_crash_a_hang_and_what_a_library_says_are_failures_of_the_case(tmp_path, monkeypatch):
    (tmp_path / "worker.py").write_text(WORKER)
    monkeypatch.setattr(fuzz, "__file__", str(tmp_path / "worker.py"))
    with fuzz.tqdm(disable=True) as bar:
        found = fuzz.survey("tar", 6, 0, bar)
    assert found["refused"] == 3 and found["slowest_ms"] == 1.5 and found["valid"] == 0
    first, crash, hang, said = found["failures"]
    assert first == "tar 0: wrong: it was"
    assert crash.startswith("tar 2: the process ended with 'Aborted'")
    assert hang.startswith("tar 4: the process ended with 'Profiling timer expired'")
    assert "a library said something" in said
    assert "tar " in fuzz.table({"tar": found})
