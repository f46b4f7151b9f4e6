"""Weights and checkpoints: safetensors files that are whole, or are refused with the reason.

safetensors is a header in JSON (names, dtypes, shapes, offsets) and the bytes of the arrays: other
tools read it, and nothing in it can run. https://github.com/huggingface/safetensors

    save_weights, load_weights      the parameters and buffers of a model
    save_checkpoint, read_checkpoint    any state: nested dictionaries of arrays and plain values

To read in this order: `header` and `file` (bytes to arrays and back), `weights`, `state`, `series`
(the checkpoints of one run). NumPy's and PyTorch's files of weights are read and written in
`foreign/`: a file can hold wrong numbers, but it cannot run anything, whatever it says.
"""
from .errors import CheckpointError, Damaged, Mismatch, NewerFormat, Refused
from .state import read_checkpoint, save_checkpoint
from .weights import load_weights, read_weights, save_weights

__all__ = ["CheckpointError", "Damaged", "Mismatch", "NewerFormat", "Refused",
           "load_weights", "read_checkpoint", "read_weights", "save_checkpoint", "save_weights"]
