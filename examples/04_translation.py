"""Lesson 4. A digit moves away from the middle. Who still reads it?

    python examples/04_translation.py                the digits in the package; minutes on one core
    python examples/04_translation.py --quick        the same from fewer images, in seconds

Prints its numbers and draws the figure beside this file.
"""
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import data, nn, training

QUICK = "--quick" in sys.argv[1:]


# ---- 1. equivariance: the result moves along -----------------------------------------------------
# "A CNN is invariant to translation" is said often. What a convolution is, is *equivariant*: move
# the image, and its result moves along. Asked to the last bit, on a ring (circular padding), and
# then with what real networks have: zeros around the image, pooling, a mean over all places.

rng = np.random.default_rng(0)
x = rng.standard_normal((1, 3, 32, 32)).astype(np.float32)
w = tc.tensor(rng.standard_normal((8, 3, 5, 5)).astype(np.float32))

def ring(x):
    return F.conv2d(F.pad(tc.tensor(x), (2, 2, 2, 2), mode="circular"), w).numpy()

def zeros(x):
    return F.conv2d(tc.tensor(x), w, padding=2).numpy()

def pooled(x):
    return F.max_pool2d(tc.tensor(ring(x)), 2).numpy()

def moved(x, by):
    return np.roll(x, by, axis=3)

def apart(a, b):
    """The share of numbers of which not every bit agrees, in %."""
    return 100 * np.mean(a != b)

print("1. image moved by 1 pixel against result moved by 1, numbers that differ:\n"
      f"   on a ring {apart(ring(moved(x, 1)), moved(ring(x), 1)):.0f} %, "
      f"zeros around the image {apart(zeros(moved(x, 1)), moved(zeros(x), 1)):.1f} % (the columns "
      "at the edges)")
closest = min(apart(pooled(moved(x, 1)), moved(pooled(x), by)) for by in (0, 1))
by_two = apart(pooled(moved(x, 2)), moved(pooled(x), 1))
print(f"   after max pooling by 2: image moved by 2 pixels {by_two:.0f} %, by 1 pixel "
      f"{closest:.0f} %, however one moves the result")
gap = np.abs(ring(moved(x, 1)).mean((2, 3)) - ring(x).mean((2, 3))).max()
print(f"   the mean over all places is *invariant*: it changes by {gap:.0e}, which is rounding")


# ---- 2. who reads a digit that has moved? --------------------------------------------------------
# All networks learn from digits in the middle of a large black canvas, and are asked about digits
# that have moved. One of each kind learns from digits moved at random instead.

SIZE, MARGIN = 44, 8
images, tests, epochs, seeds = (200, 50, 1, 2) if QUICK else (2_000, 250, 6, 2)
distances = range(0, MARGIN + 1, 4 if QUICK else 2)

def on_canvas(dataset, n):
    """The first n images in the middle of 44×44 pixels, of which the ink takes about 20×20."""
    wide = np.pad(dataset.images[:n], ((0, 0), (0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))
    return replace(dataset, images=wide, labels=dataset.labels[:n], mean=None, std=None)

train, test = (on_canvas(part, n) for part, n in zip(data.load_both("digits"), (images, tests)))

def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(SIZE ** 2, 100), nn.ReLU(), nn.Linear(100, 10))

def body():
    """Three convolutions, the last of which sees 32×32 pixels: (N, 1, 44, 44) → (N, 32, 11, 11)."""
    layers, C = [], 1
    for O, last in ((8, nn.MaxPool2d(2)), (16, nn.MaxPool2d(2)), (32, nn.Identity())):
        layers += [nn.Conv2d(C, O, 5, padding=2), nn.BatchNorm2d(O), nn.ReLU(), last]
        C = O
    return layers

def cnn():
    """Behind the convolutions every place has weights of its own."""
    return nn.Sequential(*body(), nn.Flatten(), nn.Linear(32 * 11 * 11, 10))

def cnn_mean():
    """Behind the convolutions all places are alike: global average pooling."""
    return nn.Sequential(*body(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))

RIVALS = {"MLP": (mlp, "", "#D55E00", "--", "s"),
          "CNN": (cnn, "", "#0072B2", "-", "o"),
          "CNN, global mean": (cnn_mean, "", "#009E73", "-.", "^"),
          "MLP, shifts in training": (mlp, f"shift={MARGIN}", "#E69F00", "--", "D"),
          "CNN, shifts in training": (cnn, f"shift={MARGIN}", "#56B4E9", ":", "v")}
ways = ((0, 1), (0, -1), (1, 0), (-1, 0))
print(f"2. {images:,} images, {epochs} epochs, {seeds} seeds: accuracy in % of {tests} digits "
      "moved right, left, down and up\n   by … pixels: " + "".join(f"{d:12}" for d in distances))
accuracy = {}
for name, (make, augment, *_) in RIVALS.items():
    found = np.zeros((seeds, len(distances)))
    for seed in range(seeds):
        tc.manual_seed(seed)
        model = make()
        training.fit(model, train, seed=seed, progress=False, recipe=training.Recipe(
            epochs=epochs, batch_size=32, lr=0.1, augment=augment))
        for i, d in enumerate(distances):
            for way in ways[:1] if d == 0 else ways:
                there = replace(test, images=np.roll(test.images, np.multiply(d, way), (2, 3)))
                found[seed, i] += 100 * training.evaluate(model, there).accuracy
        found[seed, 1:] /= len(ways)
    accuracy[name] = found
    size = sum(p.numel() for p in model.parameters())
    print(f"   {name:24} {size:7,} parameters " + " ".join(
        f"{m:5.1f} ± {s:3.1f}" for m, s in zip(found.mean(0), found.std(0, ddof=1))))


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(9, 4.4), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 4.2))
for ax, d in zip(left.subplots(3, 1), (0, 4, 8)):
    ax.imshow(np.roll(test.images[0, 0], d, 1), cmap="gray")
    ax.set(title=f"moved by {d}", xticks=[], yticks=[])
ax = right.subplots()
for name, (_, _, colour, line, marker) in RIVALS.items():
    found = accuracy[name]
    ax.fill_between(distances, found.min(0), found.max(0), color=colour, alpha=0.2, linewidth=0)
    ax.plot(distances, found.mean(0), color=colour, linestyle=line, marker=marker, label=name)
ax.axhline(10, color="#6b6b6b", linewidth=0.8)
ax.annotate("guessing", (0, 10), xytext=(0, 3), textcoords="offset points", color="#6b6b6b")
ax.set(xlabel="pixels by which the digit has moved", ylabel="accuracy on test images (%)",
       ylim=(0, 101), title=f"mean and range of {seeds} seeds")
right.legend(loc="outside lower center", ncols=3, frameon=False)
ax.grid(axis="y", color="#e6e6e6")
ax.spines[["top", "right"]].set_visible(False)
picture = Path(__file__).with_suffix(".quick.png" if QUICK else ".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
