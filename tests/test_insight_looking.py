"""Looking at a model changes nothing about it; wrong names are answered; images that excite."""
import copy

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import insight, models, nn
from tinyconv.core.writes import writes
from tinyconv.insight.visualise import blurred


class Net(nn.Module):
    """Something of everything that could be disturbed: batch norm, dropout, a frozen part, hooks."""

    def __init__(self):
        self.conv1, self.norm1 = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2, self.norm2 = nn.Conv2d(4, 6, 3, stride=2), nn.BatchNorm2d(6)
        self.drop, self.fc = nn.Dropout(0.5), nn.Linear(6, 3)

    def forward(self, x):
        x = self.norm1.after(self.conv1, x, relu=True)
        x = F.relu(self.norm2(self.conv2(x)))
        return self.fc(self.drop(x.mean((2, 3))))


LOOKS = {
    "feature_maps": lambda m, x: insight.feature_maps(m, x, "conv2"),
    "filters": lambda m, x: insight.filters(m),
    "input_gradient": insight.input_gradient, "saliency": insight.saliency,
    "smooth_grad": lambda m, x: insight.smooth_grad(m, x, samples=2),
    "integrated_gradients": insight.integrated_gradients,
    "guided_backpropagation": insight.guided_backpropagation,
    "deconvnet": insight.deconvnet, "deconvnet_by_rule": insight.deconvnet_by_rule,
    "reverse_network": insight.reverse_network,
    "occlusion": lambda m, x: insight.occlusion(m, x, size=4, stride=4),
    "cam": insight.cam, "grad_cam": lambda m, x: insight.grad_cam(m, x, layer="conv1"),
    "visualise": lambda m, x: insight.visualise(m, [0, 2], "conv2", (1, 8, 8), steps=3),
    "effective_field": lambda m, x: insight.effective_field(m, "conv2", x)}


def state_of(model):
    """All there is about a model, as one can see it from outside."""
    return [(path, {name: (value.data.copy(), value.requires_grad, value.grad)
                    if isinstance(value, tc.Tensor) else
                    value.copy() if isinstance(value, np.ndarray) else copy.copy(value)
                    for name, value in vars(module).items() if not isinstance(value, nn.Module)
                    and ("hooks" not in name or value)})             # {} and None: no hooks
            for path, module in model.named_modules()]


def same(a, b):
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else a is b or a == b


@pytest.mark.parametrize("name", LOOKS)
def test_a_method_leaves_the_model_as_it_was_and_needs_no_recording(name):
    """In whatever modes its layers are, also within no_grad; twice the same result."""
    tc.manual_seed(1)
    model = Net().train()
    model.drop.eval()
    model.conv1.weight.requires_grad_(False)
    nn.freeze(model.norm2)
    seen = []
    model.conv2.register_forward_hook(lambda module, args, y: seen.append(y.shape))
    x = np.random.default_rng(0).standard_normal((2, 1, 8, 8)).astype(np.float32)
    F.cross_entropy(model(tc.tensor(x)), tc.tensor([0, 2])).backward()
    before, image, drawn = state_of(model), x.copy(), np.random.get_state()[1].copy()
    written = writes.newest
    with tc.no_grad():
        first = LOOKS[name](model, x)
        assert not tc.is_grad_enabled()
    second = LOOKS[name](model, tc.tensor(x))            # recorded, and given as a tensor
    assert same(before, state_of(model)) and np.array_equal(x, image)
    assert not any(writes.since(written, p.data) for p in model.parameters())
    assert np.array_equal(drawn, np.random.get_state()[1])
    if name == "reverse_network":
        first, second = repr(first), repr(second)
    assert same(tuple(first) if isinstance(first, tuple) else first,
                tuple(second) if isinstance(second, tuple) else second)
    if isinstance(first, np.ndarray):
        assert first.any() and np.isfinite(first).all()


@pytest.mark.parametrize("name", [n for n in LOOKS if n != "filters"])   # it runs nothing
def test_an_error_within_leaves_the_model_as_it_was(name):
    model = Net().train()
    calls = []

    def break_down(module, args, y):
        calls.append(1)
        raise RuntimeError("in the middle")
    handle = model.norm2.register_forward_hook(break_down)
    before = state_of(model)
    with pytest.raises(RuntimeError, match="in the middle"):
        LOOKS[name](model, np.ones((1, 1, 8, 8), np.float32))
    assert calls and same(before, state_of(model)) and tc.is_grad_enabled()
    handle.remove()


@pytest.mark.parametrize("look", [
    lambda m, x: insight.feature_maps(m, x, "conv9"), lambda m, x: insight.filters(m, "conv9"),
    lambda m, x: insight.grad_cam(m, x, layer="conv9"),
    lambda m, x: insight.deconvnet(m, x, layer="conv9"),
    lambda m, x: insight.guided_backpropagation(m, x, layer="conv9"),
    lambda m, x: insight.visualise(m, [0], "conv9", (1, 8, 8), steps=1),
    lambda m, x: insight.effective_field(m, "conv9", x),
    lambda m, x: insight.receptive_field(m, "conv9")])
def test_a_wrong_name_of_a_layer_is_answered_with_those_there_are(look):
    with pytest.raises(ValueError, match="there is no layer 'conv9'; there are conv1, norm1, "
                                         "conv2, norm2, drop, fc"):
        look(Net(), np.ones((1, 1, 8, 8), np.float32))


