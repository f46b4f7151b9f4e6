"""Functions of `F` beyond convolution, norms and pooling, where they are awkward or called wrongly.

`F` in a call is tinyconv's or PyTorch's. The ordinary calls are in `calls_of_functional.py`.
"""
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_grad
from tinyconv.testing.strategies import fill, generators

CLASSES = np.array([[2, 0, 1], [1, 1, 3]])
LOOK = np.array([[True, False, True], [False, False, False]])

# ---- resizing ------------------------------------------------------------------------------------

MODES = {1: ["nearest", "nearest-exact", "area", "linear"],
         2: ["nearest", "nearest-exact", "area", "bilinear", "bicubic"],
         3: ["nearest", "nearest-exact", "area", "trilinear"]}


@st.composite
def resizings(draw):
    """An image, and arguments of `interpolate`."""
    dims = draw(st.integers(1, 3))
    mode = draw(st.sampled_from(MODES[dims]))
    size = tuple(draw(st.integers(1, 7 if dims < 3 else 4)) for _ in range(dims))
    options = {"mode": mode}
    if draw(st.booleans()):
        options["size"] = tuple(draw(st.integers(1, 9 if dims < 3 else 5)) for _ in range(dims))
    else:
        factors = st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0, 0.7, 1.7, 2.3])
        factor = tuple(draw(factors.filter(lambda f, n=n: n * f >= 1)) for n in size)
        options["scale_factor"] = factor
        options["recompute_scale_factor"] = draw(st.sampled_from([None, True, False]))
    if "linear" in mode or mode == "bicubic":
        options["align_corners"] = draw(st.sampled_from([None, False, True]))
    if mode in ("bilinear", "bicubic"):
        # of an image that is or becomes one pixel wide PyTorch repeats the first row
        width = options["size"][-1] if "size" in options else int(size[-1] * factor[-1])
        options["antialias"] = min(size[-1], width) > 1 and draw(st.booleans())
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 2)), *size)
    return draw(generators()).standard_normal(shape), options


@given(resizings())
@example((np.array([[[[1.0, 2.0]]]]), {"mode": "nearest", "scale_factor": (1.0, 2.3)}))
@example((np.arange(4.0).reshape(1, 1, 4, 1), {"mode": "nearest", "scale_factor": (1.1, 1.0)}))
def test_images_are_resized_as_by_pytorch(torch, against_torch, problem):
    x, options = problem
    # PyTorch's gradient of "nearest" takes a short cut that its result takes in 2 dimensions only
    factors = options.get("scale_factor", ()) if x.ndim != 4 and options["mode"] == "nearest" else ()
    short_cut = any(int(n * f) in (n, 2 * n) and f not in (1, 2)
                    for n, f in zip(x.shape[2:], factors))
    against_torch(lambda x: F.interpolate(x, **options),
                  lambda x: torch.nn.functional.interpolate(x, **options), x,
                  gradients=not short_cut)


@given(resizings())
def test_resizing_to_second_order(problem):
    x, options = problem
    check_grad(lambda x: F.interpolate(x, **options), x, name="interpolate")


@pytest.mark.parametrize("n", range(1, 40, 3))
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_pixels_are_pytorchs_for_every_size(torch, n, mode):
    x = np.arange(n, dtype=np.float32).reshape(1, 1, n)
    for m in range(1, 80):
        y = F.interpolate(tc.tensor(x), m, mode=mode).data
        expected = torch.nn.functional.interpolate(torch.tensor(x), m, mode=mode).numpy()
        np.testing.assert_array_equal(y, expected, err_msg=f"{n} → {m}")
    for factor in (0.3, 0.6, 1.1, 1.3, 1.9, 2.7):
        if n * factor >= 1:
            y = F.interpolate(tc.tensor(x), scale_factor=factor, mode=mode).data
            expected = torch.nn.functional.interpolate(torch.tensor(x), scale_factor=factor,
                                                       mode=mode).numpy()
            np.testing.assert_array_equal(y, expected, err_msg=f"{n} · {factor}")


@given(problem=resizings())
def test_resizing_backwards_is_the_adjoint(problem):
    x, options = problem
    x = tc.tensor(x, requires_grad=True)
    y = F.interpolate(x, **options)
    g = tc.tensor(np.random.default_rng(0).standard_normal(y.shape))
    (gx,) = tc.grad(y, x, g)
    assert (y * g).sum().item() == pytest.approx((x * gx).sum().item(), abs=1e-9)


def test_an_image_one_pixel_wide_is_antialiased_as_a_wider_one():
    x = tc.tensor([[[[0.0], [1.0]]]])
    narrow, wide = (F.interpolate(x.expand(1, 1, 2, w), (4, w), mode="bilinear", antialias=True)
                    for w in (1, 3))
    assert narrow.flatten().tolist() == wide[..., 0].flatten().tolist() == [0, 0.25, 0.75, 1]


