"""Several labels an image: a table beside the pictures, training, measures, and what is predicted."""
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typed import save_picture

from tinyconv import data, nn, random, training
from tinyconv.training import Recipe, average_precision, best_thresholds, f_score
from tinyconv.training.labels import evaluation

pytestmark = pytest.mark.usefixtures("elsewhere")


def squares(n, seed=0):
    """Images with a bright left, a bright right, both or neither: two labels."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, (n, 2))
    images = generator.integers(0, 60, (n, 1, 8, 8)).astype(np.uint8)
    for i, (left, right) in enumerate(labels):
        images[i, 0, 2:6, 0:4] += np.uint8(150 * left)
        images[i, 0, 2:6, 4:8] += np.uint8(150 * right)
    return data.Dataset("squares", images, labels, ("left", "right"))


# ---- measures ------------------------------------------------------------------------------------

def test_measures_of_a_case_worked_out_by_hand():
    targets = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 0, 0]])
    told = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 0]])
    # F₂ = 5 TP / (4 (TP + FN) + TP + FP) of each image: 5/(8+1), 5/(4+2), 10/(8+2), nothing: 1
    assert f_score(told, targets) == pytest.approx((5 / 9 + 5 / 6 + 1 + 1) / 4)
    assert f_score(told, targets, 1, "micro") == pytest.approx(2 * 4 / (5 + 5))
    np.testing.assert_allclose(f_score(told, targets, 1, None), [1, 2 / 3, 2 / 3])
    assert f_score(told, targets, 1, "macro") == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    scores = np.array([[.9, .1, .2], [.1, .2, .9], [.8, .3, .6], [.2, .4, .1]])
    # label 2: ranked .9 true, .6 false, .2 true, .1: (1/1 + 2/3) / 2; label 1: .4 false, .3 true
    np.testing.assert_allclose(average_precision(scores, targets), [1, 1 / 2, (1 + 2 / 3) / 2])


@given(st.integers(1, 30), st.integers(0, 1000))
def test_average_precision_is_the_sum_over_all_thresholds_and_equal_scores_count_together(n, seed):
    generator = np.random.default_rng(seed)
    scores, targets = generator.integers(0, 5, (n, 1)) / 4, generator.integers(0, 2, (n, 1))
    area, recall = 0.0, 0.0
    for t in sorted(set(scores.ravel()), reverse=True):
        told = scores >= t
        hits = (told & (targets == 1)).sum()
        area += (hits / max(targets.sum(), 1) - recall) * hits / told.sum()
        recall = hits / max(targets.sum(), 1)
    found = average_precision(scores, targets)[0]
    assert np.isnan(found) if not targets.any() else found == pytest.approx(area)


def test_the_best_threshold_of_each_label_is_found_and_is_a_half_where_nothing_is_known():
    generator = np.random.default_rng(0)
    targets = np.stack([np.arange(100) < 30, np.arange(100) < 60, np.zeros(100)], 1).astype(int)
    p = np.where(targets, generator.uniform(0.32, 0.9, (100, 3)), generator.uniform(0, 0.28, (100, 3)))
    p[:, 1] = np.where(targets[:, 1], generator.uniform(0.82, 1, 100), generator.uniform(0, 0.78, 100))
    np.testing.assert_allclose(best_thresholds(p, targets), [0.3, 0.8, 0.5])


def test_measures_refuse_arrays_that_do_not_fit():
    for wrong in (lambda: f_score(np.ones((2, 3)), np.ones((3, 2))),
                  lambda: average_precision(np.ones(3), np.ones(3)),
                  lambda: best_thresholds(np.ones((2, 3)), np.ones(2))):
        with pytest.raises(ValueError, match=r"expected two arrays \(N, K\)"):
            wrong()
    with pytest.raises(ValueError, match="average must be"):
        f_score(np.ones((2, 2)), np.ones((2, 2)), average="weighted")
    with pytest.raises(ValueError, match="expected 2 thresholds, one for each label"):
        evaluation(0.0, np.ones((2, 2)), np.ones((2, 2)), [0.5])


# ---- data ----------------------------------------------------------------------------------------

def test_a_matrix_of_labels_is_checked():
    images = np.zeros((3, 1, 4, 4), np.uint8)
    made = data.Dataset("m", images, np.array([[1, 0], [1, 1], [0, 0]]), ("a", "b"))
    assert made.several and made[1][1].tolist() == [1, 1] and len(made[:2]) == 2
    for labels in (np.zeros((3, 3), int), np.full((3, 2), 2), np.full((3, 2), 0.5), np.zeros((2, 2))):
        with pytest.raises(data.DataError, match=r"a matrix of labels must be \(3, 2\) of 0 and 1"):
            data.Dataset("m", images, labels, ("a", "b"))


def folder_of_scenes(n=60, form="matrix", split=False):
    """Pictures with red in the left half, blue in the right, both or neither."""
    generator = np.random.default_rng(0)
    rows = []
    Path("scenes/pictures").mkdir(parents=True)
    for i in range(n):
        fire, water = generator.integers(0, 2, 2)
        pixels = generator.integers(0, 60, (16, 16, 3)).astype(np.uint8)
        pixels[:, :8, 0] += np.uint8(180 * fire)
        pixels[:, 8:, 2] += np.uint8(180 * water)
        save_picture(f"scenes/pictures/{i}.png", pixels)
        labels = (f"{fire},{water}" if form == "matrix" else
                  " ".join(["fire"] * fire + ["water"] * water))
        rows.append(f"pictures/{i}{'.png' if i % 2 else ''},{labels}"
                    + (f",{'test' if i < 10 else 'train'}" if split else ""))
    head = ("image,fire,water" if form == "matrix" else "image,tags") + (",split" if split else "")
    Path("scenes/labels.csv").write_text("\n".join([head, *rows]) + "\n")


@pytest.mark.parametrize("form", ["matrix", "tags"])
def test_a_table_beside_the_pictures_gives_their_labels(form):
    folder_of_scenes(20, form, split=True)
    train, test = data.load_both("scenes", size=16)
    assert train.classes == ("fire", "water") and len(train) == 10 and len(test) == 10
    np.testing.assert_array_equal(train.labels[:, 0], train.images[:, 0, :, 0].mean(1) > 120)
    np.testing.assert_array_equal(test.labels[:, 1], test.images[:, 2, :, -1].mean(1) > 120)


def test_a_single_column_of_0_and_1_is_a_label_of_that_name():
    folder_of_scenes(4)
    Path("scenes/labels.csv").write_text("image,fire,split\n" + "".join(
        f"pictures/{i},{i % 2},{'test' if i > 2 else 'train'}\n" for i in range(4)))
    train, test = data.load_both("scenes")
    assert train.classes == ("fire",) and train.labels.tolist() == [[0], [1], [0]]
    assert test.labels.tolist() == [[1]]


def test_without_a_column_split_a_fifth_is_set_aside():
    folder_of_scenes(20)
    assert [len(part) for part in data.load_both("scenes")] == [16, 4]


@pytest.mark.parametrize("table, says", [
    ("picture,a,b\n1,0,1\n2,1,1\n", "the first row must name the columns"),
    ("image,a,a\n1,0,1\n2,1,1\n", "the first row must name the columns"),
    ("image,fire,water\npictures/1,0,2\npictures/2,1,1\n", "a label must be 0 or 1, got '2' for pict"),
    ("image,fire,water\npictures/1,0\npictures/2,1,1\n", "row 2 has 2 columns, the first 3"),
    ("image,fire,water\n../1,0,1\npictures/2,1,1\n", "'../1' is not the name of a picture in this"),
    ("image,fire,water\n/etc/passwd,0,1\npictures/2,1,1\n", "is not the name of a picture in this"),
    ("image,fire,water\npictures/77,0,1\npictures/2,1,1\n", "there is no picture 'pictures/77'"),
    ("image,tags,split\npictures/1,a,dev\npictures/2,b,test\n", "split must be train or test"),
    ("image,tags\n", "expected a row of names and two of pictures or more"),
    ("image,tags\npictures/1,\npictures/2,\n", "there is no label")])
def test_a_table_that_makes_no_sense_is_refused(table, says):
    folder_of_scenes(4)
    Path("scenes/labels.csv").write_text(table)
    with pytest.raises(data.DataError, match=says):
        data.load_both("scenes")


# ---- training ------------------------------------------------------------------------------------

def test_several_labels_are_learned_measured_and_kept(tmp_path):
    random.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    history = training.fit(model, squares(200), test=squares(60, 1), seed=0, progress=False,
                           recipe=Recipe(epochs=6, batch_size=20, lr=0.1), out=tmp_path / "run")
    assert history[-1]["test_f_score"] > 0.95 and history[-1]["test_average_precision"] > 0.95
    found = training.evaluate(model, squares(60, 1))
    assert found.accuracy == history[-1]["test_accuracy"] > 0.95
    assert found.mean_average_precision == history[-1]["test_average_precision"]
    assert found.predictions.shape == (60, 2) and "F₂" in repr(found) and "mAP" in repr(history)


def test_a_test_set_in_which_no_image_has_a_label_does_not_end_a_run(tmp_path):
    images = squares(20).images
    empty = data.Dataset("empty", images, np.zeros((20, 2), int), ("left", "right"))
    random.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    history = training.fit(model, squares(100), test=empty, seed=0, progress=False,
                           recipe=Recipe(epochs=1, batch_size=20), out=tmp_path / "run")
    assert "test_average_precision" not in history[-1] and "F₂" in repr(history)
    assert np.isnan(training.evaluate(model, empty).mean_average_precision)


def test_a_run_with_several_labels_goes_on_with_the_bits_of_the_unbroken_one(tmp_path):
    class Killed(BaseException):
        pass

    def die(event, run):
        if event == "step" and run.step == 6:
            raise Killed

    def fit(folder, **options):
        random.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
        training.fit(model, squares(100), test=squares(40, 1), progress=False, **options)
        return (tmp_path / folder / "weights.safetensors").read_bytes()
    recipe = Recipe(epochs=2, batch_size=32, lr=0.05, augment="mixup,shift=1", patience=2)
    whole = fit("whole", recipe=recipe, seed=0, out=tmp_path / "whole")
    with pytest.raises(Killed):
        fit("part", recipe=recipe, seed=0, out=tmp_path / "part", callbacks=[die],
            checkpoint_every=2)
    assert fit("part", resume=tmp_path / "part") == whole


def test_a_user_trains_on_scenes_and_hears_which_labels_hold(tinyconv):
    folder_of_scenes(60)
    status, out, err = tinyconv("train", "mlp", "--data", "scenes", "--size", 16, "--epochs", 12,
                                "--batch-size", 8, "--lr", 0.02, "--no-augment", "--out", "run")
    assert status == 0, err
    status, out, err = tinyconv("evaluate", "run", "--json")
    found = json.loads(out)
    assert status == 0 and found["f_score"] > 0.9 and found["mean_average_precision"] > 0.9
    assert 0 < found["labels"]["fire"]["threshold"] < 1
    assert "mean average precision" in tinyconv("evaluate", "run")[1]
    both, none = np.zeros((2, 16, 16, 3), np.uint8)
    both[:, :8, 0] = both[:, 8:, 2] = 200
    pictures = [save_picture("both.png", both), save_picture("none.png", none)]
    status, out, err = tinyconv("predict", "run", *pictures)
    lines = out.splitlines()
    assert status == 0 and "fire" in lines[0] and "water" in lines[0], err
    assert lines[1] == "none.png: none of the labels"
    told = json.loads(tinyconv("predict", "run", *pictures, "--json")[1])
    assert [{t["class"] for t in picture["labels"]} for picture in told] == [{"fire", "water"}, set()]
