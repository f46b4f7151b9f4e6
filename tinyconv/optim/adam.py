"""Adam and AdamW: momentum, and steps scaled by the recent size of the gradient."""
import math

from ..kernels import updates
from .optimizer import Optimizer, memory, run


class Adam(Optimizer):
    """Adaptive moment estimation.

        d = g + λp                      λ = weight_decay (through the moments; compare AdamW)
        m ← β₁m + (1 − β₁)d             the mean of the gradient
        v ← β₂v + (1 − β₂)d²            the mean of its square
        m̂ = m / (1 − β₁ᵗ)               both started at zero: after t steps
        v̂ = v / (1 − β₂ᵗ)               they are too small by this factor
        p ← p − lr·m̂ / (√v̂ + ε)         `amsgrad`: with the largest v so far

    Kingma & Ba 2015, arXiv 1412.6980; AMSGrad: Reddi, Kale & Kumar 2018, arXiv 1904.09237.
    """

    decoupled = False

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0,
                 amsgrad=False, *, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                                      amsgrad=amsgrad, maximize=maximize))

    def check(self, group):
        self._check_numbers(group, "lr", "eps", "weight_decay")
        betas = group["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"{self._name}: betas must be a pair of numbers, got {betas!r}")
        named = {"betas[0]": betas[0], "betas[1]": betas[1]}
        self._check_numbers(named, *named, below=1)

    def updater(self, group):
        lr, decay, eps = (float(group[name]) for name in ("lr", "weight_decay", "eps"))
        beta1, beta2 = (float(beta) for beta in group["betas"])
        l2, shrink = (0.0, 1 - lr * decay) if self.decoupled else (decay, 1.0)

        def update(p, g, state):
            t = state["step"] = state.get("step", 0) + 1
            m, v = memory(state, "exp_avg", p), memory(state, "exp_avg_sq", p)
            largest = memory(state, "max_exp_avg_sq", p) if group["amsgrad"] else None
            c = math.sqrt(1 - beta2 ** t)        # √v̂ = √v / c; the kernel scales ε instead
            run(updates.adam, p, g, (m, v, largest), lr * c / (1 - beta1 ** t), beta1, beta2,
                eps * c, l2, shrink)
        return update


class AdamW(Adam):
    """Adam with decoupled weight decay: before the step of Adam, p ← p − lr·λ·p.

    Each weight shrinks at the same rate, however large its gradients are; in Adam the decay is
    divided by √v̂ as well.

    Loshchilov & Hutter 2019, arXiv 1711.05101.
    """

    decoupled = True

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2,
                 amsgrad=False, *, maximize=False):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
