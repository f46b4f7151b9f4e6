"""Functions and layers take PyTorch's arguments: the same names and defaults in the same order."""
import inspect
import re

import pytest

import tinyconv.nn.functional as F
from tinyconv import nn

OBSOLETE = {"size_average", "reduce", "_stacklevel", "min_value", "max_value"}
NOT_HERE = {"device", "out", "dtype",                      # one device, results are new
            "max_norm", "scale_grad_by_freq", "sparse", "_weight", "_freeze"}
OURS = {"generator", "add", "relu", "dtype"}               # chance; more in one pass over memory
NO_GUESS = {"softmax", "softmin", "log_softmax", "Softmax", "Softmin", "LogSoftmax"}   # of a dim
OTHERWISE = {"modules", "values", "data"}                  # None there; () here, or required
NO_LAYERS = {"Module", "Identity", "Sequential"}


def public(room):
    return {name: getattr(room, name) for name in dir(room)
            if not name.startswith("_") and callable(getattr(room, name))}


def of_signature(f):
    """{argument: default} as Python knows it, or else as the first line of the docstring says."""
    try:
        parameters = inspect.signature(f).parameters.values()
        if not any(p.kind is p.VAR_POSITIONAL for p in parameters):
            return {p.name: p.default for p in parameters}
    except (TypeError, ValueError):
        pass
    said = re.search(r"^\s*\w+\((.*?)\) *->", f.__doc__ or "", re.DOTALL)
    return said and {name: ... for name in re.findall(r"(\w+)(?: *=[^,]*)?(?:,|$)", said[1])}


def differences(ours, theirs, name):
    there = {a: d for a, d in theirs.items() if a not in OBSOLETE | NOT_HERE}
    if name in ("embedding", "Embedding"):
        del there["norm_type"]                             # of max_norm
    here = {a: d for a, d in ours.items() if a in there or a not in OURS}
    if list(here) != list(there):
        yield f"{name}: takes {', '.join(here)}, PyTorch's takes {', '.join(there)}"
    for a in there.keys() & here.keys():
        if there[a] is ... or a in OTHERWISE or a == "dim" and name in NO_GUESS:
            continue
        if here[a] != there[a]:
            yield f"{name}: {a} is {here[a]} by default, PyTorch's {there[a]}"


@pytest.mark.parametrize("room, least", [("functional", 90), ("layers", 100)])
def test_arguments_have_pytorchs_names_order_and_defaults(torch, room, least):
    ours, theirs = ((F, torch.nn.functional) if room == "functional" else (nn, torch.nn))
    compared, wrong = 0, []
    for name, f in public(ours).items():
        if room == "layers" and (not name[0].isupper() or name in NO_LAYERS):
            continue
        expected = of_signature(getattr(theirs, name, None))
        if expected:
            compared += 1
            wrong += differences(of_signature(f), expected, name)
    assert not wrong, "\n".join(wrong)
    assert compared >= least, f"only {compared} were compared"
