"""The gradient checker passes what is right and is shown planted errors, which it catches."""
import inspect

import numpy as np
import pytest
from rules import operation

import tinyconv as tc
from tinyconv.testing import (GradientError, KinkError, check_adjoint, check_against_reference,
                              check_against_torch, check_grad, check_linear, gradcheck,
                              gradgradcheck)


@pytest.fixture
def x(rng):
    return tc.tensor(rng.standard_normal((3, 4)))


@pytest.fixture
def w(rng):
    return tc.tensor(rng.standard_normal((4,)))


# ---- what is right -------------------------------------------------------------------------------

@pytest.mark.parametrize("f", [
    lambda x, w: x * w, lambda x, w: (x * w).exp().sum(), lambda x, w: x @ w,
    lambda x, w: tc.tanh(x) / (2 + w * w), lambda x, w: (x + w, x * x * w, w),
    lambda x, w: x.reshape(4, 3).T * w, lambda x, w: x, lambda x, w: tc.softmax(x, 1)])
def test_right_derivatives_pass_to_third_order(f, x, w):
    worst = check_grad(f, x, w, order=3, directions=2)
    assert len(worst) == 3 and max(worst) < 1e-6
    assert all(type(error) is float for error in worst)


def test_inputs_that_are_not_floating_point_are_passed_on(x):
    mask = np.array([True, False, True, False])
    check_grad(lambda x, mask, k: tc.where(mask, x * k, x * x), x, mask, 3)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_inputs_of_any_size_pass(x, scale):
    check_grad(lambda x: (x / scale).exp(), x * scale)
    check_grad(lambda x: x.exp() + x * x * x, x * 0.1)


def test_empty_inputs_pass():
    check_grad(lambda x, w: x * w, tc.tensor(np.zeros((0, 3))), tc.tensor(np.ones(3)))


# ---- planted errors ------------------------------------------------------------------------------

WRONG_AT_FIRST_ORDER = {
    "factor": operation(np.tanh, lambda g, y, x: g * (1 - y * y) * 1.01),
    "sign": operation(np.negative, lambda g, y, x: g),
    "no gradient at all": operation(np.tanh, None),
    "transposed": operation(lambda x: x @ x.T, lambda g, y, x: g @ x),
    "stale result": operation(np.exp, lambda g, y, x: g * (y + 1)),
    "assignment instead of accumulation": operation(
        lambda x: x[:, [0, 0, 1]],
        lambda g, y, x: tc.tensor(_assigned(g.data, x.shape))),
    "one element in twelve": operation(
        lambda x: x * 2,
        lambda g, y, x: g * 2 * tc.tensor(np.where(np.arange(12).reshape(3, 4) == 7, 1.01, 1))),
    "mean for sum": operation(lambda x: x.sum(0), lambda g, y, x: (g / 3).expand(3, 4)),
    "shifted by one": operation(lambda x: x * x, lambda g, y, x: 2 * g * x[:, [1, 2, 3, 0]]),
}


def _assigned(g, shape):
    gx = np.zeros(shape)
    gx[:, [0, 0, 1]] = g                            # should be np.add.at
    return gx


@pytest.mark.parametrize("fault", WRONG_AT_FIRST_ORDER)
def test_an_error_at_first_order_is_caught(fault, x):
    f = WRONG_AT_FIRST_ORDER[fault]
    with pytest.raises(GradientError, match="first derivative of planted.*input 0"):
        check_grad(f, x, order=1)
    with pytest.raises(GradientError):
        gradcheck(f, (tc.tensor(x.data, requires_grad=True),))
    leaf = tc.tensor(x.data, requires_grad=True)
    assert gradcheck(f, leaf, raise_exception=False) is False


WRONG_AT_SECOND_ORDER = {
    "closes over a smooth array": operation(
        np.tanh, lambda g, y, x: g * tc.tensor(1 - y.data ** 2)),
    "stops at the result": operation(np.exp, lambda g, y, x: g * y.detach()),
    "gradient of a gradient off by a factor": operation(
        lambda x: x * x, lambda g, y, x: operation(
            lambda g, x: 2 * g * x,
            lambda c, _, g, x: 2 * c * x, lambda c, _, g, x: c * g)(g, x)),
    "not linear in the cotangent": operation(
        lambda x: x * x, lambda g, y, x: operation(
            lambda g, x: 2 * g * x,
            lambda c, _, g, x: 3 * c * x, lambda c, _, g, x: 2 * c * g)(g, x)),
    "normalises by a constant": operation(
        lambda x: x / np.sqrt((x * x).sum()),
        lambda g, y, x: (g - y * (g * y).sum()) / float(np.sqrt((x.data ** 2).sum()))),
}


