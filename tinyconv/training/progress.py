"""A progress bar for each epoch."""
import sys


class ProgressBar:
    """A callback that shows loss, accuracy and images/s while an epoch runs, on standard error.

    Where that is not a terminal nothing is drawn: a log wants one line an epoch, not one a step.
    """

    def __init__(self, file=None):
        self.file = sys.stderr if file is None else file
        self.bar = None

    def __call__(self, event, run):
        if not self.file.isatty():
            return
        if event == "step":
            self._advance(run)
        elif self.bar is not None:               # the epoch is over, or the whole run
            self.bar.close()
            self.bar = None

    def _advance(self, run):
        from tqdm import tqdm

        if self.bar is None:
            self.bar = tqdm(total=len(run.train), desc=f"epoch {run.epoch}/{run.recipe.epochs}",
                            unit=" images", unit_scale=True, leave=False, dynamic_ncols=True,
                            file=self.file)
        self.bar.set_postfix_str(f"loss {run.loss_sum / run.seen:.4f}, "
                                 f"accuracy {100 * run.correct / run.seen:.2f} %", refresh=False)
        self.bar.update(run.seen - self.bar.n)
