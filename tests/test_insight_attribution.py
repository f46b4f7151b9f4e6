"""What explains a prediction equals what PyTorch computes, by hand and with the same weights.

The networks: convolutions with and without batch norm, and a residual network; the PyTorch side of
each method is written here, from its paper.
"""
import warnings

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import insight, models, nn
from tinyconv.core import defvjp, primitive
from tinyconv.insight import guided

CLOSE = {"rtol": 1e-9, "atol": 1e-11}            # in float64


class Small(nn.Module):
    """Convolutions, with batch norm or without, ReLU as a function and as a layer."""

    def __init__(self, norm):
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(6) if norm else nn.Identity()
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(8 * 3 * 3, 12)
        self.fc2 = nn.Linear(12, 5)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))            # (N, 6, 14, 14)
        x = self.pool(self.relu(self.conv2(x)))          # (N, 8, 3, 3)
        return self.fc2(self.relu(self.fc1(x.flatten(1))))


def twin_of_small(torch, norm):
    """The same network in PyTorch, with a module of its own for every ReLU."""
    layers = torch.nn.Sequential
    T = torch.nn
    return layers(T.Conv2d(2, 6, 3, padding=1), T.BatchNorm2d(6) if norm else T.Identity(),
                  T.ReLU(), T.Conv2d(6, 8, 3, stride=2), T.ReLU(), T.MaxPool2d(2), T.Flatten(),
                  T.Linear(72, 12), T.ReLU(), T.Linear(12, 5))


def twin_of_resnet(torch):
    """ResNet-8 of He et al. for CIFAR in PyTorch, with 2 channels and 5 classes."""
    T, relu = torch.nn, lambda x: torch.relu(x)

    class Block(T.Module):
        def __init__(self, before, channels, stride):
            super().__init__()
            self.conv1 = T.Conv2d(before, channels, 3, stride, 1, bias=False)
            self.bn1 = T.BatchNorm2d(channels)
            self.conv2 = T.Conv2d(channels, channels, 3, 1, 1, bias=False)
            self.bn2 = T.BatchNorm2d(channels)
            self.stride, self.new = stride, (channels - before) // 2

        def forward(self, x):
            y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
            x = x[:, :, ::self.stride, ::self.stride]
            return relu(y + T.functional.pad(x, (0, 0, 0, 0, self.new, self.new)))

    class Net(T.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = T.Conv2d(2, 16, 3, 1, 1, bias=False), T.BatchNorm2d(16)
            self.layer1 = T.Sequential(Block(16, 16, 1))
            self.layer2 = T.Sequential(Block(16, 32, 2))
            self.layer3 = T.Sequential(Block(32, 64, 2))
            self.linear = T.Linear(64, 5)

        def forward(self, x):
            x = relu(self.bn1(self.conv1(x)))
            return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))

    return Net()


