"""One pass of a model over an image of which only the shape matters.

The model's own `forward` runs, through every branch it takes in evaluation. Each operation that has
a rule (`rules.py`) hands on, in place of its result, an array of zeros of the right shape that
takes no memory; so a network of billions of multiply-adds is traced in a fraction of a second.
Nothing is said of values, and a model whose way depends on them is traced on the way of zeros. (An
operation without a rule is run.)
"""
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ..core import Tensor, computed, evaluated_by, no_grad
from .rules import RULES, TITLES, Operand, Result, elementwise
from .seen import Seen, combined, of_input, plain


@dataclass
class Call:
    """A call of a module, or an operation outside of all layers.

    path            the name of the module: "layer1.0.conv2", "" for the model itself
    title           its class, or what the operation does
    module          the module, None for an operation
    shape, dtype    of its output, None where that is no tensor
    seen            what its output sees of the input, None if nothing of it
    own             multiply-adds of its operations, but for those in calls inside it
    inside          the calls within it, in order
    """
    path: str
    title: str
    module: object = None
    shape: tuple | None = None
    dtype: np.dtype | None = None
    seen: Seen | None = None
    own: int = 0
    inside: list = field(default_factory=list)

    @property
    def multiply_adds(self):
        """All multiply-adds from its beginning to its end."""
        return self.own + sum(call.multiply_adds for call in self.inside)

    def layers(self):
        """The calls that have no others inside them, in order."""
        return [self] if not self.inside else [x for call in self.inside for x in call.layers()]


class _Reached(Exception):
    """The layer that was asked for has been called."""


def trace(model, shape, until=None):
    """The Call of `model` for one image of `shape` (C, *size), with all calls inside it.

    With `until`, the name of a module, the pass ends there and the result is the call of that
    module. Raises ValueError or TypeError as the model does if it does not take such images. The
    model is left as it was.
    """
    dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    x = Tensor(_nothing((1, *shape), dtype))
    tracer = _Tracer(model, until)
    tracer.known[id(x.data)] = x.data, of_input(x.shape)
    with _followed(model, tracer), evaluated_by(tracer.evaluate), no_grad(), np.errstate(
            all="ignore"):
        try:
            model(x)
        except _Reached:
            pass
    return tracer.last


def _nothing(shape, dtype):
    """An array of zeros without memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)


@contextmanager
def _followed(model, tracer):
    """Within it the model is in evaluation mode and tells the tracer of each call."""
    handles = [handle for module in model.modules() for handle in (
        module.register_forward_pre_hook(tracer.enter), module.register_forward_hook(tracer.leave))]
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
        for handle in handles:
            handle.remove()


class _Tracer:
    """What modules and operations tell while the model runs."""

    def __init__(self, model, until):
        self.paths = {module: path for path, module in model.named_modules()}
        self.until, self.open, self.last = until, [], None
        self.known = {}                      # id of an array: the array, and what it sees

    def seen(self, array):
        return self.known.get(id(array), (None, None))[1]

    # ---- modules ---------------------------------------------------------------------------------

    def enter(self, module, args):
        call = Call(self.paths[module], type(module).__name__, module)
        if self.open:
            self.open[-1].inside.append(call)
        self.open.append(call)

    def leave(self, module, args, output):
        call = self.last = self.open.pop()
        while isinstance(output, (tuple, list)) and output:
            output = output[0]
        if isinstance(output, Tensor):
            call.shape, call.dtype, call.seen = output.shape, output.dtype, self.seen(output.data)
        if call.path == self.until:
            raise _Reached

    # ---- operations ------------------------------------------------------------------------------

    def evaluate(self, f, args, kwargs):
        """The array that stands for f(*args, **kwargs)."""
        arrays = [a.data if isinstance(a, Tensor) else a for a in args]
        operands = [Operand(a.shape, a.dtype, self.seen(a)) if isinstance(a, np.ndarray) else a
                    for a in arrays]
        several = [a.seen for a in operands if isinstance(a, Operand) and a.seen]
        if not several:                                  # made of weights alone
            return computed(f, args, kwargs)
        name, rule = _rule(f)
        result = rule and rule(*operands, **kwargs)
        if isinstance(result, list):                     # of a function with several results
            return [self._stand_in(part, operands) for part in result]
        if not result:
            y = computed(f, args, kwargs)
            result = Result(y.shape, combined([plain(seen, y.shape) for seen in several], y.shape))
            self.known[id(y)] = y, result.seen
        else:
            if rule is elementwise:
                ones = [np.ones((1,) * a.ndim, a.dtype) if isinstance(a, np.ndarray) else a
                        for a in arrays]
                result = result._replace(dtype=computed(f, ones, kwargs).dtype)
            y = self._stand_in(result, operands)
        self._note(name, y, result)
        return y

    def _stand_in(self, result, operands):
        """An array of zeros for a result, after noting what it sees."""
        dtype = result.dtype or next(a.dtype for a in operands if isinstance(a, Operand))
        y = _nothing(result.shape, dtype)
        self.known[id(y)] = y, result.seen
        return y

    def _note(self, name, y, result):
        """Count an operation for the module around it, or as a layer of its own."""
        here = self.open[-1] if self.open else Call("", "")
        if name in TITLES and here.module is not None and any(True for _ in here.module.children()):
            call = Call(here.path, TITLES[name], None, y.shape, y.dtype, result.seen,
                        result.multiply_adds)
            if name == "resample" and here.inside and here.inside[-1].title == call.title:
                here.inside.pop()                # of one dimension after the other: one line
            here.inside.append(call)
        else:
            here.own += result.multiply_adds


def _rule(f):
    """The name of a function of arrays, and its rule if it is one of ours that has one."""
    if isinstance(f, np.ufunc):
        return f.__name__, elementwise
    name = f.__name__.lstrip("_")
    ours = (f.__module__ or "").split(".")[0] == __package__.split(".")[0]
    return name, RULES.get(name) if ours else None
