"""Lesson 8. Why does a deep network learn worse than a shallow one, and why not with shortcuts?

    python examples/08_depth_and_shortcuts.py          CIFAR-10, downloaded or in $TINYCONV_DATA;
                                                       minutes on one core
    python examples/08_depth_and_shortcuts.py --quick  the digits in the package; seconds

Prints its numbers and draws the figure beside this file.
"""
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import data, insight, models, nn, training

QUICK = "--quick" in sys.argv[1:]


# ---- 1. four networks ----------------------------------------------------------------------------
# Deep and shallow, plain and with shortcuts, as in the paper (He et al. 2015, arXiv 1512.03385): a
# plain network has as many parameters as its twin, and batch norm after every convolution. Images
# are shrunk to 8×8, so that it takes minutes: little to see, but enough to learn by heart.

name, C, depths = ("digits", 1, (8, 14)) if QUICK else ("cifar10", 3, (20, 56))
images, tests, epochs, seeds, draws = (128, 100, 1, 2, 2) if QUICK else (1_000, 1_000, 8, 3, 5)

def shrunk(dataset):
    """Each 4×4 pixels become their mean."""
    small = F.avg_pool2d(tc.tensor(dataset.images, dtype=tc.float32), 4).numpy()
    return replace(dataset, images=np.rint(small).astype(np.uint8))

train, test = (shrunk(part[:n]) for part, n in zip(data.load_both(name), (images, tests)))

NETWORKS = {f"{kind}-{depth}": partial(models.ResNetCIFAR, depth, 10, C, residual=kind == "ResNet")
            for kind in ("plain", "ResNet") for depth in depths}


# ---- 2. do the gradients vanish? -----------------------------------------------------------------
# So one hears: each layer makes it a little smaller, nothing is left for the first ones. That is so
# without batch norm, and with it the reverse. What is also lost in a deep plain network is that the
# gradients of two sets of images agree (Balduzzi et al. 2017, arXiv 1702.08591).

def gradients(model, part):
    """The gradient by each convolution's weights, first layer first; of one batch, in training."""
    x, labels = next(iter(data.Loader(part, len(part))))
    model.train().zero_grad()
    F.cross_entropy(model(tc.tensor(x)), tc.tensor(labels)).backward()
    return [p.grad.data.ravel() for p in model.parameters() if p.data.ndim == 4]

def bare():
    """As many convolutions as the deepest, of 16 channels; weights as they are by default."""
    layers = [nn.Sequential(nn.Conv2d(16 if i else C, 16, 3, padding=1), nn.ReLU())
              for i in range(depths[1] - 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))

