"""Hypothesis strategies: tensors, and the problems convolution and pooling are tested on.

    @given(conv_problems(dims=2), st.data())
    def test_...(problem, data):
        x = data.draw(tensors(problem.x_shape))

    @given(calls("conv2d"))                      # arguments of any operation of the catalogue
    def test_...(call):
        check_grad(call.of(F.conv2d), *call.floats)

Every draw is usable: see `draws.py`, where all of it is made. Values come from a seeded NumPy
generator (drawing a thousand numbers one by one would be slow and would not shrink to anything
clearer). This module needs Hypothesis, which belongs to the extra `test`; the rest of
`tinyconv.testing` does not.
"""
from functools import wraps

import numpy as np
from hypothesis import strategies as st

from ..core import Tensor
from .catalogue import OPERATIONS, losses, normalization
from .draws import FLOATS, VALUES, Draw, fill
from .layouts import LAYOUTS
from .problems import ConvProblem, PoolProblem


def _drawn(method):
    """A strategy that makes the choices of a method of `Draw` with Hypothesis."""
    @st.composite
    @wraps(method)
    def strategy(draw, *args, **kwargs):
        return method(Draw(lambda low, high: draw(st.integers(low, high))), *args, **kwargs)
    return strategy


# ---- values and arrays ---------------------------------------------------------------------------

def shapes(min_dims=0, max_dims=4, min_side=1, max_side=5):
    """Shapes as tuples; `min_side=0` allows tensors without elements."""
    sides = st.integers(min_side, max_side)
    return st.lists(sides, min_size=min_dims, max_size=max_dims).map(tuple)


def generators():
    """Seeded NumPy generators; they shrink towards seed 0."""
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def arrays(draw, shape=shapes(), dtype=np.float64, values="normal", layouts=LAYOUTS):
    """NumPy arrays in every memory layout.

    `shape` may be a strategy; `dtype`, `values` (see `fill`) and `layouts` a choice of several.
    """
    shape = draw(shape) if isinstance(shape, st.SearchStrategy) else tuple(shape)
    dtype, values = (draw(_one_of(choice)) for choice in (dtype, values))
    choices = Draw(lambda low, high: draw(st.integers(low, high)))
    layouts = layouts if isinstance(layouts, (tuple, list)) else (layouts,)
    return choices.array(shape, values, dtype, layouts)


def values(kind, shape=shapes(), dtype=np.float64):
    """Plain arrays of one kind of values: "integers" to compare with ==, "distinct" for functions
    with kinks, "extreme", "nonfinite" and the others of `fill`."""
    return arrays(shape, dtype, kind, "contiguous")


@st.composite
def tensors(draw, shape=shapes(), dtype=np.float64, values="normal", layouts=LAYOUTS,
            requires_grad=True):
    """Tensors around `arrays`."""
    return Tensor(draw(arrays(shape, dtype, values, layouts)), requires_grad=requires_grad)


def _one_of(choice):
    return st.sampled_from(choice) if isinstance(choice, (tuple, list)) else st.just(choice)


@st.composite
def operands(draw, *values, dtype=np.float64):
    """A list of arrays whose shapes broadcast, one for each kind of values (see `fill`).

        @given(operands("normal", "positive"))
        def test_my_operation(xs):
            check_grad(my_operation, *xs)
    """
    shapes = draw(broadcastable(len(values)))
    return [draw(arrays(shape, dtype, kind)) for shape, kind in zip(shapes, values)]


# ---- problems ------------------------------------------------------------------------------------

broadcastable = _drawn(Draw.broadcastable)
conv_problems = _drawn(Draw.conv_problem)
pool_problems = _drawn(Draw.pool_problem)


@_drawn
def calls(draw, name):
    """Arguments of an operation of the catalogue, as a `Call`."""
    return OPERATIONS[name].problem(draw)


def norm_problems():
    """Pairs of a normalisation of the catalogue and arguments for it."""
    return _of(normalization.OPERATIONS)


def loss_problems():
    """Pairs of a loss of the catalogue and arguments for it."""
    return _of(losses.OPERATIONS)


def _of(operations):
    return st.sampled_from(operations).flatmap(lambda operation: st.tuples(
        st.just(operation), calls(operation.name)))
