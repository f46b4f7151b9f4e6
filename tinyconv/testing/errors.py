"""What a failed check says."""
import numpy as np

from ..core import Tensor

__tracebackhide__ = True
ORDINALS = ("zeroth", "first", "second", "third", "fourth", "fifth", "sixth")
FEW = 8                                # so many elements of an array are worth printing


class GradientError(AssertionError):
    """A derivative is wrong, or what comes with it (shape, dtype, memory, repeatability)."""


class PointError(GradientError):
    """At this point there is nothing to compare a derivative with."""


class KinkError(PointError):
    """The point lies on a kink or a jump, where there is no derivative to compare with."""


def derivative_at(order, name):
    """`second derivative of conv2d`"""
    ordinal = ORDINALS[order] if order < len(ORDINALS) else f"{order}th"
    return f"{ordinal} derivative of {name}"


def rows(head, **values):
    """A message: what is wrong, then line by line what was found, in one column."""
    return head + "".join(f"\n  {label.replace('_', ' '):13}{value}"
                          for label, value in values.items() if value is not None)


def mismatch(name, order, source, shape, where, analytic, numerical, how, tolerance):
    """The message of a wrong derivative, from the general to the particular."""
    return rows(f"{derivative_at(order, name)} is wrong with respect to {source} of shape {shape}",
                at=where, analytic=f"{analytic:.12g}", numerical=f"{numerical:.12g}   ({how})",
                error=f"{abs(analytic - numerical):.3g} > tolerance {tolerance:.3g}")


def kink(name, order, source, shape, where, left, right, step):
    """The message of a point without a derivative."""
    return rows(f"{derivative_at(order, name)} does not exist here with respect to {source} of "
                f"shape {shape}: a kink or a jump", at=where, slope_left=f"{left:.12g}",
                slope_right=f"{right:.12g}   (step {step:.2g})",
                hint="check at another point: distinct values, none within 1e-4 of the kink")


def edge(name, order, source, shape, where, step):
    """The message of a point beside which the function is not defined."""
    return rows(f"{derivative_at(order, name)} does not exist here with respect to {source} of "
                f"shape {shape}: the edge of where the function is defined",
                at=f"{where}, moved by {step:.2g}",
                hint="check at a point with room on both sides")


def laid_out(source, inputs, what, given, otherwise):
    """The message of a result or gradient that depends on where its input lies in memory."""
    where = None
    if given.shape == otherwise.shape:
        where = np.unravel_index(np.argmax(np.abs(np.nan_to_num(given - otherwise, nan=np.inf))),
                                 given.shape)
        where = tuple(map(int, where))
        given, otherwise = f"{given[where]:.12g}", f"{otherwise[where]:.12g}"
    else:
        given, otherwise = f"of shape {given.shape}", f"of shape {otherwise.shape}"
    strides = ", ".join(str(x.strides) for x in inputs)
    return rows(f"{what} depends on how {source} lies in memory",
                at=None if where is None else f"element {where}",
                as_given=f"{given}   (strides {strides})", otherwise=otherwise)


def shown(x):
    """An argument in one line: few elements by their values, more by dtype, shape and strides."""
    x = x.data if isinstance(x, Tensor) else x
    if not isinstance(x, np.ndarray):
        return repr(x)
    if x.size <= FEW and x.size:
        kind = "" if x.dtype == np.float64 else f", np.{x.dtype}"
        return f"np.array({x.tolist()}{kind})"
    plain = x.flags.c_contiguous and x.flags.writeable
    return f"<{x.dtype} {x.shape}{'' if plain else f' strides {x.strides}'}>"
