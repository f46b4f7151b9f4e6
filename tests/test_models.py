"""Every network is the real one: its parameter count to the unit, its names, its shapes."""
import sys

import numpy as np
import pytest

import tinyconv as tc
from tinyconv import models, nn
from tinyconv.models import lenet_1998

COUNTS = {                                                   # where published: torchvision's, papers'
    "mlp": 266_610, "lenet5": 61_706, "lenet5_1998": 60_000,
    "alexnet": 61_100_840, "alexnet_2012": 60_965_224,
    "vgg11": 132_863_336, "vgg13": 133_047_848, "vgg16": 138_357_544, "vgg19": 143_667_240,
    "vgg11_bn": 132_868_840, "vgg13_bn": 133_053_736, "vgg16_bn": 138_365_992,
    "vgg19_bn": 143_678_248,
    "googlenet": 6_624_904, "squeezenet1_0": 1_248_424, "squeezenet1_1": 1_235_496,
    "plain20": 269_722, "plain32": 464_154, "plain44": 658_586, "plain56": 853_018,
    "plain110": 1_727_962,
    "resnet20": 269_722, "resnet32": 464_154, "resnet44": 658_586, "resnet56": 853_018,
    "resnet110": 1_727_962,
    "preresnet20": 272_282, "preresnet56": 855_578, "preresnet110": 1_730_522,
    "preresnet164": 1_703_258,
    "wrn_16_2": 691_674, "wrn_16_4": 2_748_890, "wrn_40_4": 8_949_210, "wrn_28_10": 36_479_194,
    "resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032,
    "resnet101": 44_549_160, "resnet152": 60_192_808,
    "resnext50_32x4d": 25_028_904, "wide_resnet50_2": 68_883_240,
    "mobilenet_v2": 3_504_872, "densenet121": 7_978_856,
    "efficientnet_b0": 5_288_548, "efficientnet_b1": 7_794_184, "convnext_tiny": 28_589_128,
    "vit_b_16": 86_567_656, "vit_cifar": 2_693_578,
    "fcn_resnet50": 32_957_013, "unet": 31_037_698, "detector": 397_216}
CIFAR, PHOTO = (3, 32, 32), (3, 64, 64)                      # small photographs, for tests
LEARNERS = {                                                 # one of each kind: options, input
    "mlp": ({}, (1, 28, 28)), "lenet5": ({}, (1, 28, 28)), "lenet5_1998": ({}, (1, 28, 28)),
    "resnet20": ({}, CIFAR), "plain20": ({}, CIFAR), "preresnet20": ({}, CIFAR),
    "preresnet164": ({}, (3, 16, 16)), "wrn_16_2": ({}, CIFAR),
    "resnet18": ({"stem": "cifar"}, CIFAR), "resnext50_32x4d": ({}, PHOTO),
    "alexnet": ({}, PHOTO), "alexnet_2012": ({}, (3, 224, 224)), "vgg11": ({"hidden": 64}, CIFAR),
    "vgg16_bn": ({"hidden": 64}, CIFAR), "googlenet": ({}, PHOTO),
    "squeezenet1_0": ({}, PHOTO), "squeezenet1_1": ({}, PHOTO), "mobilenet_v2": ({}, PHOTO),
    "densenet121": ({"stem": "cifar"}, CIFAR), "convnext_tiny": ({"stochastic_depth_prob": 0}, PHOTO),
    "efficientnet_b0": ({"stochastic_depth_prob": 0}, PHOTO),
    "vit_cifar": ({}, CIFAR), "vit_b_16": ({"image_size": 64}, PHOTO),
    "fcn_resnet50": ({}, PHOTO), "unet": ({"width": 8}, PHOTO), "detector": ({}, PHOTO)}


def count(model):
    return sum(p.numel() for p in model.parameters())


def spaced(number):
    return f"{number:,}".replace(",", " ")


def test_the_list_is_complete_and_sorted():
    assert models.list() == sorted(COUNTS)


def test_the_list_can_be_narrowed_to_a_pattern_and_to_a_task():
    assert models.list("resnet?0") == ["resnet20", "resnet50"]
    assert models.list("nothing*") == []
    assert models.list(task="segmentation") == ["fcn_resnet50", "unet"]
    assert models.list("sq*", task="classification") == ["squeezenet1_0", "squeezenet1_1"]
    tasks = [models.list(task=task) for task in ("classification", "segmentation", "detection")]
    assert sorted(sum(tasks, [])) == models.list()
    with pytest.raises(ValueError, match="should be one of classification, segmentation, detection"):
        models.list(task="driving")


@pytest.mark.parametrize("name", COUNTS)
def test_a_model_has_exactly_its_parameters_and_says_so(undrawn, name):
    assert count(models.create(name)) == COUNTS[name]
    build = models.find(name)
    assert spaced(COUNTS[name]) in sys.modules[build.__module__].__doc__
    assert spaced(COUNTS[name]) in build.__doc__


