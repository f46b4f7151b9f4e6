"""RMSprop: every weight's step is divided by the recent size of its gradient."""
from ..kernels import updates
from .optimizer import Optimizer, memory, run


class RMSprop(Optimizer):
    """Gradient descent, each element scaled by a running root mean square of its gradient.

        d = g + λp                      λ = weight_decay
        v ← αv + (1 − α)d²              `centered`: minus the square of the running mean of d
        p ← p − lr·d / (√v + ε)         `momentum` μ: b ← μb + d/(√v + ε),  p ← p − lr·b

    Tieleman & Hinton 2012, lecture 6.5 of Neural Networks for Machine Learning; centred: Graves
    2013, arXiv 1308.0850.
    """

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0,
                 centered=False, *, maximize=False):
        super().__init__(params, dict(lr=lr, momentum=momentum, alpha=alpha, eps=eps,
                                      centered=centered, weight_decay=weight_decay,
                                      maximize=maximize))

    def check(self, group):
        self._check_numbers(group, "lr", "alpha", "eps", "weight_decay", "momentum")

    def updater(self, group):
        numbers = [float(group[name])
                   for name in ("lr", "alpha", "eps", "weight_decay", "momentum")]

        def update(p, g, state):
            state["step"] = state.get("step", 0) + 1
            v = memory(state, "square_avg", p)
            b = memory(state, "momentum_buffer", p) if group["momentum"] else None
            mean = memory(state, "grad_avg", p) if group["centered"] else None
            run(updates.rmsprop, p, g, (v, mean, b), *numbers)
        return update
