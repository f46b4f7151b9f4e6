"""What the catalogue is made of: an `Operation`, and a `Call`, which is arguments for one."""
from dataclasses import dataclass
from typing import Callable

import numpy as np

from ... import ops
from ...core import Tensor
from ...nn import functional as F
from ..errors import shown


class Call:
    """Arguments of an operation. Arrays (or tensors) may stand anywhere in them, also within lists.

    floats : the floating point arrays among them, in order: what is differentiated. An array within
        a `Constant` is not, nor are whole numbers and truth values.
    """

    def __init__(self, *args, **kwargs):
        self.args, self.kwargs, self.floats = args, kwargs, []
        _mapped((args, kwargs), self.floats.append, lambda constant: None)

    def of(self, function, constant=lambda array: Tensor(array.copy())):
        """`function` as a function of `floats` alone; `constant` makes arguments of the others."""
        def restricted(*floats):
            remaining = iter(floats)
            args, kwargs = _mapped((self.args, self.kwargs), lambda _: next(remaining), constant)
            return function(*args, **kwargs)
        return restricted

    def astype(self, dtype):
        """The same call with other floating point numbers, laid out as they were."""
        def changed(array):                                    # keeps the order in memory
            return array.astype(dtype) if array.dtype.kind == "f" else array

        def constant(array):
            return Constant(changed(array)) if array.dtype.kind == "f" else array
        args, kwargs = _mapped((self.args, self.kwargs), changed, constant)
        return Call(*args, **kwargs)

    def __repr__(self):
        args = [*map(_shown, self.args), *(f"{k}={_shown(v)}" for k, v in self.kwargs.items())]
        return f"({', '.join(args)})"


@dataclass(frozen=True, eq=False)
class Constant:
    """A floating point array that is not differentiated, such as running statistics."""
    array: np.ndarray


def _mapped(value, change, constant):
    """`value` with every floating point array changed, all other arrays made by `constant`."""
    if isinstance(value, (tuple, list)):
        return type(value)(_mapped(v, change, constant) for v in value)
    if isinstance(value, dict):
        return {k: _mapped(v, change, constant) for k, v in value.items()}
    if isinstance(value, Constant):
        return constant(value.array)
    value = value.data if isinstance(value, Tensor) else value
    if isinstance(value, np.ndarray):
        return change(value) if value.dtype.kind == "f" else constant(value)
    return value


def _shown(value):
    """An argument as an error message shows it."""
    if isinstance(value, Constant):
        return f"constant {shown(value.array)}"
    if isinstance(value, (tuple, list)) and any(isinstance(v, np.ndarray) for v in value):
        return f"[{', '.join(map(shown, value))}]"
    return shown(value)


@dataclass(frozen=True)
class Operation:
    """A differentiable operation, and how to make problems for it.

    name : what it is called in `nn.functional`, at the top level, or as a method of tensors.
    problem : a function of a `Draw` that returns a `Call`, with values away from kinks and jumps.
    torch : the name under `torch` of its twin; "" if it has none; None for the same name.
    order : up to which derivative it is checked.
    rough : by how much PyTorch is known to be off in float64, relatively.
    function : what computes it, if it is not of this package (an operation of your own).
    """
    name: str
    problem: Callable
    torch: str | None = None
    order: int = 2
    rough: float = 0.0
    function: Callable | None = None

    @property
    def spellings(self):
        """The functions of that name: of `nn.functional` or `ops`, and the method of tensors."""
        if self.function is not None:
            return [self.function]
        found = [getattr(F, self.name, None) or getattr(ops, self.name, None),
                 getattr(Tensor, self.name, None)]
        return list(dict.fromkeys(f for f in found if f is not None))

    def twin(self, torch):
        """PyTorch's function."""
        if self.torch is not None:
            found = torch
            for part in self.torch.split("."):
                found = getattr(found, part)
            return found
        rooms = torch.nn.functional, torch, torch.Tensor
        return next(getattr(room, self.name) for room in rooms if hasattr(room, self.name))
