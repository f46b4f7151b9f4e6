"""Other people's files of weights: NumPy's .npz, and PyTorch's .pth, .pt and .th.

PyTorch's files are programs for a small machine. The machine in `torch_stream.py` knows only the
instructions that tensors need, and calls nothing but four functions of its own; what a file asks
for beyond that is refused by name. To read in this order: `torch_stream` (instructions to notes of
tensors), `torch_file` (notes to arrays), `torch_writer`, `npz`.
"""
import zipfile
import zlib
from pathlib import Path

from ..errors import CheckpointError, Damaged, Refused
from . import npz, torch_file, torch_writer

TORCH, NUMPY = (".pth", ".pt", ".th"), ".npz"


def encoder_for(path):
    """The function from arrays by name to the bytes of a file that the ending asks for, or None."""
    suffix = Path(path).suffix.lower()
    return npz.encode if suffix == NUMPY else torch_writer.encode if suffix in TORCH else None


def decoder_for(path):
    """The function from a path to arrays and metadata that the first bytes ask for, or None."""
    with open(path, "rb") as file:
        beginning = file.read(512)
    return (_read_zip if beginning[:2] == b"PK" else
            _read_legacy if torch_file.is_legacy(beginning) else
            _refuse_tar if beginning[257:262] == b"ustar" else None)


def _read_zip(path):
    """A zip file is PyTorch's where one of its members has instructions, otherwise NumPy's."""
    size = Path(path).stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith(".pkl") for name in archive.namelist()):
                return torch_file.decode_zip(archive, size)
            return npz.decode(archive, size), {}
    except CheckpointError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise Damaged(f"the zip archive is damaged: {error!s:.200}") from None


def _read_legacy(path):
    return torch_file.decode_legacy(Path(path).read_bytes())


def _refuse_tar(path):
    raise Refused("it is a tar archive, as PyTorch wrote before version 0.1.10")
