"""Going on from what was learned before: what is frozen stays, what is new learns, and options of
training do what they say. Small models on few images."""
import copy
import json
import re

import numpy as np
import pytest
from test_training_fit import SMALL, Small, stripes, values

from tinyconv import data, models, nn, optim, random, training
from tinyconv.checkpoint import Damaged, read_weights, save_weights
from tinyconv.core import Tensor, no_grad
from tinyconv.nn import functional as F
from tinyconv.training import Average, Recipe, recipes, transfer


def network(seed=0):
    random.manual_seed(seed)
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()),
        nn.Linear(36, 3))


def changed(before, model):
    """The names of the parameters and buffers with other values than before."""
    return {name for name, value in values(model).items() if (value != before[name]).any()}


def fit(model, recipe, **options):
    return training.fit(model, stripes(100), recipe=recipe, seed=0, progress=False, **options)


# ---- frozen --------------------------------------------------------------------------------------

def test_what_is_frozen_does_not_drift_in_training_and_what_is_not_learns():
    model = network()
    nn.freeze(model[0])
    before = values(model)
    fit(model, SMALL)
    names = {name for name in before if name.startswith("0.")}
    assert changed(before, model) == before.keys() - names and len(names) == 7


def test_statistics_of_a_frozen_batch_norm_drift_only_if_one_asks_for_that():
    x = Tensor(np.random.default_rng(0).standard_normal((8, 1, 8, 8)).astype("f"))
    for bn_stats, drift in ((True, set()), (False, {"0.1.running_mean", "0.1.running_var",
                                                    "0.1.num_batches_tracked"})):
        model = nn.freeze(network(), bn_stats)[:1].train()
        before = values(model)
        model(x)
        assert changed(before, model) == drift
        assert not any(p.requires_grad or p.grad for p in model.parameters())


def test_freezing_is_undone_by_unfreezing():
    model = nn.unfreeze(nn.freeze(network()))
    model.train()
    assert all(p.requires_grad for p in model.parameters()) and all(m.training for m in model.modules())


def test_no_step_is_taken_with_a_gradient_from_before_the_freezing():
    model = network()
    model(Tensor(np.ones((2, 1, 8, 8), np.float32))).sum().backward()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    before = values(nn.freeze(model))
    optimizer.step()
    assert not changed(before, model)


# ---- heads and stages ----------------------------------------------------------------------------

@pytest.mark.parametrize("name, head", [("lenet5", "fc3"), ("resnet20", "linear"), ("resnet18", "fc")])
def test_a_new_head_has_as_many_classes_as_asked_for_and_the_body_stays(name, head):
    model = models.create(name)
    before = values(model)
    assert models.replace_head(model, 7) is model and models.head_of(model)[0] == head
    now = values(model)
    assert len(now[f"{head}.weight"]) == len(now[f"{head}.bias"]) == 7
    assert all(np.array_equal(now[key], before[key]) for key in now if not key.startswith(head))
    assert not np.array_equal(now[f"{head}.weight"], before[f"{head}.weight"][:7])


def test_a_head_may_be_a_convolution_in_a_sequence():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Sequential(nn.Dropout(), nn.Conv2d(8, 10, 1, bias=False),
                                                            nn.ReLU(), nn.AdaptiveAvgPool2d(1)))
    models.replace_head(model, 4)
    assert model(Tensor(np.ones((2, 3, 5, 5), "f"))).shape == (2, 4, 1, 1) and model[1][1].bias is None


def test_a_head_that_cannot_be_replaced_is_named():
    with pytest.raises(ValueError, match="head of LeNet51998 should be its last layer with weights"):
        models.replace_head(models.create("lenet5_1998"), 3)
    with pytest.raises(ValueError, match="num_classes should be a positive whole number, got 0"):
        models.replace_head(network(), 0)


