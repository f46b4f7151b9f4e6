"""What an operation costs when there is next to nothing to compute."""
from .work import Work, normal, sizes


def additions(lib, length, backward):
    """A chain y = x + x + x + … of so many additions of four numbers."""
    x = lib.tensor(normal(4)).requires_grad_()
    g = lib.tensor(normal(4, 1))

    def forward():
        y = x
        for _ in range(length):
            y = y + x
        return y

    def step():
        return lib.grad(forward(), [x], g) if backward else [forward()]
    return Work({"step": step}, lambda: sizes(lib, step()))
