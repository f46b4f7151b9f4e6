"""Stochastic gradient descent."""
import math

from ..kernels import updates
from .optimizer import Optimizer, memory, run


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

        d = g + λp                      λ = weight_decay
        v ← μv + (1 − τ)d               μ = momentum, τ = dampening; v = d at the first step
        p ← p − lr·v                    or with `nesterov`  p ← p − lr·(d + μv)

    Note that v is an average of gradients, not of steps: a change of lr acts at once. `maximize`
    follows the gradient uphill. Nesterov's form needs momentum > 0 and no dampening.

    Sutskever, Martens, Dahl & Hinton 2013, On the importance of initialization and momentum in deep
    learning.
    """

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *,
                 maximize=False):
        super().__init__(params, dict(lr=lr, momentum=momentum, dampening=dampening,
                                      weight_decay=weight_decay, nesterov=nesterov,
                                      maximize=maximize))

    def check(self, group):
        self._check_numbers(group, "lr", "momentum", "weight_decay")
        self._check_numbers(group, "dampening", low=-math.inf)
        if group["nesterov"] and (not group["momentum"] or group["dampening"]):
            raise ValueError(f"SGD: nesterov needs momentum > 0 and dampening = 0, got momentum="
                             f"{group['momentum']!r}, dampening={group['dampening']!r}")

    def updater(self, group):
        lr, decay, momentum = (float(group[name]) for name in ("lr", "weight_decay", "momentum"))
        share, nesterov = float(1 - group["dampening"]), bool(group["nesterov"])

        def update(p, g, state):
            first = "momentum_buffer" not in state
            v = memory(state, "momentum_buffer", p) if momentum else None
            run(updates.sgd, p, g, (v,), lr, decay, momentum, 1.0 if first else share, nesterov)
        return update