def test_the_stages_of_a_model_go_from_its_first_layers_to_its_head_and_hold_every_parameter():
    model = models.create("resnet20")
    found = models.stages(model)
    assert found == [[model.conv1, model.bn1], [model.layer1], [model.layer2], [model.layer3],
                     [model.linear]]
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)))
    assert models.stages(model) == [[model[0]], [model[1][0]], [model[1][2]]]


class WithToken(nn.Module):
    def __init__(self):
        self.token = nn.Parameter(np.ones(3, np.float32))
        self.body, self.head = nn.Linear(3, 3), nn.Linear(3, 2)


def test_learning_rates_fall_stage_by_stage_and_no_parameter_is_left_out():
    for model in (models.create("resnet20"), WithToken()):
        groups = models.layerwise(model, 0.1, 0.5)
        assert [g["lr"] for g in groups] == [0.1 * 0.5 ** i for i in range(len(groups))][::-1]
        assert {id(p) for g in groups for p in g["params"]} == {id(p) for p in model.parameters()}
        optim.SGD(groups, lr=0.1)                            # which refuses a parameter twice
    with pytest.raises(ValueError, match=r"decay must be a number in \(0, 1\], got 2"):
        models.layerwise(WithToken(), 0.1, 2)


# ---- the modes of a run --------------------------------------------------------------------------

def test_features_train_the_head_alone():
    model = network()
    before = values(model)
    fit(model, SMALL.changed(mode="features"))
    assert changed(before, model) == {"2.weight", "2.bias"}


def test_gradual_unfreezing_frees_one_stage_more_every_so_many_epochs():
    model, seen = network(), []
    before = values(model)

    def listener(event, run):
        if event == "epoch":
            seen.append({name.split(".")[0] for name in changed(before, model)})
    recipe = SMALL.changed(epochs=5, mode="finetune", unfreeze=2, layer_decay=0.5)
    fit(model, recipe, callbacks=[listener])
    assert seen == [{"2"}, {"2"}, {"1", "2"}, {"1", "2"}, {"0", "1", "2"}]


def test_a_run_with_its_own_rates_goes_by_that_of_the_head():
    rates = []

    def listener(event, run):
        if event == "step":
            rates.append((run.lr, [g["lr"] for g in run.optimizer.param_groups]))
    fit(network(), SMALL.changed(layer_decay=0.5), callbacks=[listener])
    for (_, (first, second, head)), (lr, _) in zip(rates, rates[1:]):        # of the next step
        assert lr == head and (first, second) == pytest.approx((lr / 4, lr / 2))


@pytest.mark.parametrize("recipe", [
    SMALL.changed(mode="finetune", unfreeze=1, layer_decay=0.5, clip=1.0),
    SMALL.changed(average=0.9, augment="altflip,shift=1,mixup"), SMALL.changed(patience=1, epochs=4),
    SMALL.changed(mode="features", optimizer="adamw", lr=0.01, label_smoothing=0.1),
    SMALL.changed(augment="cutmix,cutout=2,erasing,rotation,jitter,flip", average=0.5, patience=2)])
@pytest.mark.parametrize("step", [2, 4, 6])
def test_a_run_that_goes_on_ends_with_the_bits_of_the_unbroken_one(tmp_path, recipe, step,
                                                                   monkeypatch):
    for figure in ("curves", "confusion"):
        monkeypatch.setattr(training.figures, figure, lambda *_: b"")

    class Killed(BaseException):
        pass

    def die(event, run):
        if event == "step" and run.step == step:
            raise Killed
    whole = network()
    fit(whole, recipe, out=tmp_path / "whole")
    with pytest.raises(Killed):
        fit(network(), recipe, out=tmp_path / "part", callbacks=[die], checkpoint_every=1)
    part = network(5)
    training.fit(part, stripes(100), resume=tmp_path / "part", progress=False)
    assert not changed(values(whole), part)
    assert ((tmp_path / "whole/weights.safetensors").read_bytes()
            == (tmp_path / "part/weights.safetensors").read_bytes())


# ---- options of training -------------------------------------------------------------------------

