"""Training and measuring: `fit`, `evaluate`, recipes, and the folder in which a run is kept.

    from tinyconv import models, training

    model = models.create("lenet5")
    history = training.fit(model, "digits", epochs=8, seed=0, out="runs/mine")

To read in this order: `recipes`, `history`, `evaluation`, `run`, `loop`; then `progress`,
`figures`, `folder`, `resume`, `lock`, `saved`.
"""
from .evaluation import Evaluation, evaluate, predict
from .folder import RunFolder
from .history import History
from .lock import Locked
from .loop import fit
from .progress import ProgressBar
from .recipes import Recipe, choose
from .resume import ResumeWarning
from .run import Diverged, Run
from .saved import SavedRun, load_run

__all__ = ["Diverged", "Evaluation", "History", "Locked", "ProgressBar", "Recipe", "ResumeWarning",
           "Run", "RunFolder", "SavedRun", "choose", "evaluate", "fit", "load_run", "predict"]
