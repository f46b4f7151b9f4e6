"""Every network is the real one: its parameter count to the unit, its names, its shapes."""
import sys

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import models, nn
from tinyconv.models import lenet_1998

COUNTS = {
    "mlp": 266_610, "lenet5": 61_706, "lenet5_1998": 60_000,
    "plain20": 269_722, "plain32": 464_154, "plain44": 658_586, "plain56": 853_018,
    "plain110": 1_727_962,
    "resnet20": 269_722, "resnet32": 464_154, "resnet44": 658_586, "resnet56": 853_018,
    "resnet110": 1_727_962,
    "resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032,
    "resnet101": 44_549_160, "resnet152": 60_192_808}
INPUTS = {"mlp": (1, 28, 28), "lenet5": (1, 28, 28), "lenet5_1998": (1, 28, 28)}


def test_the_list_is_complete():
    assert sorted(models.list()) == sorted(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_a_model_has_exactly_its_parameters_and_says_so(name):
    model = models.create(name)
    assert sum(p.numel() for p in model.parameters()) == COUNTS[name]
    said = f"{COUNTS[name]:,}".replace(",", " ")
    assert said in sys.modules[type(model).__module__].__doc__


@pytest.mark.parametrize("name", [
    "mlp", "lenet5", "lenet5_1998", "resnet20", "plain20", "resnet18"])
def test_a_model_maps_a_batch_to_logits_and_all_its_parameters_learn(name):
    options = {"stem": "cifar"} if name == "resnet18" else {}
    model = models.create(name, num_classes=10, **options)
    shape = INPUTS.get(name, (3, 32, 32))
    y = model(tc.randn(2, *shape))
    assert y.shape == (2, 10) and y.dtype == np.float32
    F.cross_entropy(y, tc.tensor([3, 7])).backward()
    for parameter, p in model.named_parameters():
        assert p.grad is not None and np.isfinite(p.grad.data).all(), parameter
        assert (p.grad.data != 0).any(), parameter


def test_classes_channels_and_image_size_can_be_chosen():
    for name in ("mlp", "lenet5", "resnet20", "resnet18"):
        model = models.create(name, num_classes=7, in_channels=2, image_size=32).eval()
        assert model(tc.randn(1, 2, 32, 32)).shape == (1, 7), name
    assert models.create("mlp", hidden=(5,)).layers[-1].in_features == 5
    assert models.create("lenet5_1998")(tc.randn(1, 1, 32, 32)).shape == (1, 10)


@pytest.mark.parametrize("call, words", [
    (lambda: models.create("resnet21"), "unknown model 'resnet21'; did you mean resnet"),
    (lambda: models.create("LeNet-5"), "unknown model 'LeNet-5'"),
    (lambda: models.create("zzz"), "unknown model 'zzz'; there are mlp, lenet5_1998"),
    (lambda: models.create("lenet5", num_classes=0),
     "num_classes should be a positive whole number, got 0"),
    (lambda: models.create("lenet5", in_channels=1.5),
     "in_channels should be a positive whole number, got 1.5"),
    (lambda: models.create("lenet5", image_size=64),
     "image_size should be 28 (padded to 32) or 32, got 64"),
    (lambda: models.create("lenet5_1998", num_classes=5), "num_classes is 10, got 5"),
    (lambda: models.create("resnet18", stem="tiny"),
     "stem should be 'imagenet' or 'cifar', got 'tiny'"),
    (lambda: models.ResNetCIFAR(21), "depth should be 6n + 2 (20, 32, 44, 56, 110, ...), got 21")])
def test_what_cannot_be_built_is_named(call, words):
    with pytest.raises(ValueError) as error:
        call()
    assert words in str(error.value)


# ---- names of weights ----------------------------------------------------------------------------

def test_lenet_has_the_usual_names():
    assert list(models.create("lenet5").state_dict()) == [
        f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc1", "fc2", "fc3")
        for kind in ("weight", "bias")]


def test_the_cifar_networks_have_the_names_of_the_published_weights():
    names = list(models.create("resnet20").state_dict())
    bn = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    block = ["conv1.weight", *(f"bn1.{b}" for b in bn), "conv2.weight", *(f"bn2.{b}" for b in bn)]
    blocks = [f"layer{s}.{i}.{name}" for s in (1, 2, 3) for i in range(3) for name in block]
    assert names == ["conv1.weight", *(f"bn1.{b}" for b in bn), *blocks,
                     "linear.weight", "linear.bias"]
    assert list(models.create("plain20").state_dict()) == names


def test_the_imagenet_networks_have_torchvisions_names():
    names = set(models.create("resnet50").state_dict())
    assert len(names) == 320
    assert {"conv1.weight", "bn1.running_var", "layer1.0.downsample.0.weight", "layer3.5.bn3.bias",
            "layer1.0.downsample.1.running_mean", "layer1.2.conv3.weight", "fc.bias"} <= names
    names = set(models.create("resnet18").state_dict())
    assert len(names) == 122 and "layer2.0.downsample.0.weight" in names
    assert "layer1.0.downsample.0.weight" not in names


def test_the_same_seed_gives_the_same_weights():
    states = []
    for seed in (1, 1, 2):
        tc.manual_seed(seed)
        states.append(models.create("resnet20").state_dict())
    assert all((states[0][k].data == states[1][k].data).all() for k in states[0])
    assert (states[0]["conv1.weight"].data != states[2]["conv1.weight"].data).any()


# ---- shortcuts and their absence -----------------------------------------------------------------

def test_a_shortcut_takes_every_other_pixel_and_puts_the_channels_in_the_middle(rng):
    block = models.resnet_cifar.BasicBlock(4, 8, 2, residual=True)
    x = rng.standard_normal((2, 4, 6, 6)).astype(np.float32)
    y = block.shortcut(tc.tensor(x)).data
    np.testing.assert_array_equal(y[:, 2:6], x[:, :, ::2, ::2])
    assert y.shape == (2, 8, 3, 3) and not y[:, :2].any() and not y[:, 6:].any()


def test_a_plain_network_is_the_residual_one_without_its_shortcuts(rng):
    plain, residual = models.create("plain20").eval(), models.create("resnet20").eval()
    plain.load_state_dict(residual.state_dict())
    x = tc.tensor(rng.standard_normal((1, 3, 8, 8)).astype(np.float32))
    assert not np.allclose(plain(x).data, residual(x).data)
    for layer in (residual.layer1, residual.layer2, residual.layer3):
        for block in layer:
            block.residual = False
    np.testing.assert_array_equal(plain(x).data, residual(x).data)


# ---- LeNet-5 of 1998 -----------------------------------------------------------------------------

def test_lenet_of_1998_has_the_counts_of_the_paper():
    model = models.create("lenet5_1998")
    counts = {name: sum(p.numel() for p in child.parameters())
              for name, child in model.named_children()}
    assert counts == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert model.codes.shape == (10, 84) and "codes" in model.state_dict()


def test_the_pictures_are_of_ink_and_paper_and_all_different():
    codes = lenet_1998.codes()
    assert set(np.unique(codes)) == {-1, 1}
    distances = ((codes[:, None] - codes) ** 2).sum(2) / 4
    assert distances[~np.eye(10, dtype=bool)].min() >= 3, "pixels that two digits differ in"


def test_each_map_of_c3_sees_only_the_maps_of_the_table(rng):
    layer = models.create("lenet5_1998").c3
    x = tc.tensor(rng.standard_normal((1, 6, 5, 5)).astype(np.float32), requires_grad=True)
    for o, seen in enumerate(lenet_1998.CONNECTIONS):
        (g,) = tc.grad(layer(x)[0, o, 0, 0], [x])
        assert set(np.flatnonzero(g.data[0].any((1, 2)))) == set(seen)


def test_the_squashing_function_maps_one_to_one():
    y = lenet_1998.squash(tc.tensor([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(y.data, [-1, 0, 1], atol=1e-4)


def test_logits_are_minus_squared_distances_to_the_pictures():
    model = models.create("lenet5_1998")
    seen = []
    model.f6.register_forward_hook(lambda m, args, y: seen.append(lenet_1998.squash(y).data))
    y = model(tc.randn(3, 1, 28, 28)).data
    expected = [[-((f - code) ** 2).sum() for code in model.codes] for f in seen[0]]
    np.testing.assert_allclose(y, expected, rtol=1e-5)


def test_subsampling_adds_the_four_and_scales_and_shifts():
    layer = lenet_1998.Subsample(2)
    layer.weight.data[...] = [[[2]], [[3]]]
    layer.bias.data[...] = [[[0]], [[1]]]
    np.testing.assert_array_equal(layer(tc.ones(1, 2, 4, 4)).data, [[[[8, 8]] * 2, [[13, 13]] * 2]])


def test_modules_of_the_zoo_are_modules():
    assert issubclass(models.LeNet5, nn.Module) and issubclass(models.ResNet, nn.Module)