def settled(model):
    """The model in float64, with weights and statistics as after some training."""
    generator = np.random.default_rng(3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            C = module.num_features
            module.running_mean[...] = generator.normal(0, 0.3, C)
            module.running_var[...] = generator.uniform(0.5, 2, C)
            module.weight.data[...] = generator.uniform(0.5, 1.5, C)
            module.bias.data[...] = generator.normal(0, 0.3, C)
    return model.double().eval()


@pytest.fixture(params=["plain", "batch norm", "resnet"])
def pair(request, torch):
    """(our model, PyTorch's, images, the layer for Grad-CAM here and there)"""
    tc.manual_seed(5)
    generator = np.random.default_rng(4)
    if request.param == "resnet":
        ours, twin = models.ResNetCIFAR(8, 5, 2), twin_of_resnet(torch)
        names, layer = None, ("layer2", twin.layer2)
    else:
        norm = request.param == "batch norm"
        ours, twin = Small(norm), twin_of_small(torch, norm)
        names = {"conv1": "0", "norm1": "1", "conv2": "3", "fc1": "7", "fc2": "9"}
        layer = "conv2", twin[3]
    state = settled(ours).state_dict()
    twin.load_state_dict({
        key if names is None else f"{names[key.partition('.')[0]]}.{key.partition('.')[2]}":
        torch.tensor(value.data) for key, value in state.items()})
    twin.double().eval()
    x = generator.standard_normal((3, 2, 14, 14))
    with torch.no_grad():
        expected = twin(torch.tensor(x)).numpy()
    np.testing.assert_allclose(ours(tc.tensor(x)).detach().numpy(), expected, **CLOSE)
    return ours, twin, x, layer


def gradient_of(torch, twin, x, classes):
    """∂(Σ logits of the classes)/∂x in PyTorch, and these logits."""
    x = torch.tensor(x, requires_grad=True)
    y = twin(x)
    picked = y[torch.arange(len(x)), torch.as_tensor(classes)]
    (g,) = torch.autograd.grad(picked.sum(), x)
    return g.numpy(), picked.detach().numpy()


def seen(torch, twin, x):
    with torch.no_grad():
        return twin(torch.tensor(x)).argmax(1).numpy()


def test_saliency_equals_pytorch(torch, pair):
    ours, twin, x, _ = pair
    g, _ = gradient_of(torch, twin, x, seen(torch, twin, x))
    np.testing.assert_allclose(insight.input_gradient(ours, x), g, **CLOSE)
    np.testing.assert_allclose(insight.saliency(ours, x), np.abs(g).max(1), **CLOSE)
    g, _ = gradient_of(torch, twin, x, [3, 0, 1])
    np.testing.assert_allclose(insight.saliency(ours, x, [3, 0, 1]), np.abs(g).max(1), **CLOSE)


def test_integrated_gradients_at_given_points_equal_pytorch(torch, pair):
    ours, twin, x, _ = pair
    classes, baseline = np.array([1, 1, 4]), np.full(x.shape, 0.25)
    expected = np.mean([gradient_of(torch, twin, baseline + t * (x - baseline), classes)[0]
                        for t in (np.arange(8) + 0.5) / 8], axis=0) * (x - baseline)
    found = insight.integrated_gradients(ours, x, classes, baseline=0.25, steps=8, tolerance=None)
    np.testing.assert_allclose(found.attribution, expected, **CLOSE)
    ends = [gradient_of(torch, twin, at, classes)[1] for at in (x, baseline)]
    np.testing.assert_allclose(found.difference, ends[0] - ends[1], **CLOSE)
    np.testing.assert_allclose(found.gap, expected.sum((1, 2, 3)) - found.difference, atol=1e-9)
    assert found.points.tolist() == [8] * 3


@pytest.mark.compiled
def test_integrated_gradients_are_complete_to_a_thousandth(pair):
    ours, _, x, _ = pair
    found = insight.integrated_gradients(ours, x[:2])
    total = found.attribution.sum((1, 2, 3))
    np.testing.assert_allclose(total - found.difference, found.gap, atol=1e-12)
    assert (np.abs(found.gap) <= 1e-3 * np.abs(found.difference)).all()


def test_integrated_gradients_say_so_where_they_are_not_complete(pair):
    ours, _, x, _ = pair
    with pytest.warns(RuntimeWarning, match="with .* points the error is about"):
        found = insight.integrated_gradients(ours, x[:1], steps=2, tolerance=1e-9, most=8)
    assert found.points[0] >= 8 and found.gap[0] != 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        still = insight.integrated_gradients(ours, 0 * x)            # no way from 0 to 0
    assert not still.attribution.any() and not still.gap.any()


def test_smooth_grad_is_the_mean_over_this_noise(torch, pair):
    ours, twin, x, _ = pair
    classes, generator = seen(torch, twin, x), np.random.default_rng(9)
    deviation = 0.2 * (x.max((1, 2, 3)) - x.min((1, 2, 3)))[:, None, None, None]
    expected = np.mean([gradient_of(torch, twin, x + deviation * generator.standard_normal(x.shape),
                                    classes)[0] for _ in range(4)], axis=0)
    found = insight.smooth_grad(ours, x, samples=4, noise=0.2, seed=9)
    np.testing.assert_allclose(found, expected, **CLOSE)


@pytest.mark.parametrize("method, keep", [
    (insight.guided_backpropagation, lambda g, y: (g > 0) * (y > 0)),
    (insight.deconvnet_by_rule, lambda g, y: g > 0)])
def test_other_ways_back_through_relu_equal_pytorch_with_a_relu_of_its_own(
        torch, monkeypatch, pair, method, keep):
    """Each ReLU of the twin is one with that rule, whether it is a module or a function."""
    ours, twin, x, _ = pair

    class Rule(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x.clamp(min=0))
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, g):
            return g * keep(g, ctx.saved_tensors[0])

    monkeypatch.setattr(torch.nn.functional, "relu", lambda x, inplace=False: Rule.apply(x))
    monkeypatch.setattr(torch, "relu", Rule.apply)
    for classes in (None, np.array([2, 2, 0])):
        g, _ = gradient_of(torch, twin, x, seen(torch, twin, x) if classes is None else classes)
        found = method(ours, x, classes)
        np.testing.assert_allclose(found, g, **CLOSE)
        assert np.abs(found - insight.input_gradient(ours, x, classes)).max() > 1e-3


