"""A running average of the weights, often better than the weights of any one step."""
from contextlib import contextmanager


class Average:
    """The exponential moving average of the parameters and buffers of a model.

        a ← d a + (1 − d) w        d = min(decay, (1 + t) / (10 + t)) at the t-th update

    so that the first steps, far from any good, are soon forgotten. Buffers that count are copied.
    Polyak & Juditsky 1992; as an average that forgets: Tarvainen & Valpola 2017, arXiv 1703.01780.
    """

    def __init__(self, model, decay):
        if not 0 <= decay < 1:
            raise ValueError(f"Average: decay must be a number in [0, 1), got {decay!r}")
        self.decay, self.updates = decay, 0
        self.arrays = {name: array.copy(order="K") for name, array in _arrays(model).items()}

    def update(self, model):
        """Take account of the weights as they are now: after every step."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, now in _arrays(model).items():
            mean = self.arrays[name]
            if now.dtype.kind == "f":
                mean += now.dtype.type(1 - decay) * (now - mean)
            else:
                mean[...] = now

    def swap(self, model):
        """Exchange the average and the weights, bit for bit."""
        for name, now in _arrays(model).items():
            mean = self.arrays[name]
            kept = now.copy()
            now[...], mean[...] = mean, kept
        for parameter in model.parameters():
            parameter.touch()

    @contextmanager
    def in_place(self, model):
        """Within it the model has the average for its weights."""
        self.swap(model)
        try:
            yield model
        finally:
            self.swap(model)

    def state_dict(self):
        """What a checkpoint needs; the arrays are those in use."""
        return {"updates": self.updates, "arrays": dict(self.arrays)}

    def load_state_dict(self, state):
        """Take over a copy of what `state_dict` gave."""
        self.updates = state["updates"]
        for name, mean in self.arrays.items():
            mean[...] = state["arrays"][name]


def _arrays(model):
    return {name: tensor.data for name, tensor in model.state_dict().items()}
