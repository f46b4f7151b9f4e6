"""Lesson 10. A thousand images are soon known by heart. What helps?

    python examples/10_regularisation.py          Fashion-MNIST, downloaded or found in
                                                  $TINYCONV_DATA; minutes on one core
    python examples/10_regularisation.py --quick  the digits in the package; seconds

Prints its numbers and draws the figure beside this file.
"""
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
from tinyconv import data, nn, training

QUICK = "--quick" in sys.argv[1:]


# ---- 1. one network, few images ------------------------------------------------------------------

if QUICK:
    name, images, more, tests, epochs, seeds = "digits", 100, 200, 100, 2, 2
else:
    name, images, more, tests, epochs, seeds = "fashion-mnist", 1_000, 10_000, 1_000, 20, 3

def network(dropout):
    """(N, 1, 28, 28) → (N, 10)."""
    return nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(8, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Dropout(dropout), nn.Linear(16 * 7 * 7, 128), nn.ReLU(),
                         nn.Dropout(dropout), nn.Linear(128, 10))

train, test = data.load_both(name)
test = test[:tests]
size = sum(p.numel() for p in network(0).parameters())
print(f"1. {name}: {images:,} images for {size:,} parameters, {size // images} for each image")


# ---- 2. what is said to help ---------------------------------------------------------------------
# To regularise is to make it harder to learn by heart what can only be learned by heart.
#   weight decay     the weights shrink a little at each step, unless the loss holds against it
#   dropout          half of the inputs of both dense layers are missing, others each time
#   crop and flip    two pixels of black around, a random window; half of them mirrored
#   cutout           a square of 10×10 is missing, another each time
#   mixup            two images laid over one another are to be called both (Zhang et al. 2017)
#   early stopping   a tenth is held out; once the loss on it no longer falls, the best weights win
# and what nobody can have by wishing: ten times as many images, for the same number of steps.

WAYS = {"nothing": {},
        "weight decay": {"weight_decay": 5e-3},
        "dropout": {"dropout": 0.5},
        "crop and flip": {"augment": "crop=2,flip"},
        "cutout": {"augment": "cutout=10"},
        "mixup": {"augment": "mixup=0.4"},
        "early stopping": {"patience": 5},
        "all but early stopping": {"weight_decay": 5e-3, "dropout": 0.5,
                                   "augment": "crop=2,flip,cutout=10,mixup=0.4"},
        f"{more:,} images": {"count": more}}

def learn(seed, dropout=0, count=images, weight_decay=0, **recipe):
    """Train once on `count` images: the history, and the evaluation on these images."""
    rounds = epochs * images // count
    chosen = train[np.random.default_rng(seed).permutation(len(train))[:count]]
    tc.manual_seed(seed)
    model = network(dropout)
    history = training.fit(model, chosen, test=test, seed=seed, progress=False,
                           recipe=training.Recipe(epochs=rounds, batch_size=32, lr=0.05,
                                                  weight_decay=weight_decay, **recipe))
    return history, training.evaluate(model, chosen)

histories, rows = {}, {}
print(f"2. {epochs} epochs, {seeds} seeds (other images, other weights), {tests:,} test images\n"
      f"   {'':24}{'training':^16}{'test':^16}{'loss on test':^20}{'epochs kept':^12}")
for way, options in WAYS.items():
    found = [learn(seed, **options) for seed in range(seeds)]
    histories[way] = [history for history, _ in found]
    kept = [history.kept() for history in histories[way]]
    rows[way] = np.array([[100 * known.accuracy, 100 * last["test_accuracy"], last["test_loss"]]
                          for (_, known), last in zip(found, kept)])
    (a, b, c), (da, db, dc) = rows[way].mean(0), rows[way].std(0, ddof=1)
    print(f"   {way:24}{a:6.1f} ± {da:4.1f}   {b:6.1f} ± {db:4.1f}     {c:6.3f} ± {dc:5.3f}"
          f"       {np.mean([last['epoch'] for last in kept]):.0f}")
gains = {way: rows[way][:, 1] - rows["nothing"][:, 1] for way in WAYS}
print("   better than nothing in all seeds:", ", ".join(
    f"{way} ({gain.mean():+.1f})" for way, gain in gains.items() if gain.min() > 0) or "none")
print("   worse in all seeds:", ", ".join(
    f"{way} ({gain.mean():+.1f})" for way, gain in gains.items() if gain.max() < 0) or "none")


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(10.5, 4.2), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
for way, colour, line in (("nothing", "black", "-"), ("weight decay", "#D55E00", "--"),
                          ("dropout", "#0072B2", "-."), ("crop and flip", "#009E73", ":"),
                          ("mixup", "#CC79A7", (0, (5, 1, 1, 1, 1, 1)))):
    losses = np.mean([history["test_loss"] for history in histories[way]], 0)
    left.plot(range(1, len(losses) + 1), losses, color=colour, linestyle=line, linewidth=2,
              label=way)
left.set(xlabel="epoch", ylabel="cross-entropy on test images (nats)",
         title=f"sure and wrong (mean of {seeds} seeds)")
left.xaxis.get_major_locator().set_params(integer=True)
left.legend(frameon=False)
places = range(len(WAYS))[::-1]
for column, colour, marker, label in ((0, "#6b6b6b", "s", "training images"),
                                      (1, "#0072B2", "o", "test images")):
    found = np.array([rows[way][:, column] for way in WAYS])
    right.errorbar(found.mean(1), places, xerr=found.std(1, ddof=1), color=colour, marker=marker,
                   linestyle="none", capsize=3, label=label)
right.axvline(rows["nothing"][:, 1].mean(), color="#0072B2", linewidth=0.8, linestyle=":")
right.set_yticks(places, WAYS)
right.set(xlabel="accuracy (%)", title=f"mean ± deviation of {seeds} seeds")
right.legend(frameon=False, loc="lower center", ncols=2, bbox_to_anchor=(0.4, -0.32))
for ax, axis in ((left, "y"), (right, "x")):
    ax.grid(axis=axis, color="#e6e6e6")
    ax.spines[["top", "right"]].set_visible(False)
picture = Path(__file__).with_suffix(".quick.png" if QUICK else ".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
