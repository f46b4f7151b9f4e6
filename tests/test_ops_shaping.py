"""Arrangements and positions: views, joins, cuts, padding and indexing, with their adjoints."""
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.kernels.layout import full, in_memory_order
from tinyconv.testing import check_grad
from tinyconv.testing.layouts import lay_out
from tinyconv.testing.strategies import arrays, generators, shapes

x234 = arrays((2, 3, 4))


def both(against_torch, f, *args):
    """The same expression on both sides, and derivatives to second order here."""
    against_torch(f, f, *args)
    check_grad(f, *args)


# ---- views ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("f", [
    lambda x: x.reshape(4, 6), lambda x: x.reshape((6, -1)), lambda x: x.view(24),
    lambda x: x.reshape(-1), lambda x: x.flatten(), lambda x: x.flatten(1),
    lambda x: x.flatten(0, 1),
    lambda x: x.permute(2, 0, 1), lambda x: x.permute((0, -1, 1)), lambda x: x.transpose(0, 2),
    lambda x: x.transpose(-1, -2), lambda x: x[0].T, lambda x: x.squeeze(),
    lambda x: x.unsqueeze(0), lambda x: x.unsqueeze(-1), lambda x: x.unsqueeze(1).squeeze(1),
    lambda x: x.squeeze(0),
    lambda x: x.unsqueeze(1).expand(2, 5, 3, 4), lambda x: x.expand(2, 2, 3, 4),
    lambda x: x.unsqueeze(0).expand(3, -1, -1, -1), lambda x: x.movedim(0, 2),
    lambda x: x.movedim((0, 1), (2, 0)), lambda x: x.movedim((0, 1), (1, 0)),
    lambda x: x.flip((0, 2)), lambda x: x.flip(-1),
    lambda x: x.roll(2, 1), lambda x: x.roll((1, -2), (0, 2)), lambda x: x.roll(5)])
@given(x=x234)
def test_views(against_torch, f, x):
    both(against_torch, f, np.where(np.ones_like(x), x, x) if not x.flags.writeable else x)


@pytest.mark.parametrize("f", [
    lambda x: x.reshape(0, 5), lambda x: x.flatten(), lambda x: x.permute(1, 0),
    lambda x: x.unsqueeze(0), lambda x: x[:, 1], lambda x: x.flip(0), lambda x: x.sum(0)])
def test_views_of_nothing(against_torch, f):
    against_torch(f, f, np.zeros((0, 3)))


def test_zero_dimensional_tensors(against_torch):
    for f in (lambda x: x.reshape(1, 1), lambda x: x.flatten(), lambda x: x.unsqueeze(0),
              lambda x: x.expand(3), lambda x: x.squeeze(), lambda x: x.permute(())):
        against_torch(f, f, np.array(2.0))


# ---- joining and cutting -------------------------------------------------------------------------

@given(shape=shapes(1, 4, 0, 3), data=st.data())
def test_cat_joins_along_any_dimension(torch, against_torch, shape, data):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    def of_length(n):
        lengths = list(shape)
        lengths[dim] = n
        return data.draw(arrays(tuple(lengths)))
    a, b, c = (of_length(data.draw(st.integers(0, 3))) for _ in range(3))
    against_torch(lambda *t: tc.cat(t, dim), lambda *t: torch.cat(t, dim), a, b, c)
    check_grad(lambda *t: tc.cat(t, dim), a, b, c)


@given(shape=shapes(0, 3), data=st.data())
def test_stack_makes_a_new_dimension(torch, against_torch, shape, data):
    dim = data.draw(st.integers(-len(shape) - 1, len(shape)))
    a, b = data.draw(arrays(shape)), data.draw(arrays(shape))
    against_torch(lambda *t: tc.stack(t, dim), lambda *t: torch.stack(t, dim), a, b)
    check_grad(lambda *t: tc.stack(t, dim), a, b)


def test_the_same_tensor_joined_twice_receives_both_gradients():
    x = tc.ones(2, 3).requires_grad_()
    tc.cat([x, x * 2, x], 1).sum().backward()
    assert (x.grad.data == 4).all()


@pytest.mark.parametrize("f", [
    lambda x: x.split(2, 1), lambda x: x.split([1, 3, 1], 1), lambda x: x.chunk(2, 1),
    lambda x: x.chunk(4, 1), lambda x: x.chunk(7, -1), lambda x: x.split(9, 0),
    lambda x: x.split([0, 2], 0)])
