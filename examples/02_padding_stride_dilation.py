"""Lesson 2. How large is the result of a convolution, and how much of the image does it see?

    python examples/02_padding_stride_dilation.py    prints the numbers, draws the figure beside it
"""
from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import nn
from tinyconv.insight import conv_output_size, receptive_field


# ---- 1. how large is the result? -----------------------------------------------------------------
# Padding adds P zeros on each side; the stride S is how far the window moves, the dilation D how
# far apart its taps are. So the window is D(K − 1) + 1 wide and fits
# ⌊(N + 2P − D(K − 1) − 1)/S⌋ + 1 times. Do not learn that by heart: count the places at which it
# does not stick out.

def places(N, K, S, P, D):
    """The first and the last pixel under the window, wherever it fits."""
    last = N - 1 + P
    return [(i, i + D * (K - 1)) for i in range(-P, last + 1, S) if i + D * (K - 1) <= last]

tried = 0
for N, K, S, P, D in product(range(1, 13), (1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2, 3)):
    if found := len(places(N, K, S, P, D)):
        assert found == conv_output_size(N, K, S, P, D)
        assert found == F.conv1d(tc.zeros(1, 1, N), tc.zeros(1, 1, K), None, S, P, D).shape[2]
        tried += 1
print(f"1. counted, calculated and convolved: the same size in all of {tried:,} cases; "
      f"224 with K 7, S 2, P 3 becomes {conv_output_size(224, 7, 2, 3)}")
print(f"   the ⌊⌋ loses pixels: 6 with K 3 and S 2 are read at {places(6, 3, 2, 0, 1)}, so the "
      "last one is never seen")


# ---- 2. padding is not neutral -------------------------------------------------------------------
# K = 3 with P = 1 keeps the size. But the border of the result has met zeros that nobody measured:
# on an image that is 1 everywhere a sum over 3×3 finds the edges of the image. A network uses that
# to know where it is, and so no padded convolution is quite the same everywhere.

border = F.conv2d(tc.ones(1, 1, 5, 5), tc.ones(1, 1, 3, 3), padding=1)[0, 0].numpy().astype(int)
print("2. ones, summed over 3×3 with a border of zeros:", *border[:3].tolist(), "…")


# ---- 3. what does a pixel of the result see? -----------------------------------------------------
# Let all weights be 1. Then the gradient of one output by a pixel is a whole number: the number of
# paths through the layers that lead from the pixel to it, and 0 where it is blind. Five layers of
# 3×3, 45 weights in all, and four ways to arrange them:

STACKS = {"plain": [(1, 1)] * 5,                                  # (stride, dilation) of each layer
          "stride 2": [(2, 1)] * 5,
          "dilation 1, 2, 4, 8, 16": [(1, 2 ** n) for n in range(5)],
          "dilation 2, 2, 2, 2, 2": [(1, 2)] * 5}
paths = {}
for name, layers in STACKS.items():
    model = nn.Sequential(*(nn.Conv2d(1, 1, 3, S, padding=D, dilation=D, bias=False)
                            for S, D in layers)).double()
    for w in model.parameters():
        nn.init.ones_(w)
    x = tc.zeros(1, 1, 65, 65, dtype=tc.float64, requires_grad=True)
    y = model(x)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    n = paths[name] = x.grad.numpy()[0, 0]
    wide = np.ptp(np.flatnonzero(n.any(0))) + 1
    assert (wide, wide) == receptive_field(model, "4", (1, 65, 65)).size
    inner = next(r for r in range(33) if n[32 - r:33 + r, 32 - r:33 + r].sum() >= n.sum() / 2)
    print(f"3. {name:24} sees {wide}×{wide} and in it {np.count_nonzero(n):,} of {wide ** 2:,} "
          f"pixels; half of its {n.sum():,.0f} paths begin in the middle {2 * inner + 1}×"
          f"{2 * inner + 1}")
# The field of layer l is D(K − 1) times the product of all earlier strides wider than that of the
# one before. It is an upper bound: most paths begin in the middle (Luo et al. 2016, "Understanding
# the effective receptive field", arXiv 1701.04128). Equal dilations leave a grid of blind spots.
# And dilations that double see what strides do, path by path, but leave out no place of the result:
assert (paths["stride 2"] == paths["dilation 1, 2, 4, 8, 16"]).all()


# ---- 4. a window of 1×1 --------------------------------------------------------------------------
# It sees one pixel, but all of its channels: a dense layer, used at every pixel alike. That is how
# to have more or fewer channels cheaply. (Whole numbers, so that == may be asked for.)