def test_pixels_that_count_nothing_spoil_nothing():
    x = tc.tensor([[[1.0, np.nan, 3.0, np.inf]]], requires_grad=True)
    y = F.interpolate(x, 2, mode="nearest")
    assert y.tolist() == [[[1, 3]]]
    y.backward(tc.tensor([[[np.nan, 1.0]]]))
    np.testing.assert_array_equal(x.grad.data, [[[np.nan, 0, 1, 0]]])


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest"])
def test_single_precision_stays_so_in_any_layout(mode):
    x = tc.tensor(np.ones((2, 5, 4, 3), np.float32).transpose(0, 3, 1, 2)[:, :, ::-1])
    y = F.interpolate(x, scale_factor=2, mode=mode)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, 1, rtol=1e-6)


# ---- the way back from max pooling ---------------------------------------------------------------

UNPOOLED = [(1, (2, 3, 8), dict(kernel_size=2), None), (1, (3, 9), dict(kernel_size=3), None),
            (2, (2, 3, 6, 4), dict(kernel_size=2), None),
            (2, (2, 3, 7, 5), dict(kernel_size=2), (2, 3, 7, 5)),
            (2, (2, 3, 7, 5), dict(kernel_size=2), (7, 5)),
            (2, (1, 2, 9, 9), dict(kernel_size=2, stride=3), (9, 9)),
            (2, (3, 6, 6), dict(kernel_size=(2, 3), padding=(1, 0)), (6, 6)),
            (2, (0, 3, 6, 4), dict(kernel_size=2), None),
            (3, (1, 2, 4, 4, 2), dict(kernel_size=2), None)]


@pytest.mark.parametrize("dims, shape, window, size", UNPOOLED)
def test_maxima_go_back_where_they_were(torch, against_torch, rng, dims, shape, window, size):
    x = fill(rng, shape, "distinct")

    def there_and_back(F, x):
        y, i = getattr(F, f"max_pool{dims}d")(x, return_indices=True, **window)
        return getattr(F, f"max_unpool{dims}d")(y, i, output_size=size, **window)
    against_torch(lambda x: there_and_back(F, x),
                  lambda x: there_and_back(torch.nn.functional, x), x)
    check_grad(lambda x: there_and_back(F, x), x)


def test_a_maximum_of_several_windows_is_written_once_and_its_last_copy_has_the_gradient(rng):
    y = tc.tensor([[[5.0, 6.0, 7.0]]], requires_grad=True)
    x = F.max_unpool1d(y, tc.tensor([[[1, 1, 2]]]), 2, stride=1)
    assert x.tolist() == [[[0, 6, 7, 0]]]
    x.sum().backward()
    assert y.grad.tolist() == [[[0, 1, 1]]]


# ---- classes -------------------------------------------------------------------------------------

def test_the_padding_row_of_an_embedding_gets_no_gradient():
    w = tc.ones(4, 2, requires_grad=True)
    F.embedding(tc.tensor([1, 3, 1]), w, padding_idx=3).sum().backward()
    assert w.grad.tolist() == [[0, 0], [2, 2], [0, 0], [0, 0]]


def test_one_hot(torch):
    for t, n in ((CLASSES, -1), (CLASSES, 6), (np.array(2), -1), (np.zeros((0, 2), int), 3)):
        y, expected = F.one_hot(tc.tensor(t), n), torch.nn.functional.one_hot(torch.tensor(t), n)
        assert y.dtype == np.int64
        np.testing.assert_array_equal(y.data, expected.numpy())


# ---- where it is awkward -------------------------------------------------------------------------

def test_of_no_images_the_pixels_become_channels_all_the_same():
    assert F.pixel_unshuffle(tc.ones(0, 1, 4, 6), 2).shape == (0, 4, 2, 3)    # not so in PyTorch
    assert F.pixel_shuffle(tc.ones(0, 4, 2, 3), 2).shape == (0, 1, 4, 6)


@pytest.mark.parametrize("f", [lambda F, x: F.normalize(x), lambda F, x: F.normalize(x, 1),
                               lambda F, x: F.cosine_similarity(x, x + 1),
                               lambda F, x: F.pairwise_distance(x, x)])
def test_vectors_of_zeros_as_pytorch(torch, against_torch, f):
    against_torch(lambda x: f(F, x), lambda x: f(torch.nn.functional, x), np.zeros((2, 3)))


def test_a_window_of_zeros_has_a_gradient_of_zero():
    x = tc.zeros(1, 1, 4, requires_grad=True)
    F.lp_pool1d(x, 2, 2).sum().backward()
    assert x.grad.tolist() == [[[0, 0, 0, 0]]]


