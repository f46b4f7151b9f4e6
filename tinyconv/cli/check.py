"""`tinyconv check`: are the derivatives of every operation right?"""
import dataclasses
import difflib
import importlib.util

from ..testing.catalogue import OPERATIONS
from ..testing.comparison import NO_TORCH
from ..testing.operations import check_operation
from . import options as common

NAME = "check"
HELP = "check the derivatives of every operation"
EXAMPLE = """\
examples:
  tinyconv check                        every operation, to second order
  tinyconv check conv2d batch_norm      some of them
  tinyconv check --complex              derivatives to the last digits, too
  tinyconv check --torch                values, dtypes and gradients against PyTorch, too
  tinyconv check conv2d --seed 7 --problems 1       one problem again

Each problem has random shapes, options and layouts in memory. On each, derivatives along random
directions are compared with finite differences in float64, and float32 with float64. The numbers
are the worst relative errors found. Exit status 1 if anything is wrong."""


def options(parser):
    """Add what the command takes to its parser."""
    parser.add_argument("operations", nargs="*", metavar="OP",
                        help="names such as conv2d or softmax (default: all)")
    parser.add_argument("--complex", action="store_true",
                        help="compare with complex steps, too: right to 1e-12")
    parser.add_argument("--torch", action="store_true", help="compare with PyTorch, too")
    parser.add_argument("--problems", type=common.whole, default=50, metavar="N",
                        help="problems for each operation (default: 50)")
    parser.add_argument("--seed", type=common.seed, default=0, metavar="S",
                        help="of the first problem; the next has S + 1 (default: 0)")
    parser.add_argument("--list", action="store_true", help="only name the operations")
    common.add_json(parser)


def run(args):
    """Do what the command is for; returns its exit status."""
    names = args.operations or list(OPERATIONS)
    _check_names(names)
    if args.list:
        return common.print_json(names) if args.json else print("\n".join(names))
    if args.torch and importlib.util.find_spec("torch") is None:
        raise common.UsageError(f"--torch: {NO_TORCH}")
    verdicts = _check(names, args)
    if args.json:
        common.print_json([dataclasses.asdict(verdict) for verdict in verdicts])
    else:
        _print(verdicts, args)
    return 1 if any(verdict.failure for verdict in verdicts) else 0


def _check_names(names):
    unknown = []
    for name in names:
        if name not in OPERATIONS:
            close = difflib.get_close_matches(name, OPERATIONS, n=3)
            hint = (f"did you mean {' or '.join(close)}?" if close else
                    "tinyconv check --list has all names")
            unknown.append(f"unknown operation {name!r}; {hint}")
    if unknown:
        raise common.UsageError("\n".join(unknown))


def _check(names, args):
    from tqdm import tqdm

    with tqdm(names, unit="op", leave=False, disable=None, dynamic_ncols=True) as bar:
        verdicts = []
        for name in bar:
            bar.set_postfix_str(name)
            verdicts.append(check_operation(OPERATIONS[name], args.problems, args.seed,
                                            args.complex, args.torch))
    return verdicts


# ---- the table -----------------------------------------------------------------------------------

def _print(verdicts, args):
    width = max(len(verdict.name) for verdict in verdicts) + 2
    heads = ["problems", "1st order", "2nd order", *["complex"] * args.complex,
             *["PyTorch"] * args.torch, "seconds"]
    print(" " * width + "".join(f"{head:>11}" for head in heads))
    for verdict in verdicts:
        cells = [str(verdict.problems), *map(_error, _two(verdict.worst)),
                 *[_error(verdict.complex)] * args.complex,
                 *[_error(verdict.torch)] * args.torch, f"{verdict.seconds:.2f}"]
        print(f"{verdict.name:{width}}" + "".join(f"{cell:>11}" for cell in cells)
              + ("   WRONG" if verdict.failure else ""))
    failed = [verdict for verdict in verdicts if verdict.failure]
    for verdict in failed:
        print(f"\n{verdict.name}: {verdict.failure}\nAgain: {verdict.reproduction}")
    problems, seconds = (sum(getattr(verdict, what) for verdict in verdicts)
                         for what in ("problems", "seconds"))
    print(f"\n{len(verdicts) - len(failed)} of {len(verdicts)} operations right on {problems:,} "
          f"problems, {seconds:.0f} s")
    if args.complex:
        worst = max(verdicts, key=lambda verdict: verdict.complex or 0.0)
        print(f"worst against complex steps: {worst.complex or 0.0:.1e} ({worst.name})")


def _two(worst):
    return [*worst, None][:2]


def _error(value):
    return "–" if value is None else "exact" if value == 0 else f"{value:.1e}"
