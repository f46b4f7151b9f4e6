"""Every differentiable operation of the package, with a way to make problems for it.

`tinyconv check` goes through it, `strategies.calls(name)` draws from it, and a test makes sure that
no public name is missing: it is either here or among `WITHOUT_DERIVATIVE`, with the reason.
"""
from . import (algebra, convolution, dropout, elementwise, indexing, losses, normalization, pooling,
               reducing, shaping, vision)
from .operation import Call, Constant, Operation

SUBJECTS = (elementwise, reducing, shaping, indexing, algebra, convolution, pooling, normalization,
            dropout, losses, vision)

OPERATIONS = {operation.name: operation for subject in SUBJECTS
              for operation in subject.OPERATIONS}

WITHOUT_DERIVATIVE = {
    "makes a tensor from nothing, or from data": """arange as_tensor empty eye from_numpy full
        empty_like full_like linspace new_full new_ones new_zeros ones ones_like tensor zeros
        zeros_like""",
    "random": "rand rand_like randint randn randn_like randperm manual_seed",
    "constant almost everywhere": """all any argmax argmin ceil eq floor floor_divide ge gt isfinite
        isinf isnan le logical_and logical_not logical_or logical_xor lt ne round sign trunc""",
    "answers with positions, classes or truth": """allclose argsort count_nonzero equal isclose
        nonzero one_hot""",
    "no operation": "default_generator grad is_grad_enabled keep_freed_memory",
    "another dtype": "bool double float half int long to type type_as",
    "about the tensor, not its elements": """backward detach dim is_floating_point item numel numpy
        register_hook requires_grad_ retain_grad size tolist touch""",
}
