"""Lesson 7. From LeNet to ResNet: what did each get for its parameters and its arithmetic?

    python examples/07_from_lenet_to_resnet.py         CIFAR-10, downloaded the first time or found
                                                       in $TINYCONV_DATA; minutes on one core
    python examples/07_from_lenet_to_resnet.py --quick the digits in the package; seconds

Prints a table and draws the figure beside this file.
"""
import sys
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
from tinyconv import data, insight, models, nn, training

QUICK = "--quick" in sys.argv[1:]


# ---- 1. the originals ----------------------------------------------------------------------------
# Parameters are what must be learned and kept, multiply-adds what an image costs. They are not the
# same at all: AlexNet and VGG keep most of their parameters in dense layers, which cost little.

print("1. the originals, for the images they were made for")
for name, shape in {"lenet5": (1, 28, 28), "alexnet": (3, 224, 224), "vgg16": (3, 224, 224),
                    "resnet50": (3, 224, 224)}.items() if not QUICK else [("lenet5", (1, 28, 28))]:
    model = models.create(name)
    found = insight.summary(model, shape)
    dense = sum(p.numel() for layer in model.modules() if isinstance(layer, nn.Linear)
                for p in layer.parameters())
    print(f"   {name:10}{found.parameters:12,} parameters, {100 * dense / found.parameters:3.0f} % "
          f"of them dense;  {found.multiply_adds / 1e6:9,.1f} million multiply-adds")


# ---- 2. five networks of one size class ----------------------------------------------------------
# For images of 32×32 the ideas are kept and the sizes cut.

name = "digits" if QUICK else "cifar10"
C, side = (1, 28) if QUICK else (3, 32)

def lenet():
    """1998: convolution and pooling in turns, then dense layers."""
    return models.create("lenet5", in_channels=C, image_size=side)

def alexnet_style():
    """2012: more of everything, ReLU, pooling that overlaps, dropout before the dense layers."""
    return nn.Sequential(
        nn.Conv2d(C, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, stride=2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, stride=2),
        nn.Conv2d(64, 96, 3, padding=1), nn.ReLU(),
        nn.Conv2d(96, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(3),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(64 * 9, 256), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(256, 10))

def vgg_style():
    """2014: nothing but 3×3; half the side, twice the channels."""
    layers, before = [], C
    for O in (24, 48, 96):
        layers += [nn.Conv2d(before, O, 3, padding=1), nn.ReLU(),
                   nn.Conv2d(O, O, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        before = O
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(96 * (side // 8) ** 2, 256), nn.ReLU(),
                         nn.Dropout(0.5), nn.Linear(256, 10))

def he(model):
    """Weights drawn in the size that ReLU asks for; lesson 9 measures what that is worth."""
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)
    return model

NETWORKS = {"LeNet-5": (lenet, 0.02), "AlexNet-style": (lambda: he(alexnet_style()), 0.02),
            "VGG-style": (lambda: he(vgg_style()), 0.02),
            "plain-20": (lambda: models.create("plain20", in_channels=C), 0.1),
            "ResNet-20": (lambda: models.create("resnet20", in_channels=C), 0.1)}   # 2015


# ---- 3. the same data, the same number of steps --------------------------------------------------
# Few images and few epochs, as befits a laptop: what is compared is how fast each learns. The
# learning rate is 0.02, and 0.1 for those with batch norm, which bear more. Time is that of the
# processor: other programs do not count; what must be compiled is compiled before.

images, tests, epochs, seeds = (100, 100, 1, 2) if QUICK else (2_000, 1_000, 5, 3)
train, test = data.load_both(name)
test, rows = test[:tests], {}
print(f"2. {name}, {images:,} images, {epochs} epochs of batches of 64, {seeds} seeds: other "
      f"images and weights\n   {'':14}{'parameters':>11}{'million mult-adds':>19}"
      f"{'accuracy (%)':>16}{'s per 1,000 images':>20}")
for title, (make, rate) in NETWORKS.items():
    found = insight.summary(make(), (C, side, side))
    accuracy, seconds = [], []
    recipe = training.Recipe(epochs=epochs, batch_size=64, lr=rate,
                             augment="none" if QUICK else "flip")
    training.fit(make(), train[:64], recipe=recipe.changed(epochs=1), progress=False)
    for seed in range(seeds):
        chosen = train[np.random.default_rng(seed).permutation(len(train))[:images]]
        tc.manual_seed(seed)
        model = make()
        begin = time.process_time()
        training.fit(model, chosen, recipe=recipe, seed=seed, progress=False)
        seconds.append((time.process_time() - begin) / (images * epochs / 1_000))
        accuracy.append(100 * training.evaluate(model, test).accuracy)
    rows[title] = found.parameters, found.multiply_adds / 1e6, accuracy, np.mean(seconds)
    print(f"   {title:14}{found.parameters:11,}{found.multiply_adds / 1e6:19.1f}"
          f"{np.mean(accuracy):10.1f} ± {np.std(accuracy, ddof=1):3.1f}{np.mean(seconds):20.2f}")


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(10, 4), layout="constrained")
axes = figure.subplots(1, 2, sharey=True)
colours = "#6b6b6b", "#E69F00", "#009E73", "#D55E00", "#0072B2"
for title, colour, marker in zip(rows, colours, "vDs^o"):
    parameters, work, accuracy, seconds = rows[title]
    for ax, at in zip(axes, (work, seconds)):
        ax.errorbar(at, np.mean(accuracy), np.std(accuracy, ddof=1), color=colour, capsize=3,
                    marker=marker, markersize=4 + 12 * np.sqrt(parameters / 6e5), linestyle="none",
                    label=f"{title}, {parameters / 1000:,.0f} k")
axes[0].set(xscale="log", xlabel="million multiply-adds for an image",
            ylabel="accuracy on test images (%)")
axes[1].set(xscale="log", xlabel="seconds of a core for 1,000 images")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False,
              title="parameters (area)", labelspacing=1.3)
for ax in axes:
    ax.xaxis.set_major_formatter("{x:g}")
    ax.margins(x=0.12)
    ax.grid(color="#e6e6e6")
    ax.spines[["top", "right"]].set_visible(False)
picture = Path(__file__).with_suffix(".quick.png" if QUICK else ".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