class Pooled(nn.Module):
    """ReLU as part of max pooling, or after it."""

    def __init__(self, together):
        self.conv, self.fc, self.together = nn.Conv2d(2, 5, 3), nn.Linear(5 * 3 * 3, 4), together

    def forward(self, x):
        x = self.conv(x) - 0.4
        x = F.max_pool2d(x, 2, relu=True) if self.together else F.relu(F.max_pool2d(x, 2))
        return self.fc(x.flatten(1))


@pytest.mark.parametrize("method", [insight.guided_backpropagation, insight.deconvnet_by_rule,
                                    insight.input_gradient])
def test_relu_within_max_pooling_goes_back_as_after_it(method):
    x = np.random.default_rng(3).standard_normal((2, 2, 8, 8)).astype(np.float32)
    one, two = Pooled(True), Pooled(False)
    two.load_state_dict(one.state_dict())
    found = method(one, x)
    np.testing.assert_array_equal(found, method(two, x))
    if method is not insight.input_gradient:
        assert not np.allclose(found, insight.input_gradient(one, x))


def test_grad_cam_equals_pytorch(torch, pair):
    ours, twin, x, (name, module) = pair
    kept = []
    handle = module.register_forward_hook(lambda module, args, y: kept.append(y))
    y = twin(torch.tensor(x))
    handle.remove()
    (maps,) = kept
    (g,) = torch.autograd.grad(y.max(1).values.sum(), maps)
    expected = torch.relu((g.mean((2, 3), keepdim=True) * maps).sum(1)).detach().numpy()
    np.testing.assert_allclose(insight.grad_cam(ours, x, layer=name), expected, **CLOSE)
    assert expected.max() > 0