@pytest.mark.parametrize("fault", WRONG_AT_SECOND_ORDER)
def test_an_error_at_second_order_only_is_caught(fault, x):
    f = WRONG_AT_SECOND_ORDER[fault]
    leaf = tc.tensor(x.data, requires_grad=True)
    check_grad(f, x, order=1)
    assert gradcheck(f, leaf)
    with pytest.raises(GradientError, match="second derivative of planted"):
        check_grad(f, x, order=2)
    with pytest.raises(GradientError):
        gradgradcheck(f, leaf)
    assert gradgradcheck(f, leaf, raise_exception=False) is False


def test_an_error_at_third_order_only_is_caught(x):
    def rule(g, y, x):
        return 3 * g * operation(lambda x: x * x, lambda g, y, x: 2 * g * x.detach())(x)
    f = operation(lambda x: x ** 3, rule)
    check_grad(f, x, order=2)
    with pytest.raises(GradientError, match="third derivative"):
        check_grad(f, x, order=3)


def test_a_missing_broadcast_sum_is_caught(x, w):
    f = operation(np.multiply, lambda g, y, x, w: g * w, lambda g, y, x, w: (g * x)[0])
    with pytest.raises(GradientError, match="input 1 of shape"):
        check_grad(f, x, w)


def test_the_wrong_one_of_several_outputs_is_caught(x):
    bad = WRONG_AT_FIRST_ORDER["factor"]
    with pytest.raises(GradientError):
        check_grad(lambda x: (x * x, bad(x)), x)


def test_an_error_that_a_cotangent_of_ones_would_hide_is_caught(x):
    f = operation(lambda x: x - x.mean(1, keepdims=True), lambda g, y, x: g * 0)
    with pytest.raises(GradientError):
        check_grad(f, x, order=1)


def test_one_wrong_element_among_ten_thousand_is_found_and_named(rng):
    x = tc.tensor(rng.standard_normal((100, 100)))
    spoilt = np.ones((100, 100))
    spoilt[41, 73] = 1.05
    f = operation(np.sin, lambda g, y, x: g * tc.cos(x) * tc.tensor(spoilt))
    with pytest.raises(GradientError, match=r"element \(41, 73\)") as failure:
        check_grad(f, x, order=1)
    for word in ("analytic", "numerical", "error", "tolerance", "shape (100, 100)"):
        assert word in str(failure.value)


@pytest.mark.parametrize("factor", [1.01, 0.99])
def test_one_per_cent_in_one_of_a_hundred_thousand_elements_is_found(rng, factor):
    spoilt = np.ones(100_000)
    spoilt[77_777] = factor
    x = rng.uniform(-1, 1, 100_000)
    f = operation(np.sin, lambda g, y, x: g * tc.cos(x) * tc.tensor(spoilt))
    with pytest.raises(GradientError, match=r"element \(77777,\)"):
        check_grad(f, x, order=1)
    check_grad(tc.sin, x, order=1)


# ---- what else can go wrong with a gradient ------------------------------------------------------

def test_a_function_that_changes_its_input_is_caught(x):
    def spoil(a):
        y = a * 2
        a += 1
        return y
    with pytest.raises(GradientError, match="changed|two different"):
        check_grad(operation(spoil, lambda g, y, x: g * 2), x, order=1)
    with pytest.raises(GradientError, match="input 0 was changed"):
        gradcheck(operation(spoil, lambda g, y, x: g * 2), tc.tensor(x.data, requires_grad=True))


def test_a_rule_that_changes_its_cotangent_is_caught(x):
    def rule(g, y, x):
        g.data *= 2
        return g * 1
    with pytest.raises(GradientError, match="cotangent was changed|two walks"):
        check_grad(operation(lambda x: x * 2, rule), x, order=1)


