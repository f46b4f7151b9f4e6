"""Lesson 12. What the network sees: filters, feature maps, and eight answers to "why this class?"

    python examples/12_what_the_network_sees.py          some minutes on 2 cores
    python examples/12_what_the_network_sees.py --quick  seconds; next to nothing is learned

Scenes are drawn by the package, so it is known where the shape is that a network should go by. The
same pictures of any model and photograph, as of ResNet-50 with torchvision's file of weights:

    tinyconv explain --model resnet50 --weights resnet50-0676ba61.pth cat.jpg
"""
import copy
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
from tinyconv import data, insight, nn, training
from tinyconv.insight import figures
from tinyconv.insight.methods import METHODS

QUICK = "--quick" in sys.argv
SEEDS, TRAIN, EPOCHS, SCENES, COMPARED = (2, 256, 1, 8, 3) if QUICK else (3, 2000, 8, 50, 10)
SHAPES = data.scenes.CLASSES[1:]                         # disc, square, triangle, cross
NAMES = "saliency smoothgrad integrated guided deconvnet occlusion cam gradcam".split()


# ---- 1. a network that names a shape -------------------------------------------------------------
# One shape a scene, of any colour on a ground of any colour. After the last convolution the mean of
# each map is all that the head sees: it knows what there is and not where. Do the maps?

def network():
    layers = {}
    for i, (C, O) in enumerate(((3, 16), (16, 32), (32, 64), (64, 64)), 1):
        layers |= {f"conv{i}": nn.Conv2d(C, O, 3, padding=1, bias=False),
                   f"norm{i}": nn.BatchNorm2d(O), f"relu{i}": nn.ReLU(),
                   f"pool{i}": nn.MaxPool2d(2) if i < 4 else nn.AdaptiveAvgPool2d(1)}
    return nn.Sequential(layers | {"flat": nn.Flatten(), "head": nn.Linear(64, len(SHAPES))})

drawn = [data.scenes.draw(n, np.random.default_rng(seed), size=48, shapes=1)
         for n, seed in ((TRAIN, 1), (1000, 2))]
train, test = (data.Dataset("scenes", scenes.images, scenes.labels[:, 0] - 1, SHAPES,
                            (0.5,) * 3, (0.25,) * 3) for scenes in drawn)
recipe, networks = training.Recipe(epochs=EPOCHS, batch_size=64, lr=0.1), []
for seed in range(SEEDS):
    tc.manual_seed(seed)
    networks.append(network())
    training.fit(networks[-1], train, recipe=recipe, seed=seed, progress=False)
print(f"1. {', '.join(SHAPES)}:", ", ".join(
    f"{100 * training.evaluate(model, test).accuracy:.1f}" for model in networks),
    f"% of {len(test):,} new scenes named rightly (seeds 0 … {SEEDS - 1})")


# ---- 2. is the greatest value of the map on the shape? -------------------------------------------
# Where there are two shapes, one asks for each of them: what speaks for the cross, what for the
# disc? A map that only repeats what stands out in the image answers both with the same place.

normalised = lambda drawn: (drawn.images / np.float32(255) - np.float32(0.5)) / np.float32(0.25)

def maps(name, model, x, classes):
    """The map (N, H, W) of a method, whatever it returns."""
    found = METHODS[name].of(model, x, classes, None)
    return insight.enlarged(insight.strength(found) if found.ndim == 4 else found, x.shape[2:])

def hits(name, model, drawn):
    """In how many % of the cases the greatest value lies on a shape of the label asked for."""
    found = []
    for labels in drawn.labels.T:                        # 1, 2, …: first of one shape, then another
        peaks = maps(name, model, normalised(drawn), labels - 1).reshape(len(labels), -1).argmax(1)
        found.append(drawn.masks.reshape(len(labels), -1)[range(len(labels)), peaks] == labels)
    return 100 * np.mean(found)

single = drawn[1].part(slice(SCENES))
double = data.scenes.draw(6 * SCENES, np.random.default_rng(3), size=48, shapes=2)
double = double.part((double.labels.min(1) > 0) & (double.labels[:, 0] != double.labels[:, 1]))
double = double.part(slice(SCENES))
chance = [100 * (s.masks == s.labels[:, :1, None]).mean() for s in (single, double)]
print(f"2. the greatest value lies on the shape asked for, in % of {SCENES} scenes with one shape\n"
      f"   and of {SCENES} with two (mean ± deviation of {SEEDS} networks; a random pixel: "
      f"{chance[0]:.0f} and {chance[1]:.0f})")
found = {}
for name in NAMES:
    found[name] = [[hits(name, model, drawn) for model in networks] for drawn in (single, double)]
    print(f"   {METHODS[name].title:22}", *(f"{np.mean(v):6.1f} ± {np.std(v, ddof=1):3.1f}"
                                           for v in found[name]))

