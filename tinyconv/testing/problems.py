"""Geometries of convolution and pooling, with the shapes that follow from them."""
from dataclasses import dataclass


@dataclass(frozen=True)
class ConvProblem:
    """A convolution: x (N, C, *size) with w (O, C/groups, *kernel) gives y (N, O, *out)."""
    N: int
    C: int
    O: int                                        # noqa: E741
    size: tuple
    kernel: tuple
    stride: tuple
    padding: tuple
    dilation: tuple
    groups: int

    dims = property(lambda self: len(self.kernel))
    x_shape = property(lambda self: (self.N, self.C, *self.size))
    w_shape = property(lambda self: (self.O, self.C // self.groups, *self.kernel))
    y_shape = property(lambda self: (self.N, self.O, *self.out))
    options = property(lambda self: {"stride": self.stride, "padding": self.padding,
                                     "dilation": self.dilation, "groups": self.groups})

    @property
    def out(self):
        """⌊(size + 2P − D(K−1) − 1)/S⌋ + 1 in every dimension"""
        return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d
                     in zip(self.size, self.kernel, self.stride, self.padding, self.dilation))


@dataclass(frozen=True)
class PoolProblem:
    """A pooling: x (N, C, *size) gives y (N, C, *out)."""
    N: int
    C: int
    size: tuple
    kernel: tuple
    stride: tuple
    padding: tuple
    dilation: tuple
    ceil_mode: bool

    dims = property(lambda self: len(self.kernel))
    x_shape = property(lambda self: (self.N, self.C, *self.size))
    avg_options = property(lambda self: {"kernel_size": self.kernel, "stride": self.stride,
                                         "padding": self.padding, "ceil_mode": self.ceil_mode})
    max_options = property(lambda self: {**self.avg_options, "dilation": self.dilation})
