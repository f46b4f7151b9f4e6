"""`tinyconv explain`: what a user types, and the figure and the words that come back."""
import json
from pathlib import Path

import numpy as np
import pytest
from typed import one_line, save_picture

import tinyconv as tc
from tinyconv import checkpoint, data, models
from tinyconv.__main__ import main
from tinyconv.models import published


pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture
def explain(tinyconv):
    """Run the command; returns (status, standard output, standard error)."""
    def run(*argv):
        status, out, err = tinyconv("explain", *argv)
        return status, out, err.replace("tinyconv: compiling kernels (once)\n", "")
    return run


@pytest.fixture
def digits():
    """Pictures of digits in files, and what they show."""
    test = data.load("digits", "test")
    paths = [save_picture(f"{i}.png", test.images[i, 0]) for i in range(3)]
    return paths, test.labels[:3].tolist()


def size_of(path):
    png = Path(path).read_bytes()
    assert png.startswith(b"\x89PNG\r\n")
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def test_pictures_are_explained_with_the_weights_of_the_package(explain, digits):
    paths, labels = digits
    status, out, err = explain("--model", "lenet5", *paths)
    assert (status, err) == (0, "")
    *lines, figure = out.splitlines()
    assert [line.split(" ")[:2] for line in lines] == [
        [f"{path}:", str(label)] for path, label in zip(paths, labels)]
    assert all(line.count(" %") == 3 for line in lines)
    assert figure == "explained.png" and min(size_of(figure)) > 500


def test_a_test_image_is_named_by_its_number(explain, digits):
    _, by_file, _ = explain("--model", "lenet5", "1.png", "--method", "saliency", "--out", "a.png")
    _, by_number, _ = explain("--model", "lenet5", "digits:1", "--method", "saliency")
    assert by_number.split(": ")[1].split("\n")[0] == by_file.split(": ")[1].split("\n")[0]


