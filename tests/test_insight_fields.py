"""Receptive fields by calculation are those that gradients show: what has an influence, and nothing
else. Weights and images are positive, so that nothing cancels."""
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import insight, models, nn
from tinyconv.insight import receptive_field

NOTHING = 1e-10            # of the largest gradient: Winograd's convolution leaves 1e-16 where 0 is
SAMPLES = 40               # images: of each only the maximum of a window has an influence


def positive(model):
    """The model in float64 with random weights that let everything through: each layer is a mean.

    So the edge of a field counts for at least 1e-7 of its middle, beside any shortcut.
    """
    generator = np.random.default_rng(1)
    for parameter in model.double().parameters():
        w = generator.uniform(0.5, 1.5, parameter.shape)
        parameter.data = w / w.sum(tuple(range(1, w.ndim)), keepdims=True) if w.ndim > 1 else w
    return model.eval()


class Enough(Exception):
    """What comes after the layer is not needed."""


def output_of(model, layer, x):
    """What `layer` answers when the model is given x."""
    def stop(module, args, y):
        raise Enough(y)

    handle = dict(model.named_modules())[layer].register_forward_hook(stop)
    try:
        model(x)
    except Enough as enough:
        return enough.args[0]
    finally:
        handle.remove()


def influences(model, layer, size, places, channels):
    """For each place of the output the least box of pixels with a gradient other than 0."""
    generator = np.random.default_rng(0)
    x = tc.tensor(generator.uniform(0.5, 1.5, (SAMPLES, channels, *size)), requires_grad=True)
    y = output_of(model, layer, x)
    for place in places:
        (g,) = tc.grad(y[(slice(None), slice(None), *place)].sum(), [x], retain_graph=True)
        size_of = np.abs(g.data).max((0, 1))
        there = np.argwhere(size_of > NOTHING * size_of.max())
        yield place, tuple(slice(int(a), int(b) + 1) for a, b in zip(
            there.min(0), there.max(0))) if len(there) else (slice(0, 0),) * len(size)


def check(model, layer, size, channels=1, several=6):
    """Every output that sees nothing beyond the image sees exactly what is calculated.

    Others see no more than that: what a layer would see beyond its last output is not there. (Where
    a layer on the way ends early, an output sees it all in an image twice as large.)
    """
    field = receptive_field(model, layer, (channels, *size))
    x = tc.zeros(1, channels, *size, dtype=tc.float64)
    outputs = output_of(positive(model), layer, x).shape[2:]
    inside = [p for p in np.ndindex(*outputs) if all(
        0 <= f.at(o)[0] <= f.at(o)[1] < n or f.at(o)[1] < 0
        for f, o, n in zip(field.fields, p, size))]
    chosen = [inside[i] for i in np.linspace(0, len(inside) - 1, several).astype(int)] if (
        inside) else []
    corners = [tuple(0 for _ in outputs), tuple(n - 1 for n in outputs)]
    for place, seen in influences(model, layer, size, chosen + corners, channels):
        expected = field.pixels(place, size)
        if place in inside and seen != expected:
            twice = tuple(2 * n for n in size)
            (_, all_of_it), = influences(model, layer, twice, [place], channels)
            assert all_of_it == field.pixels(place, twice) == expected, (layer, place)
        assert all(a.start >= b.start and a.stop <= b.stop for a, b in zip(seen, expected)
                   if a != slice(0, 0)), (layer, place)
    return len(inside)


# ---- branches and shortcuts ----------------------------------------------------------------------

class Residual(nn.Module):
    def __init__(self):
        self.first = nn.Conv2d(1, 2, 3, padding=1)
        self.second = nn.Conv2d(2, 2, 5, stride=2, padding=2)
        self.short = nn.Conv2d(1, 2, 1, stride=2)
        self.out = nn.Identity()

    def forward(self, x):
        return self.out(F.relu(self.second(F.relu(self.first(x))) + self.short(x)))


