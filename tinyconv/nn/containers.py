"""Modules that hold modules: `Sequential`, `ModuleList`, `ModuleDict`; and `ParameterList`."""
from .module import Module
from .parameter import Parameter


class _Numbered(Module):
    """Items that are attributes named "0", "1", "2", ...: found, saved and shown like any other."""
    _kind = Module

    def _items(self):
        return [(name, item) for name, item in vars(self).items() if isinstance(item, self._kind)]

    def _name_of(self, index):
        names = [name for name, _ in self._items()]
        if not -len(names) <= index < len(names):
            raise IndexError(f"{type(self).__name__}: index {index} is out of range for "
                             f"{len(names)} items")
        return names[index]

    def __len__(self):
        return len(self._items())

    def __iter__(self):
        return (item for _, item in self._items())

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)([item for _, item in self._items()[index]])
        return getattr(self, self._name_of(index))

    def __setitem__(self, index, item):
        setattr(self, self._name_of(index), self._checked(item))

    def append(self, item):
        """Add an item at the end; returns the container."""
        self._set_new(str(len(self)), self._checked(item))
        return self

    def extend(self, items):
        """Add the items at the end; returns the container."""
        for item in items:
            self.append(item)
        return self

    def _checked(self, item):
        if not isinstance(item, self._kind):
            raise TypeError(f"{type(self).__name__}: an item should be a {self._kind.__name__}, "
                            f"got {type(item).__name__}")
        return item


class Sequential(_Numbered):
    """One module after another: `Sequential(a, b, c)(x)` is c(b(a(x))).

    A dict gives them names: `Sequential({"conv": nn.Conv2d(1, 8, 3), "act": nn.ReLU()})`, so that
    `model.conv` works and the weights are saved as "conv.weight". Indexing gives a module, a slice
    gives a `Sequential` that keeps the names.
    """

    def __init__(self, *modules):
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            self.extend(modules)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(dict(self._items()[index]))
        return super().__getitem__(index)

    def forward(self, x):
        for module in self:
            x = module(x)
        return x


class ModuleList(_Numbered):
    """A list of modules whose parameters are found. It has no `forward`: loop over it."""

    def __init__(self, modules=()):
        self.extend(modules)


class ParameterList(_Numbered):
    """A list of parameters that are found. What is not a parameter yet becomes one."""
    _kind = Parameter

    def __init__(self, values=()):
        self.extend(values)

    def _checked(self, item):
        return item if isinstance(item, Parameter) else Parameter(item)

    def extra_repr(self):
        return "\n  ".join(f"({name}): Parameter of {p.dtype} and shape {p.shape}"
                           for name, p in self._items())


class ModuleDict(Module):
    """A dictionary of modules whose parameters are found. It has no `forward`."""

    def __init__(self, modules=()):
        self.update(modules)

    def update(self, modules):
        """Set the modules of a dictionary, or of pairs (name, module)."""
        for name, module in modules.items() if hasattr(modules, "items") else modules:
            self[name] = module

    def __setitem__(self, name, module):
        if name in self and isinstance(module, Module):
            setattr(self, name, module)          # keeps its place
        else:
            self.add_module(name, module)

    def __getitem__(self, name):
        if name not in self:
            raise KeyError(f"ModuleDict: no module {name!r}; "
                           f"there are {', '.join(self.keys()) or 'none'}")
        return getattr(self, name)

    def __delitem__(self, name):
        if name not in self:
            raise KeyError(f"ModuleDict: no module {name!r}")
        delattr(self, name)

    def __contains__(self, name):
        return isinstance(vars(self).get(name), Module)

    def __len__(self):
        return len(self.keys())

    def __iter__(self):
        return iter(self.keys())

    def keys(self):
        """The names."""
        return [name for name, _ in self.items()]

    def values(self):
        """The modules."""
        return [module for _, module in self.items()]

    def items(self):
        """The pairs (name, module)."""
        return [(name, module) for name, module in vars(self).items() if isinstance(module, Module)]
