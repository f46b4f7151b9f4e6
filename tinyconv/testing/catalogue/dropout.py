"""Dropout: with a generator that begins anew at every call, a linear or affine function of x."""
from functools import wraps

import numpy as np

from ...nn import functional as F
from .operation import Call, Operation


def seeded(dropout):
    """`dropout` with a seed where it takes a generator: each call drops the same."""
    @wraps(dropout)
    def repeatable(*args, seed, **options):
        return dropout(*args, generator=np.random.default_rng(seed), **options)
    return repeatable


def _dropout(*dims, mode=None):
    """Problems for images of so many dimensions, of batches and channels as well."""
    def problem(draw):
        x = draw.array(draw.shape(min(dims), max(dims)))
        options = {} if mode is None else {"mode": draw.pick(*mode)}
        return Call(x, p=draw.pick(0.5, 0.2, 0.0, 1.0), training=True, seed=draw.whole(0, 99),
                    **options)
    return problem


# PyTorch draws other numbers, so that there is nothing to compare with.
OPERATIONS = [Operation(name, problem, torch="", function=seeded(getattr(F, name)))
              for name, problem in [
                  ("dropout", _dropout(0, 3)),
                  ("dropout1d", _dropout(2, 3)),
                  ("dropout2d", _dropout(3, 4)),
                  ("dropout3d", _dropout(4, 5)),
                  ("alpha_dropout", _dropout(0, 3)),
                  ("feature_alpha_dropout", _dropout(2, 4)),
                  ("stochastic_depth", _dropout(1, 3, mode=("row", "batch")))]]