def test_the_average_of_weights_is_what_its_formula_says_and_swaps_bit_for_bit():
    model = Small()
    average, expected = Average(model, 0.5), values(model)["out.weight"].astype(float)
    for t in range(1, 6):
        model.out.weight.data[...] = t
        model.norm.num_batches_tracked[...] = t
        average.update(model)
        d = min(0.5, (1 + t) / (10 + t))
        expected = d * expected + (1 - d) * t
    np.testing.assert_allclose(average.arrays["out.weight"], expected, rtol=1e-5)
    assert average.arrays["norm.num_batches_tracked"] == 5
    before = values(model)
    with average.in_place(model):
        np.testing.assert_allclose(model.out.weight.data, expected, rtol=1e-5)
    assert not changed(before, model)


def test_the_average_is_what_is_measured_and_saved_and_left_in_the_model(tmp_path):
    model, seen = network(), {}

    def listener(event, run):
        if event == "epoch":
            seen.update(last=values(model), average=dict(run.average.arrays))
    history = fit(model, SMALL.changed(average=0.9), test=stripes(60, 1), out=tmp_path / "run",
                  callbacks=[listener])
    saved, _ = read_weights(tmp_path / "run/weights.safetensors")
    assert not changed(saved, model) and changed(seen["last"], model)
    found = training.evaluate(model, stripes(60, 1), mean=stripes(100).mean, std=stripes(100).std)
    assert found.loss == history[-1]["test_loss"]


def test_gradients_are_cut_to_their_norm(monkeypatch):
    norms = []
    step = optim.SGD.step

    def watched(self, closure=None):
        norms.append(np.sqrt(sum((p.grad.data ** 2).sum() for g in self.param_groups
                                 for p in g["params"])))
        return step(self, closure)
    monkeypatch.setattr(optim.SGD, "step", watched)
    fit(network(), SMALL)
    assert max(norms) > 0.2
    norms.clear()
    fit(network(), SMALL.changed(clip=0.1))
    assert max(norms) == pytest.approx(0.1, rel=1e-3)


def test_a_run_stops_when_nothing_is_gained_any_more_and_keeps_the_best_weights(tmp_path, monkeypatch):
    losses = iter([3.0, 1.0, 2.0, 1.5, 0.5])
    measured = training.loop.evaluate

    def evaluate(model, dataset, **options):
        found = measured(model, dataset, **options)
        return training.Evaluation(next(losses), *list(vars(found).values())[1:])
    monkeypatch.setattr(training.loop, "evaluate", evaluate)
    history = fit(network(), SMALL.changed(epochs=9, patience=2), out=tmp_path / "run")
    assert history["validation_loss"] == [3.0, 1.0, 2.0, 1.5] and history.kept()["epoch"] == 2
    assert read_weights(tmp_path / "run/weights.safetensors")[1]["epoch"] == "2"


def test_early_stopping_holds_out_a_tenth_of_the_training_set_and_nothing_of_the_test_set():
    sizes = []

    def listener(event, run):
        sizes.append((len(run.train), len(run.validation), len(run.test)))
        run.stop = True
    fit(network(), SMALL.changed(patience=3), test=stripes(60, 1), callbacks=[listener])
    assert set(sizes) == {(90, 10, 60)}


def test_test_time_augmentation_is_the_mean_over_views():
    model, dataset = network().eval(), stripes(20)
    x = dataset.images.astype(np.float64)

    def outputs(images):
        return training.predict(model, data.Dataset("v", images.astype(np.uint8), dataset.labels,
                                                    dataset.classes, dataset.mean, dataset.std))
    plain, mirrored = outputs(x), outputs(x[..., ::-1])
    np.testing.assert_allclose(training.predict(model, dataset, tta="flip"), (plain + mirrored) / 2,
                               rtol=1e-4, atol=1e-5)
    moved = [plain]
    for axis in (2, 3):
        for by in (1, -1):
            y = np.roll(x, by, axis)
            y[(slice(None),) * axis + (0 if by == 1 else -1,)] = 0
            moved.append(outputs(y))
    np.testing.assert_allclose(training.predict(model, dataset, tta="shift"), np.mean(moved, 0),
                               rtol=1e-4, atol=1e-5)
    assert training.evaluate(model, dataset, tta="flip,shift").predictions.shape == (20,)


