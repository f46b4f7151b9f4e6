"""Lesson 9. What does batch norm do for training, and what does it cost?

    python examples/09_batch_norm.py          Fashion-MNIST, downloaded or found locally; minutes
    python examples/09_batch_norm.py --quick  the digits in the package; seconds

Prints its numbers and draws the figure beside this file.
"""
import copy
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import data, nn, training

QUICK = "--quick" in sys.argv[1:]


# ---- 1. what it computes -------------------------------------------------------------------------
# Each channel gets mean 0 and variance 1 over all images of the batch and all places; then a scale
# and a shift are learned. So it does not matter how large the weights before it are: ten times the
# weights make the same output, and their gradient is a tenth.

tc.manual_seed(0)
x, weights, size = tc.randn(32, 8, 14, 14), tc.randn(16, 8, 3, 3).numpy(), []
for factor in (1, 10):
    w = tc.tensor(factor * weights, requires_grad=True)
    y = F.batch_norm(F.conv2d(x, w), None, None, training=True)
    F.relu(y).pow(3).mean().backward()
    size.append((y.data, np.linalg.norm(w.grad.data)))
print(f"1. weights ×10: outputs differ by {np.abs(size[1][0] - size[0][0]).max():.0e}, "
      f"the gradient is {size[1][1] / size[0][1]:.4f} times as long")


# ---- 2. a network with and without ---------------------------------------------------------------
# Eight convolutions. Two things are easily mistaken for one another: batch norm, and weights that
# were drawn in the right size to begin with (He et al. 2015). So there are three networks.

def network(norm, he=False):
    """(N, 1, 28, 28) → (N, 10); `norm(channels)` makes what follows each convolution."""
    layers, C = [], 1
    for O, stride in ((8, 2), (8, 1), (8, 1), (8, 1), (16, 2), (16, 1), (16, 1), (16, 1)):
        layers += [nn.Conv2d(C, O, 3, stride, padding=1), norm(O), nn.ReLU()]
        C = O
        if he:
            nn.init.kaiming_normal_(layers[-3].weight)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, 10))

WAYS = {"plain": (nn.Identity, False, "#6b6b6b", ":", "v"),
        "He's weights": (nn.Identity, True, "#D55E00", "--", "s"),
        "batch norm": (nn.BatchNorm2d, False, "#0072B2", "-", "o")}
name = "digits" if QUICK else "fashion-mnist"
images, tests, epochs, seeds = (100, 100, 1, 2) if QUICK else (1_000, 1_000, 4, 3)
train, test = (part[:n] for part, n in zip(data.load_both(name), (images, tests)))

print("2. standard deviation after each convolution (and norm), before training:")
for title, (norm, he, *_) in WAYS.items():
    tc.manual_seed(0)
    x, found = tc.tensor(next(iter(data.Loader(train, 100)))[0]), []
    for layer in network(norm, he)[:-3]:
        x = layer(x)
        found += [x.data.std()] * isinstance(layer, (nn.Identity, nn.BatchNorm2d))
    print(f"   {title:13}", " ".join(f"{s:7.4f}" for s in found))


# ---- 3. which learning rates work? ---------------------------------------------------------------

def learn(seed, norm, he=False, **recipe):
    """A trained model and its test accuracy in %; that of guessing if the loss became infinite."""
    tc.manual_seed(seed)
    model = network(norm, he)
    try:
        training.fit(model, train, seed=seed, progress=False,
                     recipe=training.Recipe(epochs=epochs, **recipe))
        return model, 100 * training.evaluate(model, test).accuracy
    except training.Diverged:
        return model, 10.0

def compare(ways, recipes):
    """The accuracies (seeds, recipes) of each way, and a line of print."""
    found = {}
    for title, (norm, he, *_) in ways.items():
        found[title] = np.array([[learn(seed, norm, he, **recipe)[1] for recipe in recipes]
                                 for seed in range(seeds)])
        print(f"   {title:13}", *(f"{m:5.1f} ± {s:4.1f}" for m, s in
                                  zip(found[title].mean(0), found[title].std(0, ddof=1))))
    return found

rates = (0.01, 1) if QUICK else (0.01, 0.03, 0.1, 0.3, 1, 3)
print(f"3. {name}, {images:,} images, {epochs} epochs of batches of 32, {seeds} seeds: accuracy in "
      "% by peak learning rate\n   " + " " * 13 + "".join(f"{rate:13g}" for rate in rates))
sweep = compare(WAYS, [{"batch_size": 32, "lr": rate} for rate in rates])


# ---- 4. how small may a batch be? ----------------------------------------------------------------
# Mean and variance of two images say little about the next two. Group norm takes them over some
# channels of one image (Wu & He 2018, arXiv 1803.08494), and does not care about batches.

batches = (2, 32) if QUICK else (2, 8, 32)
NORMS = {"batch norm": WAYS["batch norm"], "He's weights": WAYS["He's weights"],
         "group norm": (lambda C: nn.GroupNorm(4, C), False, "#009E73", "-.", "^")}
print("4. accuracy in % by batch size, learning rate in proportion (0.1 for 32)\n   " + " " * 13
      + "".join(f"{size:13}" for size in batches))
small = compare(NORMS, [{"batch_size": B, "lr": 0.1 * B / 32} for B in batches])


# ---- 5. in use -----------------------------------------------------------------------------------
# Afterwards each image must be judged by itself: by averages kept since training. Who forgets
# `eval()` lets the neighbours in a batch have their say. That does not show while they are a fair
# sample; it does when a batch holds one class alone.

model, accuracy = learn(0, nn.BatchNorm2d, batch_size=32, lr=0.1)
forgotten = []
for part in (test, test[np.argsort(test.labels, kind="stable")]):
    one, right = copy.deepcopy(model).train(), 0
    with tc.no_grad():
        for x, labels in data.Loader(part, 50):
            right += (one(tc.tensor(x)).numpy().argmax(1) == labels).sum()
    forgotten.append(100 * right / len(part))
print(f"5. with eval() {accuracy:.1f} %; without it {forgotten[0]:.1f} % in mixed batches of 50, "
      f"{forgotten[1]:.1f} % in batches of one class")


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(10, 4), layout="constrained")
left, right = figure.subplots(1, 2, sharey=True)
for ax, at, found, ways in ((left, rates, sweep, WAYS), (right, batches, small, NORMS)):
    for title, (_, _, colour, line, marker) in ways.items():
        low, mean, high = (f(found[title], axis=0) for f in (np.min, np.mean, np.max))
        ax.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(at, mean, color=colour, linestyle=line, marker=marker)
    ax.axhline(10, color="#6b6b6b", linewidth=0.8)
    ax.grid(axis="y", color="#e6e6e6")
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xscale("log")
    ax.set_xticks(at, [f"{value:g}" for value in at])
    ax.minorticks_off()
left.annotate("guessing", (rates[0], 10), xytext=(0, -14), textcoords="offset points")
left.set(xlabel="peak learning rate", ylabel="accuracy on test images (%)", ylim=(0, 80),
         title=f"batches of 32 (mean and range of {seeds} seeds)")
right.set(xlabel="batch size", title="learning rate in proportion to the batch")
lines = dict(zip([*WAYS, *NORMS], left.lines[:3] + right.lines[:3]))
figure.legend(lines.values(), lines, loc="outside lower center", ncols=4, frameon=False)
picture = Path(__file__).with_suffix(".quick.png" if QUICK else ".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
