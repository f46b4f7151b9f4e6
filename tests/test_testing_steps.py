"""How far the gradient checker moves the inputs: near edges, where f bends, and in any layout.

A step is right for each element: one that is long beside a small number leaves the domain of a
logarithm, one that is short beside a large number drowns in round-off.
"""
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rules import operation

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import GradientError, KinkError, check_grad
from tinyconv.testing.errors import PointError
from tinyconv.testing.layouts import LAYOUTS, awkward, lay_out, otherwise
from tinyconv.testing.lines import LIKE, NEAR, parts

SIZES = st.lists(st.floats(-12, 12).map(lambda e: 10.0 ** e), min_size=1, max_size=5)
signed = st.lists(st.sampled_from([-1.0, 1.0]), min_size=5, max_size=5)


# ---- what is right passes, wherever it is checked ------------------------------------------------

@pytest.mark.parametrize("f, x", [
    (tc.log, [1e4, 1e-4]), (tc.log, [1e-4, 1e-3, 1.0]), (tc.log, [1e8, 1.0, 1e-8]),
    (tc.log, [1e-12]), (tc.sqrt, [1e-9, 1.0, 1e9]), (lambda x: 1 / x, [1e5, -1e-5, 3e-3]),
    (lambda x: tc.log(x).sum(), [1e4, 1e-4, 2.0]), (lambda x: tc.log1p(-x), [1 - 1e-9, 0.0]),
    (lambda x: tc.log(x).prod(), [1e4, 1e-4, 2.0]), (lambda x: tc.sin(300 * x), [0.3, 0.7]),
    (lambda x: tc.sin(1e6 * x), [0.3, 0.7]), (lambda x: x * x * x, [1e6, 1.0, 1e-6, 0.0])])
@pytest.mark.parametrize("jacobian", [False, True])
def test_right_derivatives_pass_however_small_large_or_bent(f, x, jacobian):
    check_grad(f, np.array(x), order=1, jacobian=jacobian)
    check_grad(f, np.array(x), order=2)


@given(SIZES)
@example([1.0, 1.0, 1e7, 10 ** 1.5, 1e-12])        # 1/x of the last is 10¹², and stands still
def test_logarithms_pass_to_second_order_at_numbers_of_any_size(x):
    check_grad(tc.log, np.array(x))


@pytest.mark.parametrize("f, x", [
    (lambda x: tc.tanh(x) * 3e-5 + 1e12, [0.5, 1e7]),
    (lambda x: tc.exp(-x * x) * 1e-3 + 1e12, [0.5, 1e5])])
def test_a_slope_that_large_numbers_hide_is_no_error_of_the_rule(f, x):
    with pytest.raises(PointError, match="nothing can be checked"):
        check_grad(f, np.array(x), order=1)


@given(SIZES, signed)
def test_reciprocals_pass_at_numbers_of_any_size(x, signs):
    check_grad(lambda x: 1 / x, np.array(x) * signs[:len(x)], order=1)


def test_a_loss_that_refuses_what_is_no_probability_passes_beside_its_edge():
    p, t = np.array([1 - 1e-7, 1e-9, 0.5]), np.array([1.0, 0.0, 1.0])
    check_grad(lambda p: F.binary_cross_entropy(p, tc.tensor(t)), p, order=1)


# ---- what is wrong does not ----------------------------------------------------------------------

@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("factor", [1.001, 1 - 1e-4, -1, 0])
def test_an_error_in_one_of_numbers_of_many_sizes_is_found(which, factor):
    x, spoilt = np.array([1e4, 1e2, 1.0, 1e-4]), np.ones(4)
    spoilt[which] = factor
    for f, slope in ((np.log, lambda x: 1 / x), (np.sum, lambda x: 1 + 0 * x),
                     (np.square, lambda x: 2 * x)):
        if abs(slope(x)[which] * (1 - factor)) < 1e-7 + 1e-12 * f(x).max():
            continue                                       # below atol, or hidden by round-off
        wrong = operation(f, lambda g, y, x, slope=slope: g * slope(x) * tc.tensor(spoilt))
        with pytest.raises(GradientError, match=rf"element \({which},\)"):
            check_grad(wrong, x, order=1)


@pytest.mark.parametrize("method", ["central", "complex"])
def test_an_error_in_a_gradient_much_smaller_than_the_others_is_found(method):
    slopes = np.array([1e5, 1e5, 1.0, -1e5])
    spoilt = slopes * [1, 1, 1.01 if method == "central" else 1 + 1e-8, 1]
    f = operation(lambda x: x * slopes, lambda g, y, x: g * tc.tensor(spoilt))
    rule = operation(lambda x: x * slopes, lambda g, y, x: g * tc.tensor(slopes))
    x = np.array([0.3, 0.5, -0.7, 0.9])
    check_grad(rule, x, order=1, method=method)
    with pytest.raises(GradientError, match=r"element \(2,\)"):
        check_grad(f, x, order=1, method=method)


