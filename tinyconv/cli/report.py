"""`tinyconv report`: a run on one page."""
from .. import report
from . import options as common

NAME = "report"
HELP = "write a page about a run: curves, mistakes, filters, configuration"
EXAMPLE = """\
example:
  tinyconv report runs/lenet5-digits-1

It writes report.html into the folder of the run, one file that needs no other and no network. A run
that is still under way, or was stopped, is reported as far as it has come."""


def options(parser):
    """Add what the command takes to its parser."""
    parser.add_argument("folder", metavar="RUN", help="folder of the run")
    common.add_threads(parser)


def run(args):
    """Do what the command is for."""
    common.set_threads(args.threads)
    print(report.write(args.folder))
