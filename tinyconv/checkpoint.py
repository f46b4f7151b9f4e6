"""Weights in and out: one safetensors file, written whole or not at all.

safetensors is a header in JSON (names, dtypes, shapes, offsets) and the bytes of the arrays: other
tools read it, and nothing in it can run. https://github.com/huggingface/safetensors
"""
import json
from pathlib import Path

import numpy as np

from .atomic import write_atomically


class CheckpointError(ValueError):
    """A file of weights that cannot be read, or does not fit the model it was meant for."""


def save_weights(model, path, metadata=None):
    """Write all parameters and buffers of `model` to `path`, under the names of its `state_dict`.

    `metadata` is a dictionary of text (str to str) to keep beside them. An existing file is
    replaced only when the new one is safely on the disk.
    """
    from safetensors.numpy import save

    # C order: safetensors writes the bytes of an array as they lie, whatever its strides say
    arrays = {name: np.array(t.data, order="C") for name, t in model.state_dict().items()}
    metadata = {str(key): str(value) for key, value in (metadata or {}).items()}
    write_atomically(path, _in_order(save(arrays, metadata=metadata)))


def _in_order(content):
    """The bytes of a safetensors file with its metadata sorted: the same weights, the same file.

    The library writes them in an order that changes from one call to the next.
    """
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + size])
    header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)                      # arrays begin at multiples of 8 bytes
    return len(text).to_bytes(8, "little") + text + content[8 + size:]


def load_weights(model, path, strict=True):
    """Copy the weights in the safetensors file `path` into `model`; returns its metadata.

    Raises FileNotFoundError, or CheckpointError for a file that is damaged or that does not fit:
    the error lists every name that is missing, unexpected or of another shape, and the model is
    unchanged. With `strict=False` names that only one of the two has are passed over.
    """
    arrays, metadata = read_weights(path)
    try:
        model.load_state_dict(arrays, strict=strict)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return metadata


def read_weights(path):
    """The arrays of a safetensors file by name, and its metadata."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of weights {str(path)!r}")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
    except (SafetensorError, TypeError, AttributeError) as error:    # the last two: unknown dtypes
        raise CheckpointError(f"{path} is not a safetensors file that can be read: "
                              f"{error}") from None
