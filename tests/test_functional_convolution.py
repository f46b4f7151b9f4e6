"""conv1d/2d/3d and their transposes: exact, adjoint, as PyTorch, to any order; clear when wrong."""
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import check_adjoint, check_grad
from tinyconv.testing.strategies import ConvProblem, arrays, conv_problems

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
LENET = ConvProblem(2, 1, 6, (28, 28), (5, 5), (1, 1), (2, 2), (1, 1), 1)
RESNET_STRIDED = ConvProblem(2, 16, 32, (9, 9), (3, 3), (2, 2), (1, 1), (1, 1), 1)
DEPTHWISE = ConvProblem(2, 18, 36, (6, 7), (3, 3), (1, 2), (1, 0), (2, 1), 18)
POINTWISE = ConvProblem(3, 5, 7, (4, 5), (1, 1), (2, 2), (0, 0), (1, 1), 1)


def draw(data, problem, dtype=np.float64, values="normal"):
    x = data.draw(arrays(problem.x_shape, dtype, values))
    w = data.draw(arrays(problem.w_shape, dtype, values))
    return x, w, data.draw(arrays((problem.O,), dtype, values))


def reference(x, w, b, p):
    """The definition, one loop after another, in float64."""
    padded = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *((q, q) for q in p.padding)])
    y = np.zeros(p.y_shape) + b.astype(np.float64).reshape(-1, *[1] * p.dims)
    per_group = p.C // p.groups
    for o in range(p.O):
        first = o // (p.O // p.groups) * per_group
        for tap in np.ndindex(*p.kernel):
            window = tuple(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s
                           in zip(tap, p.dilation, p.out, p.stride))
            for c in range(per_group):
                y[:, o] += padded[(slice(None), first + c, *window)] * w[(o, c, *tap)]
    return y


def transposed_shape(p, output_padding=0):
    """The shape of the transposed convolution of a tensor shaped like the result of p."""
    return tuple((n - 1) * s - 2 * q + d * (k - 1) + output_padding + 1 for n, s, q, d, k
                 in zip(p.out, p.stride, p.padding, p.dilation, p.kernel))


# ---- values --------------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(p=conv_problems(max_channels=9, max_out=9), data=st.data())
def test_whole_numbers_give_the_definition_exactly(dtype, p, data):
    x, w, b = draw(data, p, dtype, "integers")
    y = CONV[p.dims](tc.as_tensor(x), tc.as_tensor(w), tc.as_tensor(b), **p.options)
    assert y.dtype == dtype and np.array_equal(y.data, reference(x, w, b, p))


