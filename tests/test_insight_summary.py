"""What a model consists of and what it costs, counted on a trace of the model itself."""
import json
import time

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import insight, models, nn
from tinyconv.__main__ import main
from tinyconv.core import computed, evaluated_by, primitive, several

GOLDEN = {"lenet5": (61_706, 416_520), "resnet20": (269_722, 40_551_040),
          "resnet18": (11_689_512, 1_814_073_344), "resnet50": (25_557_032, 4_089_184_256),
          "mlp": (266_610, 266_200)}


# billions of multiply-adds at 224×224, as published with torchvision's weights
PUBLISHED = {"densenet121": 2.834, "efficientnet_b0": 0.386, "googlenet": 1.498,
             "mobilenet_v2": 0.301, "squeezenet1_0": 0.819, "squeezenet1_1": 0.349,
             "convnext_tiny": 4.456, "resnext50_32x4d": 4.230, "vit_b_16": 17.564}


def row_of(found, path, title=""):
    return next(row for row in found.rows if row.path == path and row.title.startswith(title))


@pytest.mark.parametrize("name", GOLDEN)
def test_parameters_and_multiply_adds_are_the_known_ones(name):
    found = insight.summary(models.create(name))
    assert (found.parameters, found.multiply_adds) == GOLDEN[name]
    assert found.rows[0].parameters == found.parameters
    assert found.rows[0].multiply_adds == found.multiply_adds
    layers = [row for row in found.rows if row.is_layer]
    assert sum(row.multiply_adds for row in layers) == found.multiply_adds
    assert sum(row.parameters for row in layers) == found.parameters
    assert found.memory == sum(row.memory for row in layers)


@pytest.mark.parametrize("name", PUBLISHED)
def test_multiply_adds_of_the_zoo_are_the_published_ones(name):
    found = insight.summary(models.create(name))
    assert found.input == (3, 224, 224)
    assert round(found.multiply_adds / 1e9, 3) == PUBLISHED[name]


@pytest.mark.parametrize("name", [
    "detector", "fcn_resnet50", "lenet5_1998", "preresnet20", "resnet18", "unet", "vit_cifar",
    "wrn_16_2", "mobilenet_v2", "densenet121"])
def test_models_of_every_kind_have_a_summary(name):
    model = models.create(name)
    found = insight.summary(model)
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.rows[0].field is not None and found.multiply_adds > 0
    assert max(map(len, str(found).splitlines())) <= 100


def test_resnet50_is_traced_and_not_computed():
    model = models.create("resnet50")
    start = time.process_time()
    found = insight.summary(model, (3, 224, 224))
    assert time.process_time() - start < 1.0, "4 · 10⁹ multiply-adds take longer"
    assert row_of(found, "layer4.2").shape == (2048, 7, 7)
    assert row_of(found, "layer4.2").field.size == (427, 427)


@pytest.mark.parametrize("name, shape", [("resnet20", (3, 40, 24)), ("lenet5", (1, 28, 28)),
                                         ("lenet5_1998", (1, 28, 28)), ("mlp", (1, 28, 28))])
def test_shapes_are_those_of_a_real_pass(name, shape):
    model, real = models.create(name).eval(), {}
    paths = {module: path for path, module in model.named_modules()}
    handles = [module.register_forward_hook(
        lambda module, args, y: real.update({paths[module]: y.shape[1:]}))
        for module in model.modules()]
    model(tc.zeros(1, *shape))
    for handle in handles:
        handle.remove()
    found = insight.summary(model, shape)
    traced = {row.path: row.shape for row in found.rows if row.title[0].isupper()}
    assert traced == real


@pytest.mark.parametrize("layer, shape, expected", [
    (lambda: nn.Conv2d(8, 12, 3, padding=1, groups=4), (8, 5, 7), 5 * 7 * 12 * 2 * 9),
    (lambda: nn.Conv1d(2, 3, 4, stride=2), (2, 20), 9 * 3 * 2 * 4),
    (lambda: nn.Conv3d(1, 2, 3), (1, 5, 5, 5), 27 * 2 * 27),
    (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2), (4, 5, 5), 25 * 4 * 6 * 9),
    (lambda: nn.Linear(7, 5), (3, 7), 3 * 7 * 5), (lambda: nn.BatchNorm2d(3), (3, 4, 4), 0)])
def test_multiply_adds_of_a_layer(layer, shape, expected):
    found = insight.summary(layer(), shape)
    assert found.multiply_adds == expected
    assert found.memory == 4 * np.prod(layer()(tc.zeros(1, *shape)).shape)


def test_the_products_of_attention_count():
    class Attention(nn.Module):
        def __init__(self):
            self.q, self.k, self.v = (nn.Linear(8, 8, bias=False) for _ in range(3))

        def forward(self, x):
            x = x.flatten(2).transpose(1, 2)                            # (N, 20, 8)
            return F.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x))

    found = insight.summary(Attention(), (8, 4, 5))
    assert found.multiply_adds == 3 * 20 * 8 * 8 + 2 * 20 * 20 * 8
    assert [row.title for row in found.rows[1:]] == ["Linear"] * 3 + ["matrix product"] * 2
    assert found.rows[1].field.size == (1, 1), "a token of a single pixel"
    assert found.rows[-1].field.size == (4, 5), "and then of all"


