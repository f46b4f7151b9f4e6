"""The command line, for people with a folder of pictures of their own."""
import json
from pathlib import Path

import numpy as np
import pytest
from typed import one_line, save_picture

from tinyconv.checkpoint import Mismatch

pytestmark = pytest.mark.usefixtures("elsewhere")


def shape(kind, generator):
    """A picture (48, 48, 3) of a ring, a cross or stripes, of any colour, size and place."""
    v, u = np.mgrid[:48, :48] - generator.uniform(20, 28, 2)[:, None, None]
    size = generator.uniform(10, 17)
    far = np.hypot(u, v)
    mask = {"ring": (far < size) & (far > 0.6 * size),
            "cross": (np.minimum(abs(u), abs(v)) < 0.25 * size) & (np.maximum(abs(u), abs(v)) < size),
            "stripes": (np.maximum(abs(u), abs(v)) < size) & (v % 8 < 4)}[kind]
    dark, light = generator.uniform(0, 70, 3), generator.uniform(170, 255, 3)
    pixels = np.where(mask[..., None], light, dark) + generator.normal(0, 8, (48, 48, 3))
    return pixels.clip(0, 255).astype(np.uint8)


KINDS = "cross", "ring", "stripes"


@pytest.fixture
def shapes():
    """A folder of 25 pictures of each kind, and three new ones of each beside it."""
    generator = np.random.default_rng(0)
    new = []
    for kind in KINDS:
        Path("shapes", kind).mkdir(parents=True)
        for i in range(25):
            save_picture(Path("shapes", kind, f"{i}.png"), shape(kind, generator))
        new += [save_picture(f"{kind}-{i}.png", shape(kind, generator)) for i in range(3)]
    return new


@pytest.mark.compiled
def test_one_command_fine_tunes_on_a_folder_and_predict_names_what_is_in_a_picture(tinyconv, shapes):
    status, out, err = tinyconv("train", "lenet5", "--data", "shapes", "--from", "lenet5")
    assert status == 0, err
    config = json.loads(Path("runs/lenet5-shapes-1/config.json").read_text())
    assert config["from"] == "lenet5" and config["recipe"]["mode"] == "finetune"
    assert config["data"]["shape"] == [1, 28, 28] and config["data"]["mean"] == [pytest.approx(0.1307, abs=1e-4)]
    status, out, err = tinyconv("predict", "runs/lenet5-shapes-1", *shapes, "--json")
    named = [found["class"] for found in json.loads(out)]
    assert status == 0 and sum(a == b for a, b in zip(named, np.repeat(KINDS, 3))) >= 8, named
    line = tinyconv("predict", "runs/lenet5-shapes-1", shapes[0])[1]
    assert line.startswith("cross-0.png: ") and all(kind in line for kind in KINDS)


@pytest.mark.compiled
def test_the_three_modes_begin_alike_and_only_features_keep_the_body(tinyconv, shapes):
    def weights(run):
        from tinyconv.checkpoint import read_weights
        return read_weights(Path(run, "weights.safetensors"))[0]
    assert tinyconv("train", "lenet5", "--limit", 200, "--epochs", 1, "--out", "first")[0] == 0
    for mode in ("features", "finetune", "scratch"):
        status, out, err = tinyconv("train", "lenet5", "--data", "shapes", "--from", "first",
                                    "--mode", mode, "--epochs", 1, "--out", mode)
        assert status == 0, err
        same = np.array_equal(weights(mode)["conv1.weight"], weights("first")["conv1.weight"])
        assert same == (mode == "features")
        assert json.loads(Path(mode, "config.json").read_text())["data"]["shape"] == [1, 28, 28]


def test_a_run_that_goes_on_from_weights_can_itself_be_resumed(tinyconv, shapes, monkeypatch):
    argv = ("train", "lenet5", "--data", "shapes", "--from", "lenet5", "--epochs", 2,
            "--average", 0.9, "--augment", "crop=2,cutout=6,mixup")
    assert tinyconv(*argv, "--out", "whole")[0] == 0

    def interrupt(self, event, run):
        if event == "step" and run.epoch == 2:
            raise KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr("tinyconv.training.progress.ProgressBar.__call__", interrupt)
        assert tinyconv(*argv, "--out", "part")[0] == 130
    status, out, err = tinyconv("train", "--resume", "part")
    assert status == 0, err
    whole, part = (Path(run, "weights.safetensors").read_bytes() for run in ("whole", "part"))
    assert whole == part
    status, out, err = tinyconv("train", "--resume", "part", "--augment", "flip")
    assert status == 2 and "--augment flip: the run in part began with crop=2,cutout=6,mixup" in err


