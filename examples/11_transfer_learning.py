"""Lesson 11. What a network has learned of one thing helps it to learn another from few images.

    python examples/11_transfer_learning.py          CIFAR-10 from $TINYCONV_DATA; minutes, 2 cores
    python examples/11_transfer_learning.py --quick  the digits in the package; seconds

Prints a table and draws the figure beside this file.
"""
import copy
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
from tinyconv import data, models, nn, training
from tinyconv.training import recipes

QUICK = "--quick" in sys.argv[1:]


# ---- 1. two tasks --------------------------------------------------------------------------------
# One set of images, its classes dealt out to two tasks: of the first there are thousands of images,
# of the second a few hundred. No image and no class of the second is seen in the first. It is a
# kind setting: every new class has a cousin among the old ones (a truck is much like a car). The
# further apart two tasks are, the less there is to be gained.

if QUICK:
    name, model_name, old, new = "digits", "lenet5", (0, 1, 2, 3, 4), (5, 6, 7, 8, 9)
    images, epochs, old_epochs, seeds, old_images, tests = 50, 6, 1, 2, 2_000, 500
else:
    name, model_name, old, new = "cifar10", "resnet20", (1, 2, 4, 5, 8), (0, 3, 6, 7, 9)
    images, epochs, old_epochs, seeds, old_images, tests = 400, 12, 4, 3, 25_000, 1_000


def task(dataset, classes, count, seed=0):
    """At most `count` images, drawn at random, of these classes alone, now called 0, 1, 2 …"""
    chosen = np.flatnonzero(np.isin(dataset.labels, classes))
    if count < len(chosen):
        chosen = np.random.default_rng(seed).permutation(chosen)[:count]
    label = np.zeros(10, int)
    label[list(classes)] = range(len(classes))
    return data.Dataset(dataset.name, dataset.images[chosen], label[dataset.labels[chosen]],
                        [dataset.classes[c] for c in classes], dataset.mean, dataset.std)


train, test = data.load_both(name)
test_new = task(test, new, tests)
print(f"1. {name}: first {', '.join(train.classes[c] for c in old)}; then, from {images} images, "
      f"{', '.join(test_new.classes)}")


# ---- 2. the first task ---------------------------------------------------------------------------

tc.manual_seed(0)
first = models.create(model_name, num_classes=5)
recipe = recipes.choose(first, name)
training.fit(first, task(train, old, old_images), recipe=recipe.changed(epochs=old_epochs), seed=0)
accuracy = training.evaluate(first, task(test, old, tests)).accuracy
print(f"2. the first task, {old_epochs} epochs: {100 * accuracy:.1f} % of its test images")


# ---- 3. the second task, in three ways -----------------------------------------------------------
# From scratch: new weights throughout. Frozen features: the body stays as it is, batch statistics
# included, and a new head learns to weigh what it finds. Fine-tuning: a new head on the same body,
# and then all of it learns, slowly, the first layers slowest.

def scratch():
    return models.create(model_name, num_classes=5)

def pretrained():
    return models.replace_head(copy.deepcopy(first), 5)

few = recipe.changed(epochs=epochs, batch_size=32)
ways = {"from scratch": (scratch, few, "#6b6b6b"),
        "frozen features": (pretrained, recipes.transfer(few, "features"), "#0072B2"),
        "fine-tuning": (pretrained, recipes.transfer(few, "finetune"), "#D55E00")}
curves = {}
print(f"3. accuracy on {len(test_new):,} test images after {epochs} epochs, for each of {seeds} "
      "seeds (other images, other heads), in %")
for way, (make, its_recipe, _) in ways.items():
    curves[way] = []
    for seed in range(seeds):
        tc.manual_seed(seed)
        model = make()
        history = training.fit(model, task(train, new, images, seed), test=test_new, seed=seed,
                               recipe=its_recipe, progress=False)
        curves[way].append(100 * np.array(history["test_accuracy"]))
        if way == "frozen features":                     # frozen is frozen, to the last bit
            assert all((a.data == b.data).all() for (key, a), b in zip(
                first.state_dict().items(), model.state_dict().values())
                if key not in ("fc3.weight", "fc3.bias", "linear.weight", "linear.bias"))
    last = np.array([curve[-1] for curve in curves[way]])
    print(f"   {way:16}", *(f"{value:6.1f}" for value in last),
          f"   mean {last.mean():.1f} ± {last.std(ddof=1):.1f}")


# ---- 4. by hand ----------------------------------------------------------------------------------
# The recipes above do no more than this. A frozen batch norm stays in evaluation mode even in
# `train()`: its statistics would drift to the new images, and so would what the body finds.

model = pretrained()
nn.freeze(model)
nn.unfreeze(models.head_of(model)[1])
free = sum(p.numel() for p in model.parameters() if p.requires_grad)
rates = [group["lr"] for group in models.layerwise(model, lr=0.1, decay=0.5)]
print(f"4. frozen but for its head the model has {free:,} of "
      f"{sum(p.numel() for p in model.parameters()):,} parameters to learn;\n"
      f"   layer by layer its learning rates may be {', '.join(f'{rate:g}' for rate in rates)}")


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(7.5, 4), layout="constrained")
ax = figure.subplots()
for way, (_, _, colour) in ways.items():
    low, mean, high = (f(curves[way], axis=0) for f in (np.min, np.mean, np.max))
    ax.fill_between(range(1, epochs + 1), low, high, color=colour, alpha=0.15, linewidth=0)
    ax.plot(range(1, epochs + 1), mean, color=colour, marker="o", markersize=3.5)
    ax.annotate(f"{way}, {mean[-1]:.1f} %", (epochs, mean[-1]), xytext=(8, 0), color=colour,
                textcoords="offset points", va="center")
ax.set(xlabel="epoch", ylabel="accuracy on the test images (%)", xlim=(0.7, epochs * 1.35),
       title=f"{model_name}, five other classes of {name} from {images} images "
             f"(mean and range of {seeds} seeds)")
ax.set_xticks(range(1, epochs + 1))
ax.spines[["top", "right"]].set_visible(False)
ax.grid(axis="y", color="#e6e6e6")
picture = Path(__file__).with_suffix(".quick.png" if QUICK else ".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
