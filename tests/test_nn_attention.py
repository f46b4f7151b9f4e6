"""Multi-head attention is PyTorch's: parameters, results, weights, gradients, masks."""
import numpy as np
import pytest

import tinyconv as tc
from tinyconv import nn

E, H, N, L, S = 6, 2, 3, 4, 5                                # width, heads, batch, queries, keys


def twins(torch, **options):
    """Our layer and PyTorch's with the same weights, biases drawn too."""
    tc.manual_seed(0)
    ours = nn.MultiheadAttention(E, H, **options).double()
    theirs = torch.nn.MultiheadAttention(E, H, **options).double()
    for p in ours.parameters():
        nn.init.normal_(p)
    assert [(k, v.shape) for k, v in ours.state_dict().items()] == [
        (k, tuple(v.shape)) for k, v in theirs.state_dict().items()]
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    return ours, theirs


def assert_same(torch, ours, theirs, arrays, **options):
    """Results, weights, and the gradients of everything."""
    xs = [tc.tensor(a, requires_grad=True) for a in arrays]
    ts = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, w = ours(*xs, **{k: tc.tensor(v) if isinstance(v, np.ndarray) else v
                        for k, v in options.items()})
    z, v = theirs(*ts, **{k: torch.tensor(v) if isinstance(v, np.ndarray) else v
                          for k, v in options.items()})
    loss, expected = (y * y).sum(), (z * z).sum()
    assert (w is None) == (v is None)
    if w is not None:
        np.testing.assert_allclose(w.data, v.detach().numpy(), rtol=1e-10, atol=1e-12)
        loss, expected = loss + (w * w).sum(), expected + (v * v).sum()
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-10, atol=1e-12)
    loss.backward(), expected.backward()
    for a, b in zip([*xs, *ours.parameters()], [*ts, *theirs.parameters()], strict=True):
        np.testing.assert_allclose(a.grad.data, b.grad.numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layer", [
    {}, {"bias": False}, {"batch_first": True}, {"kdim": 3, "vdim": 7}, {"vdim": 2, "bias": False},
    {"add_bias_kv": True}, {"add_zero_attn": True}, {"add_bias_kv": True, "add_zero_attn": True}])
@pytest.mark.parametrize("call", [{}, {"need_weights": False}, {"average_attn_weights": False}])
def test_the_layer_is_pytorchs(torch, rng, layer, call):
    sizes = E, layer.get("kdim", E), layer.get("vdim", E)
    arrays = [rng.standard_normal((N, length, size) if layer.get("batch_first")
                                  else (length, N, size))
              for length, size in zip((L, S, S), sizes)]
    assert_same(torch, *twins(torch, **layer), arrays, **call)


def test_a_sequence_may_attend_to_itself_and_come_without_a_batch(torch, rng):
    ours, theirs = twins(torch, batch_first=True)
    for shape in ((N, L, E), (L, E)):
        a = rng.standard_normal(shape)
        x, t = tc.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
        (y, w), (z, v) = ours(x, x, x), theirs(t, t, t)
        np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-10)
        np.testing.assert_allclose(w.data, v.detach().numpy(), rtol=1e-10)
        (y * y).sum().backward(), (z * z).sum().backward()
        np.testing.assert_allclose(x.grad.data, t.grad.numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layer", [{}, {"add_bias_kv": True, "add_zero_attn": True}])
@pytest.mark.parametrize("masks", ["attn", "attn float", "attn heads", "padding", "both"])
def test_masks_are_pytorchs(torch, rng, layer, masks):
    causal = np.triu(np.ones((L, S), bool), 1)
    padding = np.array([[False] * S, [False, False, True, True, True], [False, True] + [False] * 3])
    given = {"attn": {"attn_mask": causal}, "attn float": {"attn_mask": rng.standard_normal((L, S))},
             "attn heads": {"attn_mask": rng.standard_normal((N * H, L, S))},
             "padding": {"key_padding_mask": padding},
             "both": {"attn_mask": causal, "key_padding_mask": padding}}[masks]
    arrays = [rng.standard_normal((n, N, E)) for n in (L, S, S)]
    assert_same(torch, *twins(torch, **layer), arrays, **given)


def test_weights_begin_as_xavier_proposed_and_biases_at_zero():
    tc.manual_seed(0)
    layer = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    bound = np.sqrt(6 / (64 + 3 * 64))
    assert 0.95 * bound < np.abs(layer.in_proj_weight.data).max() <= bound
    assert not layer.in_proj_bias.data.any() and not layer.out_proj.bias.data.any()
    assert layer.out_proj.weight.data.any() and layer.bias_k.data.any() and layer.bias_v.data.any()


def test_weights_are_dropped_in_training_only():
    tc.manual_seed(0)
    layer = nn.MultiheadAttention(E, H, dropout=0.5)
    x = tc.randn(20, N, E)
    _, weights = layer(x, x, x, average_attn_weights=False)
    assert 0.3 < (weights.data == 0).mean() < 0.7
    _, weights = layer.eval()(x, x, x, average_attn_weights=False)
    assert (weights.data > 0).all()


@pytest.mark.parametrize("call, says", [
    (lambda: nn.MultiheadAttention(6, 4), "num_heads=4 should divide embed_dim=6"),
    (lambda: nn.MultiheadAttention(6, 0), "num_heads should be a whole number"),
    (lambda: nn.MultiheadAttention(6, 2)(*[tc.zeros(4, 2, 5)] * 3), "with E = 6, 6, 6, got (4, 2, 5)"),
    (lambda: nn.MultiheadAttention(6, 2)(tc.zeros(4, 2, 6), *[tc.zeros(4, 6)] * 2), "got (4, 2, 6),"),
    (lambda: nn.MultiheadAttention(6, 2)(*[tc.zeros(4, 2, 6)] * 3, is_causal=True), "there is none"),
    (lambda: nn.MultiheadAttention(6, 2)(*[tc.zeros(4, 2, 6)] * 3, attn_mask=tc.zeros(4, 3)),
     "attn_mask should have shape (4, 4) or (4, 4, 4), got (4, 3)"),
    (lambda: nn.MultiheadAttention(6, 2)(*[tc.zeros(4, 2, 6)] * 3, key_padding_mask=tc.zeros(4, 2)),
     "key_padding_mask should have shape (2, 4) or (4,), got (4, 2)")])
def test_what_does_not_fit_is_named(call, says):
    with pytest.raises(ValueError) as error:
        call()
    assert says in str(error.value)


def test_who_may_look_nowhere_sees_nothing():
    layer = nn.MultiheadAttention(E, H)
    nn.init.normal_(layer.out_proj.bias)
    x = tc.randn(L, N, E)
    y, weights = layer(x, x, x, key_padding_mask=tc.tensor([[False] * L, [True] * L, [False] * L]))
    np.testing.assert_allclose(y.data[:, 1], np.tile(layer.out_proj.bias.data, (L, 1)), rtol=1e-6)
    assert not weights.data[1].any() and np.isfinite(y.data).all()
