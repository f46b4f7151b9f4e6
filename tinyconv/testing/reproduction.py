"""The line that a failed check ends with: a call to be pasted, which shows the failure again."""
import builtins
import keyword

import numpy as np

from .. import ops
from ..core import Tensor
from ..nn import functional

MANY = 64                              # arrays with more elements are not written out


def again(check, f, inputs, options, in_a_tuple=False):
    """`check_grad(f, np.array([0.5, 1.0]), x1, order=2)  # x1: the float64 array (30, 30) …`.

    Numbers are written to the last digit. What a line cannot hold (a lambda, a large array, one
    that lies in memory otherwise) has a name, and the comment says what it stands for.
    With `in_a_tuple` the inputs are in one, as `gradcheck` takes them.
    """
    missing = []
    name = _name(f)
    if name is None:
        name = "f"
        missing.append("f: the function you passed")
    given = [_literal(x, f"x{i}", missing) for i, x in enumerate(inputs)]
    if in_a_tuple:
        given = ["(" + ", ".join(given) + ("," if len(given) == 1 else "") + ")"]
    given += [f"{option}={_literal(value, option, missing)}" for option, value in options.items()]
    comment = "  # " + ", ".join(missing) if missing else ""
    return f"{check}({', '.join([name, *given])}){comment}"


def _name(f):
    """What the function is called where it was written down, None if that is not known."""
    name = getattr(f, "__name__", "")
    for short, room in ("tc", ops), ("F", functional):
        if getattr(room, name, None) is f:
            return f"{short}.{name}"
    known = name.isidentifier() and not keyword.iskeyword(name) and not hasattr(builtins, name)
    return name if known else None


def changed(options, usual):
    """The options that are not as usual."""
    return {name: value for name, value in options.items()
            if type(value) is not type(usual[name]) or value != usual[name]}


def _literal(x, name, missing):
    """An expression for x, or `name`, and in `missing` what it stands for."""
    try:
        return _written(x)
    except ValueError as what:
        missing.append(f"{name}: {what}")
        return name


def _written(x):
    """Python for x; ValueError with what it is where that would be too long or not the same."""
    if isinstance(x, Tensor):
        flag = ", requires_grad=True" if x.requires_grad else ""
        return f"tc.tensor({_array(x.data, 'tensor')}{flag})"
    if isinstance(x, np.ndarray):
        return _array(x, "array")
    if type(x) is float and not np.isfinite(x):
        return _number(x)
    if type(x) in (tuple, list):
        inner = ", ".join(map(_written, x))
        return f"[{inner}]" if type(x) is list else f"({inner}{',' * (len(x) == 1)})"
    if isinstance(x, np.generic) and x.dtype.kind in "fiu":
        return f"np.{x.dtype.name}({_number(x.item())})"
    if x is None or x is ... or type(x) in (int, float, bool, str):
        return repr(x)
    raise ValueError(f"the {type(x).__name__} you passed")


def _array(x, what):
    """`np.array([[1.0, np.nan]])`, with the order in memory and the dtype where they matter."""
    ordered = x.flags.c_contiguous or x.flags.f_contiguous
    if x.size > MANY or not ordered or not x.flags.writeable:
        lies = "" if x.flags.c_contiguous else f" with strides {x.strides}"
        fixed = "" if x.flags.writeable else ", read-only"
        raise ValueError(f"the {x.dtype} {what} {x.shape}{lies}{fixed} you passed")
    dtype = "" if x.dtype == np.float64 else f", dtype={x.dtype.name!r}"
    if not x.size:
        return f"np.zeros({x.shape}{dtype})"
    order = "" if x.flags.c_contiguous else ", order='F'"
    return f"np.array({_number(x.tolist())}{order}{dtype})"


def _number(x):
    """A number or nested lists of them; NumPy's names for those that have no literal."""
    if isinstance(x, list):
        return "[" + ", ".join(map(_number, x)) + "]"
    return repr(x) if np.isfinite(x) else f"{'-' * (x < 0)}np.{'nan' if x != x else 'inf'}"
