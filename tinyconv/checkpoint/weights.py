"""The weights of a model, in a file of their own. What kind of file, its first bytes say."""
from pathlib import Path

import numpy as np

from ..atomic import write_atomically
from . import file, foreign
from .errors import CheckpointError, Mismatch


def save_weights(model, path, metadata=None):
    """Write all parameters and buffers of `model` to `path`, under the names of its `state_dict`.

    The ending of the name decides: `.npz` is NumPy's format, `.pth`, `.pt` and `.th` are PyTorch's,
    all else is safetensors, which alone can hold `metadata`, a dictionary of text (str to str),
    beside them. An existing file is replaced only when the new one is safely on the disk.
    """
    arrays = {name: np.array(t.data, order="C") for name, t in model.state_dict().items()}
    encode = foreign.encoder_for(path)
    if encode is None:
        file.write(path, arrays, metadata)
    elif metadata:
        raise ValueError("save_weights: only a safetensors file can hold metadata, "
                         f"{str(path)!r} cannot")
    else:
        write_atomically(path, encode(arrays))


def load_weights(model, path, strict=True):
    """Copy the weights in the file `path` into `model`; returns the metadata of the file.

    Reads what `read_weights` reads. Where no name in the file is one of the model's and all begin
    with the same word, such as `module.`, that word is left out. The counters of batch norm, which
    files of PyTorch before 0.4.1 do not have, are then 0.

    Raises FileNotFoundError; Damaged; Refused for a file that asks for anything but tensors; or
    Mismatch, which lists every name that is missing, unexpected or of another shape. The model is
    then unchanged. With `strict=False` names that only one of the two has are passed over.
    """
    arrays, metadata = read_weights(path)
    state = model.state_dict()
    try:
        model.load_state_dict(_with_counters(_without_prefix(arrays, state), state), strict=strict)
    except RuntimeError as error:
        raise Mismatch(f"{path}: {error}") from None
    return metadata


def read_weights(path):
    """The arrays of a file by name, and its metadata (of PyTorch's files, the plain entries).

    Reads safetensors, NumPy's .npz, and what `torch.save` made of a `state_dict()`, or of a
    dictionary that holds one as "state_dict" or "model", in any version since 2017. Nothing in a
    file is run, and what it claims is compared with its size first. bfloat16 becomes float32.
    Raises FileNotFoundError, or a CheckpointError that says what is wrong with the file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of weights {str(path)!r}")
    decode = foreign.decoder_for(path)
    if decode is None:
        return file.read(path)
    try:
        return decode(path)
    except CheckpointError as error:
        raise type(error)(f"{path}: {error}") from None


def _without_prefix(arrays, state):
    """The arrays by the names they had before a wrapper, such as DataParallel, put a word first."""
    renamed = arrays
    while renamed and not renamed.keys() & state.keys():
        words = {name.partition(".")[0] for name in renamed}
        if len(words) > 1 or not all("." in name for name in renamed):
            return arrays
        renamed = {name.partition(".")[2]: array for name, array in renamed.items()}
    return renamed


def _with_counters(arrays, state):
    """The arrays, with a 0 for every counter of batch norm where none of them has one."""
    counters = {name for name in state if name.endswith("num_batches_tracked")}
    if counters & arrays.keys():
        return arrays
    return {**arrays, **{name: np.zeros_like(state[name].data) for name in counters}}
