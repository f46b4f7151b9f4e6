"""Element by element: arithmetic, the classical functions, activations."""
import numpy as np

from .operation import Call, Operation


def _one(values="normal", **shape):
    return lambda draw: Call(draw.array(draw.shape(**shape), values))


def _two(values="normal"):
    return lambda draw: Call(*(draw.array(shape, values) for shape in draw.broadcastable()))


def _apart(draw):
    """Two arguments without a tie: odd multiples of 0.02, and the same moved by 0.02."""
    a, b = (draw.array(shape, "distinct") for shape in draw.broadcastable())
    return Call(a, np.asarray(b + 0.02))


def _pow(draw):
    if draw.chance():
        return Call(draw.array(draw.shape()), draw.pick(2, 3, 1, 0))
    return Call(*_two("positive")(draw).args)


def _remainder(draw):
    """a = (whole + fraction) · b, with a fraction clear of the jumps at whole numbers."""
    a, b = (draw.array(shape, "positive") for shape in draw.broadcastable())
    return Call(np.asarray((np.floor(a * 4) + 0.3 + 0.2 * a) * b), b)


def _where(draw):
    shape, a, b = draw.broadcastable(3)
    return Call(draw.mask(shape), draw.array(a), draw.array(b))


def _masked_fill(draw):
    shape = draw.shape()
    return Call(draw.array(shape), draw.mask(shape), draw.pick(0.0, -1.5))


def _clamp(draw):
    bounds = draw.pick({"min": -0.04, "max": 0.08}, {"min": 0.0}, {"max": -0.04})
    return Call(draw.array(draw.shape(), "distinct"), **bounds)


def _with(values="normal", **options):
    """One array and one of the choices for each option."""
    return lambda draw: Call(draw.array(draw.shape(), values),
                             **{name: draw.pick(*choices) for name, choices in options.items()})


OPERATIONS = [
    *(Operation(name, _two()) for name in ("add", "sub", "mul")),
    Operation("div", _two("positive")),
    Operation("pow", _pow),
    Operation("remainder", _remainder),
    *(Operation(name, _apart) for name in ("maximum", "minimum")),
    Operation("where", _where),
    Operation("masked_fill", _masked_fill, torch="masked_fill"),
    Operation("clamp", _clamp),
    *(Operation(name, _one()) for name in (
        "neg", "square", "exp", "expm1", "sin", "cos", "arctan", "sinh", "cosh", "tanh", "erf",
        "sigmoid")),
    *(Operation(name, _one("positive")) for name in (
        "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal")),
    *(Operation(name, _one("unit")) for name in ("tan", "arcsin", "arccos")),
    *(Operation(name, _one("distinct")) for name in ("abs", "relu")),
    Operation("silu", _one()),
    Operation("leaky_relu", _with("distinct", negative_slope=(0.01, 0.2, -0.5))),
    Operation("gelu", _with(approximate=("none", "tanh"))),
    Operation("softplus", _with(beta=(1.0, 2.0, 0.5), threshold=(20.0, 10.0))),
    Operation("clone", _one(), torch="clone"),
    Operation("contiguous", _one(), torch="Tensor.contiguous"),
]
