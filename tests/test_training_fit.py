"""Training: what `fit` promises. Small models on few images, so that it takes seconds."""
import fnmatch
import io
import json
import re
import sys
import time

import numpy as np
import pytest

import tinyconv as tc
from tinyconv import data, models, nn, ops, optim, random, training
from tinyconv.checkpoint import read_weights
from tinyconv.core import Tensor
from tinyconv.nn import functional as F
from tinyconv.training import figures, folder
from tinyconv.training.recipes import OTHERWISE, TABLE, Recipe, choose, model_arguments

SMALL = Recipe(epochs=2, batch_size=32, lr=0.1, augment="shift=1")


class Small(nn.Module):
    """A classifier with dropout and batch norm, so that modes and randomness matter."""

    def __init__(self, size=8, classes=3):
        self.hidden = nn.Linear(size * size, 16)
        self.norm = nn.BatchNorm1d(16)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(16, classes)

    def forward(self, x):
        x = F.relu(self.norm(self.hidden(x.flatten(1))))
        return self.out(self.drop(x))


def stripes(n, seed=0):
    """Images with a bright stripe in one of three places; easy to tell apart."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, n)
    images = generator.integers(0, 100, (n, 1, 8, 8)).astype(np.uint8)
    for i, label in enumerate(labels):
        images[i, 0, 2 * label + 1:2 * label + 3] += 150
    return data.Dataset("stripes", images, labels, ("top", "middle", "bottom"))


def small_run(seed=0, out=None, **options):
    random.manual_seed(seed)
    model = Small()
    options = {"recipe": SMALL, "progress": False, **options}
    history = training.fit(model, stripes(200), test=stripes(60, 1), seed=seed, out=out, **options)
    return model, history


def values(model):
    return {name: t.data.copy() for name, t in model.state_dict().items()}


# ---- fit -----------------------------------------------------------------------------------------

def test_training_learns_what_can_be_learned():
    _, history = small_run(epochs=6)
    assert history["epoch"] == [1, 2, 3, 4, 5, 6]
    assert history["test_accuracy"][-1] > 0.95
    assert history["train_loss"][-1] < history["train_loss"][0]


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    (a, first), (b, again), (c, _) = small_run(), small_run(), small_run(seed=1)
    for name, value in values(a).items():
        np.testing.assert_array_equal(value, values(b)[name])
    assert first["train_loss"] == again["train_loss"]
    assert any((values(a)[name] != values(c)[name]).any() for name in values(a))


def test_the_learning_rate_rises_and_falls_step_by_step():
    rates = []

    def listener(event, run):
        if event == "step":
            rates.append(run.lr)
    small_run(callbacks=[listener], epochs=4)
    top = int(np.argmax(rates))
    assert 0 < top < len(rates) / 2
    assert (np.diff(rates[:top]) > 0).all() and (np.diff(rates[top:]) < 0).all()
    assert max(rates) == pytest.approx(0.1, rel=0.2)


def test_callbacks_hear_of_everything_in_order_and_may_stop_the_run():
    heard = []

    def listener(event, run):
        heard.append((event, run.epoch, run.step))
        if event == "epoch":
            run.stop = True
    small_run(callbacks=[listener], batch_size=100)
    assert heard == [("begin", 0, 0), ("step", 1, 1), ("step", 1, 2), ("epoch", 1, 2),
                     ("end", 1, 2)]


def test_without_a_test_set_there_is_no_test_accuracy():
    history = training.fit(Small(), stripes(64), recipe=SMALL, progress=False)
    assert history["test_accuracy"] == [] and len(history) == 2


class Exploding(Small):
    calls = 0

    def forward(self, x):
        if self.training:
            self.calls += 1
        return super().forward(x) * (float("nan") if self.calls > 10 else 1.0)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(tmp_path):
    random.manual_seed(0)
    with pytest.raises(training.Diverged,
                       match=r"loss is nan at step 11 \(step 4 of 7 of epoch 2\); .*learning rate.*; "
                             r"mul made nan .*test_training_fit.py:\d+"):
        training.fit(Exploding(), stripes(200), recipe=SMALL, progress=False, out=tmp_path / "run")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1]
    arrays, metadata = read_weights(tmp_path / "run" / "weights.safetensors")
    assert metadata["epoch"] == "1" and all(np.isfinite(a).all() for a in arrays.values())


def test_a_loss_that_is_not_finite_is_blamed_on_the_first_operation_that_was_not():
    class Overflowing(Small):
        def forward(self, x):
            return super().forward(F.dropout(x, 0.5) * 1e30 * 1e30)
    with np.errstate(over="ignore"), pytest.raises(training.Diverged, match=(
            r"loss is nan at step 1 .* mul made -?inf at \(\d+, 0, \d, \d\) of its result of shape "
            r"\(\d+, 1, 8, 8\), at .*test_training_fit.py:\d+; .* it originated here")):
        training.fit(Overflowing(), stripes(200), recipe=SMALL, progress=False)


def test_a_run_of_a_model_of_ours_that_diverges_names_the_line_that_called_fit():
    digits, line = data.load("digits").limit(64), sys._getframe().f_lineno + 3
    with pytest.raises(training.Diverged, match=(
            rf" at {re.escape(__file__)}:{line} \(through tinyconv/models/lenet.py:\d+\)")):
        training.fit(models.create("lenet5"), digits, epochs=3, batch_size=16, lr=1e6,
                     progress=False)


def test_a_model_that_does_not_fit_the_data_is_refused_before_the_first_step(tmp_path):
    options = {"recipe": SMALL, "out": tmp_path / "run"}
    with pytest.raises(ValueError, match="Small does not take images of 1×8×8, as stripes has the"):
        training.fit(Small(size=9), stripes(10), **options)
    with pytest.raises(ValueError, match=r"an array \(1, 5\), but stripes has 3 classes"):
        training.fit(Small(classes=5), stripes(10), **options)
    wide = data.Dataset("wide", np.zeros((3, 1, 8, 9), np.uint8), np.arange(3), tuple("abc"))
    with pytest.raises(ValueError, match="Small does not take images of 1×8×9, as wide has them"):
        training.fit(Small(), stripes(10), test=wide, **options)
    assert not (tmp_path / "run").exists()


def test_a_test_set_with_other_classes_is_refused_before_the_first_step():
    test = stripes(60, 1)
    for classes, says in [(("top", "bottom", "middle"), "class 1 is 'middle' in stripes, but 'bott"),
                          (("top", "middle", "low"), "class 2 is 'bottom' in stripes, but 'low' in")]:
        other = data.Dataset("others", test.images, test.labels, classes)
        with pytest.raises(ValueError, match=says):
            training.fit(Small(), stripes(200), test=other, callbacks=[lambda *_: pytest.fail()])
    several = data.Dataset("many", test.images, np.eye(3, dtype=int)[test.labels], test.classes)
    for train, test in ((several, test), (test, several)):
        with pytest.raises(ValueError, match="image of many may have several labels, one of stri"):
            training.fit(Small(), train, test=test, callbacks=[lambda *_: pytest.fail()])


def test_loading_batches_does_not_disturb_other_randomness():
    """The loader draws ahead in a thread of its own; dropout must not depend on how far ahead."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    state = random.default_generator().bit_generator.state
    training.fit(model, stripes(64), recipe=SMALL, progress=False)
    assert random.default_generator().bit_generator.state == state


