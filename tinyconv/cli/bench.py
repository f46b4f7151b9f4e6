"""`tinyconv bench`: how fast, side by side with PyTorch."""
import sys
from difflib import get_close_matches

from .. import benchmark, machine
from . import options as common

NAME = "bench"
HELP = "measure speed and memory, side by side with PyTorch"
FOLDER = "benchmarks/results"
EXAMPLE = """\
examples:
  tinyconv bench --list                        what can be measured
  tinyconv bench training inference            two suites, kept under benchmarks/results
  tinyconv bench kernels --only "16 → 16"      a few cases: shown, and kept only with --out
  tinyconv bench --quick                       does everything work? (a few minutes)
  tinyconv bench kernels --redraw              the table and the figure from the JSON again

Each side works in a process of its own, the sides take turns, and every round starts new processes.
Leave the machine alone meanwhile. PyTorch: pip install 'tinyconv[bench]'."""


def options(parser):
    """Add what the command takes to its parser."""
    parser.add_argument("suites", nargs="*", metavar="SUITE",
                        help=f"of {', '.join(benchmark.SUITES)} (default: all)")
    parser.add_argument("--list", action="store_true", help="say what each suite measures")
    parser.add_argument("--only", metavar="TEXT", help="only cases whose name contains TEXT")
    parser.add_argument("--without", action="append", default=[], metavar="SIDE",
                        choices=benchmark.SIDES[1:],
                        help=f"leave out a side: {', '.join(benchmark.SIDES[1:])}")
    parser.add_argument("--repeats", type=common.whole, metavar="R",
                        help="rounds (default: 5, with --quick 1)")
    parser.add_argument("--quick", action="store_true",
                        help="a few small cases: to see that it works, not to measure")
    parser.add_argument("--redraw", action="store_true",
                        help="measure nothing: make tables and figures from the JSON in --out")
    parser.add_argument("--out", metavar="DIR",
                        help=f"where SUITE.json, .md and .png go (default: {FOLDER}; quick and "
                             "partial runs are kept only if this is given)")
    common.add_threads(parser)
    common.add_json(parser)


def run(args):
    """Do what the command is for; returns its exit status."""
    names = args.suites or list(benchmark.SUITES)
    for name in names:
        if name not in benchmark.SUITES:
            close = get_close_matches(name, benchmark.SUITES, 1)
            raise common.UsageError(f"unknown suite {name!r}; " + (
                f"did you mean {close[0]}?" if close else
                f"there are {', '.join(benchmark.SUITES)}"))
    if args.list:
        return _list(args, names)
    suites = [benchmark.SUITES[name] for name in names]
    if args.only and not any(_chosen(suite, args) for suite in suites):
        raise common.UsageError(f"--only {args.only!r}: no case is called so; "
                                "tinyconv bench --list --json has all their names")
    documents = [_redraw(suite, args) if args.redraw else _measure(suite, args)
                 for suite in suites if _chosen(suite, args)]
    if args.json:
        common.print_json(documents)
    failed = [case for document in documents for case in document["cases"]
              if "failed" in case["sides"].get(benchmark.OURS, {})]
    return 1 if failed else 0


def _chosen(suite, args):
    """The cases of a suite that the command line asks for."""
    return [case for case in suite.cases(args.quick)
            if not args.only or args.only.lower() in case.title.lower()]


def _list(args, names):
    suites = [benchmark.SUITES[name] for name in names]
    if args.json:
        return common.print_json([{"suite": suite.name, "about": suite.about,
                                   "cases": [case.title for case in suite.cases()]}
                                  for suite in suites])
    for suite in suites:
        print(f"{suite.name:10} {len(suite.cases()):4} cases   {suite.about}")


def _measure(suite, args):
    """Measure a suite with a progress bar, keep it if it is to be kept, and show its table."""
    from tqdm import tqdm

    rounds = args.repeats or (1 if args.quick else 5)
    partial = args.quick or args.only or args.without
    folder = args.out or (None if partial else FOLDER)
    total = rounds * sum(len(set(case.sides) - set(args.without)) for case in _chosen(suite, args))
    with tqdm(total=total, desc=suite.name, leave=False, disable=None, dynamic_ncols=True) as bar:
        def tick(title, side):
            bar.set_postfix_str(f"{title}: {side}", refresh=False)
            bar.update()

        document = benchmark.measure(
            suite, rounds, args.threads or machine.cores(), quick=args.quick, only=args.only,
            without=args.without, tick=tick,
            after=None if folder is None else lambda found: benchmark.keep(found, folder))
    return _shown(document, args)


def _redraw(suite, args):
    """The table and the figure of what was measured before, made again."""
    document = benchmark.read(args.out or FOLDER, suite.name)
    benchmark.keep(document, args.out or FOLDER)
    return _shown(document, args)


def _shown(document, args):
    print(benchmark.plain(document) + "\n", file=sys.stderr if args.json else sys.stdout,
          flush=True)
    return document