@pytest.mark.parametrize("name, options, expected", [
    ("googlenet", {"aux_logits": True}, 13_004_888), ("fcn_resnet50", {"aux_loss": True}, 35_322_218),
    ("unet", {"width": 16}, 1_942_594)])
def test_the_counts_of_variants_are_true_too(undrawn, name, options, expected):
    assert count(models.create(name, **options)) == expected
    assert spaced(expected) in models.find(name).__doc__


@pytest.mark.compiled
@pytest.mark.parametrize("name", LEARNERS)
def test_a_model_maps_a_batch_to_logits_and_all_its_parameters_learn(name):
    tc.manual_seed(0)
    options, shape = LEARNERS[name]
    model = models.create(name, num_classes=10, **options)
    if isinstance(model, models.VisionTransformer):          # its head begins at zero
        nn.init.normal_(model.heads.head.weight)
    y = model(tc.randn(2, *shape))
    each = {"fcn_resnet50": (10, 64, 64), "unet": (10, 64, 64), "detector": (2 * 15, 4, 4)}
    assert y.shape == (2, *each.get(name, (10,))) and y.dtype == np.float32
    (y * tc.randn(*y.shape)).sum().backward()
    for parameter, p in model.named_parameters():
        assert p.grad is not None and np.isfinite(p.grad.data).all(), parameter
        assert (p.grad.data != 0).any(), parameter


def test_classes_channels_and_image_size_can_be_chosen():
    for name in ("mlp", "lenet5", "resnet20", "resnet18", "preresnet20", "vit_cifar", "unet",
                 "squeezenet1_1", "mobilenet_v2", "efficientnet_b0", "convnext_tiny", "detector"):
        model = models.create(name, num_classes=7, in_channels=2, image_size=32).eval()
        y = model(tc.randn(1, 2, 32, 32))
        each = {"unet": (7, 32, 32), "detector": (24, 2, 2)}
        assert y.shape == (1, *each.get(name, (7,))), name
    assert models.create("mlp", hidden=(5,)).layers[-1].in_features == 5
    assert models.create("lenet5_1998")(tc.randn(1, 1, 32, 32)).shape == (1, 10)


@pytest.mark.parametrize("call, words", [
    (lambda: models.create("resnet21"), "unknown model 'resnet21'; did you mean resnet"),
    (lambda: models.create("LeNet-5"), "unknown model 'LeNet-5'"),
    (lambda: models.create("zzz"), "unknown model 'zzz'; there are alexnet, alexnet_2012, convnext"),
    (lambda: models.create("lenet5", num_classes=0),
     "num_classes should be a positive whole number, got 0"),
    (lambda: models.create("lenet5", in_channels=1.5),
     "in_channels should be a positive whole number, got 1.5"),
    (lambda: models.create("lenet5", image_size=64),
     "image_size should be 28 (padded to 32) or 32, got 64"),
    (lambda: models.create("lenet5_1998", num_classes=5), "num_classes is 10, got 5"),
    (lambda: models.create("resnet18", stem="tiny"),
     "stem should be 'imagenet' or 'cifar', got 'tiny'"),
    (lambda: models.create("densenet121", stem="tiny"),
     "stem should be 'imagenet' or 'cifar', got 'tiny'"),
    (lambda: models.create("mobilenet_v2", stem=None), "MobileNetV2: stem should be 'imagenet' or"),
    (lambda: models.GoogLeNet(width_mult=0.3), "width_mult should be a multiple of 1/8"),
    (lambda: models.SqueezeNet("1.1"), "version should be '1_0' or '1_1', got '1.1'"),
    (lambda: models.create("vit_cifar", image_size=30), "multiple of the patch_size 4, got 30"),
    (lambda: models.create("vit_cifar")(tc.zeros(1, 3, 28, 28)), "images of 32×32, got shape (1, "),
    (lambda: models.create("unet", width=1)(tc.zeros(1, 3, 40, 32)), "multiples of 16, got shape"),
    (lambda: models.wide_resnet.wide_resnet(20, 2), "depth should be 6n + 4 (10, 16, 22, 28, 40"),
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


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d", "densenet121", "mobilenet_v2",
                                  "efficientnet_b0"])
def test_a_stem_for_small_images_keeps_four_times_the_resolution_on_each_side(undrawn, name):
    sides = []
    for stem in ("imagenet", "cifar"):
        model = models.create(name, stem=stem).eval()
        last = model.features if hasattr(model, "features") else model.layer4
        last.register_forward_hook(lambda module, args, y: sides.append(y.shape[2:]))
        with tc.no_grad():
            model(tc.zeros(1, 3, 32, 32))
    assert sides == [(1, 1), (4, 4)]


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
