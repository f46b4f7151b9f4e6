"""What a failed check says."""

ORDINALS = ("zeroth", "first", "second", "third", "fourth", "fifth", "sixth")


class GradientError(AssertionError):
    """A derivative is wrong, or what comes with it (shape, dtype, memory, repeatability)."""


class KinkError(GradientError):
    """The point lies on a kink or a jump, where there is no derivative to compare with."""


def derivative_at(order, name):
    """`second derivative of conv2d`"""
    ordinal = ORDINALS[order] if order < len(ORDINALS) else f"{order}th"
    return f"{ordinal} derivative of {name}"


def mismatch(name, order, source, shape, where, analytic, numerical, step, tolerance):
    """The message of a wrong derivative, from the general to the particular."""
    return (f"{derivative_at(order, name)} is wrong with respect to {source} of shape {shape}\n"
            f"  at         {where}\n"
            f"  analytic   {analytic:.12g}\n"
            f"  numerical  {numerical:.12g}   (central difference, step {step:.2g})\n"
            f"  error      {abs(analytic - numerical):.3g} > tolerance {tolerance:.3g}")


def kink(name, order, source, shape, where, left, right, step):
    """The message of a point without a derivative."""
    return (f"{derivative_at(order, name)} does not exist here with respect to {source} of shape "
            f"{shape}: a kink or a jump\n"
            f"  at           {where}\n"
            f"  slope left   {left:.12g}\n"
            f"  slope right  {right:.12g}   (step {step:.2g})\n"
            "  hint         check at another point: distinct values, none within 1e-4 of the kink")