@pytest.mark.parametrize("look, message", [
    (lambda m, x: insight.filters(m, "fc"), "'fc' is a Linear; the convolutions are conv1, conv2"),
    (lambda m, x: insight.grad_cam(m, x, layer="fc"), r"answers \(2, 3\), not with maps"),
    (lambda m, x: insight.effective_field(m, "fc", x), "not with maps"),
    (lambda m, x: insight.saliency(m, x, 3), "target 3 is not among the classes 0 … 2"),
    (lambda m, x: insight.saliency(m, x, [0, 1, 2]), "one for each of 2 images"),
    (lambda m, x: insight.saliency(m, x, 0.5), "target should be a class"),
    (lambda m, x: insight.saliency(m, (x * 9).astype(np.uint8)), "normalised images.*uint8"),
    (lambda m, x: insight.saliency(m, x, lambda y: y.sum()), r"a tensor of shape \(2,\)"),
    (lambda m, x: insight.saliency(m.conv1, x), r"expected a model that answers \(N, K\)"),
    (lambda m, x: insight.deconvnet(m, x, unit=2), "unit 2 is a channel of a layer: which layer?"),
    (lambda m, x: insight.deconvnet(m, x, 1, "conv1"), "a target, or a layer, not both"),
    (lambda m, x: insight.deconvnet(m, x, layer="conv1", unit=4), "unit should be a channel 0 … 3"),
    (lambda m, x: insight.occlusion(m, x, size=9), "larger than the image"),
    (lambda m, x: insight.occlusion(m, x, size=2, stride=3), "would never be hidden"),
    (lambda m, x: insight.visualise(m, [7], None, (1, 8, 8), steps=1), "channels 0 … 2"),
    (lambda m, x: insight.filters(m.fc), "Linear has no convolution")])
def test_what_makes_no_sense_is_said(look, message):
    with pytest.raises(ValueError, match=message):
        look(Net(), np.ones((2, 1, 8, 8), np.float32))


def test_a_layer_that_is_not_called_is_named():
    model = Net()
    model.spare = nn.Conv2d(1, 1, 1)
    with pytest.raises(ValueError, match="the model does not call 'spare'"):
        insight.feature_maps(model, np.ones((2, 1, 8, 8), np.float32), "spare")


def test_a_target_may_be_a_function_of_any_output():
    """Of a network that names each pixel: what its middle depends on."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 3, 3, padding=1))
    x = np.random.default_rng(0).standard_normal((2, 1, 9, 9)).astype(np.float32)
    g = insight.input_gradient(model, x, lambda y: y[:, 1, 4, 4])
    assert g[:, :, 2:7, 2:7].any() and not g[:, :, :2].any() and not g[:, :, :, 7:].any()
    found = insight.integrated_gradients(model, x, lambda y: y[:, 1, 4, 4])
    np.testing.assert_allclose(found.attribution.sum((1, 2, 3)), found.difference, rtol=2e-3)
    assert insight.occlusion(model, x, lambda y: y[:, 1, 4, 4], 3, 1)[:, 4, 4].all()


# ---- what was learned ----------------------------------------------------------------------------

def test_feature_maps_are_what_the_layer_answers():
    model = models.create("lenet5", pretrained=True)
    x = np.random.default_rng(0).standard_normal((2, 1, 28, 28)).astype(np.float32)
    expected = F.conv2d(tc.tensor(x), model.conv1.weight, model.conv1.bias, padding=2)
    np.testing.assert_array_equal(insight.feature_maps(model, x, "conv1"), expected.data)
    assert insight.feature_maps(model, x, model.fc1).shape == (2, 120)
    weights = insight.filters(model)
    np.testing.assert_array_equal(weights, model.conv1.weight.data)
    weights[...] = 0
    assert model.conv1.weight.data.any(), "filters are a copy"


def test_images_that_excite_a_class_do_and_are_the_same_for_the_same_seed():
    model = models.create("lenet5", pretrained=True)
    images = insight.visualise(model, [3, 8], steps=30)
    logits = model.eval()(tc.tensor(images)).detach().numpy()
    assert logits.argmax(1).tolist() == [3, 8] and logits.max(1).min() > 8
    np.testing.assert_array_equal(images, insight.visualise(model, [3, 8], steps=30))
    assert not np.array_equal(images, insight.visualise(model, [3, 8], steps=30, seed=1))


def test_jitter_and_blur_take_the_noise_out_of_an_image():
    """The part of neighbouring pixels' differences in all that there is."""
    def roughness(images):
        return (np.diff(images, axis=2) ** 2).mean() / (images ** 2).mean()

    model = models.create("lenet5", pretrained=True)
    bare = insight.visualise(model, [5], steps=40, blur=0, jitter=0, decay=0)
    assert roughness(insight.visualise(model, [5], steps=40)) < 0.7 * roughness(bare)


def test_blur_is_a_normal_bell_that_keeps_the_mean():
    spot = np.zeros((1, 1, 21, 21))
    spot[0, 0, 10, 10] = 1
    found = blurred(spot, 1.5)[0, 0]
    i = np.arange(21) - 10
    bell = np.exp(-(i[:, None] ** 2 + i ** 2) / (2 * 1.5 ** 2))
    np.testing.assert_allclose(found, bell / bell.sum(), atol=2e-4)
    np.testing.assert_allclose(found.sum(), 1)
