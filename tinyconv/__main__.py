"""The console command: `tinyconv COMMAND …`, or `python -m tinyconv COMMAND …`.

Exit status 0: done; 1: it failed; 2: the command line is wrong; 130 or 143: stopped by Ctrl-C or by
SIGTERM. An error is one line on standard error, and a few where weights do not fit a model;
`--traceback` shows where it came from.
"""
import argparse
import os
import re
import sys
from difflib import get_close_matches

from .checkpoint import Mismatch
from .cli import COMMANDS
from .cli.options import TooManyThreads, UsageError
from .interrupt import started
from .machine import VERSION

# What a user can cause: a bad file, a full disk, data that do not fit. Anything else is a fault of
# ours and keeps its traceback.
FAILURES = (ValueError, OSError, RuntimeError, ArithmeticError, MemoryError, ImportError)
NAMED = 4                              # of what does not fit, in the error of a command


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, formatter_class=argparse.RawDescriptionHelpFormatter,
                         allow_abbrev=False, **kwargs)

    def error(self, message):
        wrong = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        close = wrong and get_close_matches(
            wrong[1], [choice.strip("' ") for choice in wrong[2].split(",")], 1)
        if close:
            message += f"; did you mean {close[0]}?"
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def parser():
    """The parser of the whole command line."""
    top = Parser(prog="tinyconv",
                 description="Train, measure and use small convolutional networks on a CPU.",
                 epilog="example:\n  tinyconv train       LeNet-5 on the embedded digits")
    top.add_argument("--version", action="version", version=f"tinyconv {VERSION}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(command.NAME, help=command.HELP, epilog=command.EXAMPLE,
                                  description=command.HELP[0].upper() + command.HELP[1:] + ".")
        command.options(sub)
        sub.add_argument("--traceback", action="store_true",
                         help="when something fails, show where")
        sub.set_defaults(run=command.run, parser=sub)
    return top


def arguments(argv):
    """The arguments of a command line. What a command does not know ends with a line of its own
    help, and the option that was probably meant."""
    args, unknown = parser().parse_known_args(argv)
    command = vars(args).pop("parser")
    if unknown:
        options = re.findall(r"--[a-z-]+", command.format_help())
        meant = get_close_matches(unknown[0].partition("=")[0], options, 1, cutoff=0.7)
        command.error(f"unrecognized arguments: {' '.join(unknown)}"
                      + (f"; did you mean {meant[0]}?" if meant else ""))
    return args


def main(argv=None):
    """Run a command line, by default that of the process, and return its exit status."""
    args = arguments(argv)
    args.command_line = sys.argv[1:] if argv is None else list(argv)
    try:
        started()
        status = args.run(args)
        sys.stdout.flush()
        return status or 0
    except UsageError as error:
        if isinstance(error, TooManyThreads) and argv is None and os.name == "posix":
            _start_anew(NUMBA_NUM_THREADS=error.count)
        print(f"tinyconv {args.command}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:                      # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FAILURES as error:
        if args.traceback:
            raise
        print(f"tinyconv {args.command}: error: {_said(error)}", file=sys.stderr)
        return 1


def _said(error):
    """The message of an error; of a long list of what does not fit only the first."""
    message = str(error) or type(error).__name__
    head, *lines = message.splitlines()
    if not isinstance(error, Mismatch) or len(lines) <= NAMED + 1:
        return message
    rest = f"    … and {len(lines) - NAMED} more (--traceback shows them)"
    return "\n".join([head, *lines[:NAMED], rest])


def _start_anew(**environment):
    """Run the command of this process again from the start, in another environment."""
    changed = {name: str(value) for name, value in environment.items()}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **changed})


if __name__ == "__main__":
    sys.exit(main())
