"""The ways an array can lie in memory: a kernel that is right for one may be wrong for another."""
import numpy as np

LAYOUTS = ("contiguous", "fortran", "channels_last", "reversed", "strided", "broadcast",
           "read_only")


def awkward(array):
    """A read-only copy with gaps and negative strides, the first index fastest: no two neighbours
    lie side by side."""
    larger = np.full([2 * n for n in array.shape], 77, array.dtype, order="F")
    view = larger[(..., *[slice(None, None, -2)] * array.ndim)]
    view[...] = array
    view.flags.writeable = False
    return view


def otherwise(array):
    """A copy that lies in memory as `array` does not: plain, or if that is plain, `awkward`."""
    return awkward(array) if array.flags.c_contiguous else np.array(array, order="C")


def lay_out(array, layout):
    """The same values laid out as asked.

    contiguous     row by row, the last index fastest
    fortran        the first index fastest
    channels_last  the second index fastest, as in (N, H, W, C) seen as (N, C, H, W)
    reversed       negative strides
    strided        every second element of something larger
    broadcast      stride zero: the first entry of the first dimension longer than one, repeated
    read_only      cannot be written to
    """
    if layout == "contiguous":
        return np.ascontiguousarray(array).reshape(array.shape)
    if layout == "fortran":
        return np.asfortranarray(array).reshape(array.shape)
    if layout == "channels_last":
        if array.ndim < 3:
            return array.copy()
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)
    backwards = (..., *[slice(None, None, -1)] * array.ndim)
    if layout == "reversed":
        return array[backwards].copy()[backwards]
    if layout == "strided":
        larger = np.full([2 * n for n in array.shape], 77, array.dtype)
        view = larger[(..., *[slice(None, None, 2)] * array.ndim)]
        view[...] = array
        return view
    if layout == "broadcast":
        long = [axis for axis, n in enumerate(array.shape) if n > 1]
        return np.broadcast_to(array.take([0], axis=long[0]), array.shape) if long else array.copy()
    if layout == "read_only":
        array = array.copy()
        array.flags.writeable = False
        return array
    raise ValueError(f"layout: expected one of {', '.join(LAYOUTS)}, got {layout!r}")
