"""Several labels an image: how good are probabilities of K labels that do not exclude each other?

Throughout, `scores` are (N, K) numbers that grow with the belief in a label (logits will do where
nothing is compared with a threshold), and `targets` (N, K) are 1 where the label holds, else 0.
"""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelsEvaluation:
    """What `evaluate` found for images with several labels.

    loss               mean binary cross-entropy, in nats
    accuracy           the part of all N·K labels that was told rightly, in [0, 1]
    f_score            F₂ over the labels of each image, averaged over images, in [0, 1]
    average_precision  (K,): of each label; NaN for one that no image has
    predictions        (N, K) of booleans: probability ≥ threshold
    thresholds         (K,)
    """
    loss: float
    accuracy: float
    f_score: float
    average_precision: np.ndarray
    predictions: np.ndarray
    thresholds: np.ndarray

    @property
    def mean_average_precision(self):
        """Over the labels that some image has."""
        known = self.average_precision[~np.isnan(self.average_precision)]
        return float(known.mean()) if len(known) else np.nan

    def __repr__(self):
        return (f"LabelsEvaluation: loss {self.loss:.4f}, F₂ {100 * self.f_score:.2f} %, mean "
                f"average precision {100 * self.mean_average_precision:.2f} % of "
                f"{len(self.predictions):,} images")


def f_score(predictions, targets, beta=2.0, average="samples"):
    """(1 + β²) P R / (β² P + R), with P of what was told true, R of what is true told.

    `average` is "samples" (of each image, then the mean: what competitions on satellite scenes
    measure, with β = 2), "micro" (of all labels together), "macro" (of each label, then the mean)
    or None (of each label, (K,)). Where nothing is told and nothing is true it is 1.
    """
    axis = {"samples": 1, "micro": None, "macro": 0, None: 0}
    if average not in axis:
        raise ValueError("f_score: average must be 'samples', 'micro', 'macro' or None, "
                         f"got {average!r}")
    told, true = np.asarray(predictions, bool), np.asarray(targets, bool)
    _check("f_score", told, true)
    both, told, true = (part.sum(axis[average]) for part in (told & true, told, true))
    weighted = beta ** 2 * true + told                   # P = both / told, R = both / true
    score = np.where(weighted > 0, (1 + beta ** 2) * both / np.maximum(weighted, 1e-300), 1.0)
    return score if average is None else float(score.mean())


def average_precision(scores, targets):
    """(K,) Σ (Rₙ − Rₙ₋₁) Pₙ over the images, most believed first; NaN for a label without any.

    Images of equal score come together, as one step. It is the area under precision against recall,
    without interpolation.
    """
    scores, targets = np.asarray(scores), np.asarray(targets, bool)
    _check("average_precision", scores, targets)
    return np.array([_average_precision(s, t) for s, t in zip(scores.T, targets.T)])


def _average_precision(scores, targets):
    if not targets.any():
        return np.nan
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)      # the end of a run of equal scores
    hits = np.cumsum(targets[order])[last]
    precision = hits / (np.flatnonzero(last) + 1)
    return float((np.diff(hits, prepend=0) * precision).sum() / targets.sum())


def best_thresholds(probabilities, targets, beta=2.0):
    """(K,) the threshold of each label with the greatest F score, of 0.05, 0.10, … 0.95.

    Of equals the one nearest to 0.5; so also for a label that no image has. Choose them on images
    for training or validation, never on the test set.
    """
    probabilities, targets = np.asarray(probabilities), np.asarray(targets, bool)
    _check("best_thresholds", probabilities, targets)
    grid = sorted(np.arange(1, 20) / 20, key=lambda t: abs(t - 0.5))     # argmax takes the first
    scores = np.stack([f_score(probabilities >= t, targets, beta, None) for t in grid])  # (19, K)
    scores[:, ~targets.any(axis=0)] = 0
    return np.array(grid)[scores.argmax(axis=0)]


def evaluation(loss, probabilities, targets, thresholds=None):
    """The `LabelsEvaluation` of these probabilities; thresholds are 0.5 unless given."""
    K = probabilities.shape[1]
    thresholds = np.full(K, 0.5) if thresholds is None else np.asarray(thresholds, float)
    if thresholds.shape != (K,):
        raise ValueError(f"evaluate: expected {K} thresholds, one for each label, got "
                         f"{thresholds.shape}")
    told = probabilities >= thresholds
    return LabelsEvaluation(loss, float((told == targets).mean()), f_score(told, targets),
                            average_precision(probabilities, targets), told, thresholds)


def _check(who, first, targets):
    if first.ndim != 2 or first.shape != targets.shape:
        raise ValueError(f"{who}: expected two arrays (N, K), got {first.shape} and "
                         f"{targets.shape}")