def test_mixed_images_train_too_and_the_smoothing_of_labels_with_them():
    history = fit(network(), SMALL.changed(epochs=8, augment="mixup=0.2", label_smoothing=0.1),
                  test=stripes(60, 1))
    assert history["test_accuracy"][-1] > 0.9


# ---- where it goes on from -----------------------------------------------------------------------

def test_a_source_is_a_run_or_weights_of_the_package_or_a_file(tmp_path):
    fit(network(), SMALL, out=tmp_path / "run")
    run = transfer.source(tmp_path / "run")
    assert run.shape == (1, 8, 8) and run.classes == ("top", "middle", "bottom")
    assert run.mean == pytest.approx(stripes(100).mean)
    own = transfer.source("lenet5")
    assert own.shape == (1, 28, 28) and own.classes == tuple("0123456789") and len(own.std) == 1
    save_weights(models.create("mlp"), tmp_path / "w.npz")
    assert transfer.source(tmp_path / "w.npz").shape is None
    with pytest.raises(FileNotFoundError, match="nowhere is neither the folder of a run, nor a file"):
        transfer.source("nowhere")


def test_a_file_whose_metadata_cannot_be_read_is_named_with_what_it_says(tmp_path):
    said = {"mean": "[0.1307", "std": "[0.3081]", "classes": '["0", "1"]', "data": "mnist"}
    for part, text in {"mean": "[0.1307", "std": "0.3081", "classes": '"01"'}.items():
        path = tmp_path / f"{part}.safetensors"
        save_weights(network(), path, {**said, "mean": "[0.1307]", part: text})
        with pytest.raises(Damaged, match=f"{part}.safetensors.*lists in JSON.*{re.escape(text)}"):
            transfer.source(path)


def test_a_model_begins_with_the_body_and_keeps_the_head_only_for_the_same_classes(tmp_path):
    source = transfer.source("lenet5")
    trained = models.create("lenet5", pretrained=True)
    for classes, same in ((tuple("0123456789"), True), (tuple("abc"), False), (tuple("abcdefghij"), False)):
        model = transfer.begin("lenet5", {"num_classes": len(classes), "in_channels": 1,
                                          "image_size": 28}, source, classes)
        assert np.array_equal(model.fc2.weight.data, trained.fc2.weight.data)
        assert model.fc3.weight.shape == (len(classes), 84)
        assert np.array_equal(model.fc3.weight.data, trained.fc3.weight.data) == same


def test_weights_of_another_model_are_refused():
    with pytest.raises(ValueError, match="missing"):
        transfer.begin("mlp", {"num_classes": 3}, transfer.source("lenet5"), tuple("abc"))


def test_images_are_brought_to_the_channels_and_the_normalisation_of_before():
    grey = stripes(10)
    rgb = transfer.in_form(grey, 3, (0.5,) * 3, (0.2,) * 3)
    assert rgb.shape == (3, 8, 8) and rgb.mean == (0.5,) * 3 and (rgb.images == grey.images).all()
    assert (rgb.with_channels(1).images == grey.images).all()
    with pytest.raises(data.DataError, match="images of 3 channels cannot be brought to 2"):
        rgb.with_channels(2)


def test_the_recipe_for_fine_tuning_takes_smaller_steps():
    recipe = recipes.choose(models.create("resnet20"), "cifar10")
    assert recipes.transfer(recipe, "scratch") == recipe
    assert recipes.transfer(recipe, "features").mode == "features"
    tuned = recipes.transfer(recipe, "finetune")
    assert tuned.lr < recipe.lr and tuned.layer_decay < 1 and tuned.mode == "finetune"
