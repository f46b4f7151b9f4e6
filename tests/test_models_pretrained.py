"""Weights of our own, shipped in the package: they are what they say, and work without a network."""
import hashlib
import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

from tinyconv import checkpoint, data, models, training
from tinyconv.__main__ import main
from tinyconv.models import pretrained, published

SHIPPED = pretrained.names()
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_there_are_weights_of_lenet_and_of_a_residual_network():
    assert {"lenet5", "resnet20"} <= set(SHIPPED) <= set(models.list())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_says_how_it_was_made_and_how_it_is_used(name):
    about = pretrained.about(name)
    assert about["model"] == name and about["command"].startswith(f"tinyconv train {name} ")
    log = [json.loads(line) for line in about["log"].splitlines()]
    assert len(log) == json.loads(about["recipe"])["epochs"]
    assert f"{100 * log[-1]['test_accuracy']:.2f}" == about["accuracy_percent"]
    channels = json.loads(about["arguments"])["in_channels"]
    assert len(json.loads(about["mean"])) == len(json.loads(about["std"])) == channels
    assert f"| {about['accuracy_percent']} % |" in (pretrained.FOLDER / "README.md").read_text()


def test_all_files_are_listed_with_their_sums_and_small():
    files = {path.stem: path.read_bytes() for path in pretrained.FOLDER.glob("*.safetensors")}
    assert sorted(files) == sorted(SHIPPED)
    assert sum(map(len, files.values())) <= 2_000_000
    for line in (pretrained.FOLDER / "SHA256SUMS").read_text().splitlines():
        total, name = line.split()
        assert hashlib.sha256(files[name.removesuffix(".safetensors")]).hexdigest() == total


def test_pretrained_lenet_reads_digits_it_has_never_seen():
    model, about = models.create("lenet5", pretrained=True), pretrained.about("lenet5")
    found = training.evaluate(model, data.load("digits", "test")[:500],
                              mean=json.loads(about["mean"]), std=json.loads(about["std"]))
    assert found.accuracy > 0.95
    fresh = training.evaluate(models.create("lenet5"), data.load("digits", "test")[:500])
    assert fresh.accuracy < 0.5


@pytest.mark.compiled
@pytest.mark.parametrize("name", SHIPPED)
def test_the_accuracy_is_the_one_that_the_file_states(realdata, name, capsys):
    about = pretrained.about(name)
    assert main(["evaluate", "--model", name, "--data", about["data"]]) == 0
    assert capsys.readouterr().out.endswith(f"test accuracy {about['accuracy_percent']} %\n")


def test_an_altered_file_is_refused(tmp_path, monkeypatch):
    shutil.copytree(pretrained.FOLDER, tmp_path / "weights")
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "weights")
    path = tmp_path / "weights" / "lenet5.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    for call in (lambda: models.create("lenet5", pretrained=True),
                 lambda: pretrained.about("lenet5")):
        with pytest.raises(checkpoint.CheckpointError, match="was altered"):
            call()
    path.unlink()
    with pytest.raises(checkpoint.CheckpointError, match="is missing"):
        models.create("lenet5", pretrained=True)


def test_a_run_becomes_weights_of_the_package(tmp_path, monkeypatch):
    assert main(["train", "mlp", "--limit", "200", "--epochs", "1", "--out",
                 str(tmp_path / "run")]) == 0
    ship = runpy.run_path(str(BENCHMARKS / "ship.py"))
    for place in (ship["ship"].__globals__, vars(pretrained)):
        monkeypatch.setitem(place, "FOLDER", tmp_path)
    assert ship["ship"](tmp_path / "run") == tmp_path / "mlp.safetensors"
    ship["index"]()
    assert pretrained.names() == ["mlp"]
    assert pretrained.about("mlp")["command"] == "tinyconv train mlp --limit 200 --epochs 1"
    trained = training.load_run(tmp_path / "run").model.state_dict()
    for name, value in models.create("mlp", pretrained=True).state_dict().items():
        np.testing.assert_array_equal(value.data, trained[name].data)


def test_what_has_no_weights_or_does_not_fit_them_is_said():
    with pytest.raises(ValueError, match="no pretrained weights of 'mlp', only of .*lenet5"):
        models.create("mlp", pretrained=True)
    with pytest.raises(checkpoint.CheckpointError, match="fc3.weight"):
        models.create("lenet5", num_classes=3, pretrained=True)


# ---- the command line ----------------------------------------------------------------------------

@pytest.mark.compiled
def test_evaluate_takes_weights_in_any_format_and_the_shipped_ones(tmp_path, capsys):
    model = models.create("lenet5", pretrained=True)
    answers = []
    for name in (None, "w.safetensors", "w.npz", "w.pth"):
        where = []
        if name is not None:
            checkpoint.save_weights(model, tmp_path / name)
            where = ["--weights", str(tmp_path / name)]
        assert main(["evaluate", "--model", "lenet5", "--data", "digits", "--json", *where]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    mnist, *digits = answers
    assert mnist["weights"] == "pretrained" and mnist["mean"] == [0.13066], "as the file says"
    assert digits[0]["mean"] == list(data.load("digits", "test").mean)
    assert digits[0]["confusion"] == digits[1]["confusion"] == digits[2]["confusion"]


@pytest.mark.compiled
def test_evaluate_reproduces_the_published_resnet20_to_the_image(realdata, capsys):
    path = realdata / "weights" / "resnet20-12fca82f.th"
    assert main(["evaluate", "--model", "resnet20", "--weights", str(path),
                 "--data", "cifar10"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("test accuracy 91.73 %\n") and "mean 0.485 0.456 0.406" in out
    assert published.lookup(path).model == "resnet20"


@pytest.mark.parametrize("argv, says", [
    (["evaluate"], "expected either the folder of a RUN, or --model NAME"),
    (["evaluate", "run", "--model", "lenet5"], "expected either the folder of a RUN"),
    (["evaluate", "run", "--weights", "w"], "--weights and --imagenet go with --model"),
    (["evaluate", "--model", "lenet"], "did you mean lenet5"),
    (["evaluate", "--model", "lenet5"], "--model needs --data NAME"),
    (["evaluate", "--model", "mlp", "--data", "digits"], "--model mlp needs --weights FILE")])
def test_what_evaluate_cannot_know_is_bad_usage(capsys, argv, says):
    assert main(argv) == 2
    assert says in capsys.readouterr().err


def test_a_hostile_file_ends_evaluate_with_one_line(tmp_path, capsys):
    path = tmp_path / "w.pth"
    path.write_bytes(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19." b"\x80\x02M\xe9\x03."
                     b"\x80\x02}." b"\x80\x02cos\nsystem\nX\x05\x00\x00\x00touch\x85R.")
    assert main(["evaluate", "--model", "lenet5", "--weights", str(path), "--data", "digits"]) == 1
    error = capsys.readouterr().err
    assert "asks for os.system" in error and error.count("\n") == 1


def test_imagenets_statistics_can_be_asked_for(tmp_path, capsys):
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "set" / "b").mkdir()
    from PIL import Image
    for i in range(10):
        Image.fromarray(np.full((32, 32, 3), 20 * i, np.uint8)).save(
            tmp_path / "set" / "ab"[i % 2] / f"{i}.png")
    model = models.create("resnet20", num_classes=2)
    checkpoint.save_weights(model, tmp_path / "w.pth")
    assert main(["evaluate", "--model", "resnet20", "--weights", str(tmp_path / "w.pth"),
                 "--data", str(tmp_path / "set"), "--imagenet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mean"] == [0.485, 0.456, 0.406]
