"""Element by element: values as NumPy and PyTorch, gradients to second order, in every layout."""
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinyconv as tc
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import arrays, broadcastable, generators, shapes

SMOOTH = {                       # name here, name in PyTorch, values for which it is defined
    "exp": ("exp", "normal"), "expm1": ("expm1", "normal"), "log": ("log", "positive"),
    "log1p": ("log1p", "positive"), "log2": ("log2", "positive"), "log10": ("log10", "positive"),
    "sqrt": ("sqrt", "positive"), "rsqrt": ("rsqrt", "positive"), "sin": ("sin", "normal"),
    "cos": ("cos", "normal"), "tan": ("tan", "unit"), "arcsin": ("arcsin", "unit"),
    "arccos": ("arccos", "unit"), "arctan": ("arctan", "normal"), "sinh": ("sinh", "normal"),
    "cosh": ("cosh", "normal"), "tanh": ("tanh", "normal"), "erf": ("erf", "normal"),
    "square": ("square", "normal"), "reciprocal": ("reciprocal", "positive"),
    "sigmoid": ("sigmoid", "normal"), "neg": ("neg", "normal"),
    "abs": ("abs", "distinct"), "relu": ("relu", "distinct")}
STEPS = ("sign", "floor", "ceil", "round", "trunc", "isnan", "isinf", "isfinite", "logical_not")
BINARY = {"add": "normal", "sub": "normal", "mul": "normal", "div": "positive", "pow": "positive",
          "maximum": "distinct", "minimum": "distinct", "remainder": "positive"}
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor")


def within(values, array):
    """`unit` values lie within (−0.9, 0.9)."""
    return np.asarray(np.tanh(array) * 0.9) if values == "unit" else array


def draw(data, values, shape=shapes(), dtype=np.float64):
    kind = "normal" if values == "unit" else values
    return within(values, data.draw(arrays(shape, dtype, kind)))


# ---- functions of one argument -------------------------------------------------------------------

@pytest.mark.parametrize("name", SMOOTH)
@given(data=st.data())
def test_derivatives_to_second_order(name, data):
    x = draw(data, SMOOTH[name][1])
    check_grad(getattr(tc, name), x, name=name)


@pytest.mark.parametrize("name", SMOOTH)
@given(data=st.data())
def test_values_and_gradients_are_those_of_pytorch(torch, against_torch, name, data):
    theirs, values = SMOOTH[name]
    x = draw(data, values, shapes(min_side=0), data.draw(st.sampled_from([np.float32, np.float64])))
    against_torch(getattr(tc, name), getattr(torch, theirs), x)


AWKWARD = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-30, 1e30, -1e30, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("name", [*SMOOTH, *STEPS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_awkward_values_give_what_pytorch_gives(torch, name, dtype):
    x = AWKWARD.astype(dtype)[:-1 if name == "sign" else None]     # PyTorch: the sign of NaN is 0
    with np.errstate(all="ignore"):
        ours = getattr(tc, name)(tc.as_tensor(x))
    theirs = getattr(torch, SMOOTH.get(name, (name,))[0])(torch.from_numpy(x)).numpy()
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours.data, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_constants(name):
    assert not getattr(tc, name)(tc.ones(3).requires_grad_()).requires_grad


@pytest.mark.parametrize("f", [tc.abs, tc.relu])
def test_at_the_kink_the_gradient_is_zero(f):
    x = tc.zeros(3).requires_grad_()
    f(x).sum().backward()
    assert x.grad.tolist() == [0, 0, 0]


# ---- functions of two ----------------------------------------------------------------------------

@pytest.mark.parametrize("name", BINARY)
@given(shapes=broadcastable(), data=st.data())
def test_derivatives_of_two_arguments_broadcast(name, shapes, data):
    a, b = (draw(data, BINARY[name], shape) for shape in shapes)
    if name == "remainder":
        a = np.floor(a * 4) * b + b * (0.3 + 0.4 * (a - 0.5) / 1.5)       # clear of the jumps
    b = b + 0.02 if name in ("maximum", "minimum") else b                # and of the ties
    check_grad(getattr(tc, name), np.asarray(a), np.asarray(b), name=name)


@pytest.mark.parametrize("name", BINARY)
@given(shapes=broadcastable(min_side=0), data=st.data())
@example(shapes=((), (0,)), data=None)
def test_two_arguments_as_pytorch(torch, against_torch, name, shapes, data):
    a, b = (np.ones(s) if data is None else draw(data, BINARY[name], s) for s in shapes)
    against_torch(getattr(tc, name), getattr(torch, name), a, b)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "maximum", "minimum"])
@given(shapes=broadcastable(), data=st.data())
def test_whole_numbers_in_float32_are_exact(name, shapes, data):
    a, b = (data.draw(arrays(s, np.float32, "integers")) for s in shapes)
    expected = getattr(np, {"sub": "subtract", "mul": "multiply"}.get(name, name))(a, b)
    y = getattr(tc, name)(tc.as_tensor(a), tc.as_tensor(b))
    assert y.dtype == np.float32 and np.array_equal(y.data, expected)


@pytest.mark.parametrize("name", COMPARISONS)
@given(shapes=broadcastable(min_side=0), data=st.data())
def test_comparisons_as_pytorch(torch, name, shapes, data):
    a, b = (data.draw(arrays(s, np.float64, "integers")) for s in shapes)
    y = getattr(tc, name)(tc.as_tensor(a).requires_grad_(), tc.as_tensor(b))
    expected = getattr(torch, name)(torch.from_numpy(a.copy()), torch.from_numpy(b.copy()))
    assert y.dtype == np.bool_ and not y.requires_grad and np.array_equal(y.data, expected.numpy())


