"""Weights in files, ours and other people's.

    save_weights, load_weights, read_weights      the parameters and buffers of a model

Ours are safetensors (`file.py`). NumPy's and PyTorch's are read and written in `foreign/`: a file
can hold wrong numbers, but it cannot run anything, whatever it says.
"""
from .errors import CheckpointError, Damaged, Mismatch, Refused
from .weights import load_weights, read_weights, save_weights

__all__ = ["CheckpointError", "Damaged", "Mismatch", "Refused", "load_weights", "read_weights",
           "save_weights"]