def test_a_query_that_may_look_nowhere_gives_zero_and_spoils_no_gradient():
    q, k = tc.ones(2, 3, requires_grad=True), tc.ones(3, 3, requires_grad=True)
    for mask in (tc.tensor(LOOK), tc.where(tc.tensor(LOOK), 0.0, -np.inf)):
        y = F.scaled_dot_product_attention(q, k, k, mask)
        assert y.tolist() == [[1, 1, 1], [0, 0, 0]]
        y.sum().backward()
    assert np.isfinite(q.grad.data).all() and np.isfinite(k.grad.data).all()


x1, x2 = tc.ones(1, 3, 4), tc.ones(1, 3, 4, 4)


@pytest.mark.parametrize("f, complaint", [
    (lambda: F.interpolate(x2), "expected either size or scale_factor, got neither"),
    (lambda: F.interpolate(x2, 3, 2.0), "expected either size or scale_factor, got both"),
    (lambda: F.interpolate(x2, (3,) * 3), "interpolate: size should be a number or 2 of them"),
    (lambda: F.interpolate(x2, (3,)), "interpolate: size should be a number or 2 of them"),
    (lambda: F.interpolate(x2, 2.5), "interpolate: size should be a whole number"),
    (lambda: F.interpolate(x2, 0), "interpolate: size should be a whole number ≥ 1"),
    (lambda: F.interpolate(x2, scale_factor=(1, 2, 3)), "interpolate: scale_factor should be"),
    (lambda: F.interpolate(x2, scale_factor=0.1), "leaves nothing"),
    (lambda: F.interpolate(x2, scale_factor=-1), "scale_factor should be a number > 0"),
    (lambda: F.interpolate(x2, 3, mode="linear"), "for 2 spatial .*'bilinear'.*got 'linear'"),
    (lambda: F.interpolate(x1, 3, mode="bilinear"), "for 1 spatial .*'linear', got 'bilinear'"),
    (lambda: F.interpolate(x2, 3, align_corners=True), "mode 'nearest' takes no align_corners"),
    (lambda: F.interpolate(x2, 3, antialias=True), "antialias is for"),
    (lambda: F.interpolate(x2, 3, recompute_scale_factor=True), "recompute_scale_factor is for"),
    (lambda: F.interpolate(x2[0, 0], 3), r"interpolate: input should be \(N, C, …\)"),
    (lambda: F.interpolate(tc.arange(8).reshape(1, 2, 4), 3), "expected a floating point tensor"),
    (lambda: F.pixel_shuffle(x2, 2), "pixel_shuffle: .*multiple of 4 channels"),
    (lambda: F.pixel_unshuffle(x2, 3), "pixel_unshuffle: .*multiples of 3"),
    (lambda: F.channel_shuffle(x2, 2), "channel_shuffle: .*multiple of 2"),
    (lambda: F.unfold(x2, 5), r"unfold: kernel \(5, 5\) .* larger than the image \(4, 4\)"),
    (lambda: F.unfold(tc.ones(4, 4), 2), r"unfold: input should be \(N, C, H, W\)"),
    (lambda: F.fold(x1, 4, 2), "fold: .*multiple of 4 rows"),
    (lambda: F.lp_pool2d(x2, 0, 2), "lp_pool2d: norm_type should be a number other than 0"),
    (lambda: F.lp_pool2d(x1[0], 2, 2), "lp_pool2d: input should have 4 dimensions"),
    (lambda: F.max_unpool2d(x2, tc.zeros(1, 3, 4, 4), 2), "max_unpool2d: indices should be int64"),
    (lambda: F.max_unpool1d(x1, tc.full((1, 3, 4), 8), 2), "max_unpool1d: indices from 8 to 8"),
    (lambda: F.max_unpool1d(x1, tc.full((1, 3, 4), 0), 2, output_size=(12,)), "output_size"),
    (lambda: F.one_hot(tc.tensor([3]), 3), "one_hot: class 3 at .* not one of 3"),
    (lambda: F.one_hot(tc.tensor([-1])), "one_hot: class -1"),
    (lambda: F.one_hot(tc.ones(2)), "one_hot: expected classes as whole numbers, got float32"),
    (lambda: F.embedding(tc.tensor([4]), tc.ones(4, 2)), "embedding: class 4 at"),
    (lambda: F.embedding(tc.tensor([3]), tc.ones(4)), "embedding: weight should be a table"),
    (lambda: F.embedding(tc.tensor([3]), tc.ones(4, 2), 4), "embedding: padding_idx 4"),
    (lambda: F.bilinear(tc.ones(2, 3), tc.ones(2, 4), tc.ones(5, 4, 3)), "bilinear: inputs"),
    (lambda: F.scaled_dot_product_attention(x1, x1[..., 1:], x1), "attention: expected query"),
    (lambda: F.scaled_dot_product_attention(x1, x1, x1, tc.ones(3, 3), is_causal=True), "exclude"),
    (lambda: F.rms_norm(x1, 3), r"rms_norm: the last dimensions of \(1, 3, 4\)"),
])
def test_a_bad_call_is_named(f, complaint):
    with pytest.raises((ValueError, TypeError, IndexError), match=complaint):
        f()
