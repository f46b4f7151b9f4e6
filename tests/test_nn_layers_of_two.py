"""Layers that take two things, or indices, or chance: PyTorch's results, gradients and states."""
import numpy as np
import pytest

import tinyconv as tc
from tinyconv import nn

SIGN = np.array([1.0, -1.0, 1.0])
LAYERS = [
    ("Bilinear", dict(in1_features=3, in2_features=4, out_features=2), [(5, 3), (5, 4)]),
    ("Bilinear", dict(in1_features=3, in2_features=4, out_features=2, bias=False), [(3,), (4,)]),
    ("Embedding", dict(num_embeddings=4, embedding_dim=3), [np.array([[1, 3], [0, 1]])]),
    ("Embedding", dict(num_embeddings=4, embedding_dim=3, padding_idx=1), [np.array([1, 3, 1])]),
    ("CosineSimilarity", dict(dim=-1), [(3, 4), (3, 4)]),
    ("PairwiseDistance", dict(p=1.0, keepdim=True), [(3, 4), (3, 4)]),
    ("SmoothL1Loss", dict(beta=0.5), [(3, 4), (3, 4)]),
    ("HuberLoss", dict(delta=0.5, reduction="sum"), [(3, 4), (3, 4)]),
    ("KLDivLoss", dict(reduction="batchmean", log_target=True), [(3, 4), (3, 4)]),
    ("BCELoss", {}, [np.array([0.3, 0.6]), np.array([0.0, 1.0])]),
    ("PoissonNLLLoss", {}, [(3,), np.array([1.0, 2.0, 4.0])]),
    ("GaussianNLLLoss", dict(full=True), [(3,), (3,), np.array([1.0, 2.0, 4.0])]),
    ("MarginRankingLoss", {}, [(3,), (3,), SIGN]),
    ("MarginRankingLoss", dict(margin=0.5), [(3,), (3,), SIGN]),
    ("HingeEmbeddingLoss", {}, [(3,), SIGN]),
    ("CosineEmbeddingLoss", dict(margin=0.2), [(3, 4), (3, 4), np.array([1, -1, 1])]),
    ("TripletMarginLoss", dict(swap=True, reduction="none"), [(3, 4), (3, 4), (3, 4)]),
    ("MultiLabelSoftMarginLoss", {}, [(2, 3), np.array([[0.0, 1, 1], [1, 0, 0]])]),
    ("MultiMarginLoss", dict(p=2, margin=0.7), [(3, 4), np.array([3, 0, 1])]),
    *[(f"ConvTranspose{d}d", dict(in_channels=2, out_channels=2, kernel_size=3, stride=3, padding=1),
       [(1, 2) + (3,) * d]) for d in (1, 2, 3)],
]


@pytest.mark.torch
@pytest.mark.parametrize("name, arguments, inputs", LAYERS,
                         ids=[f"{name} {arguments}" for name, arguments, _ in LAYERS])
def test_a_layer_is_pytorchs(torch, against_torch, rng, name, arguments, inputs):
    theirs = getattr(torch.nn, name)(**arguments).double()
    ours = getattr(nn, name)(**arguments).double()
    assert [(k, v.shape) for k, v in ours.state_dict().items()] == [
        (k, tuple(v.shape)) for k, v in theirs.state_dict().items()]
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    arrays = [rng.standard_normal(a) if isinstance(a, tuple) else a for a in inputs]
    against_torch(ours, theirs, *arrays, gradients=name != "Embedding")
    parameters = list(ours.parameters()), list(theirs.parameters())
    if parameters[0]:
        (ours(*map(tc.tensor, arrays)) ** 2).sum().backward()
        (theirs(*map(torch.tensor, arrays)) ** 2).sum().backward()
    for p, q in zip(*parameters, strict=True):
        np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_transposed_convolution_takes_the_size_to_come_to(torch, rng, d):
    arguments = dict(in_channels=2, out_channels=3, kernel_size=3, stride=2, padding=1, dilation=2)
    theirs = getattr(torch.nn, f"ConvTranspose{d}d")(**arguments).double()
    ours = getattr(nn, f"ConvTranspose{d}d")(**arguments).double()
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    x = rng.standard_normal((2, 2) + (4,) * d)
    for size in ((9,) * d, (10,) * d, (2, 3) + (10,) * d):
        y = ours(tc.tensor(x), output_size=size)
        expected = theirs(torch.tensor(x), output_size=size).detach().numpy()
        np.testing.assert_allclose(y.data, expected, rtol=1e-10, atol=1e-12)
    for size in ((8,) * d, (11,) * d, (9,) * (d + 1)):
        with pytest.raises(ValueError, match=r"output_size should be from \(9.*stride"):
            ours(tc.tensor(x), output_size=size)


