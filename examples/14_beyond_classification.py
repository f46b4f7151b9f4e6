"""Lesson 14. Beyond "what is it?": which pixel belongs to what, and what is where.

    python examples/14_beyond_classification.py      prints the numbers, draws the figure beside it

It takes about four minutes; with `--quick` seconds, in which next to nothing is learned.
"""
import sys
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import data, models, optim, vision
from tinyconv.data.scenes import CLASSES, draw
from tinyconv.optim.lr_scheduler import OneCycleLR

QUICK = "--quick" in sys.argv[1:]
BATCH, TESTS = 8, 64 if QUICK else 500


# ---- 1. scenes -----------------------------------------------------------------------------------
# Discs, squares, triangles and crosses, one to four of them, on a rough ground; a shape may hide up
# to 40 % of another. Whoever draws them knows the truth: the class of every pixel, and a box around
# each shape. Every batch is drawn anew, so nothing can be learned by heart, and there is no need to
# hold images back: the test scenes come from another seed.

generator, fresh = np.random.default_rng(0), draw(TESTS, np.random.default_rng(1))

def pixels(scenes):
    """uint8 images as the networks see them: float32 from −2 to 2."""
    return tc.tensor((scenes.images.astype(np.float32) - 128) / 64)

ground = (fresh.masks == 0).mean()
print(f"1. {TESTS} fresh scenes with {(fresh.labels > 0).sum()} shapes; {100 * ground:.0f} % of "
      "the pixels are ground")