@pytest.mark.parametrize("size, stride", [(4, 2), ((5, 3), (5, 1)), (14, None)])
def test_occlusion_equals_pytorch(torch, pair, size, stride):
    ours, twin, x, _ = pair
    classes = seen(torch, twin, x)
    h, w = np.broadcast_to(size, 2)
    sh, sw = np.broadcast_to((h // 2, w // 2) if stride is None else stride, 2)
    total, count = np.zeros((3, 14, 14)), np.zeros((14, 14))
    before = gradient_of(torch, twin, x, classes)[1]
    for r in sorted({*range(0, 14 - h + 1, sh), 14 - h}):
        for c in sorted({*range(0, 14 - w + 1, sw), 14 - w}):
            hidden = x.copy()
            hidden[:, :, r:r + h, c:c + w] = 0.5
            after = gradient_of(torch, twin, hidden, classes)[1]
            total[:, r:r + h, c:c + w] += (before - after)[:, None, None]
            count[r:r + h, c:c + w] += 1
    found = insight.occlusion(ours, x, size=size, stride=stride, value=0.5, batch_size=5)
    np.testing.assert_allclose(found, total / count, **CLOSE)


# ---- class activation maps -----------------------------------------------------------------------

@pytest.mark.parametrize("name, channels", [("resnet20", 3), ("densenet121", 3)])
def test_a_class_activation_map_shares_out_the_score(name, channels):
    """The mean of the map is the score less the bias, and grad_cam is the same up to a factor."""
    model = models.create(name, num_classes=7)
    x = np.random.default_rng(0).standard_normal((2, channels, 64, 64)).astype(np.float32)
    head = model.get_submodule(models.head_of(model)[0])
    model.eval()
    y = model(tc.tensor(x)).detach().numpy()
    maps = insight.cam(model, x, [5, 2])
    np.testing.assert_allclose(maps.mean((1, 2)) + head.bias.data[[5, 2]], y[[0, 1], [5, 2]],
                               rtol=1e-4, atol=1e-4)
    if name == "resnet20":               # the last maps of DenseNet have a ReLU yet to come
        pixels = maps[0].size
        np.testing.assert_allclose(insight.grad_cam(model, x, [5, 2]),
                                   np.maximum(maps, 0) / pixels, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name, shape", [("lenet5", (1, 1, 28, 28)),
                                         ("squeezenet1_1", (1, 3, 64, 64))])
def test_a_head_that_sees_more_than_means_has_no_class_activation_map(name, shape):
    with pytest.raises(ValueError, match="grad_cam takes any head"):
        insight.cam(models.create(name), np.zeros(shape, np.float32))


# ---- deconvnet -----------------------------------------------------------------------------------

def chains():
    tc.manual_seed(0)
    norm = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2),
                         nn.Conv2d(8, 6, 3, padding=1, stride=2, groups=2), nn.ReLU(),
                         nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(6 * 3 * 3, 4))
    return {"lenet5": (models.create("lenet5"), (1, 28, 28)), "batch norm": (norm, (3, 32, 32)),
            "plain20": (models.create("plain20"), (3, 16, 16)),
            "vgg": (models.VGG((1, 1, 1, 1, 1), hidden=16, widths=(4, 4, 4, 4, 4)), (3, 32, 32))}


@pytest.mark.parametrize("name", chains())
def test_the_reverse_network_is_the_gradient_with_another_rule(name):
    model, shape = chains()[name]
    model = settled(model)
    x = np.random.default_rng(1).standard_normal((3, *shape))
    layer = insight.layers.convolutions(model)[-1]
    for options in ({}, {"target": 1}, {"layer": layer}, {"layer": layer, "unit": [0, 1, 2]}):
        found = insight.deconvnet(model, x, **options)
        assert found.shape == x.shape and np.abs(found).max() > 0
        np.testing.assert_allclose(found, insight.deconvnet_by_rule(model, x, **options), **CLOSE)


def test_a_reverse_network_shows_its_steps_and_takes_any_signal():
    model = models.create("lenet5")
    x = np.random.default_rng(1).standard_normal((2, 1, 28, 28)).astype(np.float32)
    back = insight.reverse_network(model, x)
    steps = [type(step).__name__ for step in back]
    assert steps == ["Transposed", "Rectify"] * 2 + [
        "Transposed", "Shape", "Rectify", "Unpool", "Filter", "Rectify", "Unpool", "Filter"]
    assert "Filter(16 → 6, 5×5)" in repr(back) and "Unpool(5×5 → 10×10)" in repr(back)
    seed = np.eye(10, dtype=np.float32)[[3, 7]]
    np.testing.assert_array_equal(back(tc.tensor(seed)).detach().numpy(),
                                  insight.deconvnet(model, x, [3, 7]))


