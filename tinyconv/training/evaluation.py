"""How good is a model? Loss, accuracy and confusion matrix on a data set."""
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ..core import Tensor, no_grad
from ..data import Loader
from ..nn import functional as F


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


def evaluate(model, dataset, batch_size=250, mean=None, std=None):
    """Loss, accuracy and confusion matrix of `model` on `dataset`, as an `Evaluation`.

    Images are normalised with `mean` and `std` per channel, by default those of the data set, which
    are the statistics of its training images. Nothing is recorded and dropout and batch norm are as
    in use, not as in training; the model is left in the mode it was in.
    """
    logits = predict(model, dataset, batch_size, mean, std)          # (N, K)
    labels, K = dataset.labels, logits.shape[1]
    if K < len(dataset.classes):
        raise ValueError(f"evaluate: the model tells {K} classes apart, "
                         f"{dataset.name} has {len(dataset.classes)}")
    predictions = logits.argmax(axis=1)
    confusion = np.zeros((K, K), np.int64)
    np.add.at(confusion, (labels, predictions), 1)
    with no_grad():
        loss = F.cross_entropy(Tensor(logits.astype(np.float64)), Tensor(labels)).item()
    return Evaluation(loss, float((predictions == labels).mean()), confusion, predictions)


def predict(model, dataset, batch_size=250, mean=None, std=None):
    """The outputs (N, K) of `model` for all images of `dataset`, as an array."""
    loader = Loader(dataset, batch_size, mean=mean, std=std)
    with in_use(model):
        return np.concatenate([model(Tensor(x)).data for x, _ in loader])


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
