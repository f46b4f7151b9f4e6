"""Lesson 5. What is pooling good for, and does it matter which?

    python examples/05_pooling.py                    the digits in the package; minutes on one core
    python examples/05_pooling.py --quick            the same from fewer images, in seconds

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


# ---- 1. the arithmetic ---------------------------------------------------------------------------
# Pooling makes one number of a window: the largest, or the mean. A stride makes fewer outputs by
# leaving some out: a strided convolution is a convolution of which three in four are thrown away.

x = tc.tensor([[[[0, 1, 5, 5], [3, 0, 5, 5], [0, 0, 0, 2], [0, 8, 2, 0]]]], dtype=tc.float32)
print("1. largest of 2×2:", F.max_pool2d(x, 2)[0, 0].numpy().tolist(),
      "  mean of 2×2:", F.avg_pool2d(x, 2)[0, 0].numpy().tolist())
w, image = tc.randn(4, 3, 5, 5), tc.randn(1, 3, 28, 28)
assert np.allclose(F.conv2d(image, w, stride=2, padding=2).numpy(),
                   F.conv2d(image, w, padding=2).numpy()[:, :, ::2, ::2], atol=1e-5)
grids = {"global": F.adaptive_avg_pool2d(x, 1), "adaptive 3×3": F.adaptive_avg_pool2d(x, 3),
         "spatial pyramid of 1, 2, 4": F.spatial_pyramid_pool(x, (1, 2, 4))}
print("   numbers left of 4×4, and of any other size:",
      ", ".join(f"{name} {y.numel()}" for name, y in grids.items()))


# ---- 2. one network, many poolings ---------------------------------------------------------------
# Three convolutions; between them two ways down from 28×28 to 7×7, at the end a head. First the way
# down is varied, then the head.

def conv(C, O, stride=1):
    return [nn.Conv2d(C, O, 5, stride, padding=2), nn.BatchNorm2d(O), nn.ReLU()]

DOWN = {"max": lambda C, O: [*conv(C, O), nn.MaxPool2d(2)],
        "mean": lambda C, O: [*conv(C, O), nn.AvgPool2d(2)],
        "max, blurred": lambda C, O: [*conv(C, O), nn.MaxPool2d(2, stride=1),
                                      nn.AvgPool2d(3, stride=2, padding=1)],     # Zhang 2019
        "stride": lambda C, O: conv(C, O, stride=2)}
HEADS = {"all places": (nn.Identity, 49), "global mean": (lambda: nn.AdaptiveAvgPool2d(1), 1),
         "global max": (lambda: nn.AdaptiveMaxPool2d(1), 1),
         "mean over 3×3": (lambda: nn.AdaptiveAvgPool2d(3), 9),
         "pyramid 1, 2, 4": (lambda: nn.SpatialPyramidPool((1, 2, 4)), 21)}
NETWORKS = [(down, "all places") for down in DOWN] + [("max", head) for head in [*HEADS][1:]]

def network(down, head):
    """(N, 1, 28, 28) → (N, 10); its first part makes (N, 32, 7, 7)."""
    pool, places = HEADS[head]
    features = nn.Sequential(*DOWN[down](1, 8), *DOWN[down](8, 16), *conv(16, 32))
    return nn.Sequential(features, pool(), nn.Flatten(), nn.Linear(32 * places, 10))

images, tests, epochs, seeds = (200, 50, 1, 2) if QUICK else (3_000, 500, 6, 3)
train, test = (part[:n] for part, n in zip(data.load_both("digits"), (images, tests)))
ways = ((0, 1), (0, -1), (1, 0), (-1, 0))
moves = (0, 2, 4)                                        # there are 4 pixels of black around


# ---- 3. the response to a shift ------------------------------------------------------------------
# On a canvas large enough, the mean of each feature over all places should not notice where the
# digit is. How far does it go, where 1 is the distance between two different digits?

canvas = np.pad(test.images[:60], ((0, 0), (0, 0), (36, 36), (36, 36)))
shifts = range(9)

def response(features):
    """By how much the mean features change as the canvas moves by 0, 1, 2 … pixels."""
    model = nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    at = [training.predict(model, replace(test, images=np.roll(canvas, d, 3),
                                          labels=test.labels[:60])) for d in shifts]
    others = np.linalg.norm(at[0] - np.roll(at[0], 1, 0), axis=1).mean()
    return [np.linalg.norm(y - at[0], axis=1).mean() / others for y in at]

print(f"2. {images:,} images, {epochs} epochs, {seeds} seeds: accuracy in % of {tests} digits "
      f"moved by {', '.join(map(str, moves))} pixels")
accuracy, responses = {}, {down: [] for down in DOWN}
for down, head in NETWORKS:
    found = accuracy[down, head] = np.zeros((seeds, len(moves)))
    for seed in range(seeds):
        tc.manual_seed(seed)
        model = network(down, head)
        training.fit(model, train, seed=seed, progress=False,
                     recipe=training.Recipe(epochs=epochs, batch_size=64, lr=0.1))
        for i, d in enumerate(moves):
            found[seed, i] = 100 * np.mean([training.evaluate(model, replace(
                test, images=np.roll(test.images, np.multiply(d, way), (2, 3)))).accuracy
                for way in ways])
        if head == "all places":
            responses[down].append(response(model[0]))
    size = sum(p.numel() for p in model.parameters())
    print(f"   {down:13} {head:16} {size:6,} parameters  " + "  ".join(
        f"{m:5.1f} ± {s:3.1f}" for m, s in zip(found.mean(0), found.std(0, ddof=1))))
print("3. change of the mean features in %, moved by 0, 1, 2 … pixels (100: another digit)")
for down, found in responses.items():
    print(f"   {down:13}", " ".join(f"{100 * r:5.1f}" for r in np.mean(found, 0)),
          f"   by 2: ± {100 * np.std(found, 0, ddof=1)[2]:.1f}")
# After 4 pixels the features are the same again: that is what two strides of 2 make together.


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(11, 4.2), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
rows = range(len(NETWORKS))[::-1]
for i, (d, colour, marker) in enumerate(zip(moves, ("black", "#0072B2", "#D55E00"), "os^")):
    found = np.array([accuracy[key][:, i] for key in NETWORKS])
    left.errorbar(found.mean(1), rows, xerr=found.std(1, ddof=1), color=colour, marker=marker,
                  linestyle="none", capsize=3, label=f"moved by {d} pixels")
left.set_yticks(rows, [f"{down}; {head}" for down, head in NETWORKS])
left.axhline(len(NETWORKS) - len(DOWN) - 0.5, color="#b0b0b0", linewidth=0.8)
left.set(xlabel="accuracy on test digits (%)",
         title=f"way down; head (mean ± deviation of {seeds} seeds)")
left.grid(axis="x", color="#e6e6e6")
left.legend(frameon=False, loc="best", fontsize=9)
for down, colour, line, marker in zip(DOWN, ("#0072B2", "#D55E00", "#009E73", "black"),
                                      ("-", "--", "-.", ":"), "os^v"):
    right.plot(shifts, 100 * np.mean(responses[down], 0), color=colour, linestyle=line,
               marker=marker, label=down)
right.set(xlabel="pixels by which the digit has moved", title="mean features as a digit moves",
          ylabel="change (%; 100: another digit)")
right.set_ylim(0, 1.35 * right.get_ylim()[1])
right.legend(frameon=False, title="way down", ncols=2, loc="upper center")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
picture = Path(__file__).with_suffix(".quick.png" if QUICK else ".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