def test_options_of_training_are_kept_in_the_recipe(tinyconv):
    status, out, err = tinyconv("train", "mlp", "--limit", 100, "--epochs", 1, "--clip", 1,
                                "--average", 0.9, "--patience", 3, "--label-smoothing", 0.1,
                                "--no-augment", "--json", "--out", "run")
    recipe = json.loads(out)["recipe"]
    assert status == 0 and {key: recipe[key] for key in ("clip", "average", "patience", "augment")} == {
        "clip": 1.0, "average": 0.9, "patience": 3, "augment": ""}


@pytest.mark.compiled
def test_several_views_of_each_image_are_measured_on_request(tinyconv):
    assert tinyconv("train", "mlp", "--limit", 300, "--epochs", 1, "--out", "run")[0] == 0
    plain, moved, both = (json.loads(tinyconv("evaluate", "run", "--json", *tta)[1])
                          for tta in ((), ("--tta",), ("--tta", "flip,shift")))
    assert (plain["tta"], moved["tta"], both["tta"]) == ("", "shift", "flip,shift")
    assert len({plain["loss"], moved["loss"], both["loss"]}) == 3


def test_a_sheet_shows_images_and_what_augmentations_make_of_them(tinyconv):
    from PIL import Image
    assert tinyconv("data", "show", "digits") == (0, "digits.png\n", "")
    every = "shift,flip,altflip,rotation,affine,jitter,cutout,erasing,mixup,cutmix"
    status, out, err = tinyconv("data", "show", "digits", "--augment", every, "--out", "a.png")
    assert status == 0 and out == "a.png\n"
    with Image.open("digits.png") as plain, Image.open("a.png") as augmented:
        assert plain.width > 600 and augmented.width > 600
        assert len(set(np.asarray(augmented.convert("L")).ravel().tolist())) > 50


@pytest.mark.parametrize("argv, says", [
    (("train", "--mode", "finetune"), "--mode finetune needs --from, the weights to begin with"),
    (("train", "--augment", "fllip"), "augment: 'fllip' is unknown; there are none, or any of"),
    (("train", "--average", 1), "--average: expected a number from 0 up to 1, got '1'"),
    (("train", "--mode", "half", "--from", "x"), "--mode"),
    (("evaluate", "x", "--tta", "rotation"), "tta: expected flip, shift, or both"),
    (("data", "show", "nothing"), "unknown data set 'nothing'"),
    (("data", "show", "digits", "--size", 3), "--size is for image folders")])
def test_bad_usage_is_one_line_and_status_2(tinyconv, argv, says):
    status, out, err = tinyconv(*argv)
    assert status == 2 and out == "" and one_line(err) and says in err


def test_weights_that_are_nowhere_or_of_another_model_are_a_failure_in_words(tinyconv):
    status, out, err = tinyconv("train", "lenet5", "--from", "nowhere")
    assert status == 1 and one_line(err) and "nowhere is neither the folder of a run" in err
    status, out, err = tinyconv("train", "mlp", "--data", "digits", "--from", "lenet5")
    assert status == 1 and "missing" in err
    assert not Path("runs").exists() or not any(Path("runs").iterdir())


def test_weights_of_another_architecture_are_refused_in_a_few_lines(tinyconv):
    status, out, err = tinyconv("train", "resnet20", "--from", "lenet5")
    assert status == 1 and out == ""
    first, *lines, rest = err.splitlines()
    assert "lenet5.safetensors" in first and "does not fit this ResNetCIFAR" in first
    assert lines == [f"    missing {name}" for name in (
        "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var")]
    assert rest == "    … and 102 more (--traceback shows them)"
    assert not list(Path("runs").iterdir())
    with pytest.raises(Mismatch) as all_of_them:
        tinyconv("train", "resnet20", "--from", "lenet5", "--traceback")
    assert str(all_of_them.value).count("\n") == 106
