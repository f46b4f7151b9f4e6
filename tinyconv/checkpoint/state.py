"""Any state in one file: its arrays as the arrays of the file, all else as JSON in the metadata.

    {"step": 12, "model": {"fc.weight": array}, "generator": {"state": 2 ** 100}}

becomes the array "model/fc.weight" and, under the metadata key "state", the text

    {"step": 12, "model": {"fc.weight": {"$array": "model/fc.weight"}}, "generator": …}
"""
import json

import numpy as np

from . import file
from .errors import CheckpointError, Damaged
from .header import loads, shown

KEY, REFERENCE = "state", "$array"


def save_checkpoint(path, state):
    """Write `state` to `path`, whole or not at all.

    It consists of dictionaries, lists, arrays, numbers, texts, True, False and None, nested as one
    likes. What comes back is equal, but for tuples, which become lists, and keys that are numbers,
    which become text. Raises TypeError for anything else, ValueError for a NaN.
    """
    arrays = {}
    text = json.dumps(_without_arrays(state, "", arrays), ensure_ascii=False, allow_nan=False)
    file.write(path, arrays, {KEY: text})


def read_checkpoint(path):
    """The state that `save_checkpoint` wrote, every bit of it compared with its sha256.

    Raises FileNotFoundError, Damaged or NewerFormat.
    """
    arrays, metadata = file.read(path, foreign=False)
    if KEY not in metadata:
        raise Damaged(f"{path}: these are weights, not a checkpoint with which a run could go on")
    try:
        state = _with_arrays(loads(metadata[KEY]), arrays)
        if arrays:
            raise Damaged(f"its state does not mention the arrays {', '.join(map(shown, arrays))}")
    except CheckpointError as error:
        raise type(error)(f"{path}: {error}") from None
    except RecursionError:             # the parser goes deeper than we do
        raise Damaged(f"{path}: its state is nested too deeply") from None
    return state


def _without_arrays(value, path, arrays):
    """`value` with a reference in place of each array, which goes to `arrays` under its path."""
    if isinstance(value, np.ndarray):
        if path in arrays:
            raise ValueError(f"save_checkpoint: two arrays would have the name {path!r}")
        arrays[path] = value
        return {REFERENCE: path}
    if isinstance(value, dict):
        if REFERENCE in value:
            raise ValueError(f"save_checkpoint: the key {REFERENCE!r} at {path!r} is taken")
        return {str(key): _without_arrays(part, _join(path, key), arrays)
                for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(part, _join(path, i), arrays) for i, part in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"save_checkpoint: at {path!r} there is a {type(value).__name__}; expected "
                    "arrays, numbers, texts, lists and dictionaries")


def _with_arrays(value, arrays):
    """The inverse; each array is taken from `arrays`, once."""
    if isinstance(value, list):
        return [_with_arrays(part, arrays) for part in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {REFERENCE}:
        name = value[REFERENCE]
        if not isinstance(name, str) or name not in arrays:
            raise Damaged(f"its state mentions an array {shown(str(name))}, of which there is none")
        return arrays.pop(name)
    return {key: _with_arrays(part, arrays) for key, part in value.items()}


def _join(path, name):
    return f"{path}/{name}" if path else str(name)
