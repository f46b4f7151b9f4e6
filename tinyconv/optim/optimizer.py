"""What all optimisers share: groups of parameters, and the memory kept for each parameter.

A subclass states one thing only, how a parameter is updated given its gradient. The arithmetic is a
kernel (`kernels/updates.py`) that changes the parameter's array in place; see there for the
equations.
"""
import math

import numpy as np

from ..core import DtypeError, Tensor, enable_grad
from ..kernels import updates
from ..kernels.compile import FLOATS


class Optimizer:
    """Base of all optimisers.

    `params` is an iterable of tensors, or of dictionaries `{"params": tensors, "lr": …}`: groups
    with hyperparameters of their own; what a group does not name has the value in `defaults`. A
    parameter without gradient is left alone, memory included. Parameters must be leaves of dtype
    float32 or float64; they and the hyperparameters are checked here, with a ValueError or
    TypeError that names the one at fault.

    `param_groups` is the list of groups, and may be written to between steps. `state` maps each
    parameter to its memory, a dictionary of numbers and of arrays shaped like the parameter.
    """

    def __init__(self, params, defaults):
        self.defaults, self.param_groups, self.state = defaults, [], {}
        for group in self._as_groups(params):
            self.add_param_group(group)

    def check(self, group):
        """Raise ValueError if a hyperparameter of the group is out of range."""
        raise NotImplementedError

    def updater(self, group):
        """A function (p, g, state) that changes the array p, of this group, by one step.

        Its gradient is the array g, its memory `state`. What is the same for all parameters of the
        group is worked out here, once: most are so small that their step is over in a microsecond.
        """
        raise NotImplementedError

    def step(self, closure=None):
        """Update every parameter that has a gradient, once.

        `closure`, if given, computes the loss and its gradients first; what it returns is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            update, uphill = self.updater(group), group["maximize"]
            for p in group["params"]:
                g = p.grad
                if g is not None:
                    g = g.data if isinstance(g, Tensor) else np.asarray(g)
                    update(p.data, -g if uphill else g, self.state.setdefault(p, {}))
                    p.touch()
        return loss

    def zero_grad(self, set_to_none=True):
        """Forget all gradients (or make them zero): `backward` adds to what it finds."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p.grad is None:
                    p.grad = None
                else:
                    p.grad = Tensor(np.zeros_like(p.grad.data))

    # ---- groups ----------------------------------------------------------------------------------

    def add_param_group(self, group):
        """Add a group `{"params": tensors, …}`; what it does not name are the defaults."""
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(f"{self._name}: a parameter group is a dictionary with the key "
                            f"'params', got {group!r:.80}")
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        number = len(self.param_groups)
        for i, p in enumerate(params):
            self._check_parameter(p, f"parameter {i} of group {number}")
        # sets compare tensors by identity, where a list would compare their elements
        if len(set(params)) < len(params):
            raise ValueError(f"{self._name}: a parameter appears twice in group {number}")
        if not set(params).isdisjoint(self._parameters()):
            raise ValueError(f"{self._name}: a parameter of group {number} "
                             "is in an earlier group already")
        group = {**self.defaults, **group, "params": params}
        self.check(group)
        self.param_groups.append(group)

    def _as_groups(self, params):
        if isinstance(params, Tensor) or not hasattr(params, "__iter__"):
            raise TypeError(f"{self._name}: params must be an iterable of tensors or of "
                            f"dictionaries, got {type(params).__name__}; for a model pass "
                            "model.parameters()")
        params = list(params)
        if not params:
            raise ValueError(f"{self._name}: there is nothing to optimise, params is empty; "
                             "a generator such as model.parameters() can be walked only once")
        return params if isinstance(params[0], dict) else [{"params": params}]

    def _check_parameter(self, p, which):
        if not isinstance(p, Tensor):
            raise TypeError(f"{self._name}: {which} must be a tensor, got {type(p).__name__}")
        if not p.is_leaf:
            raise ValueError(f"{self._name}: {which} is a result of {p.grad_fn.name}; "
                             "only leaves can be optimised")
        if p.dtype not in FLOATS:
            raise DtypeError(f"{self._name}: {which} must be float32 or float64, got {p.dtype}")

    def _check_numbers(self, group, *names, low=0, below=math.inf):
        """Raise ValueError unless low ≤ group[name] < below for all names."""
        for name in names:
            value = group[name]
            number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            if not (number and math.isfinite(value) and low <= value < below):
                bounds = ("that is finite" if low == -math.inf else
                          f"at least {low}" if below == math.inf else f"in [{low}, {below})")
                raise ValueError(f"{self._name}: {name} must be a number {bounds}, got {value!r}")

    @property
    def _name(self):
        return type(self).__name__

    # ---- out and in again ------------------------------------------------------------------------

    def state_dict(self):
        """All that a resumed run needs, in PyTorch's layout.

        `{"state": {number: memory}, "param_groups": [{hyperparameters, "params": [numbers]}]}`,
        where parameters appear as numbers, counted through the groups. The arrays are those in use,
        not copies.
        """
        numbers = {p: i for i, p in enumerate(self._parameters())}
        return {"state": {numbers[p]: dict(memory) for p, memory in self.state.items()},
                "param_groups": [{**group, "params": [numbers[p] for p in group["params"]]}
                                 for group in self.param_groups]}

    def load_state_dict(self, state_dict):
        """Take over copies of what `state_dict` gave; nothing changes if it does not fit."""
        groups, params = state_dict["param_groups"], self._parameters()
        ours, theirs = ([len(g["params"]) for g in gs] for gs in (self.param_groups, groups))
        if ours != theirs:
            raise ValueError(f"{self._name}.load_state_dict: the groups hold {ours} parameters, "
                             f"those saved {theirs}")
        state, wrong = {}, []
        for number, memory in state_dict["state"].items():
            if not 0 <= int(number) < len(params):
                raise ValueError(f"{self._name}.load_state_dict: there is memory of parameter "
                                 f"{number}, but the groups hold {len(params)}")
            p = params[int(number)]
            state[p] = {name: _copied(value, p.data) for name, value in memory.items()}
            wrong += [f"{name} of parameter {number} has shape {value.shape}, expected {p.shape}"
                      for name, value in state[p].items()
                      if isinstance(value, np.ndarray) and value.shape != p.shape]
        if wrong:
            raise ValueError(f"{self._name}.load_state_dict: " + "; ".join(wrong))
        loaded = [{**self.defaults, **group, "params": own["params"]}
                  for own, group in zip(self.param_groups, groups)]
        for group in loaded:
            self.check(group)
        self.param_groups, self.state = loaded, state

    def _parameters(self):
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self):
        lines = [f"{self._name} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join(lines + [")"])


