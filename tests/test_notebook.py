"""In a notebook things show themselves: `_repr_html_` and `_repr_png_`, as Jupyter asks for them."""
import numpy as np
import pytest
from pages import Page, pixels

import tinyconv as tc
from tinyconv import insight, models, nn, training

HOSTILE = "<script>alert(1)</script>"


# ---- tensors -------------------------------------------------------------------------------------

def test_a_tensor_says_what_it_is_and_what_is_in_it():
    x = tc.tensor([[1.0, 2.0], [3.0, 6.0]], requires_grad=True)
    page = Page(x._repr_html_())
    text = page.text["page"]
    assert "tensor (2, 2) float32, requires grad" in text
    assert "from 1 to 6, mean 3, std 1.871" in text
    assert "[3., 6.]" in page.text["pre"] and not page.all("img")
    assert "from mul" in Page((x * x)._repr_html_()).text["page"]
    assert "parameter (3,) float32" in Page(nn.Parameter(np.zeros(3, np.float32))
                                            ._repr_html_()).text["page"]


@pytest.mark.parametrize("x", [
    tc.tensor(3.5), tc.zeros(0), tc.zeros(2, 0, 3), tc.zeros(0, 3, 8, 8), tc.tensor([True, False]),
    tc.arange(5), tc.tensor([float("nan"), float("inf"), 1.0]), tc.tensor([float("nan")] * 2),
    tc.zeros(1, 3, 8, 8, dtype=tc.uint8), tc.zeros(3, 8, 8) * float("nan"), tc.randn(2, 3, 4, 5, 6)],
    ids=lambda x: str(x.shape))
def test_tensors_of_every_kind_show_themselves(x):
    page = Page(x._repr_html_())
    assert str(x.shape) in page.text["page"]
    with np.errstate(all="ignore"):
        wrong = x.numel() - int(np.isfinite(x.data).sum())
    assert (f"{wrong} not finite" in page.text["page"]) == (wrong > 0)


def test_a_large_tensor_is_shown_in_short():
    assert len(tc.randn(16, 64, 100, 100)._repr_html_()) < 2_000
    assert len(tc.randn(1000, 1000)._repr_html_()) < 2_000
    assert "[0, 0]:" in tc.randn(20, 7, 10, 10)._repr_html_()


def test_what_looks_like_images_is_shown_as_images(rng):
    x = rng.normal(size=(10, 3, 12, 16)).astype(np.float32)
    uris = Page(tc.tensor(x)._repr_html_()).all("img", "src")
    assert len(uris) == 8
    low, high = x[:8].min(), x[:8].max()
    for image, uri in zip(x, uris):
        expected = np.rint(255 * (image.transpose(1, 2, 0) - low) / (high - low))
        assert abs(pixels(uri) - expected).max() <= 1
    digit = rng.integers(0, 256, (1, 8, 8)).astype(np.uint8)
    [uri] = Page(tc.tensor(digit)._repr_html_()).all("img", "src")
    np.testing.assert_array_equal(pixels(uri), digit[0])         # bytes are shown as they are
    for shape in ((2, 8, 8), (4, 4, 8, 8), (3, 2, 2), (3, 8, 600)):
        assert not Page(tc.zeros(*shape)._repr_html_()).all("img")


# ---- models --------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["lenet5", "resnet20", "vit_cifar"])
def test_a_model_is_a_tree_with_what_is_to_be_learned(name):
    model = models.create(name)
    page = Page(model._repr_html_())
    lines = [text for tag, text in page.pieces if tag == "code"]
    assert len(lines) == len([*model.modules()])
    assert lines[0] == type(model).__name__
    total = sum(p.numel() for p in model.parameters())
    assert f"{total:,} parameters" in page.text["small"] and "in training mode" in page.text["small"]
    assert any(line.startswith("Linear(") for line in lines)


def test_a_model_says_what_is_frozen_and_its_texts_are_text():
    class Odd(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(2, 3)

        def forward(self, x):
            return self.linear(x)

        def extra_repr(self):
            return HOSTILE
    Odd.__name__ = HOSTILE
    model = Odd().eval()
    setattr(model, HOSTILE, nn.freeze(nn.Linear(3, 4)))
    page = Page(model._repr_html_())
    assert not page.all("script") and page.text["page"].count(HOSTILE) == 3
    assert "25 parameters" in page.text["page"] and "16 of them frozen" in page.text["page"]
    assert "in evaluation mode" in page.text["page"]


def test_a_summary_is_a_table():
    found = insight.summary(models.create("lenet5"))
    page = Page(found._repr_html_())
    assert len(page.all("tr")) == 1 + len(found.rows) and len(page.all("th")) == 8
    assert "61,706 parameters" in page.text["caption"] and "6×28×28" in page.text["td"]


# ---- runs ----------------------------------------------------------------------------------------

def history_of(n):
    return training.History([
        dict(epoch=i + 1, train_loss=1 / (i + 1), train_accuracy=0.5, test_loss=1 / (i + 1),
             test_accuracy=0.6, lr=0.1, seconds=1.0, images_per_second=12_345.6)
        for i in range(n)])


def test_a_history_shows_its_curves_and_its_last_epochs():
    page = Page(history_of(3)._repr_html_())
    assert len(page.all("tr")) == 4 and not page.all("caption")
    assert "12,346" in page.text["td"] and "0.3333" in page.text["td"]
    [uri] = page.all("img", "src")
    assert pixels(uri).shape[1] > 1000
    long = Page(history_of(30)._repr_html_())
    assert long.text["caption"] == "the last 10 of 30 epochs" and len(long.all("tr")) == 11
    assert "no epoch yet" in training.History()._repr_html_()


def test_an_evaluation_shows_its_confusion_matrix():
    confusion = np.array([[5, 1], [0, 4]])
    found = training.Evaluation(0.5, 0.9, confusion, np.array([0] * 5 + [1] * 5))
    assert found._repr_png_().startswith(b"\x89PNG")
