"""Activations by PyTorch's names and arguments: results and gradients as its, to second order."""
import numpy as np
import pytest
from hypothesis import given

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import arrays, shapes

ACTIVATIONS = [
    ("relu", {}), ("leaky_relu", {}), ("leaky_relu", {"negative_slope": 0.2}), ("tanh", {}),
    ("sigmoid", {}), ("gelu", {}), ("gelu", {"approximate": "tanh"}), ("silu", {}),
    ("softplus", {}),
    ("softplus", {"beta": 3.0, "threshold": 1.0})]
AWKWARD = np.array([0.0, -0.0, 1.0, -1.0, 30.0, -30.0, 500.0, -500.0, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("name, options", ACTIVATIONS)
@given(x=arrays(shapes(min_side=0), (np.float32, np.float64), "distinct"))
def test_activations_as_pytorch(torch, against_torch, name, options, x):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    against_torch(lambda x: ours(x, **options), lambda x: theirs(x, **options), x)


@pytest.mark.parametrize("name, options", ACTIVATIONS)
def test_the_slope_at_zero_is_pytorchs(torch, against_torch, name, options):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    against_torch(lambda x: ours(x, **options), lambda x: theirs(x, **options), np.zeros(2))


@pytest.mark.parametrize("name, options", ACTIVATIONS)
@given(x=arrays(values="distinct"))
def test_activations_to_second_order(name, options, x):
    x = np.where(np.abs(x * 3 - 1) < 1e-3, 0.2, x)         # clear of softplus's threshold
    check_grad(lambda x: getattr(F, name)(x, **options), x, name=name)


@pytest.mark.parametrize("name, options", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_of_awkward_values_as_pytorch(torch, name, options, dtype):
    x = AWKWARD.astype(dtype)
    with np.errstate(all="ignore"):
        y = getattr(F, name)(tc.tensor(x), **options).data
    t = getattr(torch.nn.functional, name)(torch.tensor(x), **options).numpy()
    finite = np.isfinite(x)                    # silu and gelu at −∞ are −∞ · 0, or a limit
    assert y.dtype == t.dtype
    np.testing.assert_allclose(y[finite], t[finite], rtol=1e-5, atol=1e-7)
    assert np.isnan(y[-1])


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "silu", "gelu", "relu"])
def test_gradients_are_finite_however_large_the_input(name):
    x = tc.tensor([500.0, -500.0, 1e4, -1e4, 0.0], requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        getattr(F, name)(x).sum().backward()
    assert np.isfinite(x.grad.data).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@given(x=arrays((2, 3, 4), (np.float32, np.float64)))
def test_softmax_takes_a_dtype_to_convert_to(torch, against_torch, name, x):
    against_torch(lambda x: getattr(F, name)(x, -1, dtype=tc.float64),
                  lambda x: getattr(torch.nn.functional, name)(x, -1, dtype=torch.float64), x,
                  rtol=1e-5, atol=1e-6)


def test_an_unknown_approximation_is_named():
    with pytest.raises(ValueError, match="gelu.*'tanh'.*'fast'"):
        F.gelu(tc.ones(2), "fast")