spread = lambda found, n: f"{np.mean(found):5.{n}f} ± {np.std(found, ddof=1):4.{n}f}"
norms = lambda found: np.array([np.linalg.norm(g) for g in found])
halves = train[:images // 8], train[images // 8:images // 4]
print(f"2. {name}, {draws} networks before training: median length of the gradient, first · middle "
      f"· last\n   convolution; cosine between gradients of two sets of {len(halves[0])} images")
at_start = {}
for title, make in {"no batch norm": bare, **NETWORKS}.items():
    lengths, cosines = [], []
    for seed in range(draws):
        tc.manual_seed(seed)
        model = make()
        found = [gradients(model, half) for half in halves]
        lengths.append(norms(found[0]))
        one, other = (np.concatenate(g) / np.linalg.norm(norms(g)) for g in found)
        cosines.append(one @ other)
    n = at_start[title] = np.median(lengths, 0)
    print(f"   {title:14}{n[0]:9.1e} ·{n[len(n) // 2]:9.1e} ·{n[-1]:9.1e}    "
          + spread(cosines, 2))


# ---- 3. who learns? ------------------------------------------------------------------------------
# If it were overfitting, the deep network would make fewer errors in training and more afterwards.
print(f"3. {images:,} images, {epochs} epochs, {seeds} seeds: errors in %; gradients afterwards")
errors, trained, recipe = {}, {}, training.Recipe(epochs=epochs, batch_size=32, lr=0.1)
for title, make in NETWORKS.items():
    runs, errors_test = [], []
    for seed in range(seeds):
        tc.manual_seed(seed)
        model = make()
        history = training.fit(model, train, seed=seed, recipe=recipe, progress=False)
        runs.append(100 - 100 * np.array(history["train_accuracy"]))
        errors_test.append(100 - 100 * training.evaluate(model, test).accuracy)
    errors[title], trained[title], n = np.array(runs), model, norms(gradients(model, halves[0]))
    print(f"   {title:10} training {spread(errors[title][:, -1], 1)}   test "
          f"{spread(errors_test, 1)}   gradient {n[0]:.1e} · {n[-1]:.1e}")


# ---- 4. the ground it walks on -------------------------------------------------------------------
# From where training ended, go some way in two random directions in which every filter changes by
# the same part of its length (Li et al. 2018, arXiv 1712.09913); the loss is that of 128 images.

def surface(model, steps, rng):
    """The loss at θ + a·d + b·e for each b (rows) and a (columns) in steps."""
    x, labels = (tc.tensor(a) for a in next(iter(data.Loader(train, 128))))
    loss = lambda model: F.cross_entropy(model.train()(x), labels).item()   # statistics of x
    lengths = lambda a: np.sqrt((a * a).sum(tuple(range(1, a.ndim)), keepdims=True))
    weights = {key: value.numpy() for key, value in model.state_dict().items()}
    d, e = ({key: (w.ndim == 4) * lengths(w) / lengths(r) * r for key, w in weights.items()
             for r in [rng.standard_normal(w.shape)]} for _ in range(2))
    at = lambda a, b: {key: w + a * d[key] + b * e[key] for key, w in weights.items()}
    return np.array([insight.loss_between(model, at(steps[0], b), at(steps[-1], b), loss,
                                          np.linspace(0, 1, len(steps))) for b in steps])

steps = np.linspace(-1, 1, 3 if QUICK else 13)
ground = {name: surface(model, steps, np.random.default_rng(0)) for name, model in trained.items()}
print("4. loss at the end of training, and on the mean at the edges of the figure:\n  ", "; ".join(
    f"{title} {z[len(z) // 2, len(z) // 2]:.2f}, {np.r_[z[0], z[-1], z[:, 0], z[:, -1]].mean():.2f}"
    for title, z in ground.items()))


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(11, 7.5), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(1.2, 1))
left, right = above.subplots(1, 2)
styles = dict(zip(NETWORKS, zip(("#E69F00", "#D55E00", "#56B4E9", "#0072B2"),
                                ("--", "-", ":", "-."), "s^vo")))
for title, n in at_start.items():
    colour, line, _ = styles.get(title, ("#6b6b6b", (0, (1, 3)), ""))
    left.plot(np.linspace(0, 1, len(n)), n, color=colour, linestyle=line, linewidth=2, label=title)
at = range(1, epochs + 1)
for (title, found), (colour, line, marker) in zip(errors.items(), styles.values()):
    right.fill_between(at, found.min(0), found.max(0), color=colour, alpha=0.2, linewidth=0)
    right.plot(at, found.mean(0), color=colour, linestyle=line, marker=marker, label=title)
left.set(yscale="log", ylim=(1e-9, 1e4), title=f"before training (median of {draws} networks)",
         xlabel="convolution (0: the first, 1: the last)", ylabel="length of the gradient")
right.set(xlabel="epoch", ylabel="errors in training (%)", title=f"mean and range of {seeds} seeds")
for ax in (left, right):
    ax.legend(frameon=False)
    ax.grid(axis="y", color="#e6e6e6")
    ax.spines[["top", "right"]].set_visible(False)
below.suptitle("loss around the end of training, in random directions (1: as long as the filters)")
low, *_, high = sorted(np.ravel([*ground.values()]))
for ax, (title, z) in zip(below.subplots(1, 4, sharey=True), ground.items()):
    shown = ax.contourf(steps, steps, z, np.geomspace(low, high, 12), cmap="cividis", norm="log")
    ax.set(title=title, aspect="equal", xticks=(-1, 0, 1), yticks=(-1, 0, 1))
below.colorbar(shown, ax=below.axes, label="cross-entropy (nats)", format="%.2g")
picture = Path(__file__).with_suffix(".quick.png" if QUICK else ".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