def test_a_walk_that_does_not_repeat_its_bits_is_caught(x):
    state = iter(range(1000))
    f = operation(lambda x: x * 1, lambda g, y, x: g * (1 + 1e-15 * next(state)))
    with pytest.raises(GradientError, match="two walks"):
        check_grad(f, x, order=1)
    with pytest.raises(GradientError, match="nondet_tol"):
        gradcheck(f, tc.tensor(x.data, requires_grad=True))


def test_a_rule_that_is_wrong_for_cotangents_that_are_not_contiguous_is_caught(x):
    def rule(g, y, x):                              # as a kernel does that checks no strides
        return 2 * tc.tensor(g.data.ravel(order="K").reshape(g.shape))
    with pytest.raises(GradientError, match="strided and read-only, do not give(.|\n)*input 0"):
        check_grad(operation(lambda x: x * 2, rule), x, order=1)


def test_a_rule_that_clips_large_cotangents_is_caught(x):
    f = operation(lambda x: x * 2, lambda g, y, x: 2 * tc.clamp(g, -10, 10))
    with pytest.raises(GradientError, match="cotangents 1024 times as large"):
        check_grad(f, x, order=1)


def test_a_rule_that_forgets_the_cotangent_is_told_so(x):
    f = operation(lambda x: x ** 3, lambda g, y, x: 3 * x * x)
    with pytest.raises(GradientError, match="but the same: does the rule use g"):
        check_grad(f, x, order=1)


def test_a_gradient_in_memory_that_the_next_walk_uses_again_is_caught(x):
    buffer = tc.tensor(np.empty((3, 4)))

    def rule(g, y, x):
        np.multiply(g.data, 2, out=buffer.data)
        return buffer
    with pytest.raises(GradientError, match="shares memory with that of input 0 of another walk"):
        check_grad(operation(lambda x: x * 2, rule), x, order=1)


def test_a_value_kept_from_the_last_call_instead_of_this_is_caught(x):
    kept = {}

    def relu(x):
        kept["mask"] = x > 0
        return x * kept["mask"]
    f = operation(relu, lambda g, y, x: g * tc.tensor(kept["mask"].astype(float)))
    with pytest.raises(GradientError, match="after the function was called with other numbers"):
        check_grad(f, x, order=1)


def test_an_input_that_is_a_constant_and_is_changed_is_caught(x):
    def without_negative(x, index):
        index[index < 0] += 4
        return x[:, index]
    f = operation(without_negative, lambda g, y, x, i: tc.stack(
        [g[:, 1], g[:, 0], g[:, 0] * 0, g[:, 2]], 1))
    check_grad(f, x, np.array([1, 0, 3]), order=1)
    for index in (np.array([1, 0, -1]), tc.tensor(np.array([1, 0, -1]))):
        with pytest.raises(GradientError, match="input 1 was changed"):
            check_grad(f, x, index, order=1)


def test_a_result_whose_round_off_hides_its_derivative_is_refused(x):
    check_grad(lambda x: x + 1e4, x)
    for f in (operation(lambda x: x + 1e8, lambda g, y, x: -3 * g),
              operation(lambda x: x + 1e7, lambda g, y, x: 1.01 * g)):
        with pytest.raises(GradientError, match="nothing can be checked|is wrong") as failure:
            check_grad(f, x, order=1)
        assert not isinstance(failure.value, KinkError)


def test_a_function_that_is_random_is_caught(x, rng):
    with pytest.raises(GradientError, match="two different results"):
        check_grad(lambda x: x * rng.standard_normal((3, 4)), x)


def test_a_result_that_is_not_finite_is_refused():
    with np.errstate(divide="ignore"), pytest.raises(GradientError, match="not finite"):
        check_grad(tc.log, tc.tensor(np.array([0.0, 1.0])))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_does_not_pass(x, bad):
    spoilt = np.where(np.arange(12).reshape(3, 4) == 7, bad, 1.0)
    f = operation(lambda x: x * 2, lambda g, y, x: g * 2 * tc.tensor(spoilt))
    for method in ("central", "complex"):
        with pytest.raises(GradientError, match=r"gradient for input 0 is .* at element \(1, 3\)"):
            check_grad(f, x, order=1, method=method)
    with np.errstate(invalid="ignore"), pytest.raises(GradientError, match="gradcheck: the Jacob"):
        gradcheck(f, tc.tensor(x.data, requires_grad=True))


