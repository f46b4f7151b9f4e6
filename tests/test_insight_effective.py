"""The effective receptive field lies within the theoretical one, in every model of the zoo.

Theory is calculated from the sizes of windows, the effective field from gradients. Weights are
random, as of a network that is not yet trained, and numbers in float64: what is not seen has no
influence at all, but for the round-off of Winograd's convolution.
"""
import numpy as np
import pytest

from tinyconv import insight, models, nn

SIDE = 64                              # of images: small, so that it is quick; nets for CIFAR 32
OTHERWISE = {"alexnet_2012": 224}      # which takes no smaller ones
FIXED = {"vit_b_16": {"image_size": SIDE}}
LARGE = 3_000_000                      # the weights of dense layers, after all maps; they stay 0
SLOW = "vgg*", "alexnet*", "vit_b_16", "wrn_28_10", "wide_resnet*"


def untrained(name):
    """The model in float64 with random weights that keep the size of what goes through."""
    model, generator = models.create(name, **FIXED.get(name, {})), np.random.default_rng(0)
    for p in model.parameters():
        if p.ndim == 1:
            p.data = generator.uniform(0.5, 1.5, p.shape)
        elif p.numel() < LARGE:
            p.data = generator.standard_normal(p.shape) * (2 / np.prod(p.shape[1:])) ** 0.5
    return model.double()


def layers_with_maps(model, shape):
    """{name: the theoretical window of the output in the middle} in order, for all with maps."""
    found = {}
    for row in insight.summary(model, shape).rows:
        if row.path and row.field and row.shape and len(row.shape) == 3:
            middle = [n // 2 for n in row.shape[1:]]
            found.setdefault(row.path, row.field.pixels(middle, shape[1:]))
    return found


def sides(window):
    return [s.stop - s.start for s in window]


def check(name):
    """Two layers of the model are tried: of those that do not see the whole image the last, which
    sees most, and the one in the middle. Returns rows (layer, theoretical, effective)."""
    model = untrained(name)
    C, side, _ = insight.receptive.usual_shape(model)
    side = OTHERWISE.get(name, min(side, SIDE))
    windows = layers_with_maps(model, (C, side, side))
    partly = [layer for layer, window in windows.items() if max(sides(window)) < side]
    assert partly
    x = np.random.default_rng(0).standard_normal((2, C, side, side))
    rows = []
    for layer in dict.fromkeys([partly[len(partly) // 2], partly[-1]]):
        found = insight.effective_field(model, layer, x)
        assert found.window == windows[layer]
        assert found.influence.shape == (side, side) and found.influence.max() == 1
        outside = found.influence.copy()
        outside[found.window] = 0
        assert outside.max() < 1e-12, f"{name} {layer}: seen outside of {found.window}"
        assert found.within(0.95) <= max(sides(found.window)) < side
        rows.append((layer, max(sides(found.window)), found.within(0.95)))
    return rows


def with_maps():
    """The names of all models, but for the one that has no maps; the large ones are slow."""
    slow = {name for pattern in SLOW for name in models.list(pattern)}
    return [pytest.param(name, marks=pytest.mark.slow if name in slow else ())
            for name in models.list() if name != "mlp"]


@pytest.mark.compiled
@pytest.mark.parametrize("name", with_maps())
def test_the_effective_field_lies_within_the_theoretical(undrawn, name):
    """And has its weight in the middle: 95 % of it are in no greater a square."""
    check(name)


def test_the_field_of_a_model_without_maps_is_no_question():
    model = models.create("mlp")
    assert not layers_with_maps(model, (1, 28, 28))
    with pytest.raises(ValueError, match="not with maps"):
        insight.effective_field(model, next(n for n, m in model.named_modules() if
                                            isinstance(m, nn.Linear)))


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["plain56", "resnet56", "preresnet56"])
def test_with_depth_the_effective_field_is_ever_less_of_the_theoretical(undrawn, name):
    """Luo et al.: theory grows with the depth, what has an influence with the root of it."""
    model, x = untrained(name), np.random.default_rng(0).standard_normal((2, 3, SIDE, SIDE))
    parts = []
    for block, theoretical in ((0, 7), (2, 15), (5, 27), (8, 39)):
        found = insight.effective_field(model, f"layer1.{block}", x)
        assert sides(found.window) == [theoretical] * 2
        parts.append(found.within(0.95) / theoretical)
    assert parts == sorted(parts, reverse=True) and parts[-1] < 0.5 < parts[0]


def test_the_effective_field_of_convolutions_alone_is_their_kernels_convolved():
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)).double()
    a, b = (insight.filters(model, str(i))[0, 0] for i in range(2))
    full = np.zeros((5, 5))
    for i, j in np.ndindex(3, 3):
        full[i:i + 3, j:j + 3] += b[i, j] * a
    found = insight.effective_field(model, "1", np.zeros((1, 1, 9, 9)))
    assert found.place == (4, 4) and found.window == (slice(2, 7), slice(2, 7))
    np.testing.assert_allclose(found.influence[2:7, 2:7], np.abs(full) / np.abs(full).max())
    assert found.within(1.0) == 5
    corner = insight.effective_field(model, "1", np.zeros((1, 1, 9, 9)), place=(0, 8))
    assert corner.window == (slice(0, 3), slice(6, 9))


def test_the_middle_of_an_even_window_lies_between_pixels():
    model = nn.Sequential(nn.AvgPool2d(2), nn.AvgPool2d(3, stride=1)).double()
    found = insight.effective_field(model, "1", np.zeros((1, 1, 12, 12)))
    assert [s.stop - s.start for s in found.window] == [6, 6]
    assert found.within(1.0) == 6 and found.within(0.1) == 2      # all alike: 2×2 is a ninth
