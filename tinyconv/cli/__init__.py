"""The command line, one command a file: NAME, HELP, EXAMPLE, `options(parser)`, `run(args)`."""
from . import bench, check, data, evaluate, explain, predict, summary, train

COMMANDS = [train, evaluate, predict, explain, summary, data, check, bench]
