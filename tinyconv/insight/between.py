"""The loss along a straight line between two sets of weights.

Goodfellow, Vinyals & Saxe 2015, "Qualitatively characterizing neural network optimization
problems", arXiv 1412.6544: from the first weights of a run to its last the loss mostly falls
without a barrier. Between two runs there usually is one.
"""
from contextlib import contextmanager

import numpy as np

from ..core import Tensor, no_grad
from .asking import undisturbed


def loss_between(model, first, last, loss, places=np.linspace(-0.25, 1.25, 31)):
    """(n,) the loss of `model` with the weights  (1 − t) first + t last  at each of n places t.

        def loss(model):
            return training.evaluate(model, test).loss
        y = loss_between(model, at_the_beginning, model.state_dict(), loss)

    `first` and `last` are what `state_dict()` or `read_weights` gives: tensors or arrays by name.
    Parameters and buffers are mixed alike; whole numbers, such as the counts of batch norm, are
    those of the nearer end. The model is as in use while `loss(model)` is called, and has its own
    weights and modes again when this returns or raises. Statistics of batch norm that are mixed are
    not those that the mixed weights would have: use a `loss` that measures them anew if it matters.

    Raises ValueError that lists the names that do not fit the model.
    """
    own = {name: tensor.data for name, tensor in model.state_dict().items()}
    first, last = _fitting("first", first, own), _fitting("last", last, own)
    found = []
    with _kept(model, own), undisturbed(model), no_grad():
        for t in places:
            for name, array in own.items():
                if array.dtype.kind == "f":
                    array[...] = (1 - t) * first[name] + t * last[name]
                else:
                    array[...] = (first if t < 0.5 else last)[name]
            for parameter in model.parameters():
                parameter.touch()
            found.append(float(loss(model)))
    return np.array(found)


def _fitting(which, given, own):
    """Copies of the arrays that were given, in double precision; they may be the model's own."""
    arrays = {name: np.array(value.data if isinstance(value, Tensor) else value, np.float64)
              for name, value in given.items()}
    wrong = [name for name in own if name not in arrays or arrays[name].shape != own[name].shape]
    if wrong:
        raise ValueError(f"loss_between: {which} should have an array of the right shape for each "
                         f"name of the model, but not for {', '.join(wrong)}")
    return arrays


@contextmanager
def _kept(model, own):
    """Afterwards the model has the weights of before, bit for bit."""
    before = {name: array.copy() for name, array in own.items()}
    try:
        yield
    finally:
        for name, array in own.items():
            array[...] = before[name]
        for parameter in model.parameters():
            parameter.touch()
