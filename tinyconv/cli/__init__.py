"""The command line, one command a file: NAME, HELP, EXAMPLE, `options(parser)`, `run(args)`."""
from . import bench, check, data, evaluate, explain, predict, report, summary, train

COMMANDS = [train, evaluate, predict, explain, report, summary, data, check, bench]
