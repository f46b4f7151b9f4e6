"""Choices, and the arrays, shapes and geometries that follow from them.

A problem (which shapes, which stride, which values) is written once, as a function of a `Draw`, and
drawn in two ways: by a seeded generator (`tinyconv check`), or by Hypothesis, which also makes a
failing one small (`strategies.py`). Sizes of inputs are derived from sizes of outputs, so that
every draw is usable and nothing is thrown away.
"""
import numpy as np

from .layouts import LAYOUTS, lay_out
from .problems import ConvProblem, PoolProblem

FLOATS = (np.float32, np.float64)
VALUES = ("normal", "integers", "distinct", "positive", "unit", "extreme", "nonfinite")
AWKWARD = (0.0, -0.0, 1e-30, -1e-30, 1e4, -1e4, 1e30, -1e30)


def fill(rng, shape, values="normal", dtype=np.float64):
    """An array of the given kind of values:

    normal     standard normal
    integers   whole numbers from −4 to 4, whose sums and products are exact: compare with ==
    distinct   near odd multiples of 0.02, no two equal: none within 0.01 of a multiple of 0.04 (0
               is one) or of another, so that the kinks of relu, abs and max are far away
    positive   between 1/2 and 2: for logarithms, roots and powers
    unit       between −0.9 and 0.9: for arcsin
    extreme    zeros of both signs and numbers from 1e-30 to 1e30 among normal ones
    nonfinite  NaN and infinities of both signs among normal numbers
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
    elif values == "unit":
        x = rng.uniform(-0.9, 0.9, size)
    elif values in ("extreme", "nonfinite"):
        special = AWKWARD if values == "extreme" else (np.nan, np.inf, -np.inf)
        x = np.where(rng.random(size) < 0.5, rng.choice(special, size), rng.standard_normal(size))
    else:
        raise ValueError(f"values: expected one of {', '.join(VALUES)}, got {values!r}")
    return x.reshape(shape).astype(dtype)


class Draw:
    """Choices of every kind, from a single one: `whole(low, high)`, a whole number, ends included.

    Lower numbers are the simpler choice, which is what Hypothesis shrinks to.
    """

    def __init__(self, whole):
        self.whole = whole

    @classmethod
    def seeded(cls, *seed):
        """Choices of a generator with that seed."""
        rng = np.random.default_rng(seed)
        return cls(lambda low, high: int(rng.integers(low, high, endpoint=True)))

    def pick(self, *choices):
        """One of the choices; the first is the simplest."""
        return choices[self.whole(0, len(choices) - 1)]

    def chance(self):
        """True or False."""
        return self.whole(0, 1) == 1

    def generator(self):
        """A NumPy generator."""
        return np.random.default_rng(self.whole(0, 2 ** 32 - 1))

    # ---- shapes and arrays -----------------------------------------------------------------------

    def shape(self, min_dims=0, max_dims=3, min_side=1, max_side=4):
        """A shape; `min_side=0` allows tensors without elements."""
        return tuple(self.whole(min_side, max_side) for _ in range(self.whole(min_dims, max_dims)))

    def broadcastable(self, count=2, max_dims=3, min_side=1, max_side=4):
        """Shapes that broadcast together: some lack leading dimensions, some have ones."""
        full = self.shape(0, max_dims, min_side, max_side)
        return tuple(tuple(1 if self.chance() else n for n in full[self.whole(0, len(full)):])
                     for _ in range(count))

    def array(self, shape, values="normal", dtype=np.float64, layouts=LAYOUTS):
        """An array of such `values` (see `fill`) in one of the `layouts`."""
        layout = self.pick(*layouts)
        if values == "distinct" and layout == "broadcast":
            layout = "read_only"                       # what is repeated is not distinct
        return lay_out(fill(self.generator(), shape, values, dtype), layout)

    def integers(self, low, high, shape):
        """An array of whole numbers, `high` not included."""
        return np.asarray(self.generator().integers(low, high, shape))

    def mask(self, shape):
        """An array of truth values."""
        return np.asarray(self.generator().random(shape) < 0.5)

    def dim(self, ndim):
        """A dimension, counted from the front or from the end."""
        return self.whole(-ndim, ndim - 1) if ndim else self.pick(0, -1)

    def dims(self, ndim):
        """None for all dimensions, one of them, or a tuple of several."""
        kind = self.pick("all", "one", "several")
        if kind == "all" or not ndim:
            return None
        if kind == "one":
            return self.dim(ndim)
        return tuple(d - ndim * self.chance() for d in range(ndim) if self.chance()) or (ndim - 1,)

    # ---- geometries ------------------------------------------------------------------------------

    def conv_problem(self, dims=(1, 2, 3), min_batch=0, max_batch=3, max_channels=3, max_kernel=3,
                     max_out=4, max_stride=3, max_padding=3, max_dilation=3, max_groups=3):
        """A `ConvProblem`: any kernel, stride, padding, dilation and groups, at times no images."""
        D = self.pick(*dims) if isinstance(dims, (tuple, list)) else dims
        if D == 3:
            max_kernel, max_out, max_channels = (
                min(n, 2) for n in (max_kernel, max_out, max_channels))
        groups = self.whole(1, max_groups)
        sides = [self._side(max_kernel, max_out, max_stride, max_padding, max_dilation)
                 for _ in range(D)]
        kernel, stride, padding, dilation, size = zip(*sides)
        N = self.pick(*[n for n in (1, 2, 3, 0) if min_batch <= n <= max_batch])
        C, O = (groups * self.whole(1, max_channels) for _ in range(2))            # noqa: E741
        return ConvProblem(N, C, O, size, kernel, stride, padding, dilation, groups)

    def pool_problem(self, dims=(1, 2, 3), min_batch=0, max_batch=2, max_channels=3, max_kernel=3,
                     max_out=4, max_stride=3, max_dilation=3):
        """A `PoolProblem`: padding up to half the kernel, and no window sees only padding."""
        D = self.pick(*dims) if isinstance(dims, (tuple, list)) else dims
        max_out = 2 if D == 3 else max_out
        sides = [self._side(max_kernel, max_out, max_stride, None, max_dilation) for _ in range(D)]
        kernel, stride, padding, dilation, size = zip(*sides)
        N = self.pick(*[n for n in (1, 2, 0) if min_batch <= n <= max_batch])
        C = self.whole(1, max_channels)
        return PoolProblem(N, C, size, kernel, stride, padding, dilation, self.chance())

    def _side(self, max_kernel, max_out, max_stride, max_padding, max_dilation):
        """One dimension: (kernel, stride, padding, dilation, size); size follows from output.

        From out = ⌊(size + 2P − D(K−1) − 1)/S⌋ + 1 comes size = (out−1)S + D(K−1) + 1 − 2P + r,
        with any remainder r < S.
        """
        K, S, out, D = (self.whole(1, most)
                        for most in (max_kernel, max_stride, max_out, max_dilation))
        reach = (out - 1) * S + D * (K - 1)
        P = self.whole(0, min(K // 2 if max_padding is None else max_padding, reach // 2))
        size = reach + 1 - 2 * P + self.whole(0, S - 1)
        if max_padding is None and size < D:       # taps D apart might step over the whole image
            size += S * -((size - D) // S)
        return K, S, P, D, size
