"""The report of a run: one page that needs no other, tells the truth, and runs nothing."""
import base64
import io
import json
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from chromium import Chromium, program
from pages import Page, pixels
from PIL import Image

import tinyconv as tc
from tinyconv import checkpoint, data, models, nn, report, training
from tinyconv.__main__ import main
from tinyconv.report.filters import compare
from tinyconv.report.found import find

HOSTILE = ("<script>alert(1)</script>", '" onerror="alert(2)', "a & b; </style>")
NAME = "<img src=http://example.org/x.png>"
QUICK = {"epochs": 2, "batch_size": 32, "lr": 0.1, "seed": 0, "progress": False}


def dataset(n, seed=0, classes=HOSTILE, C=1):
    """Images with a bright stripe for each class, and a part of them mislabelled."""
    generator = np.random.default_rng(seed)
    K = len(classes)
    labels = generator.integers(0, K, n)
    images = generator.integers(0, 120, (n, C, 9, 9)).astype(np.uint8)
    for i, label in enumerate(labels):
        images[i, :, 1 + label % 8] += 130
    labels = np.where(generator.random(n) < 0.2, generator.integers(0, K, n), labels)
    return data.Dataset(NAME, images, labels, classes)


def trained(out, train, test=None, mode=None, name="mlp", **options):
    """A short run, as the command line makes it; returns its folder and the weights before it."""
    arguments = {"num_classes": len(train.classes), "in_channels": train.shape[0],
                 "image_size": train.shape[1]}
    tc.manual_seed(0)
    model = models.create(name, **arguments)
    before = model.state_dict()
    before = {key: value.numpy().copy() for key, value in before.items()}
    if mode:
        options["recipe"] = training.Recipe(mode=mode)
    training.fit(model, train, test=test, out=out, **{**QUICK, **options},
                 config={"model": {"name": name, "arguments": arguments},
                         "command": ["tinyconv", "train", *HOSTILE]})
    return out, before


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path, _ = trained(tmp_path_factory.mktemp("runs") / "hostile", dataset(300), dataset(120, 1))
    report.write(path, test=dataset(120, 1))
    return path


def page_of(path):
    return Page(Path(path, "report.html").read_text(encoding="utf-8"))


# ---- one file, safe to open ----------------------------------------------------------------------

def test_the_page_is_well_formed_and_loads_nothing(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    for tag, attributes in page.elements:
        for key, value in attributes.items():
            assert not key.startswith("on"), f"{tag} {key}"
            if key in ("src", "href", "srcset", "action", "data", "poster"):
                assert re.match(r"data:image/(png|svg\+xml);base64,[A-Za-z0-9+/]+=*$", value), value
    assert "url(" not in page.text["style"] and "@import" not in page.text["style"]
    assert "default-src 'none'" in str(page.all("meta"))
    assert page.all("img") and "width=device-width" in str(page.all("meta"))


def test_its_charts_are_drawings_that_load_and_run_nothing(run):
    charts = [src for src in page_of(run).all("img", "src") if src.startswith("data:image/svg")]
    assert len(charts) == 4
    for uri in charts:
        root = ET.fromstring(base64.b64decode(uri.partition(",")[2]))
        for element in root.iter():
            assert not element.tag.endswith(("script", "foreignObject"))
            links = [value for key, value in element.attrib.items() if key.endswith("href")]
            assert all(link.startswith("#") for link in links)


def test_names_of_classes_and_data_are_text_and_nothing_else(run):
    page = page_of(run)
    for name in (*HOSTILE, NAME):
        assert name in page.text["page"]
    assert any(HOSTILE[1] in alt for alt in page.all("img", "alt"))
    assert page.text["title"] == f"mlp on {NAME}"
    assert NAME not in (run / "report.html").read_text(encoding="utf-8")


def test_it_can_be_read_by_those_who_do_not_see_it(run):
    page = page_of(run)
    assert page.all("html", "lang") == ["en"]
    assert all(alt and alt.strip() for alt in page.all("img", "alt"))
    assert len(page.all("caption")) == len(page.all("table")) >= 4
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:]))
    assert all("scope" in th for th in page.all("th"))


