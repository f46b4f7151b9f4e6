"""The weights of a model, in a file of their own."""
from . import file
from .errors import Mismatch


def save_weights(model, path, metadata=None):
    """Write all parameters and buffers of `model` to `path`, under the names of its `state_dict`.

    `metadata` is a dictionary of text (str to str) to keep beside them. An existing file is
    replaced only when the new one is safely on the disk.
    """
    file.write(path, {name: t.data for name, t in model.state_dict().items()}, metadata)


def load_weights(model, path, strict=True):
    """Copy the weights in the safetensors file `path` into `model`; returns its metadata.

    Raises FileNotFoundError; Damaged for a file that was altered (files of other tools carry no
    sums: of them only the structure can be checked); or Mismatch, which lists every name that is
    missing, unexpected or of another shape. The model is then unchanged. With `strict=False` names
    that only one of the two has are passed over.
    """
    arrays, metadata = read_weights(path)
    try:
        model.load_state_dict(arrays, strict=strict)
    except RuntimeError as error:
        raise Mismatch(f"{path}: {error}") from None
    return metadata


def read_weights(path):
    """The arrays of a safetensors file by name, and its metadata."""
    return file.read(path)
