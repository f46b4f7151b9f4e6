"""Numbers of dimensions as users give them: from the end when negative, and never out of range."""


def axis(dim, ndim, op):
    """`dim` as a number from 0 to ndim − 1, checked.

    A tensor without dimensions counts as having one, as in PyTorch.
    """
    n = ndim or 1
    if not -n <= dim < n:
        raise IndexError(f"{op}: dim {dim} is out of range for a tensor with {ndim} dimensions")
    return int(dim) % n


def axes(dim, ndim, op):
    """`dim` (None for all, a number or several) as a tuple of different numbers, checked."""
    if dim is None:
        return tuple(range(ndim))
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    dims = tuple(axis(d, ndim, op) for d in dims)
    if len(set(dims)) < len(dims):
        raise ValueError(f"{op}: dim {dim} names a dimension twice")
    return dims if ndim else ()