# ---- it tells the truth --------------------------------------------------------------------------

def test_it_shows_what_evaluate_finds(run):
    test, saved = dataset(120, 1), training.load_run(run)
    result = training.evaluate(saved.model, test, mean=saved.mean, std=saved.std)
    page, text = page_of(run), page_of(run).text["page"]
    assert f"{100 * result.accuracy:.2f} %" in text
    shares = [style for style in page.all("td", "style") if style]
    assert len(shares) == 9
    cells = [text for tag, text in page.pieces if tag == "td"]
    counts = [str(n) for n in result.confusion.flat if n]
    assert any(cells[at:at + len(counts)] == counts for at in range(len(cells)))
    wrong = [alt for alt in page.all("img", "alt") if alt.startswith("Test image")]
    assert len(wrong) == min(24, int((result.predictions != test.labels).sum())) > 0
    for alt in wrong:
        index = int(re.match(r"Test image (\d+)", alt)[1])
        assert alt == (f"Test image {index}: it is {HOSTILE[test.labels[index]]}, and was taken "
                       f"for {HOSTILE[result.predictions[index]]}")
    src = dict(zip(page.all("img", "alt"), page.all("img", "src")))[wrong[0]]
    index = int(re.match(r"Test image (\d+)", wrong[0])[1])
    np.testing.assert_array_equal(pixels(src), test.images[index, 0])


def test_every_epoch_and_the_configuration_are_there(run):
    text = page_of(run).text["page"]
    config = json.loads((run / "config.json").read_text())
    history = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for record in history:
        assert f"{record['train_loss']:.4g}" in text
        assert f"{100 * record['test_accuracy']:.2f} %" in text
    for value in (*config["recipe"], config["machine"]["processor"], config["versions"]["numpy"],
                  config["started"], "tinyconv train '<script>alert(1)</script>'"):
        assert str(value) in text


@pytest.mark.parametrize("name, C, size", [("mlp", 1, (9, 9)), ("lenet5", 3, (5, 5))])
def test_filters_are_those_before_the_first_step_and_after_the_last(tmp_path, name, C, size):
    train = dataset(96, C=C) if name == "mlp" else enlarged(dataset(96, C=C))
    path, before = trained(tmp_path / "run", train, name=name)
    found = find(path).filters
    saved = training.load_run(path).model.state_dict()
    old, new = before[found.name], saved[found.name].numpy()
    assert found.before is not None and found.change == pytest.approx(
        np.linalg.norm(new - old) / np.linalg.norm(old), rel=1e-5)
    assert found.shape == (C, *size) and found.colours == (C == 3)
    largest = max(abs(old[:64]).max(), abs(new[:64]).max())
    for uri, weights in ((found.before, old), (found.after, new)):
        first = weights[0].reshape(C, *size) / largest
        scale = round(40 / max(size))
        shown = pixels(uri)[:scale * size[0]:scale, :scale * size[1]:scale]
        assert (shown[..., 3] == 255).all()
        if C == 3:
            expected = np.rint(127.5 * (1 + first.transpose(1, 2, 0)))
        else:                                            # white at zero: red falls only below it
            ends = np.where(first[0, ..., None] < 0, (0, 114, 178), (213, 94, 0))
            expected = np.rint(255 + abs(first[0, ..., None]) * (ends - 255.0))
        assert abs(shown[..., :3] - expected).max() <= 1


def enlarged(train):
    """The images in the middle of others of 28×28: what LeNet takes."""
    around = ((0, 0), (0, 0), (9, 10), (9, 10))
    return data.Dataset(train.name, np.pad(train.images, around), train.labels, train.classes)


