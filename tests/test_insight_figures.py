"""Figures: every result can be drawn, of any number of classes with names of any length."""
import io
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import tinyconv as tc
from tinyconv import insight, nn
from tinyconv.insight import figures
from tinyconv.insight.figures import canvas, plane
from tinyconv.insight.methods import METHODS


# ---- of what explains and what was learned -------------------------------------------------------

def size_of(png):
    assert png.startswith(b"\x89PNG\r\n")
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


@pytest.mark.parametrize("channels", [1, 3])
def test_every_method_can_be_drawn(channels):
    tc.manual_seed(0)
    model = nn.Sequential({"conv1": nn.Conv2d(channels, 6, 3), "relu1": nn.ReLU(),
                           "conv2": nn.Conv2d(6, 8, 3), "relu2": nn.ReLU(),
                           "pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(),
                           "fc": nn.Linear(8, 3)})
    x = np.random.default_rng(0).standard_normal((2, channels, 12, 12)).astype(np.float32)
    pictures = np.clip(x * 60 + 128, 0, 255).astype(np.uint8)
    columns = [(m.title, m.kind, m.of(model, x, np.array([1, 2]), None)) for m in METHODS.values()]
    wide, high = size_of(figures.explained(pictures, ["one\nrow", "another"], columns, "title"))
    narrow, same_height = size_of(figures.explained(pictures, ["one\nrow", "another"], columns[:2],
                                                    "title"))
    assert wide > 3 * narrow and abs(high - same_height) < 5
    assert size_of(figures.drawn_filters(insight.filters(model, "conv2")))
    assert size_of(figures.drawn_maps(insight.feature_maps(model, x, "relu1")[0], pictures[0]))
    assert size_of(figures.drawn_images(x, ["a", "b"]))
    assert size_of(figures.drawn_fields([insight.effective_field(model, "conv2", x)], ["conv2"]))


def test_nothing_to_show_is_drawn_as_nothing():
    """Maps of zeros, as of a picture of one colour, are no division by zero."""
    pictures = np.zeros((1, 1, 8, 8), np.uint8)
    zeros = {"size": (1, 8, 8), "signed": (1, 8, 8), "picture": (1, 1, 8, 8), "place": (1, 2, 2),
             "maps": (1, 3, 4, 4)}
    with np.errstate(all="raise"):
        assert size_of(figures.explained(pictures, [""], [
            (kind, kind, np.zeros(shape, np.float32)) for kind, shape in zeros.items()]))


def test_a_mosaic_keeps_every_tile():
    tiles = np.arange(5 * 2 * 3).reshape(5, 2, 3)
    found = figures.mosaic(tiles, columns=2, fill=-1)
    assert found.shape == (8, 7)
    for t in range(5):
        r, c = divmod(t, 2)
        np.testing.assert_array_equal(found[3 * r:3 * r + 2, 4 * c:4 * c + 3], tiles[t])
    assert (found == -1).sum() == 8 * 7 - 5 * 6


# ---- of learning and of mistakes -----------------------------------------------------------------

@pytest.mark.parametrize("C", [1, 3])
@pytest.mark.parametrize("n", [0, 1, 11])
def test_mistakes_can_be_drawn(rng, C, n):
    logits, labels = rng.normal(size=(20, 3)), np.arange(20) % 3
    pixels = rng.integers(0, 256, (20, C, 8, 8)).astype(np.uint8)
    wrong = insight.most_wrong(logits, labels, n)
    assert figures.drawn_wrong(pixels, wrong, "abc", "title").startswith(b"\x89PNG")
    confused = insight.most_confused(rng.integers(0, 5, (3, 3)), n)
    assert figures.drawn_confused(confused, "abc", "title").startswith(b"\x89PNG")


def test_classes_with_long_names_leave_room_for_the_pictures(rng):
    """matplotlib warns where words left none, and draws all over each other."""
    names = [f"a class with rather a long name, number {k}" for k in range(3)]
    logits, labels = rng.normal(size=(20, 3)), np.arange(20) % 3
    pixels = rng.integers(0, 256, (20, 3, 8, 8)).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures.drawn_wrong(pixels, insight.most_wrong(logits, labels, 11), names)
        figures.drawn_confused(insight.most_confused(rng.integers(0, 5, (3, 3))), names)
        figures.drawn_plane(insight.pca(logits), labels, names)
        figures.drawn_images(rng.normal(size=(3, 1, 8, 8)), names)
    assert [*map(canvas.short, (names[0], "automobile"))] == ["a class with …", "automobile"]


@given(st.integers(0, 10 ** 6), st.integers(1, 14))
def test_no_name_in_the_plane_lies_over_another(seed, K):
    generator = np.random.default_rng(seed)
    ranges = generator.uniform(1, 100, 2)
    names = [(*(generator.uniform(0, 1, 2) * ranges), "x" * generator.integers(1, 12), "red")
             for _ in range(K)]
    moved = plane._apart(names, ranges)
    assert [name[2:] for name in moved] == [name[2:] for name in names]
    for i, (x, y, name, _) in enumerate(moved):
        assert x == pytest.approx(names[i][0])
        for u, v, other, _ in moved[:i]:
            across = abs(x - u) / ranges[0] >= plane.LETTER * (len(name) + len(other)) / 2 - 1e-9
            assert across or abs(y - v) / ranges[1] > 0.9 * plane.LINE


def test_a_kernel_of_the_greatest_weights_stands_off_the_paper():
    """White as it is, a grey line is around it."""
    drawn = np.asarray(Image.open(io.BytesIO(
        figures.drawn_filters(np.ones((1, 1, 3, 3), np.float32)))).convert("L"))
    row = drawn[len(drawn) // 2].astype(int)
    dark = np.flatnonzero(row < 200)
    assert dark.size and (row[dark[0] + 20:dark[-1] - 20] > 250).all()
    assert dark[-1] - dark[0] > len(row) // 2


def test_the_plane_and_the_line_can_be_drawn(rng):
    plane = insight.pca(rng.normal(size=(60, 4)))
    for K in (1, 10, 60):
        assert figures.drawn_plane(plane, np.arange(60) % K, [str(k) for k in range(K + 1)]
                                   ).startswith(b"\x89PNG")
    assert figures.drawn_plane(insight.pca(np.ones((4, 3))), [0, 1, 0, 1], "ab")
    for losses in ([1.0, 0.0, 2.0], [1e-3, 1.0, 10.0]):
        assert figures.drawn_between([0, 0.5, 1], losses).startswith(b"\x89PNG")
