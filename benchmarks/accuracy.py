"""How good is it? Train with several seeds by the command line, keep the logs, print the table.

    python benchmarks/accuracy.py lenet5 mnist --seeds 0 1 2
    python benchmarks/accuracy.py lenet5 digits --also mnist
    python benchmarks/accuracy.py resnet20 cifar10 --seeds 0 --epochs 10

What this script does not know it passes on to `tinyconv train`. The configuration and the metrics
of every run are kept under benchmarks/results/MODEL-DATA/seed-S, and the table beside them.
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


def train(model, data, seed, flags, also, kept):
    """One run of `tinyconv train`; its configuration, metrics and curves are copied to `kept`.

    With `also`, the accuracy on the test images of that other data set is kept, too.
    """
    with tempfile.TemporaryDirectory() as folder:
        tinyconv("train", model, "--data", data, "--seed", str(seed), "--out", "run", *flags,
                 folder=folder)
        kept.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "metrics.jsonl", "curves.png"):
            shutil.copy(Path(folder) / "run" / name, kept / name)
        if also:
            found = tinyconv("evaluate", "run", "--data", also, "--json", folder=folder,
                             stdout=subprocess.PIPE)
            (kept / f"{also}.json").write_text(found.stdout, encoding="utf-8")


def tinyconv(*words, folder, **options):
    """Run the command line in a folder."""
    environment = dict(os.environ)
    if "TINYCONV_DATA" in environment:           # relative to where this script was started
        environment["TINYCONV_DATA"] = os.path.abspath(environment["TINYCONV_DATA"])
    return subprocess.run([sys.executable, "-m", "tinyconv", *words], cwd=folder, env=environment,
                          check=True, text=True, **options)


def last_epoch(kept):
    """The record of the last epoch of a run."""
    return json.loads((kept / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])


def table(model, data, also, folders):
    """The runs as a table in Markdown, with the mean and the spread of their accuracies."""
    records = [last_epoch(folder) for folder in folders]
    columns = {f"{model} on {data}, {records[0]['epoch']} epochs":
               [100 * record["test_accuracy"] for record in records]}
    if also:
        texts = [(folder / f"{also}.json").read_text(encoding="utf-8") for folder in folders]
        columns[f"the same on {also}"] = [json.loads(text)["accuracy_percent"] for text in texts]
    rows = [["seed", *columns], ["---"] * (1 + len(columns))]
    for i, folder in enumerate(folders):
        rows.append([folder.name.removeprefix("seed-"),
                     *(f"{percent[i]:.2f} %" for percent in columns.values())])
    if len(folders) > 1:
        rows.append(["mean ± std", *(f"{statistics.mean(percent):.2f} ± "
                                     f"{statistics.stdev(percent):.2f} %"
                                     for percent in columns.values())])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--also", metavar="NAME", help="measure on this data set as well")
    parser.add_argument("--table-only", action="store_true", help="from the logs that are there")
    args, flags = parser.parse_known_args()
    place = RESULTS / f"{args.model}-{args.data}"
    folders = [place / f"seed-{seed}" for seed in args.seeds]
    for seed, folder in zip(args.seeds, folders):
        if not args.table_only:
            train(args.model, args.data, seed, flags, args.also, folder)
    text = table(args.model, args.data, args.also, folders)
    (place / "table.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
