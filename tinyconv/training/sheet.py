"""A contact sheet: images of a data set as they are, or what augmentations make of them."""
import numpy as np

from ..data import Loader, augmentations
from ..data.choosing import parts
from ..drawing import GREY, STYLE, empty, mosaic, png

TILE, GAP, TOP, LABEL = 84, 6, 64, 0.62          # pixels; of a letter as a part of its size
ROWS, COLUMNS = 10, 12


def sheet(dataset, augment=None, seed=0):
    """The sheet as a PNG, in bytes.

    Without `augment` each class has a row of its images. With it (see `data.augmentations`) a few
    images stand in the first column, beside them what each augmentation alone does to them, and
    in the last column all of them together.
    """
    generator = np.random.default_rng(seed)
    if augment is None:
        titles, names, columns = None, *_classes(dataset, generator)
        title = f"{dataset.name}: {len(dataset):,} images of {'×'.join(map(str, dataset.shape))}"
    else:
        titles, names, columns = _augmented(dataset, augment, generator)
        title = f"{dataset.name}, augmented: {', '.join(parts(augment)) or 'not at all'}"
    return _drawn(columns, title, names, titles)


def _classes(dataset, generator):
    """The names of the first classes, and columns of images (rows, C, H, W), bytes."""
    rows = []
    for k in range(min(ROWS, len(dataset.classes))):
        mine = np.flatnonzero(_holds(dataset, k))
        chosen = generator.permutation(mine)[:COLUMNS]
        images = np.full((COLUMNS, *dataset.shape), 255, np.uint8)       # white where there is none
        images[:len(chosen)] = dataset.images[chosen]
        rows.append(images)
    return dataset.classes[:ROWS], np.stack(rows, axis=1)


def _holds(dataset, k):
    return dataset.labels[:, k] == 1 if dataset.several else dataset.labels == k


def _augmented(dataset, augment, generator):
    """Titles of the columns, names of the rows, and the columns: one image of each class."""
    found = [generator.permutation(np.flatnonzero(_holds(dataset, k)))[:1]
             for k in range(len(dataset.classes))]
    chosen = np.concatenate(found)[:ROWS - 2]
    names = [dataset.classes[k] for k, at in enumerate(found) if len(at)][:ROWS - 2]
    each = parts(augment)
    wanted = [*each, augment] if len(each) > 1 else each
    images = dataset[chosen]
    columns = [images.images]
    for text in wanted:
        loader = Loader(images, len(images), augment=augmentations(text), generator=generator,
                        mean=(0,) * dataset.shape[0], std=(1,) * dataset.shape[0], prefetch=False)
        (x, _), = loader                                                 # in [0, 1]
        columns.append(np.rint(255 * x.clip(0, 1)).astype(np.uint8))
    titles = ["as it is", *each, *(["all together"] if len(each) > 1 else [])]
    return titles, names, np.stack(columns)


def _drawn(columns, title, names, titles):
    """The PNG of columns (columns, rows, C, H, W) of bytes."""
    from matplotlib import rc_context

    side = max(columns.shape[3:])
    scale = max(1, round(TILE / side))
    tiles = columns.repeat(scale, axis=3).repeat(scale, axis=4).transpose(1, 0, 3, 4, 2)
    rows, across, h, w, C = tiles.shape
    left = round(max(map(len, names)) * 11 * LABEL) + 3 * GAP
    top = TOP if titles else TOP - 22
    size = top + rows * (h + GAP) + GAP, left + across * (w + GAP) + GAP
    canvas = np.full((*size, 3), 255, np.uint8)
    shown = mosaic(tiles.reshape(-1, h, w, C), across, GAP, 255)
    canvas[top:top + shown.shape[0], left:left + shown.shape[1]] = shown
    H, W, _ = canvas.shape
    with rc_context({**STYLE, "axes.grid": False}):
        drawn = empty(W / 100, H / 100, dpi=100)
        axis = drawn.add_axes((0, 0, 1, 1))
        axis.imshow(canvas, interpolation="nearest", extent=(0, W, H, 0))
        axis.set_axis_off()
        axis.text(left, 22, title, fontsize=11, va="center", weight="bold")
        for i, name in enumerate(names):
            axis.text(left - GAP - 3, top + i * (h + GAP) + h / 2, name, fontsize=8.5, ha="right",
                      va="center", color=GREY)
        for j, name in enumerate(titles or ()):
            axis.text(left + j * (w + GAP) + w / 2, top - 12, name, fontsize=8.5, ha="center",
                      va="center", color=GREY)
        return png(drawn)