@pytest.mark.torch
def test_maxima_and_the_way_back_as_layers(torch, rng):
    for d in (1, 2, 3):
        x = rng.standard_normal((2, 3) + (5,) * d)
        results = []
        for library, to in ((nn, tc.tensor), (torch.nn, torch.tensor)):
            pool = getattr(library, f"MaxPool{d}d")(2, return_indices=True)
            y, i = pool(to(x))
            results.append(getattr(library, f"MaxUnpool{d}d")(2)(y, i, output_size=x.shape))
        np.testing.assert_array_equal(results[0].data, results[1].numpy())


# ---- chance --------------------------------------------------------------------------------------

def test_alpha_dropout_keeps_mean_and_variance():
    tc.manual_seed(0)
    x = tc.randn(2000, 100, dtype=tc.float64)
    for layer in (nn.AlphaDropout(0.3), nn.FeatureAlphaDropout(0.3)):
        y = layer(x)
        assert abs(y.mean().item()) < 0.02 and abs(y.std().item() - 1) < 0.02
        layer.eval()
        assert layer(x) is x


def test_feature_alpha_dropout_drops_whole_channels():
    tc.manual_seed(0)
    y = nn.FeatureAlphaDropout(0.5)(tc.zeros(40, 5, 3, 3)).data
    assert (y == y[:, :, :1, :1]).all() and len(np.unique(y)) == 2


def test_what_alpha_dropout_drops_has_no_gradient():
    tc.manual_seed(0)
    x = tc.randn(100, requires_grad=True)
    y = nn.AlphaDropout(0.5)(x)
    y.sum().backward()
    dropped = x.grad.data == 0
    assert 20 < dropped.sum() < 80
    assert np.unique(y.data[dropped]).size == np.unique(x.grad.data[~dropped]).size == 1


def test_rrelu_is_random_in_training_only():
    x, layer = tc.tensor([-1.0] * 100 + [2.0]), nn.RReLU()
    y = layer(x)
    assert len(np.unique(y.data)) > 50 and y.data[-1] == 2
    layer.eval()
    np.testing.assert_allclose(layer(x).data[:-1], -(1 / 8 + 1 / 3) / 2, rtol=1e-6)


# ---- tables --------------------------------------------------------------------------------------

def test_the_padding_row_of_an_embedding_is_zero_and_stays_so():
    layer = nn.Embedding(4, 3, padding_idx=-1)
    assert (layer.weight.data[3] == 0).all() and (layer.weight.data[:3] != 0).all()
    layer(tc.tensor([3, 0])).sum().backward()
    assert (layer.weight.grad.data[3] == 0).all() and (layer.weight.grad.data[0] == 1).all()


@pytest.mark.parametrize("freeze", [True, False])
def test_an_embedding_is_made_of_a_table_that_is_there(freeze):
    layer = nn.Embedding.from_pretrained(tc.tensor([[1.0, 2.0], [3.0, 4.0]]), freeze=freeze)
    assert layer(tc.tensor([1])).tolist() == [[3, 4]]
    assert layer.weight.requires_grad is not freeze


@pytest.mark.parametrize("f, complaint", [
    (lambda: nn.Embedding(4, 3, 4), "Embedding: padding_idx 4 is not one of 4 classes"),
    (lambda: nn.Bilinear(0, 3, 4), "Bilinear: in1_features should be"),
    (lambda: nn.Hardtanh(1, 1), "Hardtanh: min_val 1 should be less than max_val 1"),
    (lambda: nn.PReLU(0), "PReLU: num_parameters should be"),
    (lambda: nn.AlphaDropout(2), "AlphaDropout: p is a probability"),
    (lambda: nn.KLDivLoss(reduction="all"), "KLDivLoss: reduction should be"),
    (lambda: nn.PixelShuffle(0), "PixelShuffle: upscale_factor should be"),
    (lambda: nn.MaxUnpool2d((1, 2, 3)), "MaxUnpool2d: kernel_size should be"),
    (lambda: nn.Softmax2d()(tc.ones(3)), "Softmax2d: input should be"),
    (lambda: nn.RMSNorm(0), "RMSNorm: normalized_shape should be")])
def test_bad_settings_are_named(f, complaint):
    with pytest.raises(ValueError, match=complaint):
        f()