@pytest.mark.parametrize("channels", [(1, 6), (3, 16), (16, 16), (17, 33), (33, 10), (64, 64)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_channels_that_do_not_fill_the_lanes_are_exact(rng, channels, dtype):
    p = ConvProblem(2, *channels, (6, 7), (3, 3), (1, 1), (1, 1), (1, 1), 1)
    x, w, b = (rng.integers(-4, 5, s).astype(dtype) for s in (p.x_shape, p.w_shape, (p.O,)))
    x, w, b = (tc.tensor(a, requires_grad=True) for a in (x, w, b))
    y = F.conv2d(x, w, b, **p.options)
    assert np.array_equal(y.data, reference(x.data, w.data, b.data, p))
    g = rng.integers(-4, 5, y.shape).astype(dtype)
    gx, gw, gb = tc.grad(y, [x, w, b], tc.tensor(g))
    inner = (y.data - b.data.reshape(1, -1, 1, 1)).astype(np.float64)
    assert (inner * g).sum() == (gx.data * x.data).sum(dtype=np.float64) \
        == (gw.data * w.data).sum(dtype=np.float64)
    assert np.array_equal(gb.data, g.sum((0, 2, 3)))


@given(p=conv_problems(), data=st.data())
@example(p=LENET, data=None)
@example(p=RESNET_STRIDED, data=None)
@example(p=DEPTHWISE, data=None)
@example(p=POINTWISE, data=None)
def test_convolution_as_pytorch(torch, against_torch, p, data):
    shapes = p.x_shape, p.w_shape, (p.O,)
    args = draw(data, p) if data else [np.random.default_rng(0).standard_normal(s) for s in shapes]
    theirs = getattr(torch.nn.functional, f"conv{p.dims}d")
    against_torch(lambda *t: CONV[p.dims](*t, **p.options), lambda *t: theirs(*t, **p.options),
                  *args)
    single = [np.asarray(a, np.float32) for a in args]
    against_torch(lambda x, w: CONV[p.dims](x, w, **p.options),
                  lambda x, w: theirs(x, w, **p.options), *single[:2], rtol=1e-4, atol=1e-4)


@given(p=conv_problems(min_batch=0), data=st.data())
def test_transposed_convolution_as_pytorch(torch, against_torch, p, data):
    g, w = data.draw(arrays(p.y_shape)), data.draw(arrays(p.w_shape))
    b = data.draw(arrays((p.C,)))
    extra = tuple(data.draw(st.integers(0, max(s, d) - 1)) for s, d in zip(p.stride, p.dilation))
    if min(np.add(transposed_shape(p), extra)) < 1:
        return
    theirs = getattr(torch.nn.functional, f"conv_transpose{p.dims}d")
    options = {**p.options, "output_padding": extra}
    against_torch(lambda *t: TRANSPOSE[p.dims](*t, **options), lambda *t: theirs(*t, **options),
                  g, w, b)


@pytest.mark.parametrize("stride, padding, dilation, extra", [
    (1, 0, 2, 1), (1, 1, 3, 2), (2, 1, 1, 1), (2, 0, 4, 3), (2, 3, 4, 3), (3, 1, 2, 2),
    (1, 2, 3, 1)])
@pytest.mark.parametrize("kernel", [1, 2, 3])
def test_output_padding_up_to_the_dilation(torch, against_torch, rng, stride, padding, dilation,
                                           extra, kernel):
    x, w = rng.standard_normal((2, 3, 5)), rng.standard_normal((3, 2, kernel))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": extra}
    against_torch(lambda *t: F.conv_transpose1d(*t, **options),
                  lambda *t: torch.nn.functional.conv_transpose1d(*t, **options), x, w,
                  rng.standard_normal(2))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_an_input_without_batch_gives_a_result_without(torch, against_torch, rng, dims):
    x, w = rng.standard_normal((3, *[5] * dims)), rng.standard_normal((4, 3, *[2] * dims))
    against_torch(CONV[dims], getattr(torch.nn.functional, f"conv{dims}d"), x, w)
    w = rng.standard_normal((3, 4, *[2] * dims))
    against_torch(TRANSPOSE[dims], getattr(torch.nn.functional, f"conv_transpose{dims}d"), x, w)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_padding_by_name(torch, against_torch, rng, kernel, padding, dilation):
    for dims in (1, 2):
        x = rng.standard_normal((2, 3, *[9] * dims))
        w = rng.standard_normal((2, 3, *[kernel] * dims))
        theirs = getattr(torch.nn.functional, f"conv{dims}d")
        against_torch(lambda x, w: CONV[dims](x, w, padding=padding, dilation=dilation),
                      lambda x, w: theirs(x, w, padding=padding, dilation=dilation), x, w)


def test_the_kernel_is_not_flipped():
    x = tc.tensor([[[[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 0, 1, 2]]]])
    y = F.conv2d(x, tc.tensor([[[[1.0, 0], [0, 1]]]]))
    assert y.data[0, 0].tolist() == [[7, 9, 11], [5, 7, 9]]


def test_nan_reaches_only_the_windows_it_lies_in():
    x = np.ones((1, 1, 5, 5), np.float32)
    x[0, 0, 0, 0] = np.nan
    y = F.conv2d(tc.tensor(x), tc.ones(1, 1, 3, 3)).data
    assert np.isnan(y).sum() == 1 and np.isnan(y[0, 0, 0, 0])


# ---- the family ----------------------------------------------------------------------------------

@given(p=conv_problems(), data=st.data())
def test_convolution_is_linear_in_each_and_its_gradients_are_adjoint(p, data):
    """⟨conv(x, w), g⟩ = ⟨x, ∂x⟩ = ⟨w, ∂w⟩, exactly on whole numbers."""
    x, w, _ = (tc.tensor(a, requires_grad=True) for a in draw(data, p, np.float64, "integers"))
    g = data.draw(arrays(p.y_shape, np.float64, "integers"))
    y = CONV[p.dims](x, w, **p.options)
    gx, gw = tc.grad(y, [x, w], tc.as_tensor(g))
    inner = (y.data * g).sum()
    assert inner == (x.data * gx.data).sum() == (w.data * gw.data).sum()


@given(p=conv_problems(), data=st.data())
def test_transposed_convolution_is_the_adjoint_of_convolution(p, data):
    x, w, _ = draw(data, p, np.float64, "integers")
    g = data.draw(arrays(p.y_shape, np.float64, "integers"))
    extra = tuple(np.subtract(p.size, transposed_shape(p)).tolist())
    if any(e >= max(s, d) for e, s, d in zip(extra, p.stride, p.dilation)):
        return
    w, options = tc.as_tensor(w), {**p.options, "output_padding": extra}
    check_adjoint(lambda x: CONV[p.dims](x, w, **p.options),
                  lambda g: TRANSPOSE[p.dims](g, w, **options),
                  x, g, rtol=0, atol=0)


@given(p=conv_problems(max_channels=2, max_batch=2, max_out=3), data=st.data())
@example(p=DEPTHWISE, data=None)
def test_convolution_to_second_order(p, data):
    shapes = p.x_shape, p.w_shape, (p.O,)
    args = draw(data, p) if data else [np.random.default_rng(0).standard_normal(s) for s in shapes]
    check_grad(lambda *t: CONV[p.dims](*t, **p.options), *args, name=f"conv{p.dims}d")


@given(p=conv_problems(max_channels=2, max_batch=2, max_out=3), data=st.data())
def test_transposed_convolution_to_second_order(p, data):
    if min(transposed_shape(p)) < 1:
        return
    args = (data.draw(arrays(s)) for s in (p.y_shape, p.w_shape, (p.C,)))
    check_grad(lambda *t: TRANSPOSE[p.dims](*t, **p.options), *args,
               name=f"conv_transpose{p.dims}d")


@given(p=conv_problems(dims=2, max_channels=2, max_batch=2, max_out=2), data=st.data())
def test_convolution_to_third_order(p, data):
    check_grad(lambda x, w: F.conv2d(x * x, w * w, **p.options), *draw(data, p)[:2], order=3)


@given(p=conv_problems(), data=st.data())
def test_inputs_that_want_no_gradient_cost_none_and_change_nothing(p, data):
    x, w, b = draw(data, p)
    both = [tc.tensor(a, requires_grad=True) for a in (x, w)]
    y = CONV[p.dims](*both, tc.as_tensor(b), **p.options)
    g = tc.as_tensor(np.ones(y.shape))
    together = tc.grad(y, both, g)
    for i in range(2):
        args = [tc.as_tensor(x), tc.as_tensor(w)]
        args[i] = both[i]
        y = CONV[p.dims](*args, tc.as_tensor(b), **p.options)
        (alone,) = tc.grad(y, both[i], g)
        assert np.array_equal(alone.data, together[i].data)


# ---- accuracy ------------------------------------------------------------------------------------

@pytest.mark.parametrize("channels, kernel", [(1, 3), (16, 3), (256, 3), (512, 5)])
def test_float32_is_as_accurate_as_the_bound(rng, channels, kernel):
    p = ConvProblem(1, channels, 8, (7, 7), (kernel,) * 2, (1, 1), (1, 1), (1, 1), 1)
    x, w, b = (rng.standard_normal(s).astype(np.float32) for s in (p.x_shape, p.w_shape, (8,)))
    y = F.conv2d(tc.tensor(x), tc.tensor(w), tc.tensor(b), **p.options).data
    K = channels * kernel ** 2
    size = reference(np.abs(x), np.abs(w), np.abs(b), p)
    bound = (4 + np.log2(K)) * np.finfo(np.float32).eps / 2 * size
    assert (np.abs(y - reference(x, w, b, p)) <= bound).all()


# ---- bad input -----------------------------------------------------------------------------------

x2, w2 = tc.ones(8, 3, 32, 32), tc.ones(16, 3, 3, 3)


@pytest.mark.parametrize("f, complaint", [
    (lambda: F.conv2d(x2, tc.ones(16, 4, 3, 3)),
     r"conv2d.*3 channels.*\(8, 3, 32, 32\).*4.*\(16, 4, 3, 3\)"),
    (lambda: F.conv2d(tc.ones(32, 32), w2), r"conv2d.*\(32, 32\)"),
    (lambda: F.conv2d(tc.ones(1, 1, 1, 1, 1), w2), "conv2d"),
    (lambda: F.conv2d(x2, tc.ones(16, 3, 3)), r"conv2d.*\(16, 3, 3\)"),
    (lambda: F.conv1d(x2, w2), "conv1d"), (lambda: F.conv3d(x2, w2), "conv3d"),
    (lambda: F.conv2d(tc.ones(1, 3, 2, 5), w2), r"conv2d.*kernel"),
    (lambda: F.conv2d(tc.ones(1, 3, 4, 5), w2, dilation=2), r"conv2d.*(kernel|dilat)"),
    (lambda: F.conv2d(x2, w2, stride=0), "conv2d.*stride"),
    (lambda: F.conv2d(x2, w2, stride=(1, 2, 3)), "conv2d.*stride"),
    (lambda: F.conv2d(x2, w2, stride=1.5), "conv2d.*stride"),
    (lambda: F.conv2d(x2, w2, dilation=0), "conv2d.*dilation"),
    (lambda: F.conv2d(x2, w2, padding=-1), "conv2d.*padding"),
    (lambda: F.conv2d(x2, w2, padding="full"), "conv2d.*padding.*full"),
    (lambda: F.conv2d(x2, w2, padding="same", stride=2), "conv2d.*same.*stride|stride.*same"),
    (lambda: F.conv2d(x2, w2, groups=2), "conv2d.*groups"),
    (lambda: F.conv2d(x2, w2, groups=0), "conv2d.*groups"),
    (lambda: F.conv2d(x2, tc.ones(4, 1, 3, 3), groups=3), "conv2d.*groups"),
    (lambda: F.conv2d(x2, w2, tc.ones(3)), r"conv2d.*bias.*16"),
    (lambda: F.conv2d(x2, w2, tc.ones(16, 1)), "conv2d.*bias"),
    (lambda: F.conv2d(x2, w2.double()), "conv2d.*float32.*float64|conv2d.*float64.*float32"),
    (lambda: F.conv2d(x2.long(), w2.long()), "conv2d.*int64"),
    (lambda: F.conv2d(x2, tc.ones(16, 3, 0, 3)), r"conv2d: w .*\(16, 3, 0, 3\)"),
    (lambda: F.conv2d(tc.ones(8, 0, 9, 9), tc.ones(16, 0, 3, 3)), r"conv2d: w .*\(16, 0, 3, 3\)"),
    (lambda: F.conv2d(x2, tc.ones(0, 3, 3, 3)), r"conv2d: w .*\(0, 3, 3, 3\)"),
    (lambda: F.conv_transpose2d(x2, w2), "conv_transpose2d.*3.*16"),
    (lambda: F.conv_transpose2d(x2, tc.ones(3, 4, 3, 3), output_padding=1), "output_padding"),
    (lambda: F.conv_transpose2d(x2, tc.ones(3, 4, 3, 3), tc.ones(3)), "conv_transpose2d.*bias.*4"),
    (lambda: F.conv_transpose2d(tc.ones(1, 3, 1, 1), tc.ones(3, 4, 1, 1), padding=1),
     "padding|size")])
def test_bad_convolutions_are_named(f, complaint):
    with pytest.raises((ValueError, TypeError), match=complaint):
        f()


@pytest.mark.parametrize("C, O", [(1, 1), (4, 40)])                                   # noqa: E741
@pytest.mark.parametrize("size, kernel", [((0, 5), 3), ((2, 0), 3), ((0, 0), 3), ((0, 5), (1, 3))])
def test_images_without_pixels_have_a_gradient_without_pixels(C, O, size, kernel):   # noqa: E741
    x = tc.zeros(2, C, *size, requires_grad=True)
    kernel = (kernel, kernel) if kernel == 3 else kernel
    F.conv2d(x, tc.ones(O, C, *kernel), padding=2).sum().backward()
    assert x.grad.shape == (2, C, *size)


# ---- settings are looked up, and still checked ---------------------------------------------------

@pytest.mark.parametrize("setting", [True, 1.0, (1.0, 1.0), [1, True]])
def test_what_equals_a_whole_number_is_still_no_whole_number(setting):
    x, w = tc.ones(1, 1, 4, 4), tc.ones(1, 1, 3, 3)
    for good in (1, (1, 1), [1, 1], np.int64(1)):
        assert F.conv2d(x, w, stride=good).shape == F.max_pool2d(x, 3, good).shape == (1, 1, 2, 2)
    with pytest.raises(ValueError, match="stride should be a whole number"):
        F.conv2d(x, w, stride=setting)
    with pytest.raises(ValueError, match="stride should be a whole number"):
        F.max_pool2d(x, 3, setting)


def test_the_complaint_quotes_a_setting_as_it_came():
    with pytest.raises(ValueError, match=r"got \[1.5, 2\]"):
        F.conv2d(tc.ones(1, 1, 4, 4), tc.ones(1, 1, 3, 3), stride=[1.5, 2])
