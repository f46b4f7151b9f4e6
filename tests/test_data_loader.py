"""A loader gives every image once an epoch, in an order that only the generator decides."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tinyconv import manual_seed
from tinyconv.data import (Cutout, Dataset, Loader, RandomCrop, RandomHorizontalFlip,
                           RandomShift)


def numbered(n=23, C=1):
    """A data set whose image i is filled with the value i."""
    images = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, C, 4, 4))
    return Dataset("numbered", images.copy(), np.arange(n) % 5, tuple("abcde"))


def plain(dataset, *args, **options):
    """A loader whose x is simply pixel/255."""
    C = dataset.shape[0]
    return Loader(dataset, *args, mean=(0,) * C, std=(1,) * C, **options)


def rng(seed=0):
    return np.random.default_rng(seed)


def loader_threads():
    return [t for t in threading.enumerate() if t.name == "tinyconv-loader"]


@given(st.integers(1, 40), st.integers(1, 50), st.booleans(), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=60)
def test_every_image_comes_once_with_its_label(n, batch_size, shuffle, drop_last, prefetch):
    loader = plain(numbered(n), batch_size, shuffle, rng(), drop_last=drop_last, prefetch=prefetch)
    batches = list(loader)
    assert len(batches) == len(loader)
    if drop_last:
        assert len(loader) == n // batch_size
    else:
        assert [len(y) for _, y in batches[:-1]] == [batch_size] * (len(batches) - 1)
        seen = np.concatenate([np.rint(255 * x[:, 0, 0, 0]) for x, _ in batches]).astype(int)
        labels = np.concatenate([y for _, y in batches])
        assert sorted(seen) == list(range(n))
        np.testing.assert_array_equal(labels, seen % 5)
        assert shuffle or seen.tolist() == list(range(n))


@pytest.mark.parametrize("C", [1, 3])
def test_batches_are_float32_channels_last_and_normalised(C):
    dataset = numbered(C=C)
    x, y = next(iter(Loader(dataset, 8)))
    assert x.shape == (8, C, 4, 4) and x.dtype == np.float32 and y.dtype == np.int64
    assert x.transpose(0, 2, 3, 1).flags.c_contiguous
    np.testing.assert_allclose(x[5, 0, 0, 0], (5 / 255 - dataset.mean[0]) / dataset.std[0],
                               rtol=1e-6)


def test_the_same_generator_state_gives_the_same_epoch_with_and_without_prefetch():
    def two_epochs(prefetch):
        augment = [RandomCrop(padding=1), RandomHorizontalFlip()]
        loader = plain(numbered(C=3), 4, True, rng(5), augment, prefetch=prefetch)
        return [list(loader), list(loader)]

    first, second = two_epochs(True), two_epochs(False)
    for epoch, again in zip(first, second):
        for (x, y), (x2, y2) in zip(epoch, again, strict=True):
            assert x.tobytes() == x2.tobytes() and y.tobytes() == y2.tobytes()
    assert any((y != y2).any() for (_, y), (_, y2) in zip(*first))     # a new order every epoch


def test_an_epoch_can_be_continued_from_the_state_at_its_beginning_and_a_batch_number():
    generator = rng(1)
    loader = plain(numbered(), 4, True, generator, RandomCrop(padding=1))
    state = generator.bit_generator.state
    whole = list(loader)
    after = generator.bit_generator.state
    generator.bit_generator.state = state
    rest = list(loader.epoch(start=3))
    assert [x.tobytes() for x, _ in rest] == [x.tobytes() for x, _ in whole[3:]]
    assert generator.bit_generator.state == after


def test_a_consumer_that_stops_early_leaves_no_thread_behind():
    loader = plain(numbered(200), 1)
    for number, _ in enumerate(loader):
        if number == 3:
            break
    iterator = iter(loader)
    next(iterator)
    iterator.close()
    iter(loader)                                            # never asked for anything
    deadline = time.monotonic() + 5
    while loader_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not loader_threads()


@pytest.mark.parametrize("prefetch", [True, False])
def test_an_error_while_a_batch_is_made_reaches_the_one_who_asked_for_it(prefetch):
    made = []

    def fails_at_the_third(images, generator):
        made.append(1)
        if len(made) == 3:
            raise RuntimeError("the third batch is bad")
        return images

    loader = plain(numbered(), 4, False, rng(), fails_at_the_third, prefetch=prefetch)
    received = 0
    with pytest.raises(RuntimeError, match="the third batch is bad"):
        for _ in loader:
            received += 1
    assert received == 2 and not loader_threads()


def test_batches_are_made_ahead_but_never_more_than_a_few():
    made = []

    def note(images, generator):
        made.append(1)
        return images

    iterator = iter(plain(numbered(200), 1, False, rng(), note))
    next(iterator)
    deadline = time.monotonic() + 5
    while len(made) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert 3 <= len(made) <= 4                              # one taken, two waiting, one in hand
    iterator.close()


def test_without_a_generator_the_order_follows_from_the_seed():
    def epochs(seed):
        manual_seed(seed)
        loader = plain(numbered(), 4, shuffle=True)
        return [[y.tolist() for _, y in loader] for _ in range(2)]
    first, again, other = epochs(1), epochs(1), epochs(2)
    assert first == again != other and first[0] != first[1]


@pytest.mark.parametrize("options, complaint", [
    (dict(batch_size=0), "batch_size must be a whole number of at least 1, got 0"),
    (dict(batch_size=2.5), "got 2.5"),
    (dict(batch_size=4, shuffle=True, generator=7), "must be a numpy.random.Generator, .* got 7"),
    (dict(batch_size=4, augment=[RandomHorizontalFlip()], generator=0), "got 0"),
    (dict(batch_size=4, mean=(0, 0, 0), std=(1, 1, 1)), "have 3 channels, the images have 1"),
])
def test_arguments_that_make_no_sense_are_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        Loader(numbered(), **options)


@pytest.mark.parametrize("augment, largest, complaint", [
    (lambda n: RandomCrop(padding=n), 3, "RandomCrop: padding must be .* windows, 4×4, .* got 4"),
    (lambda n: RandomCrop(3, padding=n), 2, "RandomCrop: padding must be .* 3×3, .* got 3"),
    (RandomShift, 3, "RandomShift: pixels must be less than the sides .* 4×4, .* got 4"),
    (Cutout, 3, "Cutout: size must be less than the longer side .* 4×4, .* got 4")])
def test_augmentations_that_leave_nothing_of_an_image_are_refused(augment, largest, complaint):
    assert len(list(plain(numbered(), 8, generator=rng(), augment=augment(largest)))) == 3
    with pytest.raises(ValueError, match=complaint):
        Loader(numbered(), 8, generator=rng(), augment=[augment(largest + 1)])


def test_only_a_data_set_can_be_loaded_from():
    with pytest.raises(TypeError, match="Loader: dataset must be a Dataset, .* got list"):
        Loader([1, 2], 64)
