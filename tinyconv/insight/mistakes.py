"""What a classifier gets wrong: which classes it takes for which, and which images mislead it most.

    confused = most_confused(training.evaluate(model, test).confusion)
    wrong = most_wrong(training.predict(model, test), test.labels)
"""
from typing import NamedTuple

import numpy as np

from ..drawing import BLUE, GREY, ORANGE, STYLE, figure, png

COLUMNS, TILE = 8, 1.15                # of a sheet of images; inches


class Confused(NamedTuple):
    """Pairs of classes, the most confused first; each an array (n,).

    truth    the class that images are of
    taken    the class they were taken for
    count    how many of them
    share    the part of all images of the true class, in (0, 1]
    """
    truth: np.ndarray
    taken: np.ndarray
    count: np.ndarray
    share: np.ndarray


class Wrong(NamedTuple):
    """Images that were named wrongly, the most wrong first; each an array (n,).

    index        their places in the data set
    truth        what they are
    taken        what they were taken for
    confidence   the probability given to that
    loss         −log of the probability given to the truth, in nats
    """
    index: np.ndarray
    truth: np.ndarray
    taken: np.ndarray
    confidence: np.ndarray
    loss: np.ndarray


def most_confused(confusion, n=10):
    """The `n` pairs (truth, taken for) with the most images, of a confusion matrix (K, K), as
    `Confused`; fewer if there are not so many. Of equal ones, those that come first in the matrix.
    """
    confusion = np.asarray(confusion)
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1]:
        raise ValueError("most_confused: expected a square matrix of counts, got an array "
                         f"{confusion.shape}")
    errors = confusion - np.diag(np.diagonal(confusion))
    order = np.argsort(-errors, axis=None, kind="stable")[:min(n, np.count_nonzero(errors))]
    truth, taken = np.unravel_index(order, errors.shape)
    count = errors[truth, taken]
    return Confused(truth, taken, count, count / confusion.sum(axis=1)[truth])


def most_wrong(logits, labels, n=24):
    """The `n` images on which a model was surest of something wrong, as `Wrong`.

    logits (N, K) are its outputs, labels (N,) the classes. They are ordered by the cross-entropy

        loss = −log softmax(logits)[label]

    so that first comes the image whose true class was given the least probability.
    """
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError("most_wrong: expected outputs (N, K) and labels (N,), got arrays "
                         f"{logits.shape} and {labels.shape}")
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))         # (N, K)
    taken = logits.argmax(axis=1)
    wrong = np.flatnonzero(taken != labels)
    loss = -log_p[wrong, labels[wrong]]
    order = np.argsort(-loss, kind="stable")[:n]
    index = wrong[order]
    return Wrong(index, labels[index], taken[index], np.exp(log_p[index, taken[index]]),
                 loss[order])


# ---- drawn ---------------------------------------------------------------------------------------

def draw_confused(confused, classes, title=""):
    """`Confused` as bars, the longest on top: a PNG, in bytes."""
    from matplotlib import rc_context
    from matplotlib.ticker import MaxNLocator

    n = len(confused.count)
    with rc_context({**STYLE, "axes.grid.axis": "x"}):
        drawn, axis = figure(6.4, 1.0 + 0.32 * max(n, 1))
        axis.barh(np.arange(n), confused.count, color=BLUE, height=0.7)
        axis.set_yticks(np.arange(n), [f"{classes[i]} taken for {classes[j]}" for i, j in
                                       zip(confused.truth, confused.taken)])
        for y, (count, share) in enumerate(zip(confused.count, confused.share)):
            axis.annotate(f"{100 * share:.2g} %", (count, y), xytext=(4, 0), va="center",
                          textcoords="offset points", fontsize=9, color=GREY)
        axis.set_ylim(max(n, 1) - 0.4, -0.6)
        axis.margins(x=0.12)
        axis.tick_params(axis="y", length=0)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlabel("images (beside the bar: part of the true class)")
        axis.set_title(title)
        return png(drawn)


def draw_wrong(images, wrong, classes, title=""):
    """A sheet of the images of `Wrong`, from all images (N, C, H, W) of the data set, bytes: below
    each what it was taken for, with which probability, and what it is. A PNG, in bytes."""
    from matplotlib import rc_context

    n = len(wrong.index)
    columns = min(COLUMNS, max(n, 3))
    rows = max(1, -(-n // columns))
    with rc_context({**STYLE, "axes.grid": False}):
        drawn, axes = figure(TILE * columns, (TILE + 0.42) * rows + 0.4, rows, columns,
                             squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for axis, at, truth, taken, p in zip(axes.flat, wrong.index, wrong.truth, wrong.taken,
                                             wrong.confidence):
            image = images[at]
            axis.imshow(image.transpose(1, 2, 0) if len(image) == 3 else image[0], vmin=0,
                        vmax=255, cmap="gray", interpolation="nearest")
            axis.text(0.5, -0.04, f"{classes[taken]} {100 * p:.3g} %", transform=axis.transAxes,
                      ha="center", va="top", fontsize=9, color=ORANGE)
            axis.text(0.5, -0.2, f"is {classes[truth]}", transform=axis.transAxes, ha="center",
                      va="top", fontsize=9)
        drawn.suptitle(title)
        return png(drawn)
