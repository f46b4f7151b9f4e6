"""`python -m tests.planted`: plant every bug, see which test catches it, keep the report."""
import argparse
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed

from tqdm import tqdm

from .bugs import read_all
from .report import REPORT, load, save
from .trial import attempt

EXAMPLE = """\
examples:
  python -m tests.planted                          go on where the report ends
  python -m tests.planted --again --jobs 2         all of them anew, two at a time
  python -m tests.planted --only pooling --again   those whose file or description says so

Every trial runs the tests, those of the changed file first, until one of them fails. Kernels that a
bug is in are compiled anew, everything else is taken from the cache. Exit status 1 if less than
95 % were caught."""
ENOUGH = 0.95


def main(args=None):
    parser = argparse.ArgumentParser(
        "python -m tests.planted", epilog=EXAMPLE, description=__doc__.split(": ", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="TEXT", default="", help="bugs whose file or description "
                        "contains TEXT")
    parser.add_argument("--again", action="store_true", help="also what the report has already")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at a time")
    parser.add_argument("--timeout", type=float, default=900, metavar="S",
                        help="a trial that takes longer counts as caught: it does not end")
    options = parser.parse_args(args)

    bugs, outcomes = read_all(), load()
    waiting = [bug for bug in bugs if options.only in f"{bug.file}: {bug.what}"
               and (options.again or bug.key not in outcomes)]
    if waiting and not options.only:
        print("nothing planted: all tests have to pass …", flush=True)
        failed = attempt(None, options.timeout).caught_by
        if failed:
            sys.exit(f"nothing is planted, and yet {failed} fails")
    with ThreadPoolExecutor(options.jobs) as pool, tqdm(total=len(waiting), disable=None) as bar:
        trials = {pool.submit(attempt, bug, options.timeout): bug for bug in waiting}
        try:
            for trial in as_completed(trials):
                bug = trials[trial]
                outcomes[bug.key] = trial.result()
                save(bugs, outcomes)
                bar.update()
                bar.write(f"{bug.file}: {bug.what}: {outcomes[bug.key].caught_by or 'NOT CAUGHT'}")
        finally:
            pool.shutdown(cancel_futures=True)
    found = [outcomes[bug.key].caught_by for bug in bugs if bug.key in outcomes]
    caught = sum(map(bool, found))
    print(f"{caught} of {len(found)} caught; see {REPORT}")
    return int(caught < ENOUGH * len(found))


if __name__ == "__main__":
    sys.exit(main())
