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
    sizes, old_epochs, seeds, old_images, tests = {20: 6, 50: 6}, 1, 2, 2_000, 500
else:
    name, model_name, old, new = "cifar10", "resnet20", (1, 2, 4, 5, 8), (0, 3, 6, 7, 9)
    sizes, old_epochs, seeds, old_images, tests = {100: 24, 400: 12, 1_600: 6}, 4, 3, 25_000, 1_000
images = [*sizes][1]                                     # the size of which the curves are drawn


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
print(f"1. {name}: first {', '.join(train.classes[c] for c in old)}; then, from few images, "
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

ways = {"from scratch": (scratch, lambda few: few, "#6b6b6b", ":", "v"),
        "frozen features": (pretrained, lambda few: recipes.transfer(few, "features"), "#0072B2",
                            "--", "s"),
        "fine-tuning": (pretrained, lambda few: recipes.transfer(few, "finetune"), "#D55E00", "-",
                        "o")}
curves, last = {}, {way: {} for way in ways}
print(f"3. accuracy in % on {len(test_new):,} test images, mean ± deviation of {seeds} seeds (other "
      "images, other heads)")
for size, epochs in sizes.items():
    for way, (make, adapted, *_) in ways.items():
        its_recipe, found = adapted(recipe.changed(epochs=epochs, batch_size=32)), []
        for seed in range(seeds):
            tc.manual_seed(seed)
            model = make()
            history = training.fit(model, task(train, new, size, seed), test=test_new, seed=seed,
                                   recipe=its_recipe, progress=False)
            found.append(100 * np.array(history["test_accuracy"]))
            if way == "frozen features":                 # frozen is frozen, to the last bit
                assert all((a.data == b.data).all() for (key, a), b in zip(
                    first.state_dict().items(), model.state_dict().values())
                    if key not in ("fc3.weight", "fc3.bias", "linear.weight", "linear.bias"))
        curves[way, size] = np.array(found)
        final = last[way][size] = curves[way, size][:, -1]
        print(f"   {size:5,} images, {epochs:2} epochs, {way:16}", *(f"{v:6.1f}" for v in final),
              f"   mean {final.mean():.1f} ± {final.std(ddof=1):.1f}")


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

figure = Figure(figsize=(10, 4), layout="constrained")
left, right = figure.subplots(1, 2, sharey=True)
for way, (_, _, colour, line, marker) in ways.items():
    low, mean, high = (f(curves[way, images], axis=0) for f in (np.min, np.mean, np.max))
    at, final = range(1, len(mean) + 1), np.array([*last[way].values()])
    left.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
    left.plot(at, mean, color=colour, linestyle=line, marker=marker, markersize=3.5)
    right.errorbar([*sizes], final.mean(1), final.std(1, ddof=1), color=colour, linestyle=line,
                   marker=marker, capsize=3, label=way)
left.set(xlabel="epoch", ylabel="accuracy on test images (%)", xticks=at,
         title=f"{images} images (mean and range of {seeds} seeds)")
right.set(xscale="log", xlabel="training images", title="afterwards (mean ± deviation)")
right.set_xticks([*sizes], [f"{size:,}" for size in sizes])
right.minorticks_off()
figure.legend(loc="outside lower center", ncols=3, frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e6e6e6")
picture = Path(__file__).with_suffix(".quick.png" if QUICK else ".png")
figure.savefig(picture, dpi=80)
print("figure:", picture)