def test_a_run_is_explained_as_json_with_the_methods_asked_for(explain, digits):
    assert main(["train", "mlp", "--limit", "200", "--epochs", "1", "--out", "run"]) == 0
    explain()                                                    # empties what was printed
    status, out, err = explain("run", digits[0][0], "--method", "saliency,integrated", "--class",
                               "7", "--out", "x.png", "--top", 2, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["figure"] == "x.png" and found["methods"] == ["saliency", "integrated"]
    (image,) = found["images"]
    assert image["image"] == "0.png" and image["explained"] == "7" and len(image["top"]) == 2
    narrow = size_of("x.png")
    # what such a network has no use for is left out where nobody asked for it
    status, out, err = explain("run", digits[0][0], "--json")
    assert status == 0 and json.loads(out)["methods"] == ["saliency", "smoothgrad", "guided",
                                                          "occlusion"]
    assert "gradcam is left out: grad_cam: no layer of MLP answers with maps" in err
    assert size_of("explained.png")[0] > narrow[0]
    status, out, err = explain("run", digits[0][0], "--method", "gradcam")
    assert status == 1 and "no layer of MLP answers with maps" in err


@pytest.mark.parametrize("method", ["guided,deconvnet", "occlusion", "gradcam,features"])
def test_a_layer_may_be_named(explain, digits, method):
    status, out, err = explain("--model", "lenet5", digits[0][1], "--method", method,
                               *(["--layer", "conv1"] if "gradcam" in method else []))
    assert (status, err) == (0, "") and size_of("explained.png")


@pytest.mark.compiled
@pytest.mark.parametrize("argv", [["filters"], ["filters", "--layer", "conv2"],
                                  ["visualise", "--layer", "conv1"]])
def test_what_a_model_has_learned_needs_no_pictures(explain, argv):
    status, out, err = explain("--model", "lenet5", "--method", *argv, "--out", "seen.png")
    assert (status, out, err) == (0, "seen.png\n", "") and size_of("seen.png")


@pytest.mark.compiled
def test_published_weights_and_a_photograph(explain, torch):
    """As a reader would with torchvision's file: names of classes from a list, and ImageNet's form.

    SqueezeNet stands for ResNet-50 here, and its weights are random.
    """
    tc.manual_seed(0)
    state = models.create("squeezenet1_1").state_dict()
    torch.save({key: torch.tensor(value.data) for key, value in state.items()}, "weights.pth")
    pixels = np.random.default_rng(0).integers(0, 256, (200, 260, 3), np.uint8)
    save_picture("photograph.jpg", pixels)
    Path("names.txt").write_text("".join(f"kind {k}\n" for k in range(1000)))
    command = ["--model", "squeezenet1_1", "--weights", "weights.pth", "photograph.jpg",
               "--method", "saliency,gradcam", "--json"]
    found = [json.loads(explain(*command, *more)[1])["images"][0]
             for more in ([], ["--classes", "names.txt"])]
    unnamed, named = [image["explained"] for image in found]
    assert unnamed.startswith("class ") and named == unnamed.replace("class", "kind")
    # the same by hand
    model = models.create("squeezenet1_1")
    checkpoint.load_weights(model, "weights.pth")
    image = data.read_image("photograph.jpg", 224, "rgb")[None]
    x = data.Normalize(published.IMAGENET_MEAN, published.IMAGENET_STD)(image)
    p = tc.softmax(model.eval()(tc.tensor(x)), 1).detach().numpy()[0]
    assert named == f"kind {p.argmax()}"
    assert found[0]["top"][0]["probability"] == pytest.approx(float(p.max()), rel=1e-5)
    Path("names.txt").write_text("cat\ndog\n")
    status, out, err = explain(*command, "--classes", "names.txt")
    assert status == 1 and "names.txt names 2 classes, the model has 1000" in err


def test_weights_of_a_known_data_set_need_no_data(explain):
    """Names of classes, shape and normalisation of CIFAR-10 are known without its files."""
    checkpoint.save_weights(models.create("resnet20"), "w.safetensors")
    save_picture("grey.png", np.full((40, 50, 3), 90, np.uint8))
    status, out, err = explain("--model", "resnet20", "--weights", "w.safetensors", "--data",
                               "cifar10", "grey.png", "--method", "cam", "--class", "ship",
                               "--json")
    assert (status, err) == (0, "")
    (image,) = json.loads(out)["images"]
    assert image["explained"] == "ship"
    assert {top["class"] for top in image["top"]} < set(data.describe("cifar10")["classes"])


@pytest.mark.parametrize("argv, status, message", [
    ([], 2, "expected the folder of a RUN, or --model NAME"),
    (["--model", "lenet5"], 2, "expected one picture or more"),
    (["run"], 2, "expected one picture or more"),
    (["--model", "lenet5", "0.png", "--method", "magic"], 2, "there are saliency, smoothgrad, "),
    (["--model", "lenet5", "0.png", "--method", "filters"], 2, "filters takes no pictures"),
    (["--model", "lenet5", "--method", "filters,visualise"], 2, "one a command"),
    (["--model", "lenet5", "0.png", "--method", "saliency", "--layer", "conv1"], 2,
     "--layer is for gradcam, features"),
    (["--model", "lenet5", "0.png", "--class", "ten"], 2, "there is no class 'ten'; there are 0, "),
    (["--model", "lenet5", "0.png", "--layer", "conv7"], 1,
     "there is no layer 'conv7'; there are conv1, conv2, fc1, fc2, fc3"),
    (["--model", "resnet50", "0.png"], 2, "--model resnet50 needs --weights FILE"),
    (["nowhere", "0.png"], 1, "nowhere is not the folder of a run"),
    (["nowhere", "0.png", "--imagenet"], 2, "go with --model, a RUN has its own"),
    (["--model", "lenet5", "nothing.png"], 1, "nothing.png"),
    (["--model", "lenet5", "digits:2000"], 1,
     "digits:2000: expected the number of a test image of digits, from 0 to 1999, got 2000")])
def test_what_is_wrong_is_said_in_a_line(explain, digits, argv, status, message):
    found, out, err = explain(*argv)
    assert found == status and message in err and one_line(err), err
    assert not Path("explained.png").exists()


def test_a_test_image_of_another_form_is_refused_with_both_forms(explain):
    checkpoint.save_weights(models.create("lenet5", in_channels=3, image_size=32), "w.safetensors")
    status, _, err = explain("--model", "lenet5", "--weights", "w.safetensors", "--data", "cifar10",
                             "digits:0")
    assert status == 1 and one_line(err) and (
        "digits:0: digits has images of (1, 28, 28), the model takes images of (3, 32, 32)") in err


def test_a_picture_that_cannot_be_read_does_not_stop_the_others(explain, digits):
    Path("broken.png").write_bytes(b"no picture")
    status, out, err = explain("--model", "lenet5", "broken.png", "0.png", "--method", "saliency")
    assert status == 1 and "broken.png" in err and out.startswith("0.png: ")
    assert size_of("explained.png")


@pytest.mark.parametrize("metadata, message", [
    ({"data": "flowers"}, "is of the data 'flowers', which are not known here"),
    ({"data": "digits", "mean": "0.5", "std": "[1]"}, "has mean 0.5, which makes no sense here"),
    ({"data": "digits", "mean": "[1", "std": "[1]"}, "has mean '[1', which makes no sense here"),
    ({"data": "digits", "mean": "[0.5, 0.5]", "std": "[1, 1]"}, "number for each of 1 channels"),
    ({"data": "digits", "mean": "[0]", "std": "[1e999]"}, "number for each of 1 channels"),
    ({"data": "digits", "mean": "[0]", "std": "[0]"}, "std above 0"),
    ({"data": "digits", "arguments": "[]"}, "has arguments [], which makes no sense here"),
    ({"data": "digits", "arguments": '{"colour": 1}'}, "which lenet5 does not take")])
def test_a_file_that_says_nonsense_of_itself_is_refused_in_a_line(explain, digits, metadata,
                                                                    message):
    checkpoint.save_weights(models.create("lenet5"), "w.safetensors", metadata)
    status, out, err = explain("--model", "lenet5", "--weights", "w.safetensors", "0.png",
                               "--method", "saliency")
    assert status in (1, 2) and message in err and one_line(err), err
    if metadata["data"] == "digits":
        assert main(["evaluate", "--model", "lenet5", "--weights", "w.safetensors", "--data",
                     "digits"]) == 1


def test_what_the_data_leave_open_is_as_the_file_says(explain, digits):
    """The width of a hidden layer, but not the number of classes, which the data have."""
    options = {"hidden": [7], "num_classes": 10 ** 9, "image_size": 28}
    model = models.create("mlp", num_classes=10, in_channels=1, image_size=28, hidden=(7,))
    checkpoint.save_weights(model, "w.safetensors", {"data": "digits",
                                                     "arguments": json.dumps(options)})
    where = ["--model", "mlp", "--weights", "w.safetensors"]
    assert explain(*where, "0.png", "--method", "saliency")[0] == 0
    assert main(["evaluate", *where, "--data", "digits"]) == 0
