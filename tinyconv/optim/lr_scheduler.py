"""Schedules: the learning rate as a function of how many steps were taken.

PyTorch's names and values. Each schedule here is a closed formula of the step t, where PyTorch
multiplies its way from one step to the next: so a resumed run has the same bits, and `step` may be
called once an epoch or once a batch, whichever unit the numbers were given in. Two schedules that
drive one optimiser in turn are joined by `SequentialLR`; they do not multiply.
"""
import math
from bisect import bisect_right
from collections.abc import Callable


class LRScheduler:
    """Base of all schedules: sets the learning rates to `rates(t)`, at once and at each step."""

    def __init__(self, optimizer, last_epoch=-1):
        self.optimizer, self.last_epoch = optimizer, last_epoch
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch >= 0 and "initial_lr" not in group:
                raise KeyError(f"{type(self).__name__}: last_epoch={last_epoch} continues an "
                               f"earlier schedule, but group {i} has no 'initial_lr'")
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.step()

    def rates(self, t):
        """The learning rate of each group after t steps."""
        raise NotImplementedError

    def step(self):
        """Go on by one: after each epoch or each batch, in whichever the schedule counts."""
        self.go_to(self.last_epoch + 1)

    def go_to(self, t):
        """Set the learning rates as they are after t steps."""
        self.last_epoch = t
        for group, lr in zip(self.optimizer.param_groups, self.rates(t)):
            group["lr"] = lr

    def get_last_lr(self):
        """The learning rate of each group at present."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self):
        """The schedule's numbers and where it stands; functions have to be given again."""
        return {name: value for name, value in vars(self).items()
                if name != "optimizer" and not isinstance(value, Callable)}

    def load_state_dict(self, state_dict):
        """Take over what `state_dict` gave; the rate itself comes with the optimiser's state."""
        vars(self).update(state_dict)


class LambdaLR(LRScheduler):
    """lr = initial lr · lr_lambda(t), where `lr_lambda` is a function or a list, one a group."""

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        self.lr_lambda = _one_per_group(optimizer, lr_lambda, "LambdaLR: lr_lambda")
        super().__init__(optimizer, last_epoch)

    def rates(self, t):
        return [base * f(t) for base, f in zip(self.base_lrs, self.lr_lambda)]

    def state_dict(self):
        return {name: value for name, value in super().state_dict().items() if name != "lr_lambda"}


