"""What sorting, scattering, resizing and patches promise, whatever they are given."""
import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing.strategies import arrays, fill, generators, shapes

some = shapes(1, 3, 0, 6)


def axis_of(data, x):
    return data.draw(st.integers(-x.ndim, x.ndim - 1))


def inner(a, b):
    return float((a.data.astype(np.float64) * b.data).sum())


# ---- in order ------------------------------------------------------------------------------------

@given(arrays(some, values=("integers", "normal")), st.booleans(), st.data())
def test_sorted_values_are_in_order_and_indices_say_where_they_were(x, descending, data):
    d = axis_of(data, x)
    values, indices = tc.sort(tc.as_tensor(x), d, descending)
    steps = np.diff(values.data, axis=d)
    assert (steps <= 0 if descending else steps >= 0).all()
    np.testing.assert_array_equal(np.take_along_axis(x, indices.data, d), values.data)
    np.testing.assert_array_equal(np.sort(indices.data, d), np.sort(np.argsort(x, d), d))


@given(arrays(some, values="integers"), st.data())
def test_equal_elements_keep_their_order_either_way(x, data):
    d = axis_of(data, x)
    for descending in (False, True):
        values, indices = tc.sort(tc.as_tensor(x), d, descending)
        same = np.diff(values.data, axis=d) == 0
        assert (np.diff(indices.data, axis=d)[same] > 0).all()


@given(arrays(some), st.data())
def test_the_k_largest_are_the_first_in_descending_order(x, data):
    d = axis_of(data, x)
    k = data.draw(st.integers(0, x.shape[d]))
    values, _ = tc.topk(tc.as_tensor(x), k, d)
    np.testing.assert_array_equal(values.data, -np.sort(-x, d).take(range(k), d))


# ---- adjoint pairs -------------------------------------------------------------------------------

@given(generators(), shapes(1, 3, 1, 5), st.data())
def test_scatter_add_is_adjoint_to_gather(rng, shape, data):
    d = data.draw(st.integers(0, len(shape) - 1))
    at = tuple(data.draw(st.integers(1, n)) if i != d else n + 1 for i, n in enumerate(shape))
    index = tc.tensor(rng.integers(0, shape[d], at))
    x, src = (tc.tensor(fill(rng, s, "integers")) for s in (shape, at))
    assert inner(tc.gather(x, d, index), src) == inner(
        x, tc.zeros_like(x).scatter_add(d, index, src))


@given(generators(), shapes(2, 4, 1, 5), st.data())
def test_matrices_on_a_diagonal_are_adjoint_to_reading_it(rng, shape, data):
    offset = data.draw(st.integers(-2, 2))
    g = tc.tensor(fill(rng, shape[1:], "integers"))
    y = tc.diag_embed(g, offset)
    x = tc.tensor(fill(rng, y.shape, "integers"))
    assert inner(tc.diagonal(x, offset, -2, -1), g) == inner(x, y)


@st.composite
def patch_problems(draw):
    kernel, stride, dilation = (tuple(draw(st.integers(1, 3)) for _ in range(2)) for _ in range(3))
    padding = tuple(draw(st.integers(0, 2)) for _ in range(2))
    size = tuple(max(d * (k - 1) + 1 - 2 * p, 1) + draw(st.integers(0, 5))
                 for k, d, p in zip(kernel, dilation, padding))
    return size, {"kernel_size": kernel, "stride": stride, "dilation": dilation, "padding": padding}


@given(generators(), patch_problems(), st.integers(0, 2))
def test_fold_is_adjoint_to_unfold(rng, problem, N):
    size, options = problem
    x = tc.tensor(fill(rng, (N, 2, *size), "integers"))
    columns = F.unfold(x, **options)
    g = tc.tensor(fill(rng, columns.shape, "integers"))
    assert inner(columns, g) == inner(x, F.fold(g, size, **options))


@given(generators(), patch_problems())
def test_convolution_is_a_product_with_the_columns_of_unfold(rng, problem):
    size, options = problem
    x = tc.tensor(fill(rng, (2, 3, *size), "integers"))
    w = tc.tensor(fill(rng, (4, 3, *options["kernel_size"]), "integers"))
    settings = {name: value for name, value in options.items() if name != "kernel_size"}
    expected = F.conv2d(x, w, **settings)
    y = (w.reshape(4, -1) @ F.unfold(x, **options)).reshape(expected.shape)
    np.testing.assert_array_equal(y.data, expected.data)


# ---- there and back ------------------------------------------------------------------------------

