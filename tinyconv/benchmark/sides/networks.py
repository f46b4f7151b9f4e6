"""Whole networks: a training step, and an answer."""
from .work import Work, classes, normal


def train(lib, model, N, shape):
    """Forward, cross-entropy, backward and SGD with momentum on one batch (N, *shape)."""
    network = lib.model(model)
    step = trainer(lib, network)
    x, y = lib.tensor(normal((N, *shape))), lib.tensor(classes(N))
    return Work({"step": lambda: step(x, y)}, lambda: parameters(network))


def trainer(lib, network):
    """A function of a batch that makes one training step with it."""
    network.train()
    answer = lib.compiled(network)
    optimizer = lib.sgd(network.parameters(), lr=1e-3)

    def step(x, y):
        loss = lib.F.cross_entropy(answer(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return step


def infer(lib, model, N, shape):
    """The answers of a network in use to one batch (N, *shape)."""
    network = lib.model(model)
    network.eval()
    answer, x = lib.compiled(network), lib.tensor(normal((N, *shape)))

    def step():
        with lib.no_grad():
            return answer(x)
    return Work({"step": step}, lambda: [*parameters(network), *step().shape])


def parameters(network):
    """How many parameters a network has: the same architecture has the same number."""
    return [sum(p.numel() for p in network.parameters())]