def test_filters_that_were_not_trained_are_said_to_be_unchanged(tmp_path):
    path, _ = trained(tmp_path / "run", dataset(64), mode="features")
    report.write(path)
    assert "They did not change" in page_of(path).text["page"]


def test_a_run_that_went_on_keeps_the_filters_it_began_with(tmp_path):
    class Stop(BaseException):
        pass

    def stop(event, run):
        if event == "epoch":
            raise Stop
    with pytest.raises(Stop):
        trained(tmp_path / "run", dataset(64), callbacks=[stop])
    kept = (tmp_path / "run/first-layer.safetensors").read_bytes()
    model = models.create("mlp", num_classes=3, in_channels=1, image_size=9)
    training.fit(model, dataset(64), resume=tmp_path / "run", progress=False)
    assert (tmp_path / "run/first-layer.safetensors").read_bytes() == kept


# ---- what there is not ---------------------------------------------------------------------------

def test_what_cannot_be_had_is_left_out_with_the_reason(tmp_path):
    path, _ = trained(tmp_path / "run", dataset(64), dataset(30, 1))
    (path / "first-layer.safetensors").unlink()
    report.write(path)                                   # the name of the data set means nothing
    text = page_of(path).text["page"]
    assert "Without test images there is no confusion matrix: " in text
    assert "was not kept with this run" in text and "Most wrong" not in text


def test_a_model_of_ones_own_is_reported_as_far_as_that_is_possible(tmp_path):
    class Mine(nn.Module):
        def __init__(self):
            self.out = nn.Linear(81, 3)

        def forward(self, x):
            return self.out(x.flatten(1))
    model = Mine()
    training.fit(model, dataset(64), test=dataset(30, 1), out=tmp_path / "run", **QUICK)
    report.write(tmp_path / "run")
    page = page_of(tmp_path / "run")
    assert "The model is a Mine of your own" in page.text["page"] and len(page.all("img")) == 4
    given = Mine()
    unlike = given.out.weight.data.copy()
    report.write(tmp_path / "run", model=given, test=dataset(30, 1))
    text = page_of(tmp_path / "run").text["page"]
    assert "of your own" not in text and "Most wrong" in text
    np.testing.assert_array_equal(given.out.weight.data, unlike)         # it is as it was


def test_many_classes_have_their_matrix_as_a_picture(tmp_path):
    classes = tuple(f"class {i}" for i in range(21))
    path, _ = trained(tmp_path / "run", dataset(128, classes=classes), epochs=1)
    report.write(path, test=dataset(64, 1, classes))
    alts = page_of(path).all("img", "alt")
    assert any(alt.startswith("The confusion matrix of 21 classes") for alt in alts)


def test_images_with_several_labels_have_a_table_of_labels(tmp_path):
    def scenes(n, seed):
        one = dataset(n, seed)
        return data.Dataset("scenes", one.images, np.eye(3, dtype=int)[one.labels], HOSTILE)
    path, _ = trained(tmp_path / "run", scenes(96, 0), scenes(40, 1))
    report.write(path, test=scenes(40, 1))
    page = page_of(path)
    assert "average precision" in page.text["page"] and "Most wrong" not in page.text["page"]
    assert HOSTILE[0] in page.text["th"]


