"""Lesson 1. Convolution by hand: what `conv2d` computes, and what it is not.

    python examples/01_convolution_by_hand.py        prints the numbers, draws the figure beside it
"""
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import data


# ---- 1. a window slides over an image ------------------------------------------------------------
# At each place the numbers under the window are multiplied with those in it, and added up. Four
# loops: two over places, two over the window. An image of 3×4 has 2×3 places for a window of 2×2.

def correlate(x, w):
    """y[i, j] = Σ over a, b of x[i + a, j + b] · w[a, b]"""
    (H, W), (KH, KW) = x.shape, w.shape
    y = np.zeros((H - KH + 1, W - KW + 1), x.dtype)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            for a in range(KH):
                for b in range(KW):
                    y[i, j] += x[i + a, j + b] * w[a, b]
    return y

def conv2d(x, w):
    """The same from the library, which wants images (N, C, H, W) and weights (O, C, KH, KW)."""
    x, w = (tc.tensor(np.asarray(a, np.float32))[None, None] for a in (x, w))
    return F.conv2d(x, w)[0, 0].numpy()


x = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [9, 0, 1, 2]])
diagonal = np.array([[1, 0], [0, 1]])
y = correlate(x, diagonal)
print("1. by hand, and by the library:", y.tolist(), conv2d(x, diagonal).tolist())
assert (y == [[7, 9, 11], [5, 7, 9]]).all() and (conv2d(x, diagonal) == y).all()


# ---- 2. is that a convolution? -------------------------------------------------------------------
# In mathematics a convolution turns the kernel by 180° first; without that it is called a
# *cross-correlation*. Deep learning computes the latter and says the former: a kernel that is
# learned may as well be learned upside down. The kernel above looks the same when it is turned, so
# it cannot tell the two apart. One that has a direction can, and so can an image of a single point:
# convolution puts the kernel there, correlation puts it upside down.

point = np.zeros((5, 5), int)
point[2, 2] = 1
arrow = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
print("2. a point correlated with 1…9: ", correlate(point, arrow).tolist(), "  upside down")
print("   a point convolved with 1…9:  ", correlate(point, arrow[::-1, ::-1]).tolist())
assert (conv2d(point, arrow) == arrow[::-1, ::-1]).all()          # conv2d is the first of the two
assert (correlate(point, arrow[::-1, ::-1]) == arrow).all()


# ---- 3. the patch matrix -------------------------------------------------------------------------
# Write what lies under the window at each place as one row. Then the whole convolution is one
# matrix product, and matrix products are what computers are best at. This is "im2col". It is also
# wasteful: most numbers stand there several times. tinyconv's kernel keeps the product and never
# writes the matrix: it looks each row up in x (see tinyconv/kernels/convolution.py).

windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2))     # (2, 3, 2, 2), a view of x
patches = windows.reshape(6, 4)                                   # (places, kernel)
print(f"3. patch matrix {patches.shape} times kernel (4,):", (patches @ diagonal.ravel()).tolist(),
      f"({x.size} numbers became {patches.size})")
assert (patches @ diagonal.ravel() == y.ravel()).all()


# ---- 4. what a kernel can see --------------------------------------------------------------------
# Equal weights blur. Twice the image less its blur is sharper than the image, and has a dark rim.
# Weights that add up to 0 answer nothing where the image is flat, and much where it changes: they
# find edges, in the direction in which they change themselves.

kernels = {"blur": np.ones((3, 3)) / 9,
           "sharpening": np.array([[0, 0, 0], [0, 2, 0], [0, 0, 0]]) - np.ones((3, 3)) / 9,
           "upright edges": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),        # Sobel
           "level edges": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])}
drawn = data.load("digits", "test")
digit = drawn.images[np.flatnonzero(drawn.labels == 5)[0], 0] / 255               # (28, 28)
seen = {name: conv2d(digit, w) for name, w in kernels.items()}                    # (26, 26) each
for name, z in seen.items():
    print(f"4. {name:14} from {z.min():5.2f} to {z.max():5.2f}, mean {z.mean():5.2f}")


# ---- the figure ----------------------------------------------------------------------------------

def numbers(ax, matrix, title, marked=()):
    """A matrix as a table of its numbers, some of them marked."""
    shade = np.zeros(matrix.shape)
    for place in marked:
        shade[place] = 0.35
    ax.imshow(shade, cmap="Oranges", vmin=-0.1, vmax=1)
    for (i, j), n in np.ndenumerate(matrix):
        ax.text(j, i, n, ha="center", va="center")
    (H, W), room = matrix.shape, 3                   # cells of one size in all tables
    ax.set(xlim=(W / 2 - 0.5 - room, W / 2 - 0.5 + room), ylim=(H - 0.5, H - 0.5 - 2 * room))
    ax.set_title(title, fontsize=10)
    ax.axis("off")


figure = Figure(figsize=(11, 7.7), layout="constrained")
axes = figure.subplots(3, 5)
numbers(axes[0, 0], x, "image x, first window", [np.s_[:2, :2]])
numbers(axes[0, 1], diagonal, "kernel w")
numbers(axes[0, 2], patches, "patch matrix, first row", [0])
numbers(axes[0, 3], diagonal.reshape(4, 1), "w as a column")
numbers(axes[0, 4], y, "y = patches · w", [(0, 0)])
numbers(axes[1, 0], point, "x, a point", [(2, 2)])
numbers(axes[1, 1], arrow, "w", [(0, 0)])
numbers(axes[1, 2], correlate(point, arrow), "x ⋆ w: cross-correlation", [(2, 2)])
numbers(axes[1, 3], arrow[::-1, ::-1], "w turned by 180°", [(2, 2)])
numbers(axes[1, 4], correlate(point, arrow[::-1, ::-1]), "x ∗ w: convolution", [(0, 0)])
axes[2, 0].imshow(digit, cmap="gray")
axes[2, 0].set_title("a digit", fontsize=10)
for ax, (name, z) in zip(axes[2, 1:], seen.items()):
    top = np.abs(z).max()
    ax.imshow(z, cmap="cividis", vmin=-top, vmax=top)
    ax.set_title(name, fontsize=10)
axes[2, 3].set_xlabel("grey: 0 · yellow: above · blue: below", fontsize=9)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
picture = Path(__file__).with_suffix(".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
