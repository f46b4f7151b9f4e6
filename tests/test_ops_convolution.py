"""The convolution family: each is the gradient of another."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import ops
from tinyconv.kernels import winograd
from tinyconv.kernels.geometry import Geometry
from tinyconv.testing import check_adjoint, check_grad
from tinyconv.testing.strategies import arrays, conv_problems


@st.composite
def geometries(draw, **limits):
    """(problem, its Geometry of three dimensions); here the padding may differ before and after."""
    p = draw(conv_problems(**limits))
    one, none = (1,) * (3 - p.dims), (0,) * (3 - p.dims)
    after = tuple(q + draw(st.integers(0, 1)) for q in p.padding)
    return p, Geometry(one + p.size, one + p.kernel, one + p.stride, none + p.padding, none + after,
                       one + p.dilation)


def shapes(p, geometry):
    """The shapes of x, w and g, all of three spatial dimensions."""
    return ((p.N, p.C, *geometry.size), (p.O, p.C // p.groups, *geometry.kernel),
            (p.N, p.O, *geometry.output))


@given(problem=geometries(), data=st.data())
def test_the_three_are_partial_gradients_of_one_trilinear_form(problem, data):
    """⟨conv(x, w), g⟩ = ⟨x, conv_input(g, w)⟩ = ⟨w, conv_weight(x, g)⟩"""
    p, geometry = problem
    x, w, g = (data.draw(arrays(s, np.float64, "integers")) for s in shapes(p, geometry))
    rest, exact = (geometry, p.groups), {"rtol": 0, "atol": 0}
    check_adjoint(lambda x: ops.conv(x, w, None, *rest), lambda g: ops.conv_input(g, w, *rest),
                  x, g, **exact)
    check_adjoint(lambda w: ops.conv(x, w, None, *rest), lambda g: ops.conv_weight(x, g, *rest),
                  w, g, **exact)
    check_adjoint(lambda g: ops.conv_input(g, w, *rest), lambda x: ops.conv(x, w, None, *rest),
                  g, x, **exact)


@given(problem=geometries(max_channels=2, max_out=2, max_batch=2), data=st.data())
def test_each_is_differentiable_to_second_order(problem, data):
    p, geometry = problem
    x, w, g = (data.draw(arrays(s)) for s in shapes(p, geometry))
    rest = geometry, p.groups
    check_grad(lambda x, w, b: ops.conv(x, w, b, *rest), x, w, data.draw(arrays((p.O,))),
               name="conv")
    check_grad(lambda g, w: ops.conv_input(g, w, *rest), g, w, name="conv_input")
    check_grad(lambda x, g: ops.conv_weight(x, g, *rest), x, g, name="conv_weight")


@given(problem=geometries(max_channels=2, max_out=2, max_batch=2), data=st.data())
def test_the_gradient_of_the_image_can_be_added_to_another(problem, data):
    p, geometry = problem
    (x, w, g), rest = (data.draw(arrays(s)) for s in shapes(p, geometry)), (geometry, p.groups)
    check_grad(lambda g, w, a: ops.conv_input(g, w, *rest, a), g, w, x, name="conv_input")


@pytest.mark.parametrize("C, K, stride", [(16, 3, 1), (3, 5, 1), (5, 3, 2)],
                         ids=["Winograd", "col2im", "direct"])
def test_a_residual_path_gets_the_sum_of_its_gradients(C, K, stride):
    rng = np.random.default_rng(0)
    x = tc.tensor(rng.integers(-3, 4, (5, C, 12, 12)).astype(np.float32), requires_grad=True)
    w = tc.tensor(rng.integers(-3, 4, (16, C, K, K)).astype(np.float32))
    y = F.conv2d(x, w, padding=K // 2, stride=stride)
    g, g_x = (tc.tensor(rng.integers(-3, 4, t.shape).astype(np.float32)) for t in (y, x))
    (both,) = tc.grad([y, x * 1], [x], [g, g_x])
    (alone,) = tc.grad(F.conv2d(x, w, padding=K // 2, stride=stride), [x], g)
    assert np.array_equal(both.data, alone.data + g_x.data)


def test_a_residual_path_passes_the_check_by_complex_steps_too():
    geometry = Geometry((1, 4, 4), (1, 3, 3), (1,) * 3, (0, 1, 1), (0, 1, 1), (1,) * 3)
    rng = np.random.default_rng(0)
    check_grad(lambda x, w: x + ops.conv(x, w, None, geometry, 1), rng.normal(size=(2, 3, 1, 4, 4)),
               rng.normal(size=(3, 3, 1, 3, 3)), method="complex")


def test_what_is_added_to_the_gradient_of_the_image_must_be_like_it():
    geometry = Geometry((1, 8, 8), (1, 3, 3), (1,) * 3, (0, 1, 1), (0, 1, 1), (1,) * 3)
    with pytest.raises(ValueError, match="conv_input: expected a of shape"):
        ops.conv_input(tc.ones(64, 16, 1, 8, 8), tc.ones(16, 16, 1, 3, 3), geometry, 1,
                       tc.ones(1, 16, 1, 8, 8))


# ---- with the batch norm of evaluation in one ----------------------------------------------------

BIG = Geometry((1, 8, 8), (1, 3, 3), (1,) * 3, (0, 1, 1), (0, 1, 1), (1,) * 3)      # Winograd's


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("adding", [False, True])
@given(problem=geometries(max_channels=2, max_out=2, max_batch=2), data=st.data())
def test_a_scaled_convolution_is_its_parts_to_second_order(relu, adding, problem, data):
    """relu((x ∗ w) · scale + shift + a)"""
    p, geometry = problem
    x, w, a = (data.draw(arrays(s, np.float64, "integers")) for s in shapes(p, geometry))
    scale, shift = (data.draw(arrays((p.O,), np.float64, "integers", layouts=("contiguous",)))
                    for _ in range(2))
    shift, a = shift + 0.5, a if adding else None          # so nothing is near the kink of ReLU

    def scaled(x, w, *a):
        a = a[0] if a else None
        return ops.conv_scaled(x, w, a, scale, shift, geometry, p.groups, relu=relu)

    def parts(x, w, *a):
        y = ops.conv(x, w, None, geometry, p.groups)
        y = y * scale[:, None, None, None] + shift[:, None, None, None] + (a[0] if a else 0)
        return ops.relu(y) if relu else y

    given_ = (x, w) if a is None else (x, w, a)
    assert np.array_equal(scaled(*given_).data, parts(*given_).data)
    check_grad(scaled, *given_, name="conv_scaled")


@given(problem=geometries(max_channels=2, max_out=2, max_batch=2), data=st.data())
def test_gradients_of_a_scaled_convolution_pass_where_its_relu_does(problem, data):
    p, geometry = problem
    x, w, a = (tc.tensor(data.draw(arrays(s, values="integers")), requires_grad=True)
               for s in shapes(p, geometry))
    scale, shift = (data.draw(arrays((p.O,), values="integers", layouts=("contiguous",)))
                    for _ in range(2))
    y = ops.conv_scaled(x, w, a, scale, shift, geometry, p.groups, relu=True)
    parts = ops.relu(ops.conv(x, w, None, geometry, p.groups) * scale[:, None, None, None]
                     + shift[:, None, None, None] + a)
    v = tc.tensor(data.draw(arrays(y.shape, values="integers")))
    for found, expected in zip(tc.grad(y, [x, w, a], v), tc.grad(parts, [x, w, a], v)):
        assert np.array_equal(found.data, expected.data)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("adding", [False, True])
@pytest.mark.parametrize("size", [(8, 8), (7, 8), (8, 5), (7, 5)])
def test_a_scaled_convolution_by_winograd_is_its_parts(rng, relu, adding, size):
    geometry = BIG._replace(size=(1, *size))
    assert winograd.fits(geometry, 18, 32, 48, 1, np.float32)
    x, w, a = (rng.integers(-4, 5, s).astype(np.float32)
               for s in ((18, 32, 1, *size), (48, 32, 1, 3, 3), (18, 48, 1, *size)))
    scale, shift = rng.integers(-4, 5, (2, 48)).astype(np.float32)
    y = ops.conv(x, w, None, geometry, 1).data
    y = y * scale[:, None, None, None] + shift[:, None, None, None] + (a if adding else 0)
    found = ops.conv_scaled(x, w, a if adding else None, scale, shift, geometry, 1, relu=relu)
    np.testing.assert_allclose(found.data, np.maximum(y, 0) if relu else y, rtol=1e-6,
                               atol=1e-6 * np.abs(y).max())


@pytest.mark.parametrize("adding", [False, True])
def test_nan_is_not_lost_in_the_relu_behind_a_scaled_convolution(adding):
    x, w, one = (np.ones(s, np.float32) for s in ((5, 32, 1, 8, 8), (48, 32, 1, 3, 3), 48))
    x[0, 0, 0, 4, 4] = np.nan
    a = np.ones((5, 48, 1, 8, 8), np.float32) if adding else None
    y = ops.conv_scaled(x, w, a, one, one, BIG, 1, relu=True).data
    assert np.isnan(y[0, :, 0, 3:6, 3:6]).all() and np.isfinite(y[1:]).all()


@given(data=st.data())
def test_a_bias_may_lie_in_memory_as_it_likes(data):
    x, w = np.ones((4, 16, 1, 8, 8), np.float32), np.ones((16, 16, 1, 3, 3), np.float32)
    b = data.draw(arrays((16,), np.float32, "integers"))
    y = ops.conv(x, w, b, BIG, 1).data - ops.conv(x, w, None, BIG, 1).data
    np.testing.assert_allclose(y, np.broadcast_to(b[:, None, None, None], y.shape), atol=1e-4)
    scaled = ops.conv_scaled(x, w, None, b, b, BIG, 1).data
    np.testing.assert_allclose(scaled[0, :, 0, 4, 4], 144 * b + b, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weight_gradients_read_no_further_than_the_gradient_goes(rng, dtype):
    """One output channel of one pixel: a register full of them is more than all images have."""
    one = Geometry((1, 4, 4), (1, 4, 4), (1,) * 3, (0,) * 3, (0,) * 3, (1,) * 3)
    x = rng.integers(-4, 5, (64, 8, 1, 4, 4)).astype(dtype)
    room = np.full(64 + 64, np.nan, dtype)
    g = room[:64].reshape(64, 1, 1, 1, 1)
    g[:] = rng.integers(-4, 5, g.shape)
    gw = ops.conv_weight(x, g, one, 1).data
    assert np.array_equal(gw[0, :, 0], np.einsum("ncdhw,n->chw", x, g.reshape(-1)))


def test_images_without_rows_have_gradients_too():
    """Padding makes outputs of them."""
    none = Geometry((1, 0, 8), (1, 3, 3), (1,) * 3, (0, 2, 2), (0, 2, 2), (1,) * 3)
    g, w = np.ones((64, 16, *none.output), np.float32), np.ones((16, 16, 1, 3, 3), np.float32)
    assert ops.conv_input(g, w, none, 1).shape == (64, 16, 1, 0, 8)


GEOMETRY = Geometry((1, 5, 6), (1, 3, 3), (1, 1, 1), (0, 0, 0), (0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize("f, expected", [
    (lambda x, w, g: ops.conv(x[:, :, :, :4], w, None, GEOMETRY, 1), r"\(1, 5, 6\)"),
    (lambda x, w, g: ops.conv(x, w[:, :, :, :1], None, GEOMETRY, 1), r"\(1, 3, 3\)"),
    (lambda x, w, g: ops.conv_input(g[:, :, :, :2], w, GEOMETRY, 1), r"\(1, 3, 4\)"),
    (lambda x, w, g: ops.conv_weight(x, g[:, :, :, :2], GEOMETRY, 1), r"\(1, 3, 4\)")])
def test_arrays_that_do_not_have_the_geometry_are_refused_before_a_kernel_runs(f, expected):
    x, w, g = tc.ones(1, 2, 1, 5, 6), tc.ones(3, 2, 1, 3, 3), tc.ones(1, 3, 1, 3, 4)
    with pytest.raises(ValueError, match=f"convolution: .*{expected}"):
        f(x, w, g)
