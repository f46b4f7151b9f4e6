"""Checking gradients: of this package's operations, and of yours.

    from tinyconv.testing import check_grad
    check_grad(my_operation, x, w, order=2)

`check_grad` compares derivatives with finite differences or complex steps along random directions,
to any order, and looks after what else can go wrong with a gradient. `gradcheck` and
`gradgradcheck` have PyTorch's names and arguments and compare the full Jacobian. `check_adjoint`
tests a pair of linear operations, `check_linear` whether a function is linear,
`check_against_torch` and `check_against_reference` compare with another implementation.

`catalogue` has every operation of this package with problems for it; `check_operation`, and the
command `tinyconv check`, run all of that on them. `strategies` (which needs Hypothesis) draws
tensors and problems for tests.
"""
from .adjoint import check_adjoint
from .comparison import check_against_reference, check_against_torch
from .complex_step import complex_step
from .directional import check_grad
from .errors import GradientError, KinkError
from .jacobian import gradcheck, gradgradcheck
from .linear import check_linear
from .operations import check_operation

__all__ = ["check_grad", "gradcheck", "gradgradcheck", "complex_step", "check_adjoint",
           "check_linear", "check_against_reference", "check_against_torch", "check_operation",
           "GradientError", "KinkError"]
