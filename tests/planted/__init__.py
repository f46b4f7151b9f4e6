"""Planted errors: deliberate bugs in copies of the package, each of which the tests should catch.

    python -m tests.planted                      plant and try all that are not in the report yet
    python -m tests.planted --only pooling       some of them, by file or by what is wrong

A test suite that passes says little until it has been seen to fail. Here it is shown a few hundred
mistakes of the kinds that are really made: a sign, a factor, a sum that is missing, one index too
far. The bugs are data (`bugs/*.txt`), `bugs.py` reads and plants them, `trial.py` runs the ordinary
tests against a copy with one of them in it, and `report.md` says which test caught which.

Whoever changes a line of the package that a bug is about changes the bug, too, and tries it again:
`tests/test_planted.py` says which. A bug that makes no difference is no bug and does not belong
here; one that makes a difference and is not caught asks for a test.
"""