def test_a_run_without_an_epoch_and_a_folder_that_is_no_run_are_named(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    assert "is not the folder of a run" in capsys.readouterr().err
    path, _ = trained(tmp_path / "run", dataset(64))
    (path / "metrics.jsonl").unlink()
    assert main(["report", str(path)]) == 1
    assert "has not reached the end of its first epoch" in capsys.readouterr().err
    assert not (path / "report.html").exists()


@pytest.mark.parametrize("key", [
    "model", "data", "recipe", "machine", "versions", "threads", "started", "model.class",
    "model.parameters", "data.name", "data.classes", "data.train_images", "recipe.epochs",
    "machine.cores", "versions.tinyconv"])
def test_a_configuration_that_a_hand_has_shortened_is_named(run, tmp_path, capsys, key):
    config = json.loads((run / "config.json").read_text())
    part, _, rest = key.partition(".")
    del (config[part] if rest else config)[rest or part]
    if key == "model.class":
        del config["model"]["name"]                      # which is shown where there is one
    shutil.copytree(run, tmp_path, dirs_exist_ok=True)
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert main(["report", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path / 'config.json'} is not the configuration of a run" in said
    assert repr(rest or part) in said and said.count("\n") == 1


@pytest.mark.parametrize("line, says", [
    ("{", "line 3 is not the record of an epoch"), ("[]", "line 3 is not the record of an epoch"),
    ('{"epoch": 3, "train_loss": "low", "train_accuracy": 0.5, "lr": 0.1, "seconds": 1}',
     "line 3 should have numbers for train_loss, images_per_second")])
def test_a_line_of_the_metrics_that_is_none_is_named(run, tmp_path, capsys, line, says):
    shutil.copytree(run, tmp_path, dirs_exist_ok=True)
    with open(tmp_path / "metrics.jsonl", "a") as metrics:
        metrics.write(line + "\n")
    assert main(["report", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path / 'metrics.jsonl'} is damaged: {says}" in said and said.count("\n") == 1


def test_filters_of_equal_weights_and_of_none_can_be_drawn():
    zeros = np.zeros((70, 2, 3, 3), np.float32)
    found = compare("w", zeros, zeros)
    assert found.change is None and (found.shown, found.count) == (64, 70)
    assert (pixels(found.after)[..., :3][pixels(found.after)[..., 3] == 255] == 255).all()
    assert compare("w", zeros[:5], zeros).before is None         # another layer has that name now


# ---- the command ---------------------------------------------------------------------------------

@pytest.mark.compiled
def test_train_writes_it_and_a_run_without_it_is_whole_all_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    quick = ["train", "mlp", "--limit", "60", "--epochs", "1"]
    assert main([*quick, "--out", "a"]) == 0
    assert "shown on one page: a/report.html" in capsys.readouterr().out
    assert "mlp on digits" in page_of("a").text["title"]

    def broken(*_, **__):
        raise OSError("the disk is full")
    monkeypatch.setattr(report, "write", broken)
    assert main([*quick, "--out", "b"]) == 0
    said = capsys.readouterr()
    assert "warning: there is no report of this run: the disk is full" in said.err
    assert said.out.splitlines()[-1].startswith("test accuracy")
    assert checkpoint.read_weights("b/weights.safetensors")


def test_the_command_says_where_the_page_is(run, tmp_path, capsys):
    path, _ = trained(tmp_path / "run", dataset(64))
    assert main(["report", str(path)]) == 0
    assert capsys.readouterr().out == f"{path / 'report.html'}\n"


# ---- in a browser --------------------------------------------------------------------------------

@pytest.mark.slow
def test_a_browser_shows_it_at_any_width_without_network_and_without_complaint(run, tmp_path):
    browser = program()
    if browser is None:
        pytest.skip("Chromium is not installed, or does not run here")
    page = run / "report.html"
    with Chromium(browser, tmp_path / "profile") as tab:
        for width, dark in ((390, False), (390, True), (1280, False)):
            tab.open(page.resolve().as_uri(), width, dark=dark)
            told = [event for event in tab.events if event[0] in (
                "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")]
            assert not told
            asked = [what["request"]["url"] for method, what in tab.events
                     if method == "Network.requestWillBeSent"]
            assert asked[0] == page.resolve().as_uri()
            assert all(url.startswith("data:image/") for url in asked[1:])
            assert tab.value("document.documentElement.scrollWidth <= innerWidth"), "it scrolls"
            assert tab.value("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
            assert tab.value("document.querySelectorAll('script').length") == 0
            picture = np.asarray(Image.open(io.BytesIO(tab.screenshot())).convert("L"))
            assert (np.median(picture) < 64) == dark
        assert tab.pdf().startswith(b"%PDF-")
