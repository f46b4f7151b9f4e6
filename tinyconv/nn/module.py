"""`Module`: attributes plus `forward`.

There is no registry. What a module consists of is found by walking its attributes in the order they
were set:

    Parameter    is trained, counted and saved
    ndarray      is a *buffer*: not trained, but saved (the running mean of a batch norm)
    Module       is a child, walked in turn; the name of what is found below it is `child.name`
    else         is an ordinary attribute; also a list of modules, which is what `ModuleList` is for

So assigning None, replacing a layer or deleting it needs no ceremony, and `copy.deepcopy` copies a
model.
"""
from collections import namedtuple

import numpy as np

from ..core import DtypeError, HookHandle, Tensor
from ..ops.conversion import dtype_asked_for
from .parameter import Parameter
from .showing import tree

LoadedKeys = namedtuple("LoadedKeys", "missing_keys unexpected_keys")


class Module:
    """The base of all layers and models: define `forward`, and call the module like a function.

        class Net(nn.Module):
            def __init__(self):
                self.hidden, self.out = nn.Linear(784, 100), nn.Linear(100, 10)

            def forward(self, x):
                return self.out(F.relu(self.hidden(x)))
    """
    training = True                              # `eval()` makes it False
    frozen = False                               # `nn.freeze()` makes it True: no training mode
    _forward_hooks = _forward_pre_hooks = None   # dicts, once somebody registers a hook

    def forward(self, *args, **kwargs):
        raise NotImplementedError(f"{type(self).__name__}: a module has to define "
                                  "forward(self, ...)")

    def __call__(self, *args, **kwargs):
        """`forward`, and the hooks before and after it."""
        if not self._forward_pre_hooks and not self._forward_hooks:
            return self.forward(*args, **kwargs)
        for hook in list((self._forward_pre_hooks or {}).values()):
            replaced = hook(self, args)
            if replaced is not None:
                args = replaced if isinstance(replaced, tuple) else (replaced,)
        y = self.forward(*args, **kwargs)
        for hook in list((self._forward_hooks or {}).values()):
            replaced = hook(self, args, y)
            y = y if replaced is None else replaced
        return y

    def has_hooks(self):
        """Whether something happens before or after `forward`."""
        return bool(self._forward_hooks or self._forward_pre_hooks)

    # ---- what it consists of ---------------------------------------------------------------------

    def named_modules(self, prefix="", remove_duplicate=True, _seen=None):
        """Itself and all modules below it, parents first, as (dotted name, module).

        A module that is reached twice is named once, unless `remove_duplicate` is False.
        """
        seen = set() if _seen is None else _seen
        if remove_duplicate and self in seen:
            return
        seen.add(self)
        yield prefix, self
        for name, child in _attributes(self, Module):
            yield from child.named_modules(_dotted(prefix, name), remove_duplicate, seen)

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """All parameters as (dotted name, parameter); one that two modules share is named once."""
        return self._named(Parameter, prefix, recurse, remove_duplicate)

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """All buffers as (dotted name, array)."""
        return self._named(np.ndarray, prefix, recurse, remove_duplicate)

    def named_children(self):
        """The modules that are attributes of this one, as (name, module), each once."""
        seen = set()
        for name, child in _attributes(self, Module):
            if child not in seen:
                seen.add(child)
                yield name, child

    def modules(self):
        """Itself and all modules below it, each once."""
        return (module for _, module in self.named_modules())

    def parameters(self, recurse=True):
        """All parameters, each once: what an optimiser wants."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def buffers(self, recurse=True):
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def children(self):
        """The modules that are attributes of this one, each once."""
        return (child for _, child in self.named_children())

    def get_submodule(self, target):
        """The module named `target`, such as "layer1.0.conv2"; "" is the module itself."""
        modules = dict(self.named_modules(remove_duplicate=False))
        if target not in modules:
            there = ", ".join(name for name in modules if name) or "none"
            raise AttributeError(f"get_submodule: {type(self).__name__} has no module named "
                                 f"{target!r}; it has {there}")
        return modules[target]

    def _named(self, kind, prefix, recurse, remove_duplicate):
        seen = set()
        modules = self.named_modules(prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in _attributes(module, kind):
                if not (remove_duplicate and id(value) in seen):
                    seen.add(id(value))
                    yield _dotted(path, name), value

    # ---- weights in and out ----------------------------------------------------------------------

    def state_dict(self):
        """All parameters and buffers as {dotted name: tensor}, in PyTorch's order.

        The tensors share memory with the module; `load_state_dict` copies.
        """
        return {name: Tensor(array) for name, array in self._state()}

    def load_state_dict(self, state_dict, strict=True):
        """Copy the tensors or arrays of `state_dict` into the parameters and buffers.

        Values keep the module's dtype. Raises RuntimeError that lists *all* names that are missing,
        unexpected or of another shape; then nothing has been copied. With `strict=False` missing
        and unexpected names are returned, as they are in any case, and only other shapes are an
        error.
        """
        state = dict(self._state())
        missing = [name for name in state if name not in state_dict]
        unexpected = [name for name in state_dict if name not in state]
        problems = [f"missing {name}" for name in missing if strict]
        problems += [f"unexpected {name}" for name in unexpected if strict]
        values = {}
        for name in (name for name in state if name in state_dict):
            values[name] = value = _as_array(state_dict[name])
            if value.dtype.kind not in "fiub":
                problems.append(f"{name} should be numbers, got {type(state_dict[name]).__name__}")
            elif value.shape != state[name].shape:
                problems.append(f"{name} has shape {state[name].shape} here "
                                f"but {value.shape} there")
        if problems:
            raise RuntimeError("load_state_dict: the state does not fit this "
                               f"{type(self).__name__}, which is unchanged:\n    "
                               + "\n    ".join(problems))
        for name, value in values.items():
            state[name][...] = value
        for name, parameter in self.named_parameters(remove_duplicate=False):
            if name in values:
                parameter.touch()
        return LoadedKeys(missing, unexpected)

    def _state(self):
        for path, module in self.named_modules(remove_duplicate=False):
            for name, parameter in _attributes(module, Parameter):
                yield _dotted(path, name), parameter.data
            for name, buffer in _attributes(module, np.ndarray):
                yield _dotted(path, name), buffer

    # ---- switches --------------------------------------------------------------------------------

    def train(self, mode=True):
        """Set the training mode of this module and all below it; returns the module.

        Batch norms that `nn.freeze` froze stay in evaluation mode.
        """
        for module in self.modules():
            module.training = bool(mode) and not module.frozen
        return self

    def eval(self):
        """Set the evaluation mode: no dropout, and the running statistics in batch norm."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Ask for gradients of all parameters, or no longer; returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters (or set those there are to zero)."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = Tensor(np.zeros_like(parameter.grad.data))

    def apply(self, fn):
        """Call `fn(module)` on every module, children first; returns the module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def to(self, *what, dtype=None, device=None, non_blocking=False):
        """Convert parameters, gradients and floating point buffers; returns the module.

        To a dtype, or that of a tensor. A device, which can only be "cpu", changes nothing.
        """
        dtype = dtype_asked_for(what, dtype, device)
        if dtype is None:
            return self
        if dtype.kind != "f":
            raise DtypeError(f"to: a module computes in a floating point dtype, got {dtype}")
        for module in self.modules():
            for _, parameter in _attributes(module, Parameter):
                parameter.data = _converted(parameter.data, dtype)
                parameter.touch()
                if parameter.grad is not None:
                    parameter.grad = Tensor(_converted(parameter.grad.data, dtype))
            for name, buffer in _attributes(module, np.ndarray):
                setattr(module, name, _converted(buffer, dtype))
        return self

    def float(self):
        """Convert to float32."""
        return self.to(np.float32)

    def double(self):
        """Convert to float64."""
        return self.to(np.float64)

    def half(self):
        """Convert to float16, of which pooling, convolution and normalisation take none."""
        return self.to(np.float16)

    def cpu(self):
        """The module itself: there is no other device."""
        return self

    # ---- hooks -----------------------------------------------------------------------------------

    def register_forward_pre_hook(self, hook):
        """Call `hook(module, args)` before each `forward`; it may return other arguments."""
        if self._forward_pre_hooks is None:
            self._forward_pre_hooks = {}
        return HookHandle(self._forward_pre_hooks, hook)

    def register_forward_hook(self, hook):
        """Call `hook(module, args, output)` after each `forward`; it may return another output."""
        if self._forward_hooks is None:
            self._forward_hooks = {}
        return HookHandle(self._forward_hooks, hook)

    # ---- PyTorch's other spelling of `self.name = value`, for names that are computed ------------

    def add_module(self, name, module):
        """Set a child under a name that must be free."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: {name!r} should be a Module, "
                            f"got {type(module).__name__}")
        self._set_new(name, module)

    def register_parameter(self, name, param):
        """Set a parameter (or None) under a name that must be free."""
        if not (param is None or isinstance(param, Parameter)):
            raise TypeError(f"{type(self).__name__}: {name!r} should be a Parameter, "
                            f"got {type(param).__name__}")
        self._set_new(name, param)

    def register_buffer(self, name, tensor):
        """Set a buffer, the array of a tensor (or None), under a name that must be free."""
        self._set_new(name, None if tensor is None else _as_array(tensor))

    def _set_new(self, name, value):
        if not isinstance(name, str) or not name or "." in name:
            raise KeyError(f"{type(self).__name__}: a name is a string without dots, got {name!r}")
        if hasattr(self, name):
            raise KeyError(f"{type(self).__name__}: it already has an attribute {name!r}")
        setattr(self, name, value)

    # ---- how it shows itself ---------------------------------------------------------------------

    def extra_repr(self):
        """What the line of this module says between its brackets."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = [extra] if extra else []
        for name, child in _attributes(self, Module):
            lines.append(f"({name}): " + repr(child).replace("\n", "\n  "))
        if lines and lines != [extra]:
            return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"
        return f"{type(self).__name__}({extra})"

    def _repr_html_(self):
        """For Jupyter."""
        return tree(self)


def _attributes(module, kind):
    return [(name, value) for name, value in vars(module).items() if isinstance(value, kind)]


def _dotted(path, name):
    return f"{path}.{name}" if path else name


def _as_array(value):
    return value.data if isinstance(value, Tensor) else np.asarray(value)


def _converted(array, dtype):
    return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array
