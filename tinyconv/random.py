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
    seed = np.random.SeedSequence(state["entropy"], spawn_key=tuple(state["spawn_key"]),
                                  n_children_spawned=state["spawned"])
    _default[0] = np.random.Generator(bit_generator(state["bits"], seed))


def bit_generator(state, seed=None):
    """A new bit generator of NumPy's in this state; ValueError, LookupError or TypeError if not.

    Some kinds count in their state how far they are in a block of numbers, and read on there
    without asking whether it has an end.
    """
    kind = state["bit_generator"]
    if kind not in KINDS:
        raise ValueError(f"set_rng_state: the generator {kind!r} is none of {', '.join(KINDS)}")
    place, length = {"MT19937": (state["state"].get("pos"), 624),
                     "Philox": (state.get("buffer_pos"), 4)}.get(kind, (0, 0))
    if type(place) is not int or not 0 <= place <= length:
        raise ValueError(f"set_rng_state: a generator {kind} cannot stand at {place!r:.80}")
    bits = getattr(np.random, kind)(seed)
    try:
        bits.state = state
    except OverflowError as error:
        raise ValueError(f"set_rng_state: {error}") from error
    return bits