def test_split_and_chunk(against_torch, rng, f):
    both(against_torch, f, rng.standard_normal((2, 5, 3)))


# ---- positions -----------------------------------------------------------------------------------

KEYS = [
    0, -1, slice(None), slice(1, None), slice(None, None, 2), (0, 1), (slice(None), 1), (..., 0),
    (0, ..., 1), None, (None, 0), (slice(None), None, 1), [0, 1, 0], ([1, 0], [0, 2]),
    (slice(None), [2, 0, 2, 1]), (..., [3, 3]), (0, [1, 1]), np.array([[0, 1], [1, 1]]),
    (slice(1, 2), [2, 2, 2], slice(0, 3)), np.array([True, False]),
    (slice(None), np.array([True, False, True])), slice(0, 0), np.array(1)]


@pytest.mark.parametrize("key", KEYS, ids=str)
@given(x=x234)
def test_indexing_as_pytorch(torch, against_torch, key, x):
    def convert(k):
        return torch.from_numpy(k) if isinstance(k, np.ndarray) else k
    theirs = tuple(map(convert, key)) if isinstance(key, tuple) else convert(key)
    against_torch(lambda x: x[key], lambda x: x[theirs], x)
    check_grad(lambda x: x[key], x)


def test_a_reversed_slice_as_numpy(rng):
    x = rng.standard_normal((3, 4))
    assert np.array_equal(tc.tensor(x)[::-1, ::-2].data, x[::-1, ::-2])
    check_grad(lambda x: x[::-1, ::-2], x)


def test_indexing_with_tensors_and_a_mask_made_from_the_tensor(against_torch):
    x = np.array([[1.0, -2.0, 3.0], [-4.0, 5.0, 6.0]])
    both(against_torch, lambda x: x[x > 0], x)
    assert tc.tensor(x)[tc.tensor([1, 0]), tc.tensor([2, 2])].tolist() == [6, 3]


@given(x=arrays((3, 4, 2)), rng=generators(), dim=st.integers(-3, 2))
def test_gather_and_index_select(torch, against_torch, x, rng, dim):
    size = [5 if d == dim % 3 else n for d, n in enumerate(x.shape)]
    places = rng.integers(0, x.shape[dim], size)
    some = rng.integers(0, x.shape[dim], 6)
    against_torch(lambda x: tc.gather(x, dim, tc.tensor(places)),
                  lambda x: torch.gather(x, dim, torch.from_numpy(places)), x)
    against_torch(lambda x: tc.take_along_dim(x, tc.tensor(places), dim),
                  lambda x: torch.take_along_dim(x, torch.from_numpy(places), dim), x)
    against_torch(lambda x: tc.index_select(x, dim, tc.tensor(some)),
                  lambda x: torch.index_select(x, dim, torch.from_numpy(some)), x)
    check_grad(lambda x: tc.gather(x, dim, tc.tensor(places)), x)


# ---- padding -------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@given(x=arrays((2, 3, 4, 5)), pads=st.lists(st.integers(0, 3), min_size=4, max_size=4),
       ndim=st.sampled_from([1, 2]))
def test_pad(torch, against_torch, mode, x, pads, ndim):
    x = x if ndim == 2 else x[:, :, 0]
    pads = tuple(pads[:2 * ndim])
    against_torch(lambda x: F.pad(x, pads, mode),
                  lambda x: torch.nn.functional.pad(x, pads, mode), x)
    check_grad(lambda x: F.pad(x, pads, mode), x)


@pytest.mark.parametrize("pads", [(1,) * 6, (0, 2), (-1, -1), (-1, 2, 0, -1), (3, -2, 1, 1, -1, 0)])
def test_pad_with_a_constant_and_crop_with_negative_widths(torch, against_torch, rng, pads):
    x = rng.standard_normal((2, 3, 4))
    against_torch(lambda x: F.pad(x, pads, value=7), lambda x: torch.nn.functional.pad(
        x, pads, value=7), x)
    check_grad(lambda x: F.pad(x, pads, value=7), x)


# ---- bad input -----------------------------------------------------------------------------------

