"""What several commands share: options, checks of names, and output for programs."""
import argparse
import json
import re
import sys

import numba

from .. import data, machine, models, training
from ..kernels.compile import start_threads


class UsageError(Exception):
    """The command line itself is wrong: exit status 2."""


MOST_THREADS = 256                     # that may be asked for, unless there are more cores


class TooManyThreads(UsageError):
    """More threads than numba's pool has; its size is settled when numba is imported."""

    def __init__(self, count):
        super().__init__(f"--threads {count}: there are {numba.config.NUMBA_NUM_THREADS}; for more "
                         f"set NUMBA_NUM_THREADS={count} in the environment")
        self.count = count


def add_json(parser):
    """--json"""
    parser.add_argument("--json", action="store_true",
                        help="print the result as JSON, for programs")


def add_threads(parser):
    """--threads N"""
    parser.add_argument("--threads", type=whole, metavar="N",
                        help="number of threads (default: one for each core)")


def whole(text):
    """A whole number of at least 1, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return value


def positive(text):
    """A number above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def not_negative(text):
    """A number of at least 0, for argparse."""
    return 0.0 if text in ("0", "0.0") else positive(text)


def interval(text):
    """A number of steps or of seconds, for argparse; the text itself."""
    try:
        training.folder.interval(text)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a number of steps such as 500, or of seconds "
                                         f"such as 30s, got {text!r}") from None
    return text


def augmentation(text):
    """Names of augmentations, for argparse; the text itself, empty for "none"."""
    try:
        data.augmentations(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return "" if text == "none" else text


def views(text):
    """Views for test-time augmentation, or "usual", for argparse; the text itself."""
    try:
        data.views("" if text == "usual" else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def part(text):
    """A number of at least 0 and below 1, for argparse."""
    value = not_negative(text)
    if value >= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 up to 1, got {text!r}")
    return value


def seed(text):
    """A whole number of at least 0, for argparse."""
    return 0 if text == "0" else whole(text)


def check_model(name):
    """Raise UsageError unless there is a model of that name that tells classes apart."""
    try:
        models.find(name)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if name not in models.list(task="classification"):
        raise UsageError(f"{name} does not say of what class an image is; that is what these do: "
                         f"{', '.join(models.list(task='classification'))}")


def check_data(name):
    """Raise UsageError unless there is a data set, or a folder, of that name."""
    try:
        data.files.where(name)
    except data.DataError as error:
        raise UsageError(str(error)) from None


def set_threads(count):
    """Let kernels run on `count` threads, if it is given; a line says so if that is too many."""
    start_threads()
    if count is None:
        return
    cores = machine.cores()
    if count > max(MOST_THREADS, cores):
        raise UsageError(f"--threads {count}: at most {max(MOST_THREADS, cores)}; this machine has "
                         f"{several(cores, 'core')}")
    if count > numba.config.NUMBA_NUM_THREADS:
        raise TooManyThreads(count)
    numba.set_num_threads(count)
    if count > cores:
        print(f"tinyconv: {several(count, 'thread')} on {several(cores, 'core')}: more threads "
              f"than cores gain nothing", file=sys.stderr)


def several(count, noun):
    """`1 epoch`, `2 epochs`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def print_json(value):
    """Print a value as JSON; a list of numbers takes one line, so a matrix one line a row."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # a line break is never part of a text (there it is \\n), so this is a list of plain values
    print(re.sub(r'\[\n\s+([^][{}"]+?)\n\s+\]', lambda row: f"[{' '.join(row[1].split())}]", text))


def number(value):
    """A number as JSON can hold it: what is not a number becomes null."""
    return float(value) if value == value else None


def percent(accuracy):
    """An accuracy as people and programs want it: in [0, 1], and in percent with two decimals."""
    return {"accuracy": accuracy, "accuracy_percent": round(100 * accuracy, 2)}
