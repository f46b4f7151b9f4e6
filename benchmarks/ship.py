"""Put the weights of a run into the package, so that `models.create(…, pretrained=True)` has them.

    tinyconv train lenet5 --data mnist                    # leaves the folder runs/lenet5-mnist-1
    python benchmarks/ship.py runs/lenet5-mnist-1

Writes tinyconv/models/weights/MODEL.safetensors in float32, with the command, the log and the
accuracy of the run in it, and beside it SHA256SUMS and the README with a row for each file. The
accuracy is measured again with the weights read back from that file.
"""
import argparse
import hashlib
import json
import shlex

from tinyconv import models, training
from tinyconv.checkpoint import load_weights, read_weights, save_weights
from tinyconv.models.pretrained import FOLDER

MOST = 2_000_000                                          # bytes of all files together
README = """\
# Weights of our own

Trained by this package on a CPU, for `models.create(name, pretrained=True)` and
`tinyconv evaluate --model NAME --data DATA`. Each file has in its metadata the command, the log of
the run, the accuracy, and what images must be normalised with:
`models.pretrained.about(name)`. Made by `python benchmarks/ship.py RUN`; the checksums are in
`SHA256SUMS`.

| file | data | test accuracy | bytes | command |
|---|---|---|---|---|
"""


def ship(folder):
    """Write the file of the run kept in `folder`; returns its path."""
    run = training.load_run(folder)
    config, name = run.config, run.config["model"]["name"]
    path = FOLDER / f"{name}.safetensors"
    accuracy = 100 * run.history.kept()["test_accuracy"]
    save_weights(run.model, path, {
        "model": name, "arguments": json.dumps(config["model"]["arguments"]),
        "data": config["data"]["name"], "classes": json.dumps(run.classes),
        "mean": json.dumps(run.mean), "std": json.dumps(run.std),
        "accuracy_percent": f"{accuracy:.2f}", "command": command(config),
        "seed": config["seed"], "recipe": json.dumps(config["recipe"]),
        "threads": config["threads"], "started": config["started"],
        "versions": json.dumps(config["versions"]), "log": run.history.to_json_lines()})
    model = models.create(name, **config["model"]["arguments"])
    load_weights(model, path)
    found = training.evaluate(model, run.test_set(), mean=run.mean, std=run.std)
    if f"{100 * found.accuracy:.2f}" != f"{accuracy:.2f}":
        raise SystemExit(f"the log says {accuracy:.2f} %, measured is {found}")
    return path


def command(config):
    """The command that made a run, without the folder it was kept in."""
    words = iter(config["command"])
    return shlex.join(word for word in words if not word.startswith("--out=")
                      and not (word == "--out" and next(words)))


def index():
    """Write SHA256SUMS and README.md for all files there are."""
    sums, rows, total = "", README, 0
    for path in sorted(FOLDER.glob("*.safetensors")):
        about, size = read_weights(path)[1], path.stat().st_size
        sums += f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        rows += (f"| `{path.name}` | {about['data']} | {about['accuracy_percent']} % | {size:,} | "
                 f"`{about['command']}` |\n")
        total += size
    if total > MOST:
        raise SystemExit(f"all weights together have {total:,} bytes, more than {MOST:,}")
    (FOLDER / "SHA256SUMS").write_text(sums)
    (FOLDER / "README.md").write_text(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="folder of the run")
    print(ship(parser.parse_args().run))
    index()