@pytest.mark.parametrize("f, at", [
    (tc.abs, 0.0), (tc.relu, 0.0), (lambda x: tc.clamp(x, -1, 1), 1.0), (tc.floor, 2.0),
    (lambda x: tc.amax(x), 9.0), (lambda x: tc.maximum(x, 0.25), 0.25)])
def test_a_kink_is_reported_with_both_slopes_and_its_place(f, at):
    x = np.array([0.3, 9.0, at, -0.7])
    with pytest.raises(KinkError, match=r"element \([12],\)(.|\n)*slope left(.|\n)*slope right"):
        check_grad(lambda x: f(x) * 1, tc.tensor(x), order=1)


@pytest.mark.parametrize("f", [tc.abs, tc.relu])
def test_a_kink_in_one_of_a_hundred_thousand_elements_is_reported(rng, f):
    x = rng.uniform(0.1, 1, 100_000)
    x[77_777] = 0
    with pytest.raises(KinkError, match=r"element \(77777,\)"):
        check_grad(f, x, order=1)


def test_a_kink_of_the_first_derivative_is_reported_at_second_order():
    f = operation(lambda x: x * np.abs(x), lambda g, y, x: 2 * g * tc.abs(x))
    x = tc.tensor(np.array([1.0, 0.0, -2.0]))
    check_grad(f, x, order=1)
    with pytest.raises(KinkError, match="second"):
        check_grad(f, x, order=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("check", [
    lambda x: check_grad(tc.exp, x), lambda x: gradcheck(tc.exp, (x,)),
    lambda x: gradgradcheck(tc.exp, x)], ids=["check_grad", "gradcheck", "gradgradcheck"])
def test_narrow_inputs_are_refused_with_a_word(check, dtype):
    with pytest.raises(TypeError, match="float64"):
        check(tc.tensor(np.ones(3, dtype), requires_grad=True))


def test_narrow_inputs_are_promoted_if_asked():
    x = tc.tensor(np.linspace(0.5, 2, 3), dtype=np.float32)
    assert max(check_grad(lambda x: tc.log(x).sum(), x, promote=True)) < 1e-6
    assert x.dtype == np.float32
    with pytest.raises(GradientError):
        check_grad(WRONG_AT_FIRST_ORDER["sign"], x, promote=True)


def test_the_full_jacobian_is_compared_if_asked(x):
    check_grad(lambda x: tc.tanh(x) * x.sum(), x, jacobian=True)
    # wrong by less than a random direction is allowed to be, not less than an element is
    spoilt = tc.tensor(np.where(np.arange(12).reshape(3, 4) == 7, 1 + 1.4e-6, 1))
    f = operation(lambda x: x * 2, lambda g, y, x: g * 2 * spoilt)
    check_grad(f, x, order=1, rtol=1e-6)
    with pytest.raises(GradientError, match=r"Jacobian(.|\n)*\(1, 3\) of \(3, 4\)"):
        check_grad(f, x, order=1, rtol=1e-6, jacobian=True)


def test_a_failure_says_how_to_see_it_again():
    f = WRONG_AT_FIRST_ORDER["factor"]
    with pytest.raises(GradientError) as failure:
        check_grad(f, np.array([0.5, -1.0]), seed=3)
    line = str(failure.value).splitlines()[-1]
    assert line == ("  again        check_grad(planted, np.array([0.5, -1.0]), order=1, "
                    "method='central', seed=3)")


def test_nothing_to_check_is_an_error():
    with pytest.raises(TypeError, match="nothing to check"):
        check_grad(lambda k: k, 3)
    for check in (gradcheck, gradgradcheck):
        with pytest.raises(ValueError, match=f"{check.__name__}: expects at least one .*requires_g"):
            check(tc.exp, tc.tensor([1.0]))
    for nothing in ({"order": 0}, {"directions": 0}):
        with pytest.raises(ValueError, match="nothing would be checked"):
            check_grad(tc.exp, np.ones(2), **nothing)
    with pytest.raises(TypeError, match="must return a tensor"):
        check_grad(lambda x: 3, tc.tensor(np.ones(2)))


# ---- complex steps -------------------------------------------------------------------------------

def test_complex_steps_are_right_to_the_last_digits(x, w):
    worst = check_grad(lambda x, w: (tc.tanh(x) * tc.exp(w)).sum(1), x, w, method="complex",
                       order=3)
    assert len(worst) == 3 and max(worst) < 1e-14


@pytest.mark.parametrize("fault", [*WRONG_AT_FIRST_ORDER])
def test_an_error_at_first_order_is_caught_by_complex_steps(fault, x):
    with pytest.raises(GradientError, match="first derivative of planted"):
        check_grad(WRONG_AT_FIRST_ORDER[fault], x, order=1, method="complex")


def test_complex_steps_catch_what_finite_differences_cannot_see(x):
    f = operation(np.sin, lambda g, y, x: g * tc.cos(x) * (1 + 1e-10))
    check_grad(f, x, order=1)
    with pytest.raises(GradientError, match="first derivative(.|\n)*complex step"):
        check_grad(f, x, order=1, method="complex")


def test_what_numpy_cannot_compute_with_complex_numbers_is_refused_by_name(x):
    f = operation(lambda x: np.hypot(x, 1.0), lambda g, y, x: g * x / y)
    check_grad(f, x)
    with pytest.raises(TypeError, match="planted cannot be computed with complex(.|\n)*central"):
        check_grad(f, x, method="complex")
    with pytest.raises(TypeError, match="planted of complex numbers gives float64"):
        check_grad(operation(lambda x: np.abs(x), lambda g, y, x: g * tc.sign(x)), x,
                   method="complex")
    with pytest.raises(ValueError, match="central, complex, got 'forward'"):
        check_grad(tc.exp, x, method="forward")


# ---- by PyTorch's names --------------------------------------------------------------------------

def test_gradcheck_and_gradgradcheck_pass_what_is_right(x, w):
    x, w = (tc.tensor(t.data, requires_grad=True) for t in (x, w))
    def f(x, k, w):
        return tc.tanh(x * k) * w, (x * x).sum()
    assert gradcheck(f, (x, 2.0, w)) and gradgradcheck(f, (x, 2.0, w))
    assert gradgradcheck(tc.exp, x, tc.tensor(np.ones((3, 4)), requires_grad=True))


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_the_checks_take_the_arguments_of_pytorchs(torch, x, check):
    ours, theirs = (inspect.signature(f).parameters for f in (
        check, getattr(torch.autograd, check.__name__)))
    for name, parameter in theirs.items():
        assert (ours[name].kind, ours[name].default) == (parameter.kind, parameter.default), name
    leaf = tc.tensor(x.data, requires_grad=True)
    assert check(tc.tanh, leaf, fast_mode=True, check_undefined_grad=False)
    for name in theirs:
        if "forward" in name or "fwd" in name or "batched" in name:
            with pytest.raises(ValueError, match=f"{name} should be as it is by default"):
                check(tc.tanh, leaf, **{name: True})


def test_gradgradcheck_makes_cotangents_that_are_not_contiguous_if_asked(x):
    def rule(g, y, x):
        return 2 * g * (x if g.data.flags.c_contiguous else x.detach())
    f, leaf = operation(lambda x: x * x, rule), tc.tensor(x.data, requires_grad=True)
    assert gradgradcheck(f, leaf)
    assert not gradgradcheck(f, leaf, gen_non_contig_grad_outputs=True, raise_exception=False)


def test_gradcheck_names_the_worst_element(x):
    with pytest.raises(GradientError, match=r"in 1 of 144 elements(.|\n)*\(1, 3\) of \(3, 4\)"):
        gradcheck(WRONG_AT_FIRST_ORDER["one element in twelve"],
                  tc.tensor(x.data, requires_grad=True), rtol=1e-4)


def test_gradcheck_agrees_with_pytorch_about_what_is_wrong(torch, x):
    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor):
            ctx.factor = factor
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.factor, None
    for factor in (1, 1 + 1e-5, 1.01, -1):
        ours = operation(lambda x: x * 2, lambda g, y, x, factor=factor: g * 2 * factor)
        assert gradcheck(ours, tc.tensor(x.data, requires_grad=True), raise_exception=False) \
            == torch.autograd.gradcheck(lambda x, f=factor: Scaled.apply(x, f),
                                        torch.tensor(x.data, requires_grad=True),
                                        raise_exception=False)


