"""How good is a model? Loss, accuracy and confusion matrix on a data set."""
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from .. import ops
from ..core import Tensor, no_grad
from ..data import Loader, views
from ..nn import functional as F
from . import figures, labels


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    loss         mean cross-entropy, in nats
    accuracy     the part of the images that was named rightly, in [0, 1]
    confusion    (K, K) int64: confusion[i, j] images of class i were taken for class j
    predictions  (N,) int64: the class each image was taken for
    """
    loss: float
    accuracy: float
    confusion: np.ndarray
    predictions: np.ndarray

    @property
    def class_accuracy(self):
        """(K,) the part of each class that was named rightly; NaN for a class without images."""
        with np.errstate(invalid="ignore"):
            return np.diagonal(self.confusion) / self.confusion.sum(axis=1)

    def __repr__(self):
        return (f"Evaluation: loss {self.loss:.4f}, accuracy {100 * self.accuracy:.2f} % "
                f"of {len(self.predictions):,} images")

    def _repr_png_(self):
        """For Jupyter: the confusion matrix, with the numbers of the classes."""
        return figures.confusion(self.confusion, [str(k) for k in range(len(self.confusion))],
                                 repr(self).replace("Evaluation: ", ""))


def evaluate(model, dataset, batch_size=250, mean=None, std=None, tta="", thresholds=None):
    """Loss, accuracy and confusion matrix of `model` on `dataset`, as an `Evaluation`.

    Images are normalised with `mean` and `std` per channel, by default those of the data set, which
    are the statistics of its training images. Nothing is recorded and dropout and batch norm are as
    in use, not as in training; the model is left in the mode it was in. `tta` is that of `predict`.
    Where images have several labels it returns a `LabelsEvaluation`, with these `thresholds`.
    """
    return measure(predict(model, dataset, batch_size, mean, std, tta), dataset, thresholds)


def measure(logits, dataset, thresholds=None):
    """What `evaluate` returns, of the outputs (N, K) of a model for all images of `dataset`."""
    y, K = dataset.labels, logits.shape[1]
    if K < len(dataset.classes):
        raise ValueError(f"evaluate: the model tells {K} classes apart, "
                         f"{dataset.name} has {len(dataset.classes)}")
    with no_grad():
        x, t = Tensor(logits.astype(np.float64)), Tensor(y.astype(float) if dataset.several else y)
        loss = loss_of(x, t, dataset.several).item()
        if dataset.several:
            return labels.evaluation(loss, ops.sigmoid(x).data, y == 1, thresholds)
    predictions = logits.argmax(axis=1)
    confusion = np.zeros((K, K), np.int64)
    np.add.at(confusion, (y, predictions), 1)
    return Evaluation(loss, float((predictions == y).mean()), confusion, predictions)


def predict(model, dataset, batch_size=250, mean=None, std=None, tta=""):
    """The outputs (N, K) of `model` for all images of `dataset`, as an array.

    `tta`, test-time augmentation: the mean over several views of each image, "flip" for its mirror
    image, "shift" for itself moved by a pixel each way, "flip,shift" for all of these.
    """
    outputs = 0.0
    changes = views(tta)
    for change in changes:
        loader = Loader(dataset, batch_size, mean=mean, std=std, augment=change,
                        generator=np.random.default_rng(0))      # unused: a view is not random
        with in_use(model):
            outputs = outputs + np.concatenate([model(Tensor(x)).data for x, _ in loader])
    return outputs if len(changes) == 1 else outputs / len(changes)


def loss_of(output, y, several, label_smoothing=0.0):
    """What training makes small: cross-entropy, or binary cross-entropy where there are `several`
    labels an image; output (N, K), y (N,) or (N, K)."""
    if not several:
        return F.cross_entropy(output, y, label_smoothing=label_smoothing)
    if label_smoothing:
        y = y * (1 - label_smoothing) + label_smoothing / 2
    return F.binary_cross_entropy_with_logits(output, y)


def right(output, y, several):
    """How many images were named rightly, the most likely class of a mixed target counting; of
    several labels, the sum over images of the part told rightly. Arrays, as for `loss_of`."""
    if several:
        return float(((output > 0) == (y > 0.5)).mean(axis=1).sum())
    return int((output.argmax(axis=1) == (y if y.ndim == 1 else y.argmax(axis=1))).sum())


def thresholds_for(model, train, most=2_000):
    """The threshold of each label with the best F₂ on `most` of the images to train on, a list."""
    train = train.limit(most)
    with no_grad():
        probabilities = ops.sigmoid(Tensor(predict(model, train))).data
    return labels.best_thresholds(probabilities, train.labels).tolist()


@contextmanager
def in_use(model):
    """Within it `model.eval()` and no recording; afterwards each layer is in its mode of before."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield model
    finally:
        for module, training in before:
            module.training = training