def _copied(value, like):
    """A copy of an array of the memory with the dtype and the layout of its parameter; numbers as
    they are."""
    value = value.data if isinstance(value, Tensor) else value
    if not isinstance(value, np.ndarray):
        return value
    if value.ndim == 0 and like.ndim:
        return value.item()              # PyTorch counts steps in a tensor without dimensions
    copied = np.empty_like(like, shape=value.shape)
    copied[...] = value
    return copied


def memory(state, name, p):
    """The array `state[name]` that is kept for the array p: zeros at first."""
    kept = state.get(name)
    if kept is None:
        kept = state[name] = np.zeros_like(p)
    return kept


def run(kernel, p, g, memories, *numbers):
    """Call the update kernel on p, g and the memories (arrays or None), flattened.

    The kernels want flat arrays of one dtype that agree element by element. Where all lie in memory
    alike and without gaps, in whichever order, these are views.
    """
    if p.size > updates.BLOCK:
        kernel = updates.IN_BLOCKS[kernel]
    flat = p.ravel("K")                          # in the order of memory
    plain = g.shape == p.shape and p.flags.behaved and not flat.flags.owndata
    for v in memories:
        plain = plain and (v is None or _alike(v, p) and v.flags.behaved)
    if plain:
        g = g if _alike(g, p) else _copied(g, p)
        kernel(flat, g.ravel("K"), *[v if v is None else v.ravel("K") for v in memories], *numbers)
    else:
        _run_rearranged(kernel, p, g, memories, numbers)


def _alike(a, p):
    """Whether a has the dtype and the shape of p, and lies in memory as it does."""
    return a.dtype is p.dtype and a.shape == p.shape and (
        a.strides == p.strides or all(i == j or n == 1 for i, j, n in
                                      zip(a.strides, p.strides, p.shape)))


def _run_rearranged(kernel, p, g, memories, numbers):
    """The same where something lies otherwise.

    All arrays are walked in the order in which p lies in memory; what does not lie so is copied,
    and the result copied back.
    """
    if g.shape != p.shape:
        raise ValueError(f"step: a parameter of shape {p.shape} has a gradient of shape {g.shape}")
    for v in memories:
        if v is not None and v.shape != p.shape:
            raise ValueError(f"step: a parameter of shape {p.shape} has a state of shape {v.shape} "
                             "in the optimiser; was the parameter replaced? Make a new optimiser")
    if not p.flags.writeable:
        raise ValueError(f"step: the array of a parameter of shape {p.shape} is read-only; "
                         "give the parameter a copy of its own")
    order = sorted(range(p.ndim), key=lambda i: -abs(p.strides[i]))
    arrays = [None if a is None else a.transpose(order) for a in (p, g, *memories)]
    dense = [None if a is None else np.ascontiguousarray(a, dtype=p.dtype) for a in arrays]
    kernel(*(None if d is None else d.reshape(-1) for d in dense), *numbers)
    for i, (a, d) in enumerate(zip(arrays, dense)):
        if i != 1 and a is not None and not np.may_share_memory(a, d):
            a[...] = d