def learn(model, steps, loss_of):
    """Train on `steps` batches of new scenes by AdamW and one cycle; every tenth prints a line.

    The learning rate falls to nearly nothing in the end: while it is high, the weights do not
    settle, and outlines stay blurred.
    """
    optimizer = optim.AdamW(model.parameters(), lr=0.003)
    schedule = OneCycleLR(optimizer, 0.003, total_steps=steps, pct_start=0.2)
    losses = []
    for step in range(steps):
        if step % 32 == 0:                                   # drawing is quicker in blocks
            block = draw(32 * BATCH, generator)
        scenes = block.part(slice(step % 32 * BATCH, (step % 32 + 1) * BATCH))
        loss = loss_of(model(pixels(scenes)), scenes)
        optimizer.zero_grad(), loss.backward(), optimizer.step(), schedule.step()
        losses.append(loss.item())
        if (step + 1) % max(steps // 4, 1) == 0:
            print(f"   {step + 1:5} steps, loss {np.mean(losses[-steps // 4:]):.3f}", flush=True)


def answers(model):
    """What the model, in evaluation mode, says of the fresh scenes."""
    model.eval()
    with tc.no_grad():
        return np.concatenate([model(pixels(fresh.part(slice(i, i + 50)))).data
                               for i in range(0, TESTS, 50)])


# ---- 2. which pixel belongs to what --------------------------------------------------------------
# To say that a pixel is of a triangle, one must see the triangle: halving the image three times
# brings it within reach of a 3×3 kernel. But then nobody knows any more where exactly its outline
# was. U-Net goes down to see what, comes up again to say where, and on each way up is handed what
# was known at that size on the way down.
#
# Six pixels of seven are ground: a network that says "ground" everywhere is right for most of them
# and useless. So the score is the intersection over union (IoU) of each class, and the loss is
# cross-entropy, which looks at pixels, plus Dice, which gives each class the same weight.

def mask_loss(y, scenes):
    return F.cross_entropy(y, scenes.masks) + vision.dice_loss(y, scenes.masks)

tc.manual_seed(0)
unet = models.create("unet", num_classes=len(CLASSES), width=16, depth=3)
print(f"2. U-Net, {sum(p.numel() for p in unet.parameters()):,} parameters")
learn(unet, 8 if QUICK else 1600, mask_loss)
masks = answers(unet).argmax(1)                              # (N, H, W)
scores = vision.mask_scores(vision.confusion_matrix(masks, fresh.masks, len(CLASSES)))
print(f"   pixels right {100 * scores.accuracy:.1f} % (ground everywhere: {100 * ground:.1f} %)")
print("   IoU", *(f"{name} {iou:.3f}," for name, iou in zip(CLASSES, scores.class_iou)),
      f"mean IoU {scores.mean_iou:.3f}")


# ---- 3. what is where ----------------------------------------------------------------------------
# How many boxes there will be nobody knows, but a network has as many outputs as it has. So the
# image is cut into cells, and each answers for the shapes whose centre it holds, with a few boxes:
# one for each typical size ("anchor"), of which it says how much larger and how far off the shape
# is. Most have nothing to say; how sure each is, is an output, too. Of boxes that mean the same
# shape, the surest is kept (non-maximum suppression).

some = draw(200, generator)
sizes = (some.boxes[..., 2:] - some.boxes[..., :2])[some.labels > 0]     # (n, 2)
tc.manual_seed(0)
detector = models.create("detector", num_classes=len(CLASSES) - 1, boxes=2, widths=(16, 32, 64))
grid = vision.Grid(detector.stride, vision.choose_anchors(sizes, 2, generator))
print(f"3. a detector, {sum(p.numel() for p in detector.parameters()):,} parameters; cells of "
      f"{grid.stride} pixels, anchors of {' and '.join(f'{w:g}×{h:g}' for w, h in grid.anchors)}")
learn(detector, 8 if QUICK else 5000,
      lambda y, scenes: vision.detection_loss(y, scenes.boxes, scenes.labels, grid).total)
found = vision.detect(tc.tensor(answers(detector)), grid)
score = vision.average_precision(found, [*map(vision.Boxes, fresh.boxes, fresh.labels)])
# A box found is right if its IoU with a box of its class is at least one half (AP50), or, harder,
# 0.5, 0.55, … 0.95 in turn (AP, the mean).
print("   AP50", *(f"{name} {ap:.3f}," for name, ap in zip(CLASSES[1:], score.table[0])),
      f"mean AP50 {score.ap50:.3f}, AP {score.ap:.3f}")


# ---- the figure ----------------------------------------------------------------------------------

# On white, four steps of cividis: told apart in grey, and by those who do not see red or green.

cmap = ListedColormap(["white", *colormaps["cividis"]([0.9, 0.65, 0.35, 0.0])])
chosen = np.flatnonzero((fresh.labels > 0).sum(1) >= 3)[:5]
figure = Figure(figsize=(10, 6.6), layout="constrained")
axes = figure.subplots(3, len(chosen))
masked = dict(cmap=cmap, vmin=0, vmax=len(CLASSES) - 1, interpolation="nearest")
outline = [withStroke(linewidth=3, foreground="black")]      # white on black is seen on any ground
for column, i in zip(axes.T, chosen):
    column[0].imshow(fresh.images[i].transpose(1, 2, 0), interpolation="nearest")
    column[1].imshow(fresh.masks[i], **masked)
    column[2].imshow(masks[i], **masked)
    for n, ((x1, y1, x2, y2), label, sure) in enumerate(zip(*found[i])):
        if sure >= 0.5:                                      # its name where there is none yet
            taken = (np.abs(found[i][0][:n, :2] - (x1, y1)) < (28, 6)).all(1).any()
            column[0].add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False,
                                          edgecolor="white", path_effects=outline))
            column[0].text(x1, y2 + 3.5 if taken else y1 - 1.5, f"{CLASSES[label]} {sure:.2f}",
                           color="white", fontsize=8, path_effects=outline)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
for ax, title in zip(axes[:, 0], ("the scene, and boxes\nthe detector finds", "the true masks",
                                  "the masks U-Net finds")):
    ax.set_ylabel(title)
figure.legend(handles=[Patch(facecolor=cmap(c), edgecolor="black", label=name)
                       for c, name in enumerate(CLASSES)],
              loc="outside lower center", ncols=len(CLASSES), frameon=False)
figure.savefig(Path(__file__).with_suffix(".png"), dpi=80)
print("figure:", Path(__file__).with_suffix(".png"))
