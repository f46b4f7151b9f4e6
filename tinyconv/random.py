"""Where randomness comes from: one default generator, and never NumPy's global state."""
import numpy as np

_default = [np.random.default_rng()]
KINDS = "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"


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


def get_rng_state():
    """All there is to know of the default generator, as a dictionary of plain values.

    Besides its state that is where it was seeded from, on which depend those it `spawn`s.
    """
    bits = _default[0].bit_generator
    seed = bits.seed_seq
    return {"bits": bits.state, "entropy": seed.entropy, "spawn_key": list(seed.spawn_key),
            "spawned": seed.n_children_spawned}


def set_rng_state(state):
    """Make the default generator what it was at `get_rng_state`; raises ValueError."""
    kind = state["bits"]["bit_generator"]
    if kind not in KINDS:
        raise ValueError(f"set_rng_state: the generator {kind!r} is none of {', '.join(KINDS)}")
    seed = np.random.SeedSequence(state["entropy"], spawn_key=tuple(state["spawn_key"]),
                                  n_children_spawned=state["spawned"])
    bits = getattr(np.random, kind)(seed)
    bits.state = state["bits"]
    _default[0] = np.random.Generator(bits)
