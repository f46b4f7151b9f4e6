"""Element by element: arithmetic, the classical functions, activations."""
import numpy as np

from ... import ops
from ...core import Tensor
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


def _where_method(draw):
    condition, a, b = _where(draw).args
    return Call(a, condition, b)


def _above_one(draw):
    return Call(np.asarray(draw.array(draw.shape(), "positive") + 0.6))


def _wide(draw):
    """Values up to ±6 and beyond, none near a whole number: for kinks at 3 and 6."""
    return Call(np.asarray(draw.array(draw.shape(), "distinct") * draw.pick(1, 5)))


def _lerp(draw):
    start, end, weight = (draw.array(shape) for shape in draw.broadcastable(3))
    return Call(start, end, draw.pick(weight, 0.3))


def _glu(draw):
    x = draw.array(tuple(2 * n for n in draw.shape(1, max_side=2)))
    return Call(x, draw.dim(x.ndim))


def _prelu(draw):
    x = draw.array(draw.shape(2), "distinct")
    return Call(x, draw.array(draw.pick(x.shape[1:2], (1,))))


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
    Operation("where", _where, function=ops.where),
    Operation("Tensor.where", _where_method, torch="Tensor.where", function=Tensor.where),
    Operation("masked_fill", _masked_fill, torch="masked_fill"),
    *(Operation(name, _clamp) for name in ("clamp", "clip")),
    *(Operation(name, _two()) for name in ("atan2", "logaddexp")),
    Operation("xlogy", _two("positive")),
    Operation("lerp", _lerp),
    *(Operation(name, _one()) for name in (
        "neg", "square", "exp", "expm1", "sin", "cos", "arctan", "atan", "sinh", "cosh", "tanh",
        "asinh", "erf", "exp2", "sigmoid", "silu", "mish", "tanhshrink", "logsigmoid")),
    *(Operation(name, _one("positive")) for name in (
        "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal")),
    *(Operation(name, _one("unit")) for name in (
        "tan", "arcsin", "asin", "arccos", "acos", "atanh")),
    Operation("acosh", _above_one),
    *(Operation(name, _one("distinct")) for name in ("abs", "relu", "softsign", "selu")),
    *(Operation(name, _wide) for name in ("relu6", "hardswish")),
    Operation("hardsigmoid", _wide, rough=1e-7),            # PyTorch's 1/6 is that of float32
    *(Operation(name, _with("distinct", alpha=(1.0, 0.5))) for name in ("elu", "celu")),
    *(Operation(name, _with("distinct", lambd=(0.4, 0.08))) for name in (
        "hardshrink", "softshrink")),
    Operation("threshold", _with("distinct", threshold=(0.0, 0.08), value=(0.0, -2.0))),
    Operation("hardtanh", _with("distinct", min_val=(-1.0, -0.4), max_val=(1.0, 0.08))),
    Operation("rrelu", _with("distinct", lower=(1 / 8, 0.25), upper=(1 / 3, 0.5))),
    Operation("glu", _glu),
    Operation("prelu", _prelu),
    Operation("leaky_relu", _with("distinct", negative_slope=(0.01, 0.2, -0.5))),
    Operation("gelu", _with(approximate=("none", "tanh"))),
    Operation("softplus", _with(beta=(1.0, 2.0, 0.5), threshold=(20.0, 10.0))),
    Operation("clone", _one(), torch="clone"),
    Operation("contiguous", _one(), torch="Tensor.contiguous"),
    Operation("cpu", _one(), torch="Tensor.cpu"),
]