rng = np.random.default_rng(0)
x, w = rng.integers(-9, 10, (2, 64, 7, 7)), rng.integers(-9, 10, (16, 64))
by_window = F.conv2d(*(tc.tensor(a, dtype=tc.float32) for a in (x, w[:, :, None, None])))
assert (by_window.numpy() == np.einsum("oc,nchw->nohw", w, x)).all()
print(f"4. 1×1 from 64 channels to 16: {w.size:,} weights, where 3×3 has {9 * w.size:,}; equal to "
      "a matrix product at each pixel")


# ---- 5. two of 3×3 or one of 5×5? ----------------------------------------------------------------
# Both see 5×5. From C channels to C, two have 2·9·C² weights and one has 25·C². Without anything
# in between, two kernels u and v are one of 5×5, v spread by u. But not every kernel is such a
# product: there are 17 degrees of freedom for 25 numbers. How near can one get?

def spread(u):
    """The matrix (25, 9) that takes v to the kernel of 5×5 which u and v are together."""
    columns = [np.pad(u, ((a, 2 - a), (b, 2 - b))).ravel() for a in range(3) for b in range(3)]
    return np.stack(columns, 1)

u, v, x = (rng.integers(-5, 6, shape) for shape in ((3, 3), (3, 3), (9, 9)))
conv = lambda x, w: F.conv2d(*(tc.tensor(a[None, None], dtype=tc.float64) for a in (x, w)))[0, 0]
together = (spread(u) @ v.ravel()).reshape(5, 5)
assert (conv(conv(x, u).numpy(), v).numpy() == conv(x, together).numpy()).all()

def misfit(target, steps=100):
    """The part of the target (25,) that is left: least squares for v, then for u, and so on."""
    v = rng.standard_normal(9)
    for _ in range(steps):
        u = v.reshape(3, 3)
        v = np.linalg.lstsq(spread(u), target, rcond=None)[0]
    return np.linalg.norm(target - spread(u) @ v) / np.linalg.norm(target)

left = [min(misfit(target) for start in range(5)) for target in rng.standard_normal((20, 25))]
print(f"5. two 3×3 have 18 C² weights, one 5×5 has 25 C²: 28 % fewer. Two in a row are one of 5×5, "
      f"but of a\n   random 5×5 they miss {100 * np.mean(left):.0f} ± {100 * np.std(left):.0f} % "
      "(20 kernels): another function, not the same one for less")
# That is for one channel; more channels in between can hold more products, at more cost. With a
# ReLU between them, as in VGG, two kernels also do what no single one can.


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(11, 5.4), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(1, 1.5))
above.suptitle("which pixels (below) each output (above) reads; white: padding")
for ax, (title, options) in zip(above.subplots(1, 4), {
        "K 3": (7, 3, 1, 0, 1), "K 3, padding 1": (7, 3, 1, 1, 1),
        "K 3, padding 1, stride 2": (7, 3, 2, 1, 1), "K 3, dilation 2": (7, 3, 1, 0, 2)}.items()):
    (N, K, _, P, D), found = options, places(*options)
    for first, last in found:
        for tap in range(first, last + 1, D):
            ax.plot([(first + last) / 2, tap], [1, 0], color="#0072B2", linewidth=1)
    ax.scatter([(a + b) / 2 for a, b in found], [1] * len(found), color="#D55E00", s=90, marker="s")
    ax.scatter(range(-P, N + P), [0] * (N + 2 * P), s=90, zorder=3, edgecolors="black",
               color=["black" if 0 <= i < N else "white" for i in range(-P, N + P)])
    ax.set(title=f"{title}: {N} → {len(found)}", xlim=(-1.6, N + 0.6), ylim=(-0.3, 1.3))
    ax.axis("off")
below.suptitle("paths from each pixel to one output, five layers of 3×3 (white: blind)")
for ax, (name, n) in zip(below.subplots(1, 4), paths.items()):
    shown = ax.imshow(np.where(n > 0, n / n.max(), np.nan), cmap="Blues", vmin=-0.4, vmax=1,
                      extent=(-32.5, 32.5, 32.5, -32.5))               # few paths: light, not white
    ax.set(title=name, xlabel="pixels from the middle", xticks=(-30, 0, 30), yticks=(-30, 0, 30))
below.colorbar(shown, ax=below.axes, label="paths (the most: 1)", shrink=0.8).ax.set_ylim(0, 1)
picture = Path(__file__).with_suffix(".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
