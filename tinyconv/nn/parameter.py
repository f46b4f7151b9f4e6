"""A parameter: the tensor that a module trains."""
from ..core import Tensor


class Parameter(Tensor):
    """A leaf that requires a gradient, and that belongs to the `Module` whose attribute it is.

    `data` is anything a tensor can be made of; an array, or the array of a tensor, is shared and
    not copied.
    """
    __slots__ = ()

    def __init__(self, data, requires_grad=True):
        super().__init__(data, requires_grad)

    def __repr__(self):
        return f"Parameter containing:\n{super().__repr__()}"
