"""What a classifier gets wrong: which classes it takes for which, and which images mislead it most.

    confused = most_confused(training.evaluate(model, test).confusion)
    wrong = most_wrong(training.predict(model, test), test.labels)
"""
from typing import NamedTuple

import numpy as np


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