def test_maximum_shares_the_gradient_of_equal_values_as_pytorch(torch, against_torch):
    a, b = np.array([1.0, 2.0, 3.0, np.nan]), np.array([1.0, 3.0, 2.0, 1.0])
    against_torch(tc.maximum, torch.maximum, a[:3], b[:3])
    against_torch(tc.minimum, torch.minimum, a[:3], b[:3])
    assert np.isnan(tc.maximum(a, b).data[3]) and np.isnan(tc.minimum(b, a).data[3])


@pytest.mark.parametrize("a, b", [(0.0, 2.0), (0.0, 1.0), (0.0, 0.0), (2.0, 0.0), (-2.0, 3.0),
                                  (-2.0, 2.0), (0.0, 3.0), (0.0, 0.5)])
def test_powers_at_zero_and_of_negative_numbers_as_pytorch(torch, against_torch, a, b):
    with np.errstate(all="ignore"):
        against_torch(lambda a: a ** b, lambda a: a ** b, np.array([a]))
        if a >= 0:
            against_torch(tc.pow, torch.pow, np.array([a]), np.array([b]))


@pytest.mark.parametrize("exponent", [0, 1, 2, 3])
def test_whole_powers_have_derivatives_of_every_order_at_zero(exponent):
    check_grad(lambda x: x ** exponent, np.array([0.0, -1.5, 2.0]), order=3)


@pytest.mark.parametrize("f", [
    lambda x: 2 + x, lambda x: x - 3, lambda x: 3 - x, lambda x: x * 2.5, lambda x: 2 / x,
    lambda x: x / 2, lambda x: x ** 2, lambda x: 2 ** x, lambda x: -x, lambda x: +x,
    lambda x: abs(x), lambda x: x % 2, lambda x: 2.1 ** x, lambda x: x ** -1, lambda x: x ** 0.1])
def test_operators_with_numbers_as_pytorch(against_torch, f):
    against_torch(f, f, np.array([[0.5, 1.7], [2.2, 3.1]]))
    against_torch(f, f, np.array([[0.5, 1.7], [2.2, 3.1]], np.float32))


@pytest.mark.parametrize("f", [
    lambda i: i + 1, lambda i: i * 2, lambda i: i / 2, lambda i: i - 1.5, lambda i: i ** 2,
    lambda i: i // 2, lambda i: i % 2, lambda i: -i, lambda i: abs(i), lambda i: i > 1,
    lambda i: i == 2, lambda i: 1 / i, lambda i: 2 ** i])
def test_whole_numbers_as_pytorch(torch, f):
    i = np.array([1, 2, 5, -3])[:3]
    y, t = f(tc.as_tensor(i)), f(torch.from_numpy(i)).numpy()
    assert y.dtype == t.dtype and np.array_equal(y.data, t)


@pytest.mark.parametrize("f", [lambda a, b: a & b, lambda a, b: a | b, lambda a, b: a ^ b,
                               lambda a, b: ~a])
def test_and_or_not_work_on_the_bits_of_whole_numbers_as_pytorch(torch, f):
    for a, b in (([6, 1, -3], [3, 0, 5]), ([True, True, False], [True, False, False])):
        y, t = f(tc.tensor(a), tc.tensor(b)), f(torch.tensor(a), torch.tensor(b))
        assert y.tolist() == t.tolist() and str(y.dtype) == str(t.dtype).removeprefix("torch.")
    with pytest.raises(TypeError):
        f(tc.ones(2), tc.ones(2))


def test_float64_must_be_asked_for_in_steps_too():
    x = tc.ones(2)
    for two in (2.0, np.float64(2), tc.tensor(np.float64(2))):
        assert (x // two).dtype == (x % two).dtype == np.float32
    assert (x.double() // 2).dtype == np.float64 and (tc.tensor([5]) // 2).dtype == np.int64


@pytest.mark.parametrize("f, complaint", [
    (lambda x: x + tc.ones(4), r"add: .*\(2, ?3\).*\(4,"), (lambda x: x + "one", "add: "),
    (lambda x: tc.maximum(x, b=tc.ones(3)), "maximum: "), (lambda x: x[5], "index: .*5"),
    (lambda x: tc.tensor([2]) ** -1, "pow: ")])
def test_what_numpy_refuses_is_said_in_the_name_of_the_operation(f, complaint):
    with pytest.raises((ValueError, TypeError, IndexError), match=complaint):
        f(tc.ones(2, 3))


# ---- choices -------------------------------------------------------------------------------------

@given(shapes=broadcastable(count=3), rng=generators(), data=st.data())
def test_where(torch, against_torch, shapes, rng, data):
    a, b = (data.draw(arrays(s)) for s in shapes[1:])
    condition = np.asarray(rng.random(shapes[0]) < 0.5)
    check_grad(lambda a, b: tc.where(condition, a, b), a, b)
    against_torch(tc.where, torch.where, condition, a, b)


def test_masked_fill_as_pytorch(against_torch, rng):
    x, mask = rng.standard_normal((3, 4)), rng.random((3, 4)) < 0.3
    against_torch(lambda x, mask: x.masked_fill(mask, 2.5),
                  lambda x, mask: x.masked_fill(mask, 2.5), x, mask)


@pytest.mark.parametrize("low, high", [(-0.52, 0.52), (None, 0.28), (0.12, None)])
@given(data=st.data())
def test_clamp(torch, against_torch, low, high, data):
    x = data.draw(arrays(values="distinct"))               # never near a multiple of 0.04
    check_grad(lambda x: tc.clamp(x, low, high), x)
    against_torch(lambda x: tc.clamp(x, low, high), lambda x: torch.clamp(x, low, high), x)
    against_torch(lambda x: x.clamp(min=low, max=high), lambda x: x.clamp(min=low, max=high),
                  np.array([-0.52, 0.52, 0.28, 0.12]))


