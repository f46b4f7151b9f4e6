"""Training and measuring: `fit`, `evaluate`, recipes, and the folder in which a run is kept.

    from tinyconv import models, training

    model = models.create("lenet5")
    history = training.fit(model, "digits", epochs=8, seed=0, out="runs/mine")

To read in this order: `recipes`, `history`, `evaluation`, `run`, `loop`; then `progress`,
`figures`, `first_layer`, `folder`, `resume`, `saved`, `transfer`; `average`, `labels`; `events`,
`tensorboard`.
"""
from ..lock import Locked
from .average import Average
from .evaluation import Evaluation, evaluate, predict
from .folder import RunFolder
from .history import History
from .labels import LabelsEvaluation, average_precision, best_thresholds, f_score
from .loop import fit
from .progress import ProgressBar
from .recipes import Recipe, choose
from .resume import ResumeWarning
from .run import Diverged, Run
from .saved import SavedRun, load_run
from .tensorboard import TensorBoard

__all__ = ["Average", "Diverged", "Evaluation", "History", "LabelsEvaluation", "Locked",
           "ProgressBar", "Recipe", "ResumeWarning", "Run", "RunFolder", "SavedRun", "TensorBoard",
           "average_precision", "best_thresholds", "choose", "evaluate", "f_score", "fit",
           "load_run", "predict"]