# A deconvnet is the network run backwards, with switches; or a gradient with another rule for ReLU.
model, x = networks[0], normalised(double.part(slice(2)))
explicit, rule = insight.deconvnet(model, x), insight.deconvnet_by_rule(model, x)
print(f"   deconvnet: {len(insight.reverse_network(model, x))} steps back; the rule for ReLU "
      f"gives the same but for {np.abs(explicit - rule).max() / np.abs(rule).max():.0e} of it")


# ---- 3. a sanity check ---------------------------------------------------------------------------
# If a map says what the network has learned, it must change when that is taken away: layer after
# layer, from the head down, gets random weights (Adebayo et al. 2018, "Sanity checks for saliency
# maps", arXiv 1810.03292). How alike are the maps before and after?

def likeness(a, b):
    """The mean rank correlation of the sizes of maps (N, H, W)."""
    ranks = [np.abs(v).reshape(len(v), -1).argsort(1).argsort(1) for v in (a, b)]
    return np.mean([np.corrcoef(i, j)[0, 1] for i, j in zip(*ranks)])

random, upto = copy.deepcopy(model), ("none", "head", "… conv4", "… conv3", "… conv2", "all")
asked = normalised(single)[:COMPARED], single.labels[:COMPARED, 0] - 1
before, alike = {name: maps(name, model, *asked) for name in NAMES}, {name: [1] for name in NAMES}
tc.manual_seed(99)
for layers in ("head", "norm4 conv4", "norm3 conv3", "norm2 conv2", "norm1 conv1"):
    for layer in layers.split():
        getattr(random, layer).reset_parameters()
    for name in NAMES:
        alike[name].append(likeness(before[name], maps(name, random, *asked)))
print(f"3. rank correlation with the map of before, {COMPARED} scenes, when these have random "
      "weights:\n" + " " * 25 + "".join(f"{layers:>9}" for layers in upto[1:]))
for name, (_, *values) in alike.items():
    print(f"   {METHODS[name].title:22}" + "".join(f"{v:9.2f}" for v in values))


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(13, 12), layout="constrained")
top, middle, bottom = figure.subfigures(3, 1, height_ratios=[2.5, 6.2, 3.3])
titles = "a scene|filters of conv1|relu1, 48×48|relu2, 24×24|relu3, 12×12|relu4, 6×6".split("|")
kernels = insight.filters(model).transpose(0, 2, 3, 1)   # (16, 3, 3, 3), colours last
for i, (axis, title) in enumerate(zip(top.subplots(1, 6), titles), -1):
    if i > 0:
        figures.draw(axis, "maps", insight.feature_maps(model, x[:1], f"relu{i}")[0], None)
    else:
        axis.imshow(figures.mosaic(0.5 + 0.5 * kernels / np.abs(kernels).max(), fill=1.0) if i == 0
                    else double.images[0].transpose(1, 2, 0))
    axis.set(title=title, xticks=[], yticks=[])
top.suptitle("what it has learned, and what a scene becomes, layer by layer", weight="bold")
for n, row in enumerate(middle.subplots(4, len(NAMES) + 1)):
    i, k = n // 2, double.labels[n // 2, n % 2] - 1
    row[0].imshow(double.images[i].transpose(1, 2, 0))
    row[0].set(ylabel=f"why {SHAPES[k]}?", xticks=[], yticks=[])
    for axis, name in zip(row[1:], NAMES):
        values = METHODS[name].of(model, x[i:i + 1], int(k), None)[0]
        figures.draw(axis, METHODS[name].kind, values, double.images[i])
        axis.set_title(METHODS[name].title if n == 0 else "", fontsize=10)
middle.suptitle("two scenes, asked for each of their shapes", weight="bold")
left, right = bottom.subplots(1, 2)
colours = ("#000000", "#000000", "#0072B2", "#D55E00", "#D55E00", "#009E73", "#CC79A7", "#CC79A7")
for i, (name, colour, marker) in enumerate(zip(NAMES, colours, "os^DvPX*")):
    right.plot(alike[name], "--" if i in (1, 4, 7) else "-", color=colour, marker=marker,
               label=METHODS[name].title)
    for values, y, face in zip(found[name], (0.15, -0.15), (colour, "white")):
        left.errorbar(np.mean(values), -i + y, xerr=np.std(values, ddof=1), fmt=marker, capsize=2,
                      color=colour, markerfacecolor=face)
left.set_yticks(range(0, -len(NAMES), -1), [METHODS[name].title for name in NAMES])
left.set(xlabel="greatest value on the shape asked for (% of scenes)", xlim=(0, 103),
         title="one shape (filled), two shapes (open)")
right.set_xticks(range(6), upto)
right.set(xlabel="layers with random weights", ylabel="rank correlation with the map of before",
          title="sanity check: does the map depend on what was learned?")
right.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=9)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="#e6e6e6")
picture = Path(__file__).with_suffix(".quick.png" if QUICK else ".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