# ---- evaluate ------------------------------------------------------------------------------------

class Constant(nn.Module):
    def __init__(self, logits):
        self.logits = np.asarray(logits, np.float32)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        self.saw = x
        return ops.add(Tensor(self.logits), np.zeros((len(x), 3), np.float32))


def test_evaluate_counts_by_hand():
    images = np.zeros((4, 1, 2, 2), np.uint8)
    dataset = data.Dataset("four", images, np.array([0, 1, 1, 2]), ("a", "b", "c"))
    found = training.evaluate(Constant([1.0, 3.0, 2.0]), dataset)
    np.testing.assert_array_equal(found.confusion, [[0, 1, 0], [0, 2, 0], [0, 1, 0]])
    np.testing.assert_array_equal(found.predictions, [1, 1, 1, 1])
    np.testing.assert_array_equal(found.class_accuracy, [0, 1, 0])
    assert found.accuracy == 0.5
    z = np.log(np.exp([1.0, 3.0, 2.0]).sum())
    assert found.loss == pytest.approx(np.mean(z - np.array([1.0, 3.0, 3.0, 2.0])), rel=1e-6)


def test_evaluate_does_not_depend_on_the_batch_size():
    random.manual_seed(0)
    model, dataset = Small(), stripes(50)
    a, b = (training.evaluate(model, dataset, batch_size=size) for size in (7, 50))
    np.testing.assert_array_equal(a.confusion, b.confusion)
    assert a.loss == pytest.approx(b.loss, rel=1e-6)


