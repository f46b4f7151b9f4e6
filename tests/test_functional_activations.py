"""Activations by PyTorch's names and arguments: results and gradients as its, to second order."""
import numpy as np
import pytest
from hypothesis import given

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import arrays, fill, shapes

ACTIVATIONS = [
    ("relu", {}), ("leaky_relu", {}), ("leaky_relu", {"negative_slope": 0.2}), ("tanh", {}),
    ("sigmoid", {}), ("gelu", {}), ("gelu", {"approximate": "tanh"}), ("silu", {}),
    ("softplus", {}),
    ("softplus", {"beta": 3.0, "threshold": 1.0}),
    ("elu", {}), ("elu", {"alpha": 2.0}), ("celu", {}), ("celu", {"alpha": 0.5}), ("selu", {}),
    ("mish", {}), ("logsigmoid", {}), ("softsign", {}), ("tanhshrink", {}),
    ("hardtanh", {}), ("hardtanh", {"min_val": -0.08, "max_val": 0.2}), ("relu6", {}),
    ("hardsigmoid", {}), ("hardswish", {}), ("threshold", {"threshold": 0.08, "value": 3.0}),
    ("hardshrink", {"lambd": 0.08}), ("softshrink", {"lambd": 0.08}), ("rrelu", {}),
    ("rrelu", {"lower": 0.3, "upper": 0.5})]
# PyTorch's gradient of hardsigmoid takes 1/6 in float32, whatever the input.
ROUGH = {"hardsigmoid": {"rtol": 1e-7}}
AWKWARD = np.array([0.0, -0.0, 1.0, -1.0, 30.0, -30.0, 500.0, -500.0, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("name, options", ACTIVATIONS)
@given(x=arrays(shapes(min_side=0), (np.float32, np.float64), "distinct"))
def test_activations_as_pytorch(torch, against_torch, name, options, x):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    tolerance = ROUGH.get(name, {}) if x.dtype == np.float64 else {}
    against_torch(lambda x: ours(x, **options), lambda x: theirs(x, **options), x, **tolerance)


@pytest.mark.parametrize("name, options", ACTIVATIONS)
def test_the_slope_at_zero_is_pytorchs(torch, against_torch, name, options):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    against_torch(lambda x: ours(x, **options), lambda x: theirs(x, **options), np.zeros(2),
                  **ROUGH.get(name, {}))


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


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "silu", "gelu", "relu", "elu",
                                  "celu", "selu", "mish", "logsigmoid", "softsign", "hardswish"])
def test_gradients_are_finite_however_large_the_input(name):
    x = tc.tensor([500.0, -500.0, 1e4, -1e4, 0.0], requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        getattr(F, name)(x).sum().backward()
    assert np.isfinite(x.grad.data).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name, options, x", [
    ("hardtanh", {}, [-1.0, 1.0]), ("relu6", {}, [0.0, 6.0]), ("hardsigmoid", {}, [-3.0, 3.0]),
    ("hardswish", {}, [-3.0, 3.0]), ("hardshrink", {}, [-0.5, 0.5]),
    ("softshrink", {}, [-0.5, 0.5]), ("threshold", {"threshold": 1.0, "value": 5.0}, [1.0]),
    ("elu", {"alpha": 2.0}, [0.0, -0.0]), ("celu", {"alpha": 2.0}, [0.0, -0.0]), ("selu", {}, [0.0]),
    ("relu", {}, [0.0]), ("leaky_relu", {}, [0.0]), ("rrelu", {}, [0.0])])
def test_gradients_at_kinks_are_pytorchs(torch, against_torch, name, options, x, dtype):
    against_torch(lambda x: getattr(F, name)(x, **options),
                  lambda x: getattr(torch.nn.functional, name)(x, **options), np.array(x, dtype))


@pytest.mark.parametrize("shape, C", [((3, 4), 1), ((3, 4), 4), ((4,), 1), ((), 1), ((2, 3, 2), 3),
                                      ((0, 3), 3)])
def test_prelu(torch, against_torch, rng, shape, C):
    x, w = fill(rng, shape, "distinct"), rng.standard_normal(C)
    against_torch(F.prelu, torch.nn.functional.prelu, x, w)
    check_grad(F.prelu, x, w)


def test_prelu_at_zero_and_at_infinity_as_pytorch(torch, against_torch):
    against_torch(F.prelu, torch.nn.functional.prelu, np.array([0.0, np.inf]), np.array([0.25]))


@pytest.mark.parametrize("shape, dim", [((3, 4), -1), ((4, 3), 0), ((2, 6, 1), 1), ((0, 2), 1),
                                        ((2, 0), 1)])
def test_glu(torch, against_torch, rng, shape, dim):
    x = rng.standard_normal(shape)
    against_torch(lambda x: F.glu(x, dim), lambda x: torch.nn.functional.glu(x, dim), x)
    check_grad(lambda x: F.glu(x, dim), x)


def test_in_training_rrelu_draws_slopes_between_its_bounds():
    tc.manual_seed(0)
    y = F.rrelu(tc.tensor([-1.0] * 1000 + [2.0]), 0.25, 0.5, training=True).data
    assert y[-1] == 2 and y.dtype == np.float32
    assert -0.5 <= y[:-1].min() < -0.49 and -0.26 < y[:-1].max() <= -0.25


@pytest.mark.parametrize("name", sorted({name for name, _ in ACTIVATIONS}))
def test_half_precision_stays_so(name):
    options = next(options for other, options in ACTIVATIONS if other == name)
    x = np.linspace(-4, 4, 33)
    y = getattr(F, name)(tc.tensor(x.astype(np.float16)), **options).data
    assert y.dtype == np.float16
    exact = getattr(F, name)(tc.tensor(x), **options).data
    np.testing.assert_allclose(y.astype(float), exact, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("f, complaint", [
    (lambda: F.elu(tc.arange(3)), "elu: expected a floating point tensor, got int64"),
    (lambda: F.celu(tc.ones(3), 0), "celu: alpha must not be zero"),
    (lambda: F.hardtanh(tc.ones(3), 1, 0), "hardtanh: min_val 1 is greater than max_val 0"),
    (lambda: F.softshrink(tc.ones(3), -1), "softshrink: lambd must not be negative"),
    (lambda: F.rrelu(tc.ones(3), 1, 0), "rrelu: lower 1 is greater than upper 0"),
    (lambda: F.glu(tc.ones(3)), "glu: expected an even length"),
    (lambda: F.glu(tc.tensor(1.0)), "glu: expected an even length"),
    (lambda: F.prelu(tc.ones(2, 3), tc.ones(2)), "prelu: weight should have one number or one for "
                                                 r"each of the 3 channels of \(2, 3\)"),
    (lambda: F.prelu(tc.ones(2, 3), tc.ones(1, dtype=tc.float64)), "prelu: input is float32")])
def test_bad_arguments_are_named(f, complaint):
    with pytest.raises((ValueError, TypeError), match=complaint):
        f()


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
@given(x=arrays((2, 3, 4), (np.float32, np.float64)))
def test_softmax_takes_a_dtype_to_convert_to(torch, against_torch, name, x):
    against_torch(lambda x: getattr(F, name)(x, -1, dtype=tc.float64),
                  lambda x: getattr(torch.nn.functional, name)(x, -1, dtype=torch.float64), x,
                  rtol=1e-5, atol=1e-6)


def test_an_unknown_approximation_is_named():
    with pytest.raises(ValueError, match="gelu.*'tanh'.*'fast'"):
        F.gelu(tc.ones(2), "fast")
