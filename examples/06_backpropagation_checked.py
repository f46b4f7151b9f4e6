"""Lesson 6. Backpropagation through a convolution by hand, and how to know that it is right.

    python examples/06_backpropagation_checked.py    prints the numbers, draws the figure beside it
"""
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.core import defvjp, primitive
from tinyconv.testing import GradientError, check_grad


# ---- 1. one sum, read in three ways --------------------------------------------------------------
# A convolution y of x and w, met by a cotangent g (how much the loss wants each y to grow), is one
# number that is linear in each of the three:
#
#     T(x, w, g) = Σ x[s·p + k] · w[k] · g[p]        over places p, kernel positions k; stride s
#
# What stands beside g is y. What stands beside x is ∂T/∂x, what stands beside w is ∂T/∂w. So all
# three are the same loop, and only its left side changes. Note the +=: windows overlap.

def terms(places, kernel, stride=2):
    """All (p, k, s·p + k)."""
    return [(p, k, tuple(stride * np.array(p) + k))
            for p in np.ndindex(*places) for k in np.ndindex(*kernel)]


@primitive
def conv(x, w):
    y = np.zeros([(n - k) // 2 + 1 for n, k in zip(x.shape, w.shape)])
    for p, k, i in terms(y.shape, w.shape):
        y[p] += x[i] * w[k]
    return y

@primitive
def conv_input(g, w, shape):
    gx = np.zeros(shape)
    for p, k, i in terms(g.shape, w.shape):
        gx[i] += w[k] * g[p]
    return gx

@primitive
def conv_weight(x, g, shape):
    gw = np.zeros(shape)
    for p, k, i in terms(g.shape, shape):
        gw[k] += x[i] * g[p]
    return gw

# A rule says what reaches an argument when c reaches the result. Each of the three has the others
# for its rules: the family is closed, and derivatives of any order need nothing new.
defvjp(conv, lambda c, y, x, w: conv_input(c, w, x.shape),
             lambda c, y, x, w: conv_weight(x, c, w.shape))
defvjp(conv_input, lambda c, y, g, w, shape: conv(c, w),
                   lambda c, y, g, w, shape: conv_weight(c, g, w.shape))
defvjp(conv_weight, lambda c, y, x, g, shape: conv_input(g, c, x.shape),
                    lambda c, y, x, g, shape: conv(x, c))

rng = np.random.default_rng(0)
x, w, g = (rng.standard_normal(shape) for shape in ((7, 7), (3, 3), (3, 3)))
y, gx, gw = (t.numpy() for t in (conv(x, w), conv_input(g, w, x.shape), conv_weight(x, g, w.shape)))
print(f"1. ⟨y, g⟩ = {np.sum(y * g):.12f}   ⟨x, ∂x⟩ = {np.sum(x * gx):.12f}   "
      f"⟨w, ∂w⟩ = {np.sum(w * gw):.12f}")
X, W = (tc.tensor(a[None, None], requires_grad=True) for a in (x, w))
F.conv2d(X, W, stride=2).backward(g[None, None])
print(f"   farthest from the library's: ∂x {np.abs(X.grad.data[0, 0] - gx).max():.1e}, "
      f"∂w {np.abs(W.grad.data[0, 0] - gw).max():.1e}")


# ---- 2. checked against the definition of a derivative -------------------------------------------
# A small step h along a random direction u: (T(x + hu) − T(x − hu)) / 2h must be ⟨∂x, u⟩. The
# cotangent is random too: many wrong gradients give the right sum when g is all ones.

print("2. check_grad, relative errors at order 1, 2, 3:",
      *(f"{error:.0e}" for error in check_grad(conv, x, w, order=3)))


# ---- 3. a rule that is wrong, and trains all the same --------------------------------------------
# The classic mistake is = in place of +=: an element hears from its last window only. A network
# with this mistake still learns, since the gradients of its last layers and weights are right.

@primitive
def conv_input_wrong(g, w, shape):
    gx = np.zeros(shape)
    for p, k, i in terms(g.shape, w.shape):
        gx[i] = w[k] * g[p]                          # the planted error
    return gx

conv_wrong = primitive(lambda x, w: conv(x, w).numpy())
defvjp(conv_wrong, lambda c, y, x, w: conv_input_wrong(c, w, x.shape),
                   lambda c, y, x, w: conv_weight(x, c, w.shape))
try:
    check_grad(conv_wrong, x, w, name="conv_wrong")
    raise SystemExit("the planted error was not found")
except GradientError as error:
    print("3. caught:", error)


# ---- the figure ----------------------------------------------------------------------------------
# How small a step? Of L = ⟨tanh y, g⟩ a long one sees the bend (error ~ h²), a short one drowns in
# round-off (~ ε/h); between, at h ≈ ∛ε = 6·10⁻⁶, ten digits are right. A wrong rule stays wrong.

def loss(x):
    return np.sum(np.tanh(conv(x, w).numpy()) * g)

u, steps = rng.standard_normal(x.shape), np.logspace(-12, 0, 49)
slopes = np.array([(loss(x + h * u) - loss(x - h * u)) / (2 * h) for h in steps])
figure = Figure(figsize=(11, 3.6), layout="constrained")
axes = figure.subplots(1, 3)
for ax, rule, name, style in ((axes[1], conv_input, "∂x", "-"),
                              (axes[2], conv_input_wrong, "∂x, = for +=", "--")):
    gx = rule(g * (1 - np.tanh(y) ** 2), w, x.shape).numpy()
    axes[0].loglog(steps, np.abs((slopes - np.sum(gx * u)) / slopes), style, label=name)
    drawn = ax.imshow(gx, cmap="cividis", vmin=-1, vmax=1)
    ax.set(title=name, xticks=[], yticks=[])
axes[0].set(title="against differences", xlabel="step h", ylabel="relative error")
axes[0].legend(loc="upper center", bbox_to_anchor=(0.45, 0.92))
figure.colorbar(drawn, ax=axes[1:], label="∂L/∂x", extend="both")
picture = Path(__file__).with_suffix(".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