# ---- adjoints ------------------------------------------------------------------------------------

def test_an_adjoint_pair_passes_and_anything_else_does_not(rng):
    A = rng.standard_normal((3, 5))
    x, y = rng.standard_normal(5), rng.standard_normal(3)
    check_adjoint(lambda x: tc.matmul(A, x), lambda y: tc.matmul(A.T, y), x, y)
    with pytest.raises(GradientError, match="not adjoint"):
        check_adjoint(lambda x: tc.matmul(A, x), lambda y: 1.001 * tc.matmul(A.T, y), x, y)
    with pytest.raises(GradientError, match="shape"):
        check_adjoint(lambda x: tc.matmul(A, x), lambda y: y, x, y)
    with pytest.raises(GradientError, match="shape"):
        check_adjoint(lambda x: x, lambda y: tc.matmul(A.T, y), x, y)


# ---- linear functions ----------------------------------------------------------------------------

def test_a_linear_function_passes_and_anything_else_does_not(x, w):
    check_linear(lambda x, w: x @ w, x, w)
    check_linear(lambda x, k: (x * k, x.sum()), x, 3)
    with pytest.raises(GradientError, match=r"not linear in input 1 of shape \(4,\)"):
        check_linear(lambda x, w: x @ w + w.sum() * w.sum() * x[:, 0], x, w)
    with pytest.raises(GradientError, match="not linear in input 0"):
        check_linear(lambda x: x * 2 + 1, x)
    with pytest.raises(GradientError, match="not linear"):
        check_linear(tc.relu, x)
    with pytest.raises(TypeError, match="float64"):
        check_linear(tc.neg, x.float())
    with pytest.raises(TypeError, match="floating point"):
        check_linear(tc.neg, 3)


