"""Weights of our own, shipped within the package: `models.create("lenet5", pretrained=True)`.

Each was trained by this package; the file itself says how: `about(name)` gives the command, the log
of the run, the accuracy, and the mean and standard deviation that images must be normalised with.
`benchmarks/ship.py` makes these files from a run. A file is used only if its sha256 is the one in
SHA256SUMS beside it (`sha256sum -c SHA256SUMS` says the same).
"""
import hashlib
from pathlib import Path

from ..checkpoint import CheckpointError, load_weights, read_weights

FOLDER = Path(__file__).parent / "weights"


def names():
    """The models there are weights of."""
    return list(_sums())


def about(name):
    """What the file of the model `name` says of itself, as a dictionary of text."""
    return read_weights(path_of(name))[1]


def load_pretrained(model, name):
    """Copy the weights shipped for the model `name` into `model`.

    Raises ValueError if there are none, CheckpointError if the file was altered or does not fit:
    the model has to be as it was trained.
    """
    load_weights(model, path_of(name))


def _sums():
    """{model: sha256 of its file}"""
    lines = (FOLDER / "SHA256SUMS").read_text().splitlines()
    return {file.removesuffix(".safetensors"): sum for sum, file in map(str.split, lines)}


def path_of(name):
    """The path of the file of a model, once its sha256 is known to be right; raises likewise."""
    sums = _sums()
    if name not in sums:
        raise ValueError(f"there are no pretrained weights of {name!r}, only of "
                         f"{', '.join(sums)}; weights of others: checkpoint.load_weights")
    path = FOLDER / f"{name}.safetensors"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sums[name]:
        raise CheckpointError(f"{path} is missing or was altered: its sha256 is not the one in "
                              "SHA256SUMS; install the package again")
    return path
