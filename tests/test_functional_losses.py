"""Losses: derivatives to second order in every form the target can take."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import arrays, generators, shapes

reductions = st.sampled_from(["mean", "sum", "none"])


@given(data=st.data(), rng=generators(), reduction=reductions, smoothing=st.sampled_from([0, 0.1]),
       weighted=st.booleans(), ignored=st.booleans())
def test_cross_entropy_of_classes(data, rng, reduction, smoothing, weighted, ignored):
    N, C = data.draw(st.integers(1, 4)), data.draw(st.integers(2, 5))
    x = data.draw(arrays((N, C, *data.draw(shapes(0, 2, 1, 3)))))
    t = rng.integers(0, C, (N, *x.shape[2:]))
    if ignored and t.size > 1:
        t.flat[0] = -100
    weight = tc.tensor(rng.uniform(0.5, 2, C)) if weighted else None
    check_grad(lambda x: F.cross_entropy(x, tc.tensor(t), weight, reduction=reduction,
                                         label_smoothing=smoothing), x, name="cross_entropy")


@given(x=arrays((3, 4, 2)), q=arrays((3, 4, 2), values="positive"), reduction=reductions)
def test_cross_entropy_of_probabilities_is_differentiable_in_both(x, q, reduction):
    check_grad(lambda x, q: F.cross_entropy(x, q, reduction=reduction), x, q, name="cross_entropy")


@given(x=arrays((4, 3)), reduction=reductions)
def test_nll_loss(x, reduction):
    t = tc.tensor([2, 0, 1, 2])
    check_grad(lambda x: F.nll_loss(F.log_softmax(x, 1), t, reduction=reduction), x,
               name="nll_loss")


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "binary_cross_entropy_with_logits"])
@given(x=arrays((3, 4), values="distinct"), reduction=reductions)
def test_losses_element_by_element(name, x, reduction):
    target = (np.arange(12).reshape(3, 4) % 3) * 0.4        # x is never near a multiple of 0.04
    check_grad(lambda x, t: getattr(F, name)(x, t, reduction=reduction), x, target, name=name)