def test_evaluate_leaves_every_layer_in_its_mode_and_records_nothing():
    model = Small()
    model.norm.eval()                                    # frozen by its owner
    before = values(model)
    training.evaluate(model, stripes(10))
    assert model.training and model.drop.training and not model.norm.training
    for name, value in values(model).items():            # the running statistics did not move
        np.testing.assert_array_equal(value, before[name])
    assert all(p.grad is None for p in model.parameters())
    constant = Constant([1, 2, 3])
    training.evaluate(constant, stripes(4))
    assert not constant.saw.requires_grad


def test_the_mode_is_restored_also_after_an_error():
    model = Small(size=9)
    with pytest.raises(Exception):
        training.evaluate(model, stripes(4))
    assert model.training and model.drop.training


def test_evaluate_normalises_as_it_is_told():
    constant, images = Constant([1, 2, 3]), np.zeros((2, 1, 2, 2), np.uint8)
    dataset = data.Dataset("black", images, np.array([0, 1]), ("a", "b", "c"))
    training.evaluate(constant, dataset, mean=[0.5], std=[0.25])
    np.testing.assert_array_equal(constant.saw.data, -2)


# ---- the folder of a run -------------------------------------------------------------------------

def test_a_run_leaves_its_configuration_metrics_weights_and_figures(tmp_path):
    model, history = small_run(out=tmp_path / "run")
    assert {p.name for p in (tmp_path / "run").iterdir()} == {
        "config.json", "metrics.jsonl", "first-layer.safetensors", "weights.safetensors",
        "curves.png", "confusion.png",
        "checkpoint-7.safetensors", "checkpoint-14.safetensors"}
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["seed"] == 0 and config["recipe"] == SMALL.as_dict()
    assert config["data"]["classes"] == ["top", "middle", "bottom"]
    assert config["versions"]["numpy"] == np.__version__ and config["threads"] >= 1
    text = (tmp_path / "run" / "metrics.jsonl").read_text()
    assert [json.loads(line) for line in text.splitlines()] == history.records
    assert history[0].keys() == {"epoch", "train_loss", "train_accuracy", "test_loss",
                                 "test_accuracy", "lr", "seconds", "images_per_second"}
    for name in ("curves.png", "confusion.png"):
        assert (tmp_path / "run" / name).read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_is_not_empty_is_refused_untouched(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(FileExistsError, match="is not empty"):
        small_run(out=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(FileExistsError, match="a file has that name"):
        small_run(out=tmp_path / "mine.txt")


def test_a_saved_run_of_a_model_of_ones_own_says_how_to_load_it(tmp_path):
    small_run(out=tmp_path / "run")
    with pytest.raises(ValueError, match=r"is a Small of your own.*load_weights"):
        training.load_run(tmp_path / "run")


def test_runs_are_numbered_by_the_next_free_number(tmp_path):
    names = [folder.next_free(tmp_path / "runs", "a").name for _ in range(3)]
    assert names == ["a-1", "a-2", "a-3"]


@pytest.mark.parametrize("content, says", [
    ("{", "damaged"), ("[]", "not the configuration"), ("{}", "not the configuration"),
    ('{"format": 99}', "newer version"), ("\xff", "damaged"),
    ('{"format": 1, "model": {}, "data": {}}', "not the configuration")])
def test_a_damaged_configuration_is_refused(tmp_path, content, says):
    (tmp_path / "config.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=says):
        training.load_run(tmp_path)


@pytest.mark.parametrize("arguments", [{"colour": 1}, ["num_classes"], 3])
def test_arguments_that_no_model_takes_are_named(tmp_path, arguments):
    small_run(out=tmp_path / "run")
    file = tmp_path / "run" / "config.json"
    config = json.loads(file.read_text())
    config["model"] |= {"name": "mlp", "arguments": arguments}
    file.write_text(json.dumps(config))
    with pytest.raises(ValueError, match="config.json has arguments .*, which 'mlp' does not take"):
        training.load_run(tmp_path / "run")


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not the folder of a run"):
        training.load_run(tmp_path / "nowhere")


# ---- recipes -------------------------------------------------------------------------------------

def test_there_is_a_recipe_for_any_model_and_any_data():
    assert choose(Small(), "unheard of") is TABLE[-1][2]
    assert choose(models.create("lenet5"), "mnist").augment == "shift=2"
    assert choose(models.create("resnet20"), "cifar10").augment == "crop=4,flip"


def test_every_kind_of_model_in_the_table_exists():
    assert {kind for kind, _, _ in TABLE} - {"*"} <= set(vars(models))
    assert all(fnmatch.filter(vars(models), kinds) for kinds, _ in OTHERWISE)


def test_attention_and_convnext_are_trained_by_adamw_on_images_as_others_have_them():
    for model in (models.VisionTransformer(8, 4, 1, 1, 8, 8), models.ConvNeXt((1,), (8,))):
        for data_name, augment in (("digits", "shift=2"), ("cifar10", "crop=4,flip")):
            recipe = choose(model, data_name)
            assert (recipe.optimizer, recipe.lr, recipe.augment) == ("adamw", 0.001, augment)
            assert isinstance(recipe.optimizer_for(model), optim.AdamW)
    assert choose(models.SqueezeNet("1_1", 10), "cifar10").lr == 0.01


@pytest.mark.compiled
@pytest.mark.parametrize("build", [
    lambda: models.VisionTransformer(28, 7, 2, 2, 32, 64, num_classes=10, in_channels=1),
    lambda: models.ConvNeXt((1, 1), (16, 32), 10, 1, stochastic_depth_prob=0)])
def test_by_their_recipes_a_small_vit_and_a_small_convnext_learn_digits(build):
    tc.manual_seed(0)
    history = training.fit(build(), data.load("digits").limit(1000), epochs=6, batch_size=32,
                           lr=0.001, progress=False, test=data.load("digits", "test")[:500])
    assert history[-1]["test_accuracy"] > 0.25, history     # one in ten is chance


def test_resnets_for_photographs_get_a_stem_for_small_images():
    small = stripes(2)
    model = models.create("resnet18", **model_arguments("resnet18", small))
    assert model.conv1.kernel_size == (3, 3)
    training.loop.check_fit(model, small)


def test_the_learning_rate_follows_the_batch_size_unless_it_is_given():
    recipe = Recipe(batch_size=128, lr=0.4)
    assert recipe.changed(batch_size=32).lr == pytest.approx(0.1)
    assert recipe.changed(batch_size=32, lr=0.4).lr == 0.4
    assert recipe.changed(epochs=None) == recipe


@pytest.mark.parametrize("values, says", [
    (dict(epochs=0), "epochs must be a whole number of at least 1, got 0"),
    (dict(batch_size=1.5), "batch_size"), (dict(lr=float("nan")), "lr must be"),
    (dict(lr=-1), "lr must be"), (dict(label_smoothing=1), "label_smoothing"),
    (dict(lr="a"), r"lr must be a number in \[0, inf\), got 'a'"),
    (dict(momentum=None), "momentum must be"),
    (dict(warmup=1.5), "warmup must be"), (dict(epochs=True), "epochs must be"),
    (dict(augment="crop=-1"), "augment: crop=-1: .* must be a whole number of at least 0, got -1"),
    (dict(augment="shift=0.5"), "must be a whole"), (dict(augment="fliip"), "'fliip' is unknown"),
    (dict(augment="flip,flip"), "'flip' is named twice"), (dict(patience=-1), "patience must be"),
    (dict(mode="frozen"), "mode must be one of 'scratch', 'features', 'finetune', got 'frozen'"),
    (dict(unfreeze=2), "unfreeze is for the mode 'finetune'"), (dict(average=1), "average must be"),
    (dict(layer_decay=0), r"layer_decay must be a number in \(0, 1\], got 0"),
    (dict(optimizer="magic"), "optimizer must be one of 'sgd', 'adamw', got 'magic'")])
def test_a_bad_recipe_is_refused(values, says):
    with pytest.raises(ValueError, match=says):
        Recipe(**values)


@pytest.mark.parametrize("args, options, says", [
    (("lenet5", "digits"), {}, "model must be a Module, got str 'lenet5'; models.create"),
    ((None, "digits"), {}, "model must be a Module, got NoneType"),
    ((nn.Identity(), "digits"), {"test": "digits"}, "test must be a Dataset, got str 'digits'"),
    ((nn.Identity(), "digits"), {"recipe": {"lr": 1}}, "recipe must be a Recipe, got dict"),
    ((nn.Identity(), None), {}, "a data set is named by a text or .* got NoneType"),
    ((nn.Identity(), "digits"), {"lr": "fast"}, "lr must be a number"),
    ((nn.Identity(), "digits"), {"seed": "x"}, "seed must be a whole number .* got 'x'"),
    ((Small(), stripes(9)), {"recipe": Recipe(augment="flip,crop=99")},
     "RandomCrop: padding must be less than the sides of its windows, 8×8, .* got 99")])
def test_what_cannot_be_trained_is_named_before_anything_happens(tmp_path, args, options, says):
    with pytest.raises((TypeError, ValueError), match=says):
        training.fit(*args, **options, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


# ---- figures and progress ------------------------------------------------------------------------

def history_of(n, **changes):
    return training.History([
        dict(epoch=i + 1, train_loss=1 / (i + 1), train_accuracy=0.5, test_loss=1 / (i + 1),
             test_accuracy=0.6, lr=0.1, seconds=1.0, images_per_second=10.0) | changes
        for i in range(n)])


@pytest.mark.parametrize("history", [history_of(1), history_of(60),
                                     history_of(3, test_accuracy=1.0)])
def test_curves_can_be_drawn(history):
    assert figures.curves(history, "a title").startswith(b"\x89PNG")


@pytest.mark.parametrize("K", [2, 10, 100])
def test_a_confusion_matrix_can_be_drawn(K):
    classes = [f"class {i}" for i in range(K)]
    assert figures.confusion(np.eye(K, dtype=int), classes).startswith(b"\x89PNG")


def test_drawing_leaves_pyplot_alone():
    loaded = "matplotlib.pyplot" in sys.modules
    figures.curves(history_of(2))
    assert ("matplotlib.pyplot" in sys.modules) == loaded


def test_the_progress_bar_is_silent_where_there_is_no_terminal(capsys):
    small_run(progress=True)
    assert capsys.readouterr() == ("", "")


def test_the_progress_bar_shows_loss_accuracy_and_speed():
    class Terminal(io.StringIO):
        def isatty(self):
            return True
    screen = Terminal()
    small_run(callbacks=[lambda *_: time.sleep(0.03), training.ProgressBar(screen)])
    assert all(part in screen.getvalue() for part in ("epoch 1/2", "images/s", "loss", "accuracy"))


def test_a_history_comes_back_from_its_lines():
    history = history_of(3)
    again = training.History.from_json_lines(history.to_json_lines())
    assert again.records == history.records
    assert again["epoch"] == [1, 2, 3] and again[-1]["epoch"] == 3
    assert "accuracy 60.00 %" in repr(history)