# ---- other implementations -----------------------------------------------------------------------

def test_a_function_is_compared_with_a_reference(x):
    assert check_against_reference(tc.tanh, np.tanh, x) < 1e-15
    check_against_reference(lambda x: (x, x.sum(0)), lambda x: (x, x.sum(0)), x)
    with pytest.raises(GradientError, match=r"result 0 is wrong in 12 of 12(.|\n)*found(.|\n)*error"):
        check_against_reference(lambda x: x * (1 + 1e-9), np.array, x)
    with pytest.raises(GradientError, match=r"float64 \(3, 4\), expected float64 \(4, 3\)"):
        check_against_reference(tc.tanh, lambda x: np.tanh(x).T, x)
    with pytest.raises(GradientError, match="1 results, but the reference has 2"):
        check_against_reference(tc.tanh, lambda x: (x, x), x)


def test_a_reference_in_whole_numbers_is_compared_exactly():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    check_against_reference(lambda x: x.sum(1), lambda x: x.sum(1), x, rtol=0, atol=0)
    with pytest.raises(GradientError):
        check_against_reference(lambda x: x.sum(1) * (1 + 1e-6), lambda x: x.sum(1), x, rtol=0,
                                atol=0)


def test_not_a_number_equals_itself_and_nothing_else():
    x = np.array([np.nan, np.inf, 1.0])
    check_against_reference(lambda x: x * 1, np.array, x)
    for wrong in ([0, np.inf, 1], [np.nan, np.nan, 1], [np.nan, -np.inf, 1], [np.nan, np.inf, 2]):
        with pytest.raises(GradientError, match="wrong in 1 of 3"):
            check_against_reference(lambda x: x * 1, lambda x, w=wrong: np.array(w, float), x)


def test_a_function_is_compared_with_that_of_pytorch(torch, x, w):
    assert check_against_torch(tc.softmax, "softmax", x, 1) < 1e-15
    check_against_torch(lambda xs, dim: tc.cat(xs, dim), torch.cat, [x, x], dim=0)
    check_against_torch(lambda x: x * tc.tensor(np.ones(4, bool)), lambda x: x * 1, x.float())
    wrong = operation(np.tanh, lambda g, y, x: g * y)
    check_against_torch(wrong, torch.tanh, x, gradients=False)
    with pytest.raises(GradientError, match="the gradient of float input 0 is wrong in 12"):
        check_against_torch(wrong, torch.tanh, x)
    with pytest.raises(GradientError, match="result 0 is float64"):
        check_against_torch(lambda x: tc.tanh(x).double(), torch.tanh, x.float())
    with pytest.raises(GradientError, match="1 results, but PyTorch's function has 2"):
        check_against_torch(tc.amax, lambda x: torch.max(x, 1), x)
