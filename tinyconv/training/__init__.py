"""Training and measuring: `fit`, `evaluate`, recipes, and the folder in which a run is kept.

    from tinyconv import models, training

    model = models.create("lenet5")
    history = training.fit(model, "digits", epochs=8, seed=0, out="runs/mine")

To read in this order: `recipes`, `history`, `evaluation`, `loop`; then `progress`, `figures`,
`folder`.
"""
from .evaluation import Evaluation, evaluate, predict
from .folder import RunFolder, SavedRun, load_run
from .history import History
from .loop import Diverged, Run, fit
from .progress import ProgressBar
from .recipes import Recipe, choose

__all__ = ["Diverged", "Evaluation", "History", "ProgressBar", "Recipe", "Run", "RunFolder",
           "SavedRun", "choose", "evaluate", "fit", "load_run", "predict"]
