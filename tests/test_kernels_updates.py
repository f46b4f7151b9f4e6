"""The steps of the optimisers equal their readable twins to a few roundings."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyconv.kernels import updates
from tinyconv.kernels.reference import updates as reference


@given(st.sampled_from(["sgd", "adam", "rmsprop"]), st.sampled_from([np.float32, np.float64]),
       st.integers(0, 70), st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_a_step_is_that_of_the_textbook(name, dtype, size, seed, first, second):
    generator = np.random.default_rng(seed)
    p, g, *memories = generator.standard_normal((5, size)).astype(dtype)
    memories = [np.abs(m) for m in memories]
    arguments = {
        "sgd": lambda a, b, c: ([a if first else None], (0.1, 0.01, 0.9, 0.7, second)),
        "adam": lambda a, b, c: ([a, b, c if first else None], (0.01, 0.9, 0.99, 1e-8, 0.1, 0.99)),
        "rmsprop": lambda a, b, c: ([a + 9, b / 9 if first else None, c if second else None],
                                    (0.01, 0.9, 1e-8, 0.1, 0.9))}[name]
    results = []
    for module in (updates, reference):
        mine, (kept, numbers) = p.copy(), arguments(*(m.copy() for m in memories))
        getattr(module, name)(mine, g, *kept, *numbers)
        results.append([mine, *(m for m in kept if m is not None)])
    for fast, plain in zip(*results, strict=True):
        assert fast.dtype == plain.dtype == dtype
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(fast, plain, rtol=8 * eps, atol=8 * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name, numbers", [("sgd", (0.1, 0.01, 0.9, 0.7, True)),
                                           ("adam", (0.01, 0.9, 0.99, 1e-8, 0.1, 0.99)),
                                           ("rmsprop", (0.01, 0.9, 1e-8, 0.1, 0.9))])
@pytest.mark.parametrize("bare", [False, True])
def test_a_step_in_blocks_has_the_same_bits(rng, dtype, name, numbers, bare):
    step = getattr(updates, name)
    p, g, *memories = abs(rng.standard_normal((5, 2 * updates.BLOCK + 9))).astype(dtype)
    kept = {"sgd": [None if bare else memories[0]],
            "adam": [*memories[:2], None if bare else memories[2]],
            "rmsprop": [memories[0] + 9, *([None] * 2 if bare else (memories[1] / 9, memories[2]))]}[name]
    other, also_kept = p.copy(), [m if m is None else m.copy() for m in kept]
    step(p, g, *kept, *numbers)
    updates.IN_BLOCKS[step](other, g, *also_kept, *numbers)
    for a, b in zip((p, *kept), (other, *also_kept), strict=True):
        assert a is b is None or np.array_equal(a, b)
