"""The lessons in `examples/` run, say what they promise, and draw their figures."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_index_names_every_lesson():
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    lessons = sorted(EXAMPLES.glob("*.py"))
    assert lessons and all(f"]({lesson.name})" in index for lesson in lessons)


@pytest.mark.compiled
@pytest.mark.parametrize("lesson, says", [
    ("01_convolution_by_hand", ["[[7, 9, 11], [5, 7, 9]] [[7.0, 9.0, 11.0], [5.0, 7.0, 9.0]]",
                                "upside down", "(6, 4)"]),
    ("02_padding_stride_dilation", ["the same size in all of", "[4, 6, 6, 6, 4]",
                                    "sees 11×11", "sees 63×63 and in it 3,969 of 3,969",
                                    "sees 21×21 and in it 121 of 441", "25 C²"]),
    ("03_why_not_fully_connected", ["150,529,000", "483,385,147,392", "484 are not 0, and 9 differ",
                                    "MLP, 61,465 parameters", "CNN, 61,706 parameters",
                                    "pixels shuffled"]),
    ("04_translation", ["on a ring 0 %, zeros around the image 15.6 %", "moved by 2 pixels 0 %",
                        "MLP, shifts in training", "CNN, global mean"]),
    ("05_pooling", ["[[3.0, 5.0], [8.0, 2.0]]", "spatial pyramid of 1, 2, 4 21", "max, blurred",
                    "stride        all places", "max           global max", "mean over 3×3",
                    "pyramid 1, 2, 4", "100: another digit"]),
    ("06_backpropagation_checked", ["check_grad, relative errors", "caught: first derivative",
                                    "conv_wrong", "analytic", "numerical"]),
    ("07_from_lenet_to_resnet", ["61,706 parameters,  96 % of them dense", "LeNet-5", "AlexNet-style",
                                 "VGG-style", "plain-20", "ResNet-20", "s per 1,000 images"]),
    ("08_depth_and_shortcuts", ["no batch norm", "plain-8", "ResNet-14", "cosine", "training", "test",
                                "gradients afterwards", "loss at the end of training"]),
    ("09_batch_norm", ["the gradient is 0.1000 times as long", "before training:", "He's weights",
                       "by peak learning rate", "by batch size", "group norm", "without it"]),
    ("10_regularisation", ["1051 for each image", "weight decay", "dropout", "crop and flip", "cutout",
                           "mixup", "early stopping", "200 images", "better than nothing in all"]),
    ("11_transfer_learning", ["from scratch", "frozen features", "fine-tuning",
                              "frozen but for its head", "learning rates may be"]),
    ("12_what_the_network_sees", ["scenes named rightly", "SmoothGrad", "18 steps back",
                                  "rank correlation", "Grad-CAM"]),
    ("13_beyond_images", ["MLP", "kernels of 3×3×3", "a circular conv1d", "10 seeds"]),
    ("14_beyond_classification", ["64 fresh scenes", "mean IoU", "anchors of", "mean AP50"]),
    ("15_your_own_operation", ["first derivative of bump is wrong with respect to input 1",
                               "second derivative of bump is wrong with respect to input 0",
                               "again", "right: relative errors"])])
def test_a_lesson_runs_and_draws_its_figure(tmp_path, lesson, says):
    """Those that train know a quick mode, the others do not look at it."""
    shutil.copy(EXAMPLES / f"{lesson}.py", tmp_path)          # the figure is drawn beside it
    path = os.pathsep.join([str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, tmp_path / f"{lesson}.py", "--quick"],
                          capture_output=True, text=True, encoding="utf-8", timeout=300,
                          env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 0, done.stderr
    assert all(words in done.stdout for words in says), done.stdout
    picture = next(tmp_path.glob("*.png")).read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 5_000
