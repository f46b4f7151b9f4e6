"""The command line: what a user types and what comes back. Everything runs in this process, on few
images."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typed import one_line, save_picture

from tinyconv import data
from tinyconv.__main__ import main
from tinyconv.cli import COMMANDS

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A quick run on the embedded digits: one epoch of 4 000 images."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    assert main(["train", "--limit", "4000", "--epochs", "1", "--batch-size", "32", "--lr", "0.05",
                 "--out", str(path)]) == 0
    return path


# ---- train ---------------------------------------------------------------------------------------

def test_train_leaves_a_folder_and_ends_with_the_accuracy(tinyconv):
    status, out, err = tinyconv("train", "mlp", "--limit", 200, "--epochs", 2, "--batch-size", 50)
    assert status == 0
    folder = Path("runs/mlp-digits-1")
    assert {p.name for p in folder.iterdir()} == {
        "config.json", "metrics.jsonl", "first-layer.safetensors", "weights.safetensors",
        "curves.png", "confusion.png", "report.html",
        "checkpoint-4.safetensors", "checkpoint-8.safetensors"}
    assert "kept in runs/mlp-digits-1; next: tinyconv evaluate runs/mlp-digits-1" in out
    assert re.fullmatch(r"test accuracy \d+\.\d\d %", out.splitlines()[-1])
    assert out.count("epoch  ") == 2
    # no progress bar where there is no terminal; the first kernels ever announce themselves
    assert err in ("", "tinyconv: compiling kernels (once)\n")
    config = json.loads((folder / "config.json").read_text())
    assert config["command"] == "tinyconv train mlp --limit 200 --epochs 2 --batch-size 50".split()
    assert config["model"]["name"] == "mlp" and config["data"]["train_images"] == 200


def test_the_next_run_has_the_next_number(tinyconv):
    Path("runs/mlp-digits-1").mkdir(parents=True)
    Path("runs/mlp-digits-2").mkdir(parents=True)
    assert tinyconv("train", "mlp", "--limit", 50, "--epochs", 1)[0] == 0
    assert Path("runs/mlp-digits-3/weights.safetensors").exists()


@pytest.mark.compiled
def test_the_same_seed_gives_the_same_weights(tinyconv):
    def weights(out, *options):
        quick = ["--limit", 100, "--epochs", 1, "--out", out]
        assert tinyconv("train", "mlp", *quick, *options)[0] == 0
        return Path(out, "weights.safetensors").read_bytes()
    assert weights("a", "--seed", 5) == weights("b", "--seed", 5) != weights("c", "--seed", 6)


def test_train_prints_json_for_programs(tinyconv):
    status, out, err = tinyconv("train", "mlp", "--limit", 100, "--epochs", 1, "--json",
                                "--out", "x")
    result = json.loads(out)
    assert status == 0 and result["run"] == "x" and result["recipe"]["epochs"] == 1
    assert result["accuracy"] == result["epochs"][-1]["test_accuracy"]
    assert result["accuracy_percent"] == round(100 * result["accuracy"], 2)


def test_train_takes_a_folder_of_pictures_and_so_do_evaluate_and_predict(tinyconv):
    generator = np.random.default_rng(0)
    for name, shade in (("dark", 40), ("light", 200)):
        Path("pictures", name).mkdir(parents=True)
        for i in range(20):
            pixels = np.clip(generator.normal(shade, 20, (12, 16, 3)), 0, 255).astype(np.uint8)
            save_picture(Path("pictures", name, f"{i}.png"), pixels)
    status, out, err = tinyconv("train", "mlp", "--data", "pictures", "--size", 8, "--epochs", 8,
                                "--batch-size", 8)
    assert status == 0, err
    assert out.splitlines()[-1] == "test accuracy 100.00 %"
    status, out, err = tinyconv("evaluate", "runs/mlp-pictures-1")
    assert status == 0 and out.splitlines()[-1] == "test accuracy 100.00 %", err
    status, out, err = tinyconv("predict", "runs/mlp-pictures-1", "pictures/dark/3.png",
                                "pictures/light/3.png")
    assert [line.split(": ")[1].split()[0] for line in out.splitlines()] == ["dark", "light"]


@pytest.mark.skipif(os.name != "posix", reason="only POSIX can replace a process")
@pytest.mark.parametrize("threads", ["1", "5"])
def test_threads_are_set_also_beyond_the_number_of_cores(threads, tmp_path):
    result = subprocess.run([sys.executable, "-m", "tinyconv", "train", "mlp", "--limit", "20",
                             "--epochs", "1", "--out", tmp_path / "x", "--threads", threads],
                            env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
                            text=True)
    assert result.returncode == 0 and f"seed 0, {threads} thread" in result.stdout, result.stderr


def test_more_threads_than_there_are_is_bad_usage_from_python(tinyconv):
    status, out, err = tinyconv("train", "--threads", 200)
    assert status == 2 and one_line(err) and "set NUMBA_NUM_THREADS=200" in err
    status, out, err = tinyconv("train", "--threads", 100_000)
    assert status == 2 and one_line(err) and re.search("at most [0-9]+; this machine has [0-9]+ core", err)


def test_more_threads_than_cores_are_not_taken_in_silence(tinyconv, run_folder, monkeypatch):
    monkeypatch.setattr("tinyconv.machine.cores", lambda: 0)
    assert tinyconv("evaluate", run_folder, "--threads", 1)[2] == (
        "tinyconv: 1 thread on 0 cores: more threads than cores gain nothing\n")


def test_train_counts_in_words_that_agree(tinyconv):
    for limit, says in ((20, "1 epoch of 1 step, "), (60, "1 epoch of 2 steps, ")):
        status, out, err = tinyconv("train", "mlp", "--limit", limit, "--epochs", 1,
                                    "--batch-size", 32)
        assert status == 0 and says in out


def test_a_diverging_run_fails_with_one_line_and_keeps_nothing_broken(tinyconv):
    status, out, err = tinyconv("train", "mlp", "--limit", 500, "--epochs", 2, "--lr", 1e20,
                                "--batch-size", 20, "--out", "x")
    assert status == 1 and one_line(err)
    assert re.match(r"tinyconv train: error: the loss is (nan|inf) at step \d+", err)
    assert not Path("x/weights.safetensors").exists()
    # a command has no line of a user's in it
    assert re.search(r", at tinyconv/[a-z]+/[a-z_]+\.py:\d+;", err) and "(through" not in err


# ---- evaluate and predict ------------------------------------------------------------------------

def test_evaluate_repeats_the_accuracy_of_the_run(tinyconv, run_folder):
    status, out, err = tinyconv("evaluate", run_folder)
    history = [json.loads(line) for line in (run_folder / "metrics.jsonl").read_text().splitlines()]
    expected = f"test accuracy {100 * history[-1]['test_accuracy']:.2f} %"
    assert status == 0 and out.splitlines()[-1] == expected and out.count("test accuracy") == 1
    result = json.loads(tinyconv("evaluate", run_folder, "--json")[1])
    assert result["accuracy"] == history[-1]["test_accuracy"] and result["images"] == 2000
    assert np.array(result["confusion"]).sum() == 2000


def test_evaluate_prints_the_confusion_matrix_one_row_a_line(tinyconv, run_folder):
    out = tinyconv("evaluate", run_folder, "--json")[1]
    rows = out.partition('"confusion": [\n')[2].splitlines()[:10]
    for row, counts in zip(rows, json.loads(out)["confusion"], strict=True):
        assert json.loads(row.strip().rstrip(",")) == counts


def test_predict_names_a_digit_in_a_picture_of_any_size_and_polarity(tinyconv, run_folder):
    test = data.load("digits", "test")
    predictions = json.loads(tinyconv("evaluate", run_folder, "--json")[1])
    assert predictions["accuracy"] > 0.5
    pictures, labels = [], []
    for i in range(12):
        digit = test.images[i, 0]
        paper = np.full((400, 300), 230, np.uint8)       # dark ink on light paper, off the centre
        paper[30:30 + 168, 100:100 + 168] -= np.kron(digit, np.full((6, 6), 0.8)).astype(np.uint8)
        pictures.append(save_picture(f"{i}.png", paper))
        pictures.append(save_picture(f"{i}-plain.png", digit))
        labels += 2 * [str(test.labels[i])]
    status, out, err = tinyconv("predict", run_folder, *pictures, "--json")
    results = json.loads(out)
    assert status == 0, err
    plain = [r["class"] for r in results[1::2]]
    photographed = [r["class"] for r in results[::2]]
    assert sum(a == b for a, b in zip(plain, labels[1::2])) >= 8
    assert sum(a == b for a, b in zip(photographed, plain)) >= 9
    for r in results:
        assert len(r["top"]) == 3 and sum(c["probability"] for c in r["top"]) <= 1.0001
    status, out, err = tinyconv("predict", run_folder, "0.png", "--top", 1)
    assert re.fullmatch(r"0\.png: \d \d+\.\d %\n", out)


def test_predict_answers_the_good_pictures_and_names_the_bad_one(tinyconv, run_folder):
    good = save_picture("good.png", data.load("digits", "test").images[0, 0])
    Path("bad.png").write_text("not a picture")
    for argv in (["good.png", "bad.png", "good.png"], ["bad.png", "good.png", "good.png"]):
        status, out, err = tinyconv("predict", run_folder, *argv)
        assert status == 1 and one_line(err) and "bad.png: not a readable picture" in err
        assert [line.split(":")[0] for line in out.splitlines()] == [good, good]
    status, out, err = tinyconv("predict", run_folder, "bad.png", "good.png", "--json")
    assert status == 1 and [found["image"] for found in json.loads(out)] == [good]


def test_predict_says_that_there_is_nothing_in_a_blank_picture(tinyconv, run_folder):
    digit = save_picture("digit.png", data.load("digits", "test").images[0, 0])
    blank = [save_picture("sheet.png", np.full((90, 60), 240, np.uint8)),
             save_picture("black.png", np.zeros((28, 28), np.uint8)),
             save_picture("red.png", np.full((28, 28, 3), (200, 0, 0), np.uint8))]
    status, out, err = tinyconv("predict", run_folder, digit, *blank)
    assert status == 0
    assert ["the picture is uniform" in line for line in out.splitlines()] == [False] + [True] * 3
    out = tinyconv("predict", run_folder, digit, *blank, "--json")[1]
    assert [found["uniform"] for found in json.loads(out)] == [False] + [True] * 3


# ---- data ----------------------------------------------------------------------------------------

def test_data_list_names_all_sets(tinyconv):
    status, out, err = tinyconv("data", "list")
    assert status == 0 and [line.split()[0] for line in out.splitlines()] == list(data.names())
    assert "embedded" in out and "tinyconv data fetch mnist" in out
    listed = json.loads(tinyconv("data", "list", "--json")[1])
    assert [about["name"] for about in listed] == list(data.names())


def test_data_verify_says_what_is_missing_and_what_is_altered(tinyconv):
    assert tinyconv("data", "verify", "digits") == (0, "digits: needs no files\n", "")
    never = "mnist: missing, 4 files; tinyconv data fetch mnist brings what is missing\n"
    assert tinyconv("data", "verify", "mnist") == (1, never, "")
    assert tinyconv("data", "verify")[0] == 0            # nothing is asked for, nothing is missing
    Path("mnist").mkdir()
    Path("mnist/t10k-labels-idx1-ubyte.gz").write_bytes(b"nonsense")
    status, out, err = tinyconv("data", "verify", "mnist")
    assert status == 1 and out.count("missing") == 3 and out.count("altered") == 2
    status, out, err = tinyconv("data", "verify", "--json")
    assert status == 1 and "altered" in [f["status"] for f in json.loads(out)["mnist"]]


def test_data_fetch_of_the_embedded_set_has_nothing_to_do(tinyconv):
    expected = "digits: embedded, there is nothing to fetch\n"
    assert tinyconv("data", "fetch", "digits") == (0, expected, "")


# ---- bad usage: status 2 and one line ------------------------------------------------------------

@pytest.mark.parametrize("argv, says", [
    ([], "COMMAND"),
    (["trian"], "did you mean train? (see tinyconv --help)"),
    (["data", "lsit"], "did you mean list? (see tinyconv data --help)"),
    (["bench", "dispach"], "unknown suite 'dispach'; did you mean dispatch?"),
    (["train", "--version"], "unrecognized arguments: --version (see tinyconv train --help)"),
    (["train", "lenet"], "unknown model 'lenet'; did you mean lenet5"),
    (["train", "unet"], "unet does not say of what class an image is"),
    (["train", "--data", "mnits"], "unknown data set 'mnits'"),
    (["train", "--epochs", "0"], "--epochs: expected a whole number of at least 1, got '0'"),
    (["train", "--epochs", "ten"], "got 'ten'"),
    (["train", "--batch-size", "-3"], "--batch-size"),
    (["train", "--lr", "0"], "--lr: expected a number above 0, got '0'"),
    (["train", "--lr", "nan"], "--lr: expected a number above 0, got 'nan'"),
    (["train", "--limit", "0"], "--limit"),
    (["train", "--threads", "0"], "--threads"),
    (["train", "--seed", "-1"], "--seed"),
    (["train", "--size", "64"], "--size is for image folders"),
    (["train", "--nonsense"], "(see tinyconv train --help)"),
    (["train", "--epoch", "1"], "did you mean --epochs? (see tinyconv train --help)"),
    (["train", "--out", "full"], "the folder full is not empty"),
    (["evaluate"], "RUN"),
    (["evaluate", "full", "--data", "nope"], "unknown data set 'nope'"),
    (["predict", "full"], "IMAGE"),
    (["data"], "list|fetch|verify"),
    (["data", "fetch"], "NAME"),
    (["data", "fetch", "nope"], "unknown data set 'nope'")])
def test_bad_usage_is_one_line_and_status_2(tinyconv, argv, says):
    Path("full").mkdir()
    Path("full/file").touch()
    status, out, err = tinyconv(*argv)
    assert status == 2 and out == "" and one_line(err) and says in err
    assert err.startswith("tinyconv")
    assert not Path("runs").exists()


# ---- failures: status 1 and one line -------------------------------------------------------------

def test_evaluate_and_predict_say_what_is_wrong_with_a_run(tinyconv, run_folder):
    Path("empty").mkdir()
    for argv, says in [
            (["evaluate", "nowhere"], "nowhere is not the folder of a run: there is no such folder"),
            (["predict", "empty", "a.png"], "is not the folder of a run"),
            (["predict", run_folder, "nowhere.png"], "nowhere.png")]:
        status, out, err = tinyconv(*argv)
        assert status == 1 and out == "" and one_line(err) and says in err


def test_a_picture_that_is_none_is_named(tinyconv, run_folder):
    Path("text.png").write_text("not a picture")
    status, out, err = tinyconv("predict", run_folder, "text.png")
    assert status == 1 and one_line(err) and "text.png" in err


def test_a_run_with_damaged_weights_is_refused(tinyconv, run_folder, tmp_path):
    import shutil
    copy = shutil.copytree(run_folder, tmp_path / "copy")
    (copy / "weights.safetensors").write_bytes((copy / "weights.safetensors").read_bytes()[:-10])
    status, out, err = tinyconv("evaluate", copy)
    assert status == 1 and one_line(err) and "weights.safetensors" in err


def test_data_of_another_shape_or_with_other_classes_are_refused(tinyconv, run_folder):
    for name in "ab":
        Path("pictures", name).mkdir(parents=True)
        for i in range(5):
            save_picture(Path("pictures", name, f"{i}.png"), np.zeros((12, 12, 3), np.uint8))
    status, out, err = tinyconv("evaluate", run_folder, "--data", "pictures")
    assert status == 1 and one_line(err) and "was trained on other classes" in err
    assert tinyconv("train", "mlp", "--data", "pictures", "--epochs", 1, "--out", "x")[0] == 0
    status, out, err = tinyconv("evaluate", "x", "--data", "digits")
    assert status == 1 and one_line(err) and "was trained on images of (3, 32, 32), digits has " \
        "(1, 28, 28)" in err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_noticed_before_the_first_step(tinyconv):
    Path("locked").mkdir(mode=0o500)
    status, out, err = tinyconv("train", "--out", "locked/run")
    assert status == 1 and one_line(err) and "cannot write to the folder locked/run" in err


def test_a_folder_that_cannot_be_made_is_noticed_before_the_first_step(tinyconv):
    Path("plain").write_text("")
    status, out, err = tinyconv("train", "--out", "plain/run")
    assert status == 1 and one_line(err) and "cannot write to the folder plain/run" in err


def test_a_file_where_a_folder_should_be_is_noticed(tinyconv):
    Path("runs").write_text("")
    status, out, err = tinyconv("train", "mlp")
    assert status == 1 and one_line(err) and "cannot create the folder" in err


def test_traceback_shows_where_an_error_came_from(tinyconv):
    with pytest.raises(FileNotFoundError):
        tinyconv("evaluate", "nowhere", "--traceback")


def test_an_interrupted_run_says_so_and_keeps_the_last_epoch(tinyconv, monkeypatch):
    def interrupt(self, event, run):
        if event == "step" and run.epoch == 2:
            raise KeyboardInterrupt
    monkeypatch.setattr("tinyconv.training.progress.ProgressBar.__call__", interrupt)
    status, out, err = tinyconv("train", "mlp", "--limit", 100, "--epochs", 3, "--out", "x")
    assert status == 130 and err == "interrupted\n"
    assert Path("x/metrics.jsonl").read_text().count("\n") == 1
    assert Path("x/weights.safetensors").exists()


# ---- help ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", [command.NAME for command in COMMANDS])
def test_every_command_explains_itself_with_an_example(tinyconv, name):
    status, out, err = tinyconv(name, "--help")
    assert status == 0 and f"  tinyconv {name} " in out and "--traceback" in out


@pytest.mark.parametrize("action", ["list", "fetch", "verify", "show"])
def test_every_part_of_data_has_help_with_examples_of_its_own(tinyconv, action):
    status, out, err = tinyconv("data", action, "--help")
    examples = re.findall(r"^  tinyconv data (\w+)", out.partition("examples:")[2], re.M)
    assert status == 0 and set(examples) == {action}


def test_help_imports_nothing_heavy():
    code = ("import sys; from tinyconv.__main__ import main\n"
            "try: main(['--help'])\nexcept SystemExit: pass\n"
            "print(*{'matplotlib', 'tqdm', 'safetensors', 'PIL', 'pooch'} & {*sys.modules})")
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == ""


def test_the_module_can_be_run():
    result = subprocess.run([sys.executable, "-m", "tinyconv", "train", "nonsense"], cwd=ROOT,
                            capture_output=True, text=True)
    assert result.returncode == 2 and one_line(result.stderr)
