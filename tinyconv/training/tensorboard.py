"""A run as TensorBoard shows it."""
from .events import EventFile, histogram, text

PER_EPOCH = 50                         # at most about so many points of an epoch under way


class TensorBoard:
    """A callback that writes an event file into `folder`, for `tensorboard --logdir FOLDER`.

        training.fit(model, "mnist", callbacks=[training.TensorBoard("logs/mine")])

    All steps are those of the optimiser.

    loss/batch, learning_rate/batch      within an epoch, the loss over the steps since the last
                                         point
    loss/train, accuracy/test, …         each number of the record of an epoch, at its end
    weights/NAME, gradients/NAME         histograms of each parameter, and of its gradient at the
                                         last step, at the end of each epoch
    run                                  model, data, recipe, and `about`, a dictionary of whatever
                                         else

    Of a run that goes on, what was written after its checkpoint is made void.
    """

    def __init__(self, folder, about=None):
        self.folder, self.about, self._file = folder, about or {}, None

    def __call__(self, event, run):
        if event == "begin":
            self._begin(run)
        elif event == "step":
            self._step(run)
        elif event == "epoch":
            self._epoch(run)
        elif event == "end" and self._file is not None:
            self._file.close()

    def _begin(self, run):
        self._seen, self._sum = run.seen, run.loss_sum           # 0, unless it goes on
        self._file = EventFile(self.folder, since=run.step + 1 if run.step else None)
        if not run.step:
            self._file.add(0, {"run": text(self._description(run))})
        self._file.flush()

    def _step(self, run):
        if run.seen < self._seen or run.step_of_epoch == 1:      # another epoch has begun
            self._seen, self._sum = 0, 0.0
        if run.step_of_epoch % max(1, run.steps_per_epoch // PER_EPOCH):
            return
        loss = (run.loss_sum - self._sum) / (run.seen - self._seen)
        self._file.add(run.step, {"loss/batch": loss, "learning_rate/batch": run.lr})
        self._file.flush()
        self._seen, self._sum = run.seen, run.loss_sum

    def _epoch(self, run):
        values = {_tag(key): value for key, value in run.history[-1].items()}
        for name, parameter in run.model.named_parameters():
            values[f"weights/{name}"] = histogram(parameter.data)
            if parameter.grad is not None:
                values[f"gradients/{name}"] = histogram(parameter.grad.data)
        self._file.add(run.step, {tag: value for tag, value in values.items() if value is not None})
        self._file.flush()

    def _description(self, run):
        """A table in Markdown."""
        rows = {"model": type(run.model).__name__,
                "parameters": f"{sum(p.numel() for p in run.model.parameters()):,}",
                "data": run.train.name, "training images": f"{len(run.train):,}",
                "test images": f"{len(run.test):,}" if run.test is not None else "none",
                **self.about, **run.recipe.as_dict()}
        return "| | |\n|---|---|\n" + "".join(f"| {_cell(name)} | {_cell(value)} |\n"
                                               for name, value in rows.items())


def _tag(key):
    """loss/train for train_loss, so that both losses are in one group."""
    part, _, what = key.partition("_")
    return f"{what}/{part}" if part in ("train", "test", "validation") else {
        "lr": "learning_rate/epoch"}.get(key, key)


def _cell(value):
    return str(value).replace("|", "\\|").replace("\n", " ")
