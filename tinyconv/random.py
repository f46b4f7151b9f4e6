"""Where randomness comes from: one default generator, and never NumPy's global state."""
import numpy as np

_default = [np.random.default_rng()]


def manual_seed(seed):
    """Seed the default generator, for initialisers, dropout and `randn`; returns it."""
    try:
        _default[0] = np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(f"manual_seed: seed must be a whole number of at least 0, got {seed!r}"
                         ) from None
    return _default[0]


def default_generator():
    """The `numpy.random.Generator` used where none is given."""
    return _default[0]