def test_what_branches_has_no_reverse_network():
    x = np.zeros((1, 3, 16, 16), np.float32)
    with pytest.raises(ValueError, match="the network has branches; deconvnet_by_rule takes it"):
        insight.deconvnet(models.create("resnet20"), x)
    assert insight.deconvnet(models.create("resnet20"), x, layer="layer1.0.conv1").shape == x.shape


# ---- what has no rule is refused -----------------------------------------------------------------

class Gated(nn.Module):
    """A ReLU, then something else."""

    def __init__(self, after):
        self.fc, self.after = nn.Linear(4, 3), after

    def forward(self, x):
        return self.after(F.relu(self.fc(x)))


@primitive
def own(x):
    """An activation of someone's own."""
    return np.maximum(x, 0)
defvjp(own, lambda g, y, x: g * (y > 0))


@pytest.mark.parametrize("after, word", [
    (F.relu6, "ReLU6"), (F.leaky_relu, "leaky ReLU"), (F.gelu, "GELU"), (F.silu, "SiLU"),
    (F.sigmoid, "sigmoid"), (F.tanh, "tanh"), (lambda x: x.clamp(min=0), "clamp"),
    (lambda x: tc.maximum(x, 0.0), "maximum"), (own, "own")])
@pytest.mark.parametrize("method", [insight.guided_backpropagation, insight.deconvnet_by_rule,
                                    insight.deconvnet])
def test_other_activations_are_refused_and_named(method, after, word):
    with pytest.raises(ValueError, match=f"the rule is one for ReLU.*{word}"):
        method(Gated(after), np.ones((2, 4), np.float32))


def test_a_fused_relu_of_batch_statistics_is_refused():
    class Fused(nn.Module):
        def __init__(self):
            self.norm = nn.BatchNorm2d(2, track_running_stats=False)

        def forward(self, x):
            return self.norm(x, relu=True).mean((2, 3))

    with pytest.raises(ValueError, match="whose way back cannot be changed"):
        insight.guided_backpropagation(Fused(), np.random.default_rng(0).random((2, 2, 4, 4)))


def test_a_fused_relu_goes_back_as_a_separate_one():
    """Batch norm, addition and ReLU in one operation, as residual blocks use it."""
    class Fused(nn.Module):
        def __init__(self, fused):
            self.conv, self.norm, self.fused = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2), fused

        def forward(self, x):
            y = (self.norm.after(self.conv, x, add=x, relu=True) if self.fused else
                 F.relu(self.norm(self.conv(x)) + x))
            return (y * tc.tensor(SIGNS)).sum((2, 3))

    SIGNS = np.random.default_rng(1).standard_normal((2, 4, 4))
    x = np.random.default_rng(0).standard_normal((3, 2, 4, 4))
    fused, apart = settled(Fused(True)), settled(Fused(False))
    apart.load_state_dict(fused.state_dict())
    for method in (insight.guided_backpropagation, insight.deconvnet_by_rule):
        np.testing.assert_allclose(method(fused, x, 1), method(apart, x, 1), **CLOSE)
        assert np.abs(method(fused, x, 1) - insight.input_gradient(fused, x, 1)).max() > 0.1


def test_the_rule_of_relu_is_itself_again_afterwards():
    x = tc.tensor([[-1.0, 2.0]], requires_grad=True)
    with pytest.raises(RuntimeError), guided.relu_goes_back(guided.RULES["guided"]):
        (-F.relu(x)).sum().backward()
        assert x.grad.tolist() == [[0, 0]]
        raise RuntimeError
    x.grad = None
    (-F.relu(x)).sum().backward()
    assert x.grad.tolist() == [[0, -1]]