def test_a_kink_is_told_from_a_bend_by_much_shorter_steps():
    for x in (1e-6, 1e-7):
        check_grad(tc.relu, np.array([x, 1.0]), order=1)   # no kink: it lies beside it
        with pytest.raises(KinkError, match=r"element \(0,\)"):
            check_grad(lambda y, x=x: tc.relu(y - x), np.array([x, 1.0]), order=1)
    with pytest.raises(GradientError) as failure:
        check_grad(operation(lambda x: np.sin(1e5 * x), lambda g, y, x: 1.01e5 * g * tc.cos(
            1e5 * x)), np.array([0.3]), order=1)
    assert not isinstance(failure.value, KinkError)


@pytest.mark.parametrize("f, x, where", [
    (np.sqrt, [1.0, 0.0], 1), (np.arcsin, [1.0, 0.5], 0), (lambda x: np.log1p(-x), [0.3, 1 - 1e-16], 1),
    (lambda x: np.where(x <= 2, x, np.nan), [2.0, 1.0], 0)])
def test_at_the_edge_of_where_a_function_is_defined_that_is_said(f, x, where):
    planted = operation(f, lambda g, y, x: g * 0)
    with pytest.raises(KinkError, match=rf"input 0 .*the edge(.|\n)*element \({where},\), moved by"):
        check_grad(planted, np.array(x), order=1)


def test_at_the_edge_of_what_a_loss_takes_that_is_said():
    def loss(p):
        return F.binary_cross_entropy(p, tc.tensor([1.0, 1.0], dtype=tc.float64))
    with pytest.raises(KinkError, match=r"the edge(.|\n)*element \(1,\)"):
        check_grad(loss, np.array([0.5, 1.0]), order=1)


# ---- parts of a direction ------------------------------------------------------------------------

@given(SIZES, st.data())
def test_the_parts_of_a_direction_add_up_and_are_alike(x, data):
    x = np.array(x)
    g = np.array(data.draw(st.lists(SIZES.map(max), min_size=len(x), max_size=len(x))))
    u = np.linspace(0.5, 1.5, len(x))
    found = parts(u, x, g, 0.01)
    np.testing.assert_array_equal(sum(found), u)
    for part in found:
        sizes, slopes = np.maximum(x[part != 0], 1), np.maximum(g[part != 0], 0.01)
        assert sizes.max() <= NEAR * sizes.min() * (1 + 1e-9)
        assert slopes.max() <= LIKE * slopes.min() * (1 + 1e-9)


def test_numbers_that_are_alike_move_together(rng):
    x = rng.standard_normal((10, 10))
    assert len(parts(np.ones_like(x), x, x, 0.01)) == 1
    assert len(parts(np.ones(()), np.array(3.0), np.array(0.0), 0)) == 1


# ---- layouts -------------------------------------------------------------------------------------

def in_memory(x):
    """What a kernel reads that takes any array for a plain one."""
    return x.ravel(order="K").reshape(x.shape)


@pytest.mark.parametrize("layout", ["contiguous", "fortran", "reversed"])
def test_a_function_that_is_wrong_for_a_layout_is_told_from_a_kink(rng, layout):
    x = lay_out(rng.standard_normal((3, 4)), layout)
    wrong = operation(lambda x: in_memory(x) * 2, lambda g, y, x: g * 2)
    f = wrong if layout != "reversed" else operation(
        lambda x: np.where(x.strides[0] < 0, 3, 2) * x, lambda g, y, x: g * 2)
    with pytest.raises(GradientError, match="output 0 depends on how input 1 lies in memory"
                       r"(.|\n)*as given(.|\n)*strides(.|\n)*otherwise") as failure:
        check_grad(lambda k, x: k * f(x), np.array([2.0, 1.0, 3.0, 0.5]), x, order=1)
    assert not isinstance(failure.value, KinkError)


@pytest.mark.parametrize("layout", ["contiguous", "fortran"])
def test_a_rule_that_is_wrong_for_a_layout_of_its_argument_is_found(rng, layout):
    x = lay_out(rng.standard_normal((3, 4)), layout)
    f = operation(np.square, lambda g, y, x: g * 2 * tc.tensor(in_memory(x.data)))
    with pytest.raises(GradientError, match="the gradient for input 0 depends on how input 0 lies"):
        check_grad(f, x, order=1)


def test_a_result_of_another_shape_for_another_layout_is_found(rng):
    f = operation(lambda x: x if x.flags.c_contiguous else x[:1], lambda g, y, x: g)
    with pytest.raises(GradientError, match=r"of shape \(3, 4\)(.|\n)*otherwise +of shape \(1, 4\)"):
        check_grad(f, rng.standard_normal((3, 4)), order=1)


def test_a_function_that_refuses_other_layouts_is_not_wrong(rng):
    def plain(x):
        if not x.data.flags.c_contiguous:
            raise ValueError("expected a plain array")
        return x * x
    check_grad(plain, rng.standard_normal((3, 4)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (0, 2), ()])
def test_a_copy_that_lies_otherwise_has_the_same_numbers_elsewhere(rng, layout, shape):
    x = lay_out(rng.standard_normal(shape), layout)
    y = otherwise(x)
    np.testing.assert_array_equal(x, y)
    assert not np.may_share_memory(x, y) and x.shape == y.shape
    assert x.strides != y.strides or x.size <= 1
    assert awkward(x).strides == y.strides or y.flags.c_contiguous
