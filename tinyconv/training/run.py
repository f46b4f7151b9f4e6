"""A run under way."""
from contextlib import nullcontext
from dataclasses import dataclass, field

from ..data import Dataset, Loader
from ..nn import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from .average import Average
from .evaluation import Evaluation
from .history import History
from .labels import LabelsEvaluation
from .recipes import Recipe


class Diverged(ArithmeticError):
    """The loss, or a weight, is no longer a finite number."""


@dataclass
class Run:
    """A run under way, as callbacks see it; one that sets `stop` ends it after this epoch."""
    model: Module
    train: Dataset
    test: Dataset | None
    recipe: Recipe
    optimizer: Optimizer
    schedule: LRScheduler
    loader: Loader
    shuffled_from: dict                    # the loader's generator before the epoch under way
    history: History = field(default_factory=History)
    epoch: int = 0                         # counted from 1
    step: int = 0                          # counted from 1 through all epochs
    seen: int = 0                          # images in this epoch so far
    loss_sum: float = 0.0                  # over these images
    correct: int = 0                       # of these images
    seconds: float = 0.0                   # for these images
    lr: float = 0.0                        # the learning rate of the last step
    last_test: Evaluation | LabelsEvaluation | None = None
    validation: Dataset | None = None      # what was held out of the training set
    average: Average | None = None         # of the weights
    stop: bool = False
    fingerprints: dict | None = None       # the sha256 of the data sets, once they are known

    @property
    def steps_per_epoch(self):
        return len(self.loader)

    def averaged(self):
        """A context in which the model has the average of its weights, if there is one."""
        return self.average.in_place(self.model) if self.average else nullcontext()

    @property
    def step_of_epoch(self):
        """Steps since the last epoch that is finished, its test included."""
        return self.step - len(self.history) * self.steps_per_epoch
