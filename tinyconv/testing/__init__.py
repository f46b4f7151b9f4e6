"""Checking gradients: of this package's operations, and of yours.

    from tinyconv.testing import check_grad
    check_grad(my_operation, x, w, order=2)

`check_grad` compares derivatives with finite differences along random directions, to any order,
and looks after what else can go wrong with a gradient. `gradcheck` and `gradgradcheck` have
PyTorch's names and arguments and compare the full Jacobian. `check_adjoint` tests a pair of linear
operations. `strategies` (which needs Hypothesis) draws the problems.
"""
from .adjoint import check_adjoint
from .comparison import check_against_reference, check_against_torch
from .directional import check_grad
from .errors import GradientError, KinkError
from .jacobian import gradcheck, gradgradcheck

__all__ = ["check_grad", "gradcheck", "gradgradcheck", "check_adjoint", "check_against_reference",
           "check_against_torch", "GradientError", "KinkError"]