class StepLR(LRScheduler):
    """lr = initial lr · gamma^⌊t / step_size⌋: a stair with even steps."""

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size, self.gamma = _positive(step_size, "StepLR: step_size"), gamma
        super().__init__(optimizer, last_epoch)

    def rates(self, t):
        return [base * self.gamma ** (t // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """lr = initial lr · gamma^(number of milestones reached): a stair with steps where you say."""

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def rates(self, t):
        return [base * self.gamma ** bisect_right(self.milestones, t) for base in self.base_lrs]


class LinearLR(LRScheduler):
    """A warm-up: lr = initial lr · (start_factor … end_factor, evenly, in total_iters steps)."""

    def __init__(self, optimizer, start_factor=1 / 3, end_factor=1.0, total_iters=5, last_epoch=-1):
        if not 0 < start_factor <= 1 or not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: start_factor must be in (0, 1] and end_factor in [0, 1], "
                             f"got {start_factor!r} and {end_factor!r}")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = _positive(total_iters, "LinearLR: total_iters")
        super().__init__(optimizer, last_epoch)

    def rates(self, t):
        done = min(t, self.total_iters) / self.total_iters
        factor = self.start_factor + (self.end_factor - self.start_factor) * done
        return [base * factor for base in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the initial lr down to eta_min in T_max steps (and up if it goes on).

        lr = eta_min + (initial lr − eta_min) · (1 + cos(π t / T_max)) / 2

    Loshchilov & Hutter 2017, arXiv 1608.03983, without the restarts.
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = _positive(T_max, "CosineAnnealingLR: T_max"), eta_min
        super().__init__(optimizer, last_epoch)

    def rates(self, t):
        part = (1 + math.cos(math.pi * t / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * part for base in self.base_lrs]


class OneCycleLR(LRScheduler):
    """Up to max_lr and down to almost nothing, once in the whole run: step it after every batch.

    The learning rate starts at max_lr / div_factor, reaches max_lr after the part pct_start of all
    steps, and ends at max_lr / (div_factor · final_div_factor), along half cosines or straight
    lines ('cos' or 'linear'). With `three_phase` it is back at its start after twice pct_start, and
    falls to its end in the rest. With `cycle_momentum` the momentum (or β₁) goes the other way,
    from max_momentum to base_momentum and back. The number of steps is `total_steps`, or epochs ·
    steps_per_epoch; one more is a ValueError.

    Smith & Topin 2018, arXiv 1708.07120.
    """

    def __init__(self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None,
                 pct_start=0.3, anneal_strategy="cos", cycle_momentum=True, base_momentum=0.85,
                 max_momentum=0.95, div_factor=25.0, final_div_factor=1e4, three_phase=False,
                 last_epoch=-1):
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR: give total_steps, or both epochs and steps_per_epoch")
            total_steps = (_positive(epochs, "OneCycleLR: epochs")
                           * _positive(steps_per_epoch, "OneCycleLR: steps_per_epoch"))
        if not 0 <= pct_start <= 1:
            raise ValueError("OneCycleLR: pct_start is a part of the run, in [0, 1], "
                             f"got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError("OneCycleLR: anneal_strategy must be 'cos' or 'linear', "
                             f"got {anneal_strategy!r}")
        self.total_steps = _positive(total_steps, "OneCycleLR: total_steps")
        self.pct_start, self.anneal_strategy = pct_start, anneal_strategy
        self.three_phase, self.cycle_momentum = three_phase, cycle_momentum
        self.max_lrs = _one_per_group(optimizer, max_lr, "OneCycleLR: max_lr")
        self.momenta = [max_momentum, base_momentum, max_momentum, max_momentum]
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        for group, top in zip(optimizer.param_groups, self.max_lrs):
            if last_epoch < 0:
                group["initial_lr"] = top / div_factor
            if cycle_momentum and not {"momentum", "betas"} & group.keys():
                raise ValueError("OneCycleLR: cycle_momentum needs an optimizer "
                                 "with momentum or betas")
        super().__init__(optimizer, last_epoch)

    def rates(self, t):
        return [self._along([low, top, low, low / self.final_div_factor], t)
                for low, top in zip(self.base_lrs, self.max_lrs)]

    def go_to(self, t):
        if t > self.total_steps:
            raise ValueError(f"OneCycleLR: step {t} is beyond the {self.total_steps} steps "
                             "of the schedule")
        super().go_to(t)
        for group in self.optimizer.param_groups if self.cycle_momentum else ():
            momentum = self._along(self.momenta, t)
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum

    def _along(self, knots, t):
        """The value at step t on the way `knots`: start → top → start (three phases only) → end."""
        last, turn = self.total_steps - 1, self.pct_start * self.total_steps - 1
        ends = [turn, 2 * turn, last] if self.three_phase else [turn, last]
        knots = knots if self.three_phase else [*knots[:2], knots[3]]
        start = 0
        for i, end in enumerate(ends):
            if t <= end or i == len(ends) - 1:
                done = (t - start) / (end - start) if end > start else 1.0
                if self.anneal_strategy == "linear":
                    return knots[i] + (knots[i + 1] - knots[i]) * done
                return knots[i + 1] + (knots[i] - knots[i + 1]) * (1 + math.cos(math.pi * done)) / 2
            start = end


class SequentialLR(LRScheduler):
    """One schedule after another: `schedulers[i]` begins anew when t reaches `milestones[i − 1]`.

    Each counts its steps from 0. A warm-up of 5 epochs, then a cosine:

        SequentialLR(sgd, [LinearLR(sgd, 0.1, total_iters=5), CosineAnnealingLR(sgd, T_max=45)],
                     milestones=[5])
    """

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(f"SequentialLR: {len(schedulers)} schedulers have "
                             f"{len(schedulers) - 1} milestones between them, "
                             f"got {len(milestones)}")
        for i, scheduler in enumerate(schedulers):
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"SequentialLR: scheduler {i} drives another optimizer")
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer, last_epoch)

    def go_to(self, t):
        self.last_epoch = t
        i = bisect_right(self.milestones, t)
        self.schedulers[i].go_to(t - self.milestones[i - 1] if i else t)

    def state_dict(self):
        return {**super().state_dict(), "schedulers": [s.state_dict() for s in self.schedulers]}

    def load_state_dict(self, state_dict):
        for scheduler, state in zip(self.schedulers, state_dict["schedulers"], strict=True):
            scheduler.load_state_dict(state)
        super().load_state_dict({name: state_dict[name] for name in state_dict
                                 if name != "schedulers"})


def _one_per_group(optimizer, value, name):
    n = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * n
    if len(values) != n:
        raise ValueError(f"{name} must be one value or {n}, one for each parameter group, "
                         f"got {len(values)}")
    return values


def _positive(n, name):
    if not isinstance(n, int) or n <= 0:
        raise ValueError(f"{name} must be a whole number above 0, got {n!r}")
    return n
