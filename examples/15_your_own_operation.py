"""Lesson 15. An operation of your own: its rule is wrong twice, the checker finds out, you mend it.

    python examples/15_your_own_operation.py     prints what happens, draws the figure beside it
"""
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
from tinyconv.core import defvjp, primitive
from tinyconv.testing import GradientError, check_grad


# ---- 1. an operation is a function of arrays -----------------------------------------------------
# A bump around 0 whose width s is learned, one for every column:  y = exp(−x² / 2s²).
# `primitive` lifts it to tensors. Shapes broadcast as in NumPy, x (5, 3) with s (3,).

def new_bump():
    @primitive
    def bump(x, s):
        """y = exp(−x² / 2s²)"""
        return np.exp(-x * x / (2 * s * s))
    return bump


rng = np.random.default_rng(2)
x, s = rng.standard_normal((5, 3)), np.array([0.5, 1.0, 2.0])


def verdict(operation):
    """What `check_grad` says, in a few lines."""
    try:
        first, second = check_grad(operation, x, s)
        return f"right: relative errors {first:.0e} at first order, {second:.0e} at second"
    except GradientError as error:
        return str(error)


# ---- 2. the first attempt ------------------------------------------------------------------------
# A rule for each argument says what reaches it when g reaches the result: g times the derivative,
# in operations on tensors. By hand dy/dx = −x/s² · y and dy/ds = x²/s³ · y. Or was it?

wrong = new_bump()
defvjp(wrong, lambda g, y, x, s: -g * y * x / (s * s),
              lambda g, y, x, s: g * y * x * x / (s * s))              # ← s³ was meant

print("1. a slip of the pen\n")
print(verdict(wrong))
print("""
Input 1 is s: so the second rule is wrong. The values are the derivative by one element of s, by
the rule (analytic) and by moving s a little (numerical).
""")


# ---- 3. the second attempt -----------------------------------------------------------------------
# The exponents are right now. To save time, the derivative is computed on the bare arrays.

hidden = new_bump()
defvjp(hidden, lambda g, y, x, s: g * tc.tensor(-y.data * x.data / s.data ** 2),
               lambda g, y, x, s: g * tc.tensor(y.data * x.data ** 2 / s.data ** 3))

print("2. a constant that is none\n")
print(verdict(hidden))
print("""
The first derivative is right, and any training would go well. But arrays carry no history: whoever
asks for the derivative of this gradient (a gradient penalty, a Hessian) is told that it does not
depend on x.
""")


# ---- 4. mended -----------------------------------------------------------------------------------

bump = new_bump()
defvjp(bump, lambda g, y, x, s: -g * y * x / (s * s),
             lambda g, y, x, s: g * y * x * x / (s * s * s))

print("3. with operations on tensors throughout\n")
print(verdict(bump))
worst = max(check_grad(bump, x, s, method="complex", order=3))
print(f"with complex steps instead of differences, to third order: {worst:.0e}\n")

# In your tests it is three lines, and Hypothesis looks for the shapes, values and layouts in memory
# for which it fails:
#
#     @given(strategies.operands("normal", "positive"))
#     def test_bump(xs):
#         check_grad(bump, *xs)


# ---- 5. what the checker saw ---------------------------------------------------------------------
# The derivative by s at x = 1: by the rules, and by moving s (the dots).

def slope(operation, widths):
    """dy/ds by the rule, at x = 1, for many s at once."""
    s = tc.tensor(widths, requires_grad=True)
    (g,) = tc.grad(operation(tc.tensor(np.ones_like(widths)), s).sum(), s)
    return g.data


widths = np.linspace(0.3, 3, 200)
dots, h = np.linspace(0.4, 2.9, 14), 6e-6
ones = np.ones_like(dots)
measured = (bump(ones, dots + h).data - bump(ones, dots - h).data) / (2 * h)

figure = Figure((6.4, 3.6), layout="constrained")
axes = figure.subplots()
axes.plot(widths, slope(bump, widths), color="tab:blue", label="right rule  x²/s³ · y")
axes.plot(widths, slope(wrong, widths), "--", color="tab:red", label="wrong rule  x²/s² · y")
axes.plot(dots, measured, "o", color="black", markersize=4, label="measured by moving s")
axes.set(xlabel="s", ylabel="dy/ds at x = 1", title="Two rules for y = exp(−x² / 2s²)")
axes.legend(frameon=False)
picture = Path(__file__).with_suffix(".png")
figure.savefig(picture, dpi=80)
print(f"figure: {picture.name}")
