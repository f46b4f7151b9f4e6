"""What is learned from the digits that come with tinyconv is of use on digits people wrote."""
import pytest

import tinyconv as tc
from tinyconv import data, models, training


@pytest.mark.compiled
@pytest.mark.realdata
@pytest.mark.slow
def test_lenet_that_saw_only_the_embedded_digits_reads_those_of_mnist(realdata):
    if not (realdata / "mnist").is_dir():
        pytest.skip(f"needs the real MNIST under {realdata}")
    tc.manual_seed(0)
    model = models.create("lenet5")
    training.fit(model, "digits", epochs=3, seed=0, progress=False)
    digits = data.load("digits", "train")
    seen = training.evaluate(model, data.load("mnist", "test"), mean=digits.mean, std=digits.std)
    assert len(seen.predictions) == 10_000 and seen.accuracy >= 0.90
