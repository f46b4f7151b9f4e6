"""How good is it? Train with several seeds by the command line, keep the logs, print the table.

    python benchmarks/accuracy.py lenet5 mnist --seeds 0 1 2
    python benchmarks/accuracy.py resnet20 cifar10 --seeds 0 --epochs 10

The configuration and the metrics of every run are kept under benchmarks/results/MODEL-DATA/seed-S,
and the table in benchmarks/results/MODEL-DATA/table.md.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def train(model, data, seed, flags, kept):
    """One run of `tinyconv train`; its configuration, metrics and curves are copied to `kept`."""
    environment = dict(os.environ)
    if "TINYCONV_DATA" in environment:           # the run has a folder of its own: make it absolute
        environment["TINYCONV_DATA"] = os.path.abspath(environment["TINYCONV_DATA"])
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "tinyconv", "train", model, "--data", data,
                        "--seed", str(seed), "--out", "run", *flags],
                       cwd=folder, env=environment, check=True)
        kept.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "metrics.jsonl", "curves.png"):
            shutil.copy(Path(folder) / "run" / name, kept / name)


def last_epoch(kept):
    """The record of the last epoch of a run."""
    return json.loads((kept / "metrics.jsonl").read_text().splitlines()[-1])


def table(model, data, folders):
    """The runs as a table in Markdown, with the mean and the spread of their accuracies."""
    records = [last_epoch(folder) for folder in folders]
    percent = [100 * r["test_accuracy"] for r in records]
    lines = [f"| seed | test accuracy of {model} on {data} after {records[0]['epoch']} epochs |",
             "|---|---|"]
    lines += [f"| {folder.name.removeprefix('seed-')} | {p:.2f} % |"
              for folder, p in zip(folders, percent)]
    if len(percent) > 1:
        lines.append(f"| mean ± std | {statistics.mean(percent):.2f} ± "
                     f"{statistics.stdev(percent):.2f} % |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--table-only", action="store_true", help="from the logs that are there")
    arguments, flags = parser.parse_known_args()
    place = RESULTS / f"{arguments.model}-{arguments.data}"
    folders = [place / f"seed-{seed}" for seed in arguments.seeds]
    for seed, folder in zip(arguments.seeds, folders):
        if not arguments.table_only:
            train(arguments.model, arguments.data, seed, flags, folder)
    text = table(arguments.model, arguments.data, folders)
    (place / "table.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