class Inception(nn.Module):
    """Branches of several widths side by side, one of them dilated, one pooled."""

    def __init__(self):
        self.stem = nn.Conv2d(1, 2, 3, stride=2)
        self.one, self.three = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 3, 3, padding=1)
        self.wide = nn.Conv2d(2, 2, (3, 1), padding=(3, 0), dilation=(3, 1))
        self.pool = nn.MaxPool2d(3, 1, padding=1)
        self.out = nn.Conv2d(9, 1, 2)

    def forward(self, x):
        x = self.stem(x)
        return self.out(tc.cat([self.one(x), self.three(x), self.wide(x), self.pool(x)], 1))


class UNet(nn.Module):
    """Down and up again, with a bridge."""

    def __init__(self):
        self.left = nn.Conv2d(1, 2, 3, padding=1)
        self.low = nn.Conv2d(2, 2, 3, padding=1)
        self.up = nn.ConvTranspose2d(2, 2, 2, stride=2)
        self.out = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x):
        a = self.left(x)
        return self.out(tc.cat([a, self.up(self.low(F.avg_pool2d(a, 2)))], 1))


class ChannelsLast(nn.Module):
    """A linear layer over the channels of an image that lies otherwise, as in ConvNeXt."""

    def __init__(self):
        self.conv = nn.Conv2d(1, 3, 5, stride=2, padding=2)
        self.linear, self.out = nn.Linear(3, 4), nn.Conv2d(4, 1, 3)

    def forward(self, x):
        x = F.gelu(self.linear(self.conv(x).permute((0, 2, 3, 1))))
        return self.out(x.permute((0, 3, 1, 2)))


class Tokens(nn.Module):
    """Patches as a sequence and back, without mixing them."""

    def __init__(self):
        self.embed, self.linear = nn.Conv2d(1, 3, 4, 4), nn.Linear(3, 3)
        self.out = nn.Conv2d(3, 1, 2)

    def forward(self, x):
        x = self.embed(x)
        tokens = self.linear(x.flatten(2).transpose(1, 2))               # (N, H W, 3)
        return self.out(tokens.transpose(1, 2).reshape(x.shape))


def up(**options):
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Upsample(**options),
                         nn.Conv2d(2, 1, 3, padding=1))


NETS = {
    "dilation and padding": lambda: nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=2, dilation=2), nn.ReLU(), nn.Conv2d(2, 2, 3, dilation=3)),
    "different in the two dimensions": lambda: nn.Sequential(
        nn.Conv2d(1, 2, (5, 2), stride=(1, 3), padding=(2, 0)), nn.MaxPool2d((2, 1))),
    "pooling": lambda: nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.MaxPool2d(3, 2, padding=1), nn.BatchNorm2d(2), nn.AvgPool2d(2),
        nn.Conv2d(2, 1, 3, padding=1)),
    "same": lambda: nn.Sequential(nn.Conv2d(1, 2, 4, padding="same"), nn.Conv2d(2, 1, 3)),
    "groups": lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, groups=4),
                                    nn.ChannelShuffle(2)),
    "residual": Residual, "inception": Inception, "bridge": UNet, "channels last": ChannelsLast,
    "tokens": Tokens,
    "transposed": lambda: nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=2), nn.ConvTranspose2d(2, 2, 4, stride=3, padding=1),
        nn.Conv2d(2, 1, 2)),
    "nearest": lambda: up(scale_factor=2), "bilinear": lambda: up(scale_factor=2, mode="bilinear"),
    "pixel shuffle": lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.PixelShuffle(2),
                                           nn.Conv2d(1, 2, 3, padding=1)),
    "reflection": lambda: nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"),
                                        nn.Conv2d(2, 1, 5, padding=2, padding_mode="reflect")),
    "activations": lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.LeakyReLU(), nn.SiLU(), nn.GELU(),
                                         nn.Hardswish(), nn.ELU(), nn.Softplus(), nn.Tanh())}


