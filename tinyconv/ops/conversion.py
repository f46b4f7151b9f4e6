"""What `x.to(…)` asks for, of a tensor or a module: a dtype, and a device, the only one."""
import numpy as np

from ..core import Tensor, cast


def dtype_asked_for(what, dtype=None, device=None):
    """The dtype that `to(*what, dtype=dtype, device=device)` names; None if it names none.

    `what` are dtypes, tensors that have one, and devices. Everything is computed on the processor,
    so "cpu" asks for nothing; another device raises RuntimeError.
    """
    for one in what:
        if isinstance(one, Tensor):
            dtype = one.dtype
        elif one is not None:
            try:
                dtype = np.dtype(one)
            except TypeError:
                _check_device(one, "is neither a dtype nor a device")
    if device is not None:
        _check_device(device)
    return None if dtype is None else np.dtype(dtype)


def _check_device(device, unknown="is no device"):
    if str(device).partition(":")[0] != "cpu":
        raise RuntimeError(f"to: {str(device)!r} {unknown} here; everything is computed on "
                           'the processor, "cpu"')


def to(x, *what, dtype=None, device=None, non_blocking=False, copy=False):
    """x with another dtype: that which is given or that of a tensor; itself if it has it already.

    A device, which can only be "cpu", may be named as well and changes nothing.
    """
    dtype = dtype_asked_for(what, dtype, device)
    return cast(x, dtype=x.dtype if dtype is None else dtype) if copy else as_dtype(x, dtype)


def as_dtype(x, dtype):
    """x with this dtype (None: its own), itself if it has it already."""
    return x if dtype is None or x.dtype == np.dtype(dtype) else cast(x, dtype=dtype)
