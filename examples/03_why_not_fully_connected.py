"""Lesson 3. Why not fully connected? A dense layer can do all that a convolution does, and more.

    python examples/03_why_not_fully_connected.py          MNIST, downloaded the first time or found
                                                           in $TINYCONV_DATA; minutes on one core
    python examples/03_why_not_fully_connected.py --quick  the digits in the package; seconds

Prints its numbers and draws the figure beside this file.
"""
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import data, models, nn, training

QUICK = "--quick" in sys.argv[1:]


# ---- 1. what it costs ----------------------------------------------------------------------------
# Give every pixel of a photograph a weight of its own, and do so for 1 000 units.

def count(model):
    return sum(p.numel() for p in model.parameters())

side, window = 224, nn.Conv2d(3, 64, 3, padding=1)
print(f"1. a dense layer from 3×{side}×{side} to 1,000 units: {3 * side ** 2 * 1000 + 1000:,} "
      f"parameters;\n   64 kernels of 3×3: {count(window):,}, and the result has "
      f"{64 * side ** 2:,} numbers. A dense layer to as many: {3 * side ** 2 * 64 * side ** 2:,}")


# ---- 2. a convolution is a dense layer -----------------------------------------------------------
# It is linear, so there is a matrix that does the same: its columns are what the convolution makes
# of images with a single 1. Most of the matrix is 0 (an output sees its neighbourhood alone), and
# what is not is the same few numbers again and again (all places are treated alike).

rng = np.random.default_rng(0)
w, x = rng.permutation(np.arange(1, 10)).reshape(1, 1, 3, 3), rng.integers(-9, 10, (1, 1, 8, 8))
w, x = (tc.tensor(a, dtype=tc.float32) for a in (w, x))
single = tc.eye(64).reshape(64, 1, 8, 8)
matrix = F.conv2d(single, w, padding=1).numpy().reshape(64, 64).T
assert (matrix @ x.numpy().ravel() == F.conv2d(x, w, padding=1).numpy().ravel()).all()
print(f"2. 3×3 on an image of 8×8 as a dense layer: {matrix.size:,} weights, of which "
      f"{np.count_nonzero(matrix):,} are not 0, and {len(np.unique(matrix[matrix != 0]))} differ")


# ---- 3. is that a loss? --------------------------------------------------------------------------
# A dense layer could learn this matrix, if it had the images to learn it from. So: two networks
# with as many parameters, on few images and on many. And to see whether it is really the
# neighbourhood that matters, the same again with the pixels of all images shuffled, in one and the
# same way. To the MLP that makes no difference: it never knew which pixels are neighbours.

if QUICK:
    name, sizes, seeds = "digits", {100: 5, 500: 2}, 2
else:
    name, sizes, seeds = "mnist", {100: 200, 1_000: 50, 10_000: 10}, 3
train, test = data.load_both(name)
order = np.random.default_rng(1).permutation(28 * 28)

def shuffled(dataset):
    """The same images, with their pixels in another order."""
    images = dataset.images.reshape(len(dataset), -1)[:, order]
    return replace(dataset, images=images.reshape(dataset.images.shape))

networks = {"MLP": lambda: models.create("mlp", hidden=(75, 30)),
            "CNN": lambda: models.create("lenet5")}
print(f"3. accuracy on {len(test):,} test images of {name} in %, mean ± deviation of {seeds} seeds "
      "(other images, other weights)")
accuracy = {}                                            # (network, pixels) → (sizes, seeds)
for kind, make in networks.items():
    for pixels, change in ("in order", lambda dataset: dataset), ("shuffled", shuffled):
        found = []
        for size, epochs in sizes.items():
            recipe = training.Recipe(epochs=epochs, batch_size=50, lr=0.04)
            for seed in range(seeds):
                chosen = np.random.default_rng(seed).permutation(len(train))[:size]
                tc.manual_seed(seed)
                model = make()
                training.fit(model, change(train[chosen]), recipe=recipe, seed=seed,
                             progress=False)
                found.append(100 * training.evaluate(model, change(test)).accuracy)
        found = accuracy[kind, pixels] = np.array(found).reshape(len(sizes), seeds)
        print(f"   {kind}, {count(model):,} parameters, pixels {pixels}:  " + ";  ".join(
            f"{size:,} images {row.mean():.1f} ± {row.std(ddof=1):.1f}"
            for size, row in zip(sizes, found)))


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(10, 4.2), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
shown = left.imshow(np.where(matrix == 0, np.nan, matrix), cmap="Blues", vmin=-4, vmax=9)
left.set(title="a convolution 3×3 as a dense layer (white: 0)", xlabel="pixel of the image, 8×8",
         ylabel="pixel of the result")
figure.colorbar(shown, ax=left, label="weight", shrink=0.8).ax.set_ylim(1, 9)
styles = {("CNN", "in order"): ("#0072B2", "-", "o"), ("MLP", "in order"): ("#D55E00", "--", "s"),
          ("CNN", "shuffled"): ("#56B4E9", ":", "^"), ("MLP", "shuffled"): ("#E69F00", "-.", "v")}
for (kind, pixels), (colour, line, marker) in styles.items():
    found = 100 - accuracy[kind, pixels]
    right.errorbar([*sizes], found.mean(1), found.std(1, ddof=1), color=colour, linestyle=line,
                   marker=marker, capsize=3, label=f"{kind}, pixels {pixels}")
right.set(xscale="log", yscale="log", xlabel="training images", ylabel="errors on test images (%)",
          title=f"{name}: equal numbers of parameters")
right.set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
right.set_xticks([*sizes], [f"{size:,}" for size in sizes])
right.minorticks_off()
right.legend(frameon=False)
right.grid(axis="y", color="#e6e6e6")
right.spines[["top", "right"]].set_visible(False)
picture = Path(__file__).with_suffix(".quick.png" if QUICK else ".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