@pytest.mark.parametrize("f, complaint", [
    (lambda x: x.reshape(5, 5), r"reshape.*\(2, 3, 4\).*\(5, 5\)"),
    (lambda x: x.permute(0, 1), "permute"), (lambda x: x.permute(0, 1, 1), "permute"),
    (lambda x: x.permute(0, 1, 5), "5"), (lambda x: x.transpose(0, 3), "3"),
    (lambda x: x.expand(5, 3, 4), r"expand.*\(2, 3, 4\)"), (lambda x: x.expand(3, 4), "expand"),
    (lambda x: x.unsqueeze(5), "unsqueeze.*5"), (lambda x: x.squeeze(5), "5"),
    (lambda x: x.flatten(2, 1), "flatten"), (lambda x: x.flatten(7), "7"),
    (lambda x: x.flip(3), "3"), (lambda x: x.movedim(3, 0), "3"), (lambda x: x.split(1, 4), "4"),
    (lambda x: x.split([1, 1], 1), "split"), (lambda x: x[2], "2"),
    (lambda x: x[0, 0, 0, 0], "indices"),
    (lambda x: x[x * 1.0], "index"), (lambda x: x[:, [3]], "3"),
    (lambda x: tc.cat([]), "cat"), (lambda x: tc.cat([x, x[0]]), "cat"),
    (lambda x: tc.cat([x, x], 3), "cat.*3"), (lambda x: tc.cat([x, x[:, :2]]), "cat"),
    (lambda x: tc.stack([x, x[:1]]), "shape"),
    (lambda x: tc.index_select(x, 4, tc.tensor([0])), "4"),
    (lambda x: x.expand(-1, 2, 3, 4), "expand"), (lambda x: x.split(0), "split.*0"),
    (lambda x: x.chunk(0), "chunk.*0"), (lambda x: F.pad(x, (-5, 4)), "pad.*crop"),
    (lambda x: F.pad(x, 1), "pad.*1"),
    (lambda x: F.pad(x, (1,)), "pad"), (lambda x: F.pad(x, (1,) * 8), "pad"),
    (lambda x: F.pad(x, (-3, -3)), "pad"), (lambda x: F.pad(x, (4, 0), "reflect"), "reflect"),
    (lambda x: F.pad(x, (5, 0), "circular"), "circular"), (lambda x: F.pad(x, (1, 1), "mirror"),
                                                            "mirror"),
    (lambda x: x + tc.ones(3, 5), r"\(2, ?3, ?4\)")])
def test_bad_arrangements_are_named(f, complaint):
    with pytest.raises((ValueError, IndexError), match=complaint):
        f(tc.ones(2, 3, 4))


@pytest.mark.parametrize("layout", ["contiguous", "fortran", "channels_last"])
def test_padding_cropping_and_reading_back_keep_the_order_of_memory(layout):
    def order(x):
        return sorted(range(x.ndim), key=lambda d: x.strides[d])

    x = lay_out(np.arange(120.0).reshape(2, 3, 4, 5), layout)
    t = tc.as_tensor(x).requires_grad_()
    read = t[:, 1:, :, :3]
    [gradient] = tc.grad(read, [t], tc.as_tensor(lay_out(np.ones(read.shape), layout)))
    for y in (full((3, 2, 6, 7), 1.5, like=x), F.pad(t, (1, 2, 3, 4)).data,
              F.pad(t, (-1, -1, 1, 0)).data, gradient.data):
        assert order(y) == order(x) and y.dtype == x.dtype
        assert in_memory_order(y) is not None              # without gaps
    assert (full((3, 2, 6, 7), 1.5, like=x) == 1.5).all()


@example(shape=())
@given(shape=shapes(0, 4, 0, 3))
def test_constructors_have_the_shape_asked_for(shape):
    for make, value in ((tc.zeros, 0), (tc.ones, 1)):
        assert make(*shape).shape == make(shape).shape == shape
        assert make(*shape).dtype == np.float32 and (make(shape).data == value).all()
    assert tc.full(shape, 2.5).dtype == np.float32 and tc.full(shape, 2).dtype == np.int64
    assert tc.full(shape, 2.5).shape == shape and tc.randn(*shape).shape == shape
    assert tc.zeros_like(tc.ones(shape)).shape == shape


@pytest.mark.parametrize("make", [
    lambda generator: tc.randn(9, generator=generator),
    lambda generator: tc.rand(9, generator=generator),
    lambda generator: tc.randperm(99, generator=generator),
    lambda generator: tc.randint(99, (9,), generator=generator)])
def test_random_tensors_are_drawn_from_the_generator_that_is_given(make):
    a, b, c = (make(np.random.default_rng(seed)).tolist() for seed in (1, 1, 2))
    assert a == b != c