@pytest.mark.parametrize("net", NETS)
def test_calculated_fields_are_those_of_gradients(net):
    model = NETS[net]()
    layers = [name for name, module in model.named_modules()
              if name and not isinstance(module, nn.Linear)]            # (N, C, H, W), not (N, …, C)
    size = (24, 28) if net in ("tokens", "bridge") else (23, 26)
    assert sum(check(model, layer, size) for layer in layers) > len(layers)


@pytest.mark.compiled
@pytest.mark.parametrize("name, layers, size", [
    ("resnet20", ["conv1", "layer1.2", "layer2.0", "layer2.1.bn1"], (50, 50)),
    ("lenet5", ["conv1", "conv2"], (28, 28)), ("lenet5_1998", ["c1", "s2", "c3", "s4"], (28, 28)),
    ("resnet18", ["maxpool", "layer1.1", "layer2.0.downsample"], (72, 72)),
    ("convnext_tiny", ["features.0", "features.1.0"], (64, 64)),
    ("mobilenet_v2", ["features.3"], (72, 72)),
    ("densenet121", ["features.denseblock1.denselayer2"], (64, 64))])
def test_fields_in_the_zoo_are_those_of_gradients(name, layers, size):
    model = models.create(name)
    channels = insight.receptive.usual_shape(model)[0]
    for layer in layers:
        assert check(model, layer, size, channels, several=2), layer


LAYERS = st.one_of(
    st.tuples(st.just("conv"), st.integers(1, 5), st.integers(1, 4), st.integers(0, 3),
              st.integers(1, 3)),
    st.tuples(st.just("avg"), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2),
              st.just(1)).filter(lambda t: 2 * t[3] <= t[1]),
    st.tuples(st.just("up"), st.integers(1, 5), st.integers(1, 3), st.just(0), st.integers(1, 2)))


def layer_of(kind, kernel, stride, padding, dilation):
    if kind == "avg":
        return nn.AvgPool1d(kernel, stride, padding)
    layer = nn.Conv1d if kind == "conv" else nn.ConvTranspose1d
    return layer(1, 1, kernel, stride, padding, dilation=dilation)


@given(st.lists(LAYERS, min_size=1, max_size=4))
@example([("up", 1, 3, 0, 1), ("conv", 2, 2, 0, 1)])            # some outputs see nothing
@example([("up", 2, 3, 0, 1), ("up", 3, 2, 0, 2), ("conv", 3, 4, 1, 1)])
@example([("up", 1, 2, 0, 1), ("avg", 2, 2, 0, 1), ("avg", 2, 1, 1, 1)])     # an early end
def test_any_row_of_layers_sees_what_is_calculated(settings):
    model = nn.Sequential(*(layer_of(*setting) for setting in settings))
    try:
        outputs = model(tc.zeros(1, 1, 60)).shape[-1]
    except ValueError:
        assume(False)                                     # nothing is left of the signal
    assume(outputs < 2000)
    check(model, str(len(settings) - 1), (60,), several=2)


def test_what_a_transposed_convolution_cuts_off_is_not_seen_less_by_others():
    """Its `padding` removes outputs at the edge, so only those in the middle see all there is."""
    model = nn.Sequential(nn.ConvTranspose1d(1, 1, 5, 2, padding=2), nn.Conv1d(1, 1, 3, padding=1))
    field = receptive_field(model, "1", (1, 20))
    for place, seen in influences(positive(model), "1", (20,), [(i,) for i in range(8, 30)], 1):
        assert seen == field.pixels(place, (20,))


# ---- what is said of them ------------------------------------------------------------------------

def test_published_numbers_of_resnets():
    """Araujo, Norris & Sim 2019 count 483 for a ResNet-50 whose stride is on its 1×1 convolution;
    with the stride on the 3×3, as here, it is 427."""
    field = receptive_field(models.create("resnet50"), "layer4")
    assert field.size == (427, 427) and field.stride == (32, 32)
    assert receptive_field(models.create("resnet18"), "layer4").size == (435, 435)
    assert receptive_field(models.create("resnet34"), "layer4").size == (899, 899)