def test_pooling_within_forward_has_a_line_of_its_own():
    found = insight.summary(models.create("lenet5"))
    assert [(row.title, row.shape, row.field.size[0]) for row in found.rows if row.is_layer] == [
        ("Conv2d 5×5", (6, 28, 28), 5), ("max pooling", (6, 14, 14), 6),
        ("Conv2d 5×5", (16, 10, 10), 14), ("max pooling", (16, 5, 5), 16), ("Linear", (120,), 32),
        ("Linear", (84,), 32), ("Linear", (10,), 32)]


def test_a_layer_that_is_called_twice_has_its_parameters_counted_once():
    class Twice(nn.Module):
        def __init__(self):
            self.conv = nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, x):
            return self.conv(self.conv(x))

    found = insight.summary(Twice(), (2, 6, 6))
    assert [row.parameters for row in found.rows] == [38, 38, 0] and found.parameters == 38
    assert [row.field.size[0] for row in found.rows] == [5, 3, 5]
    assert found.multiply_adds == 2 * 36 * 2 * 2 * 9


def test_an_operation_of_ones_own_is_run_and_may_have_seen_everything():
    @primitive
    def upside_down(x):
        return x[:, :, ::-1].copy()

    class Net(nn.Module):
        def __init__(self):
            self.conv = nn.Conv2d(1, 1, 3)

        def forward(self, x):
            return upside_down(self.conv(x))

    found = insight.summary(Net(), (1, 8, 8))
    assert found.rows[0].shape == (1, 6, 6) and found.rows[0].field.size == (8, 8)
    assert found.rows[1].field.size == (3, 3)


def test_what_is_not_made_from_the_image_has_no_field():
    class Constant(nn.Module):
        def __init__(self):
            self.table = nn.Parameter(np.ones((2, 3), np.float32))

        def forward(self, x):
            return self.table * 2

    assert insight.summary(Constant(), (1, 4, 4)).rows[0].field is None


def test_images_of_another_kind_are_refused_as_the_model_does():
    with pytest.raises(ValueError, match="conv2d: x has 4 channels"):
        insight.summary(models.create("resnet20"), (4, 32, 32))
    model = nn.Linear(5, 3)
    with pytest.raises(ValueError, match="takes no image of a usual size: say which"):
        insight.summary(model)


def test_operations_can_be_followed_instead_of_computed_and_afterwards_not():
    seen = []

    def evaluate(f, args, kwargs):
        seen.append(f.__name__)
        return computed(f, args, kwargs) + 1

    x = tc.tensor([1.0, 2.0])
    with evaluated_by(evaluate):
        y = x * 3 + 1
    assert y.tolist() == [6, 9] and seen == ["mul", "add"]
    assert (x * 3 + 1).tolist() == [4, 7]


def test_a_function_of_several_arrays_can_be_followed_too():
    x = tc.tensor([[[[1.0, 5.0], [2.0, 3.0]]]])
    with evaluated_by(lambda f, args, kwargs: [f.__name__]):
        assert several(divmod, x, 2) == ["divmod"]
    assert F.max_pool2d(x, 2).tolist() == [[[[5.0]]]]
    assert [y.tolist() for y in several(np.divmod, tc.tensor([5, 7]), 3)] == [[1, 2], [2, 1]]


# ---- the command line ----------------------------------------------------------------------------

def test_summary_prints_a_tree_of_at_most_100_columns_with_totals(capsys):
    assert main(["summary", "resnet50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[2].split() == ["ResNet", "1000", "25", "557", "032", "4.09", "G", "619", "0",
                                "-213"]
    assert any(line.split()[:3] == ["0", "Conv2d", "1×1/2"] for line in lines)
    assert lines[-3].startswith("parameters     25 557 032 ") and "4.09 G " in lines[-2]
    assert "3×224×224" in lines[-2] and lines[-1].startswith("activations")


def test_summary_takes_another_size_of_image(capsys):
    assert main(["summary", "resnet20", "--input", "1x64x48"]) == 0
    out = capsys.readouterr().out
    assert "16×64×48" in out and "for an image of 1×64×48" in out


def test_summary_as_json(capsys):
    assert main(["summary", "lenet5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"] == 61_706 and found["multiply_adds"] == 416_520
    assert found["input"] == [1, 28, 28] and found["layers"][2]["title"] == "max pooling"
    assert found["layers"][1]["field"] == {"size": [5, 5], "stride": [1, 1], "offset": [-2, -2]}


@pytest.mark.parametrize("argv, says", [
    (["summary", "resnet5"], "did you mean resnet5"),
    (["summary", "resnet50", "--input", "224"], "expected CxHxW such as 3x224x224, got '224'"),
    (["summary", "resnet50", "--input", "3x0x9"], "expected a whole number of at least 1")])
def test_what_summary_does_not_understand_is_bad_usage(capsys, argv, says):
    try:
        status = main(argv)
    except SystemExit as stop:
        status = stop.code
    assert status == 2 and says in capsys.readouterr().err