@given(generators(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_pixels_shuffled_and_unshuffled_are_as_before(rng, r, H, W):
    x = tc.tensor(fill(rng, (2, 2 * r * r, H, W)))
    np.testing.assert_array_equal(F.pixel_unshuffle(F.pixel_shuffle(x, r), r).data, x.data)


@given(generators(), st.integers(1, 4), st.integers(1, 4))
def test_channels_dealt_out_and_collected_are_as_before(rng, groups, each):
    x = tc.tensor(fill(rng, (2, groups * each, 2)))
    y = F.channel_shuffle(F.channel_shuffle(x, groups), each)
    np.testing.assert_array_equal(y.data, x.data)


@given(arrays((2, 2, 6, 4), values="distinct"))
def test_unpooled_maxima_pool_to_themselves(x):
    x = tc.as_tensor(x) + 10
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(y, indices, 2)
    np.testing.assert_array_equal(F.max_pool2d(back, 2).data, y.data)
    assert (back.data != 0).sum() == y.numel()


# ---- resizing ------------------------------------------------------------------------------------

@given(st.sampled_from(["nearest", "nearest-exact", "area", "bilinear", "bicubic"]),
       st.booleans(), st.integers(1, 6), st.integers(1, 6), st.integers(1, 9), st.integers(1, 9))
def test_an_even_image_stays_even_at_any_size(mode, aligned, H, W, h, w):
    options = {"align_corners": aligned} if mode.startswith("bi") else {}
    y = F.interpolate(tc.full((1, 1, H, W), 3.0), (h, w), mode=mode, **options)
    np.testing.assert_allclose(y.data, np.full((1, 1, h, w), 3, np.float32), rtol=1e-6)


@given(generators(), st.integers(2, 6), st.integers(2, 9))
def test_with_aligned_corners_a_ramp_stays_a_ramp(rng, n, m):
    a, b = rng.standard_normal(2)
    y = F.interpolate(tc.tensor(np.linspace(a, b, n)[None, None]), m, mode="linear",
                      align_corners=True)
    np.testing.assert_allclose(y.data[0, 0], np.linspace(a, b, m), atol=1e-12)


@given(arrays((1, 2, 4, 3)), st.sampled_from(["nearest", "bilinear", "bicubic", "area"]))
def test_an_image_of_the_same_size_is_unchanged(x, mode):
    y = F.interpolate(tc.as_tensor(x), (4, 3), mode=mode)
    np.testing.assert_allclose(y.data, x, rtol=1e-12)


# ---- numbers -------------------------------------------------------------------------------------

@given(arrays(some), st.data())
def test_running_products_are_numpys(x, data):
    d = axis_of(data, x)
    np.testing.assert_allclose(tc.cumprod(tc.as_tensor(x), d).data, np.cumprod(x, d), rtol=1e-12)


@given(arrays(shapes(1, 3, 1, 6)), st.sampled_from([1, 2, 3, 0.5, np.inf, -np.inf, 0]), st.data())
def test_norms_are_numpys(x, p, data):
    d = axis_of(data, x)
    y = tc.linalg.vector_norm(tc.as_tensor(x), p, d).data
    np.testing.assert_allclose(y, np.linalg.norm(x, p, d), rtol=1e-12)


@given(arrays((3, 5)), st.floats(0.5, 4))
def test_normalised_vectors_have_length_one(x, p):
    assume((np.abs(x) > 1e-3).any(1).all())
    y = F.normalize(tc.as_tensor(x), p)
    np.testing.assert_allclose(tc.linalg.vector_norm(y, p, 1).data, 1, rtol=1e-9)


@given(arrays((2, 5, 4)), arrays((2, 6, 4)), st.booleans())
def test_attention_is_a_mean_of_values(q, k, causal):
    v = tc.ones(2, 6, 3, dtype=tc.float64)
    y = F.scaled_dot_product_attention(tc.as_tensor(q), tc.as_tensor(k), v, is_causal=causal)
    np.testing.assert_allclose(y.data, 1, rtol=1e-12)


@given(generators(), st.integers(1, 6), shapes(0, 2, 0, 4))
def test_an_embedding_is_a_product_with_the_one_hot_classes(rng, C, shape):
    t, w = tc.tensor(rng.integers(0, C, shape)), tc.tensor(fill(rng, (C, 3), "integers"))
    expected = F.one_hot(t, C).double() @ w
    np.testing.assert_array_equal(F.embedding(t, w).data, expected.data)
