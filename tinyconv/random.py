"""Where randomness comes from: one default generator, and never NumPy's global state."""
import numpy as np

_default = [np.random.default_rng()]


def manual_seed(seed):
    """Seed the default generator, for initialisers, dropout and `randn`; returns it."""
    _default[0] = np.random.default_rng(seed)
    return _default[0]


def default_generator():
    """The `numpy.random.Generator` used where none is given."""
    return _default[0]