def test_two_of_three_see_as_much_as_one_of_five():
    two = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3))
    one = nn.Conv2d(1, 1, 5)
    a, b = receptive_field(two, "1", (1, 9, 9)), receptive_field(one, "", (1, 9, 9))
    assert a == b and a.size == (5, 5) and a.stride == (1, 1) and a.offset == (0, 0)


def test_an_enlarged_image_moves_by_half_pixels():
    field = receptive_field(NETS["nearest"](), "2", (1, 16, 16))
    assert field.stride == (Fraction(1, 2),) * 2 and field.size == (4, 4)
    assert [field.fields[0].at(o) for o in (8, 9, 10, 11)] == [(2, 5), (3, 6), (3, 6), (4, 7)]


def test_after_flattening_and_mixing_all_is_seen():
    model = models.create("lenet5")
    for layer in ("fc1", "fc3"):
        field = receptive_field(model, layer)
        assert field.stride == (0, 0) and field.pixels((0, 0), (28, 28)) == (slice(0, 28),) * 2


def test_a_gate_over_the_whole_image_makes_all_of_it_seen():
    class Gate(nn.Module):
        def __init__(self):
            self.conv, self.gate = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 1)

        def forward(self, x):
            x = self.conv(x)
            return x * F.sigmoid(self.gate(F.adaptive_avg_pool2d(x, 1)))

    field = receptive_field(Gate(), "", (1, 12, 12))
    assert field.pixels((3, 3), (12, 12)) == (slice(0, 12),) * 2 and field.stride == (0, 0)


def test_the_layer_may_be_given_itself_and_a_wrong_name_lists_the_right_ones():
    model = models.create("lenet5")
    assert receptive_field(model, model.conv2) == receptive_field(model, "conv2")
    assert receptive_field(model, "conv2").size == (14, 14)
    for wrong in ("conv3", nn.ReLU()):
        with pytest.raises(ValueError, match="there is no layer .*there are conv1, conv2, fc1"):
            receptive_field(model, wrong)


def test_a_layer_that_is_not_called_is_named():
    model = nn.Sequential(nn.Conv2d(1, 1, 3))
    model.idle = nn.Sequential(nn.ReLU())
    model.forward = lambda x: model[0](x)
    with pytest.raises(ValueError, match="does not call 'idle'"):
        receptive_field(model, "idle", (1, 8, 8))


def test_the_model_is_left_as_it_was():
    model = models.create("resnet20")
    model.layer1.eval()
    before = {name: t.data.copy() for name, t in model.state_dict().items()}
    insight.summary(model)
    assert model.training and not model.layer1.training and not model.has_hooks()
    assert all(not module.has_hooks() for module in model.modules())
    for name, t in model.state_dict().items():
        np.testing.assert_array_equal(t.data, before[name])


# ---- sizes of outputs ----------------------------------------------------------------------------

@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(0, 3),
       st.integers(1, 3))
def test_output_sizes_are_those_of_the_layers(size, kernel, stride, padding, dilation):
    def of_layer():
        return F.conv1d(tc.zeros(1, 1, size), tc.zeros(1, 1, kernel), None, stride, padding,
                        dilation).shape[-1]

    try:
        expected = of_layer()
    except ValueError:
        with pytest.raises(ValueError, match="is larger than"):
            insight.conv_output_size(size, kernel, stride, padding, dilation)
    else:
        assert insight.conv_output_size(size, kernel, stride, padding, dilation) == expected


def test_output_sizes_in_several_dimensions():
    assert insight.conv_output_size(224, 7, stride=2, padding=3) == 112
    assert insight.conv_output_size((32, 30), (3, 5), 2, (1, 0)) == (16, 13)
    assert insight.conv_output_size((9, 7), 3, padding="same") == (9, 7)
    assert insight.conv_output_size(9, 3, padding="valid") == 7
    with pytest.raises(ValueError, match="needs stride 1"):
        insight.conv_output_size(9, 3, 2, padding="same")
    with pytest.raises(ValueError, match="kernel_size should be"):
        insight.conv_output_size(9, 0)
