"""What a failed check says."""
import numpy as np

from ..core import Tensor

ORDINALS = ("zeroth", "first", "second", "third", "fourth", "fifth", "sixth")
FEW = 8                                # so many elements of an array are worth printing


class GradientError(AssertionError):
    """A derivative is wrong, or what comes with it (shape, dtype, memory, repeatability)."""


class KinkError(GradientError):
    """The point lies on a kink or a jump, where there is no derivative to compare with."""


def derivative_at(order, name):
    """`second derivative of conv2d`"""
    ordinal = ORDINALS[order] if order < len(ORDINALS) else f"{order}th"
    return f"{ordinal} derivative of {name}"


def mismatch(name, order, source, shape, where, analytic, numerical, how, tolerance):
    """The message of a wrong derivative, from the general to the particular."""
    return (f"{derivative_at(order, name)} is wrong with respect to {source} of shape {shape}\n"
            f"  at         {where}\n"
            f"  analytic   {analytic:.12g}\n"
            f"  numerical  {numerical:.12g}   ({how})\n"
            f"  error      {abs(analytic - numerical):.3g} > tolerance {tolerance:.3g}")


def kink(name, order, source, shape, where, left, right, step):
    """The message of a point without a derivative."""
    return (f"{derivative_at(order, name)} does not exist here with respect to {source} of shape "
            f"{shape}: a kink or a jump\n"
            f"  at           {where}\n"
            f"  slope left   {left:.12g}\n"
            f"  slope right  {right:.12g}   (step {step:.2g})\n"
            "  hint         check at another point: distinct values, none within 1e-4 of the kink")


def edge(name, order, source, shape, where, step):
    """The message of a point beside which the function is not defined."""
    return (f"{derivative_at(order, name)} does not exist here with respect to {source} of shape "
            f"{shape}: the edge of where the function is defined\n"
            f"  at     {where}, moved by {step:.2g}\n"
            "  hint   check at a point with room on both sides")


def laid_out(source, inputs, what, given, otherwise):
    """The message of a result or gradient that depends on where its input lies in memory."""
    lines = [f"{what} depends on how {source} lies in memory"]
    if given.shape == otherwise.shape:
        where = np.unravel_index(np.argmax(np.abs(np.nan_to_num(given - otherwise, nan=np.inf))),
                                 given.shape)
        where = tuple(map(int, where))
        given, otherwise = f"{given[where]:.12g}", f"{otherwise[where]:.12g}"
        lines.append(f"  at           element {where}")
    else:
        given, otherwise = f"of shape {given.shape}", f"of shape {otherwise.shape}"
    strides = ", ".join(str(x.strides) for x in inputs)
    return "\n".join([*lines, f"  as given     {given}   (strides {strides})",
                      f"  laid out otherwise  {otherwise}"])


def again(name, inputs, options):
    """`check_grad(f, np.array([0.5, 1.0]), <float64 (3, 40)>, order=2, …)`, to do it once more."""
    given = [name, *map(shown, inputs), *(f"{k}={v!r}" for k, v in options.items())]
    return f"check_grad({', '.join(given)})"


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
