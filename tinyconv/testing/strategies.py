"""Hypothesis strategies: tensors, and the problems convolution and pooling are tested on.

    @given(conv_problems(dims=2), st.data())
    def test_...(problem, data):
        x = data.draw(tensors(problem.x_shape))

Every draw is usable: sizes of inputs are derived from sizes of outputs, so nothing is filtered
away. Values come from a seeded NumPy generator (drawing a thousand numbers one by one would be slow
and would not shrink to anything clearer). This module needs Hypothesis, which belongs to the extra
`test`; the rest of `tinyconv.testing` does not.
"""
import numpy as np
from hypothesis import strategies as st

from ..core import Tensor
from .layouts import LAYOUTS, lay_out
from .problems import ConvProblem, PoolProblem

FLOATS = (np.float32, np.float64)
VALUES = ("normal", "integers", "distinct", "positive")


# ---- values and arrays ---------------------------------------------------------------------------

def shapes(min_dims=0, max_dims=4, min_side=1, max_side=5):
    """Shapes as tuples; `min_side=0` allows tensors without elements."""
    sides = st.integers(min_side, max_side)
    return st.lists(sides, min_size=min_dims, max_size=max_dims).map(tuple)


def generators():
    """Seeded NumPy generators; they shrink towards seed 0."""
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


def fill(rng, shape, values="normal", dtype=np.float64):
    """An array of the given kind of values:

    normal    standard normal
    integers  whole numbers from −4 to 4, whose sums and products are exact: compare with ==
    distinct  near odd multiples of 0.02, no two equal: none within 0.01 of a multiple of 0.04 (0 is
              one) or of another, so that the kinks of relu, abs and max are far away
    positive  between 1/2 and 2: for logarithms, roots and powers
    """
    size = int(np.prod(shape))
    if values == "normal":
        x = rng.standard_normal(size)
    elif values == "integers":
        x = rng.integers(-4, 5, size)
    elif values == "distinct":
        x = (rng.permutation(size) - size // 2 + 0.5) / 25 + rng.uniform(-0.005, 0.005, size)
    elif values == "positive":
        x = 2.0 ** rng.uniform(-1, 1, size)
    else:
        raise ValueError(f"values: expected one of {', '.join(VALUES)}, got {values!r}")
    return x.reshape(shape).astype(dtype)


@st.composite
def arrays(draw, shape=shapes(), dtype=np.float64, values="normal", layouts=LAYOUTS):
    """NumPy arrays in every memory layout.

    `shape` may be a strategy; `dtype`, `values` and `layouts` may be a choice of several.
    """
    shape = draw(shape) if isinstance(shape, st.SearchStrategy) else tuple(shape)
    dtype, values, layout = draw(_one_of(dtype)), draw(_one_of(values)), draw(_one_of(layouts))
    if values == "distinct" and layout == "broadcast":
        layout = "read_only"                       # what is repeated is not distinct
    return lay_out(fill(draw(generators()), shape, values, dtype), layout)


@st.composite
def tensors(draw, shape=shapes(), dtype=np.float64, values="normal", layouts=LAYOUTS,
            requires_grad=True):
    """Tensors around `arrays`."""
    return Tensor(draw(arrays(shape, dtype, values, layouts)), requires_grad=requires_grad)


def _one_of(choice):
    return st.sampled_from(choice) if isinstance(choice, (tuple, list)) else st.just(choice)


@st.composite
def broadcastable(draw, count=2, max_dims=4, min_side=1, max_side=4):
    """`count` shapes that broadcast together: some lack leading dimensions, some have 1."""
    full = draw(shapes(0, max_dims, min_side, max_side))

    def narrowed():
        kept = full[draw(st.integers(0, len(full))):]
        return tuple(1 if draw(st.booleans()) else n for n in kept)
    return tuple(narrowed() for _ in range(count))


# ---- convolution and pooling ---------------------------------------------------------------------

@st.composite
def conv_problems(draw, dims=(1, 2, 3), min_batch=0, max_batch=3, max_channels=3, max_kernel=3,
                  max_out=4, max_stride=3, max_padding=3, max_dilation=3, max_groups=3):
    """Geometries of convolution in 1-3 dimensions, as `ConvProblem`.

    Any kernel, stride, padding, dilation and groups against one another, and at times no images.
    """
    D = draw(_one_of(dims))
    if D == 3:
        max_kernel, max_out, max_channels = (min(n, 2) for n in (max_kernel, max_out, max_channels))
    groups = draw(st.integers(1, max_groups))
    sides = [_side(draw, max_kernel, max_out, max_stride, max_padding, max_dilation)
             for _ in range(D)]
    kernel, stride, padding, dilation, size = zip(*sides)
    N = draw(st.sampled_from([n for n in (1, 2, 3, 0) if min_batch <= n <= max_batch]))
    C, O = (groups * draw(st.integers(1, max_channels)) for _ in range(2))      # noqa: E741
    return ConvProblem(N, C, O, size, kernel, stride, padding, dilation, groups)


@st.composite
def pool_problems(draw, dims=(1, 2, 3), min_batch=0, max_batch=2, max_channels=3, max_kernel=3,
                  max_out=4, max_stride=3, max_dilation=3):
    """Geometries of pooling, as `PoolProblem`.

    The padding is at most half the kernel, as in PyTorch, and no window sees nothing but padding.
    """
    D = draw(_one_of(dims))
    max_out = 2 if D == 3 else max_out
    sides = [_side(draw, max_kernel, max_out, max_stride, None, max_dilation) for _ in range(D)]
    kernel, stride, padding, dilation, size = zip(*sides)
    N = draw(st.sampled_from([n for n in (1, 2, 0) if min_batch <= n <= max_batch]))
    C = draw(st.integers(1, max_channels))
    return PoolProblem(N, C, size, kernel, stride, padding, dilation, draw(st.booleans()))


def _side(draw, max_kernel, max_out, max_stride, max_padding, max_dilation):
    """One dimension: (kernel, stride, padding, dilation, size); the size follows from the output's.

    From out = ⌊(size + 2P − D(K−1) − 1)/S⌋ + 1 comes size = (out−1)S + D(K−1) + 1 − 2P + r, with
    any remainder r < S.
    """
    K, S, out, D = (draw(st.integers(1, most))
                    for most in (max_kernel, max_stride, max_out, max_dilation))
    reach = (out - 1) * S + D * (K - 1)
    P = draw(st.integers(0, min(K // 2 if max_padding is None else max_padding, reach // 2)))
    size = reach + 1 - 2 * P + draw(st.integers(0, S - 1))
    if max_padding is None and size < D:           # taps D apart might step over the whole image
        size += S * -((size - D) // S)
    return K, S, P, D, size
