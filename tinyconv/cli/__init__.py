"""The command line, one command a file: NAME, HELP, EXAMPLE, `options(parser)`, `run(args)`."""
from . import bench, check, data, evaluate, predict, report, summary, train

COMMANDS = [train, evaluate, predict, report, summary, data, check, bench]
