"""Every layer is PyTorch's: names, outputs, gradients, buffers; and weights travel both ways."""
import numpy as np
import pytest

import tinyconv as tc
from tinyconv import nn

LAYERS = [
    ("Linear", dict(in_features=4, out_features=3), (5, 4)),
    ("Linear", dict(in_features=4, out_features=3, bias=False), (2, 5, 4)),
    ("Linear", dict(in_features=4, out_features=3), (4,)),
    ("Identity", {}, (2, 3)),
    ("Flatten", {}, (2, 3, 4, 5)),
    ("Flatten", dict(start_dim=0, end_dim=1), (2, 3, 4)),
    ("Unflatten", dict(dim=1, unflattened_size=(2, 3)), (4, 6, 5)),
    ("Unflatten", dict(dim=-1, unflattened_size=(-1, 2)), (4, 6)),
    ("Conv1d", dict(in_channels=2, out_channels=3, kernel_size=3), (2, 2, 9)),
    ("Conv1d", dict(in_channels=4, out_channels=6, kernel_size=4, padding="same", dilation=2,
                    groups=2), (2, 4, 11)),
    ("Conv1d", dict(in_channels=4, out_channels=6, kernel_size=4, padding="same",
                    padding_mode="circular"), (2, 4, 11)),
    ("Conv2d", dict(in_channels=3, out_channels=4, kernel_size=3, padding=1), (2, 3, 6, 5)),
    ("Conv2d", dict(in_channels=3, out_channels=4, kernel_size=3, padding=1), (3, 6, 5)),
    ("Conv2d", dict(in_channels=4, out_channels=4, kernel_size=(3, 2), stride=(2, 3),
                    padding=(2, 0), dilation=(1, 2), groups=4, bias=False), (2, 4, 8, 9)),
    ("Conv2d", dict(in_channels=2, out_channels=2, kernel_size=3, padding="valid"), (2, 2, 5, 5)),
    *[("Conv2d", dict(in_channels=2, out_channels=3, kernel_size=3, stride=2, padding=(2, 1),
                      padding_mode=mode), (2, 2, 6, 5))
      for mode in ("reflect", "replicate", "circular")],
    ("Conv3d", dict(in_channels=2, out_channels=3, kernel_size=(1, 2, 3), stride=(1, 2, 1),
                    padding=(0, 1, 1)), (2, 2, 3, 4, 5)),
    ("Conv3d", dict(in_channels=2, out_channels=2, kernel_size=2, padding="same",
                    padding_mode="replicate"), (1, 2, 3, 4, 5)),
    ("ConvTranspose1d", dict(in_channels=2, out_channels=3, kernel_size=4, stride=2, padding=1),
     (2, 2, 5)),
    ("ConvTranspose2d", dict(in_channels=4, out_channels=6, kernel_size=3, stride=2, padding=1,
                             output_padding=1, groups=2, dilation=2), (2, 4, 4, 3)),
    ("ConvTranspose3d", dict(in_channels=2, out_channels=1, kernel_size=2, bias=False),
     (1, 2, 2, 3, 2)),
    ("MaxPool1d", dict(kernel_size=3, stride=2, padding=1), (2, 3, 9)),
    ("MaxPool2d", dict(kernel_size=2), (2, 3, 7, 6)),
    ("MaxPool2d", dict(kernel_size=(3, 2), stride=(1, 2), padding=(1, 0), dilation=(2, 1),
                       ceil_mode=True), (2, 3, 7, 6)),
    ("MaxPool3d", dict(kernel_size=2), (2, 1, 4, 4, 5)),
    ("AvgPool1d", dict(kernel_size=2, padding=1), (2, 3, 7)),
    ("AvgPool2d", dict(kernel_size=(3, 2), stride=2, padding=1, count_include_pad=False,
                       ceil_mode=True), (2, 3, 7, 6)),
    ("AvgPool2d", dict(kernel_size=2, divisor_override=3), (2, 3, 6, 6)),
    ("AvgPool3d", dict(kernel_size=2), (1, 2, 4, 4, 4)),
    ("AdaptiveAvgPool1d", dict(output_size=3), (2, 2, 7)),
    ("AdaptiveAvgPool2d", dict(output_size=1), (2, 3, 5, 4)),
    ("AdaptiveAvgPool2d", dict(output_size=(3, None)), (2, 3, 7, 4)),
    ("AdaptiveAvgPool3d", dict(output_size=(1, 2, 3)), (1, 2, 3, 4, 5)),
    ("AdaptiveMaxPool1d", dict(output_size=3), (2, 2, 7)),
    ("AdaptiveMaxPool2d", dict(output_size=(2, 3)), (2, 3, 5, 7)),
    ("AdaptiveMaxPool3d", dict(output_size=2), (1, 2, 3, 4, 5)),
    *[(f"{kind}Pad{d}d", dict(padding=padding, **more), shape)
      for kind, more in (("Constant", dict(value=2.5)), ("Zero", {}), ("Reflection", {}),
                         ("Replication", {}), ("Circular", {}))
      for d, padding, shape in ((1, 2, (2, 3, 5)), (1, (0, 3), (3, 5)), (1, (-1, 1), (2, 3, 5)),
                                (2, 1, (2, 3, 4, 5)), (2, (1, 2, 3, 0), (3, 4, 5)),
                                (3, (0, 1, 2, 1, 1, 2), (2, 2, 3, 4, 5)), (3, 1, (2, 3, 4, 5)))],
    ("ZeroPad2d", dict(padding=1), (3, 4)),
    ("ConstantPad1d", dict(padding=(1, 2), value=-1.0), (2, 1, 2, 2, 3)),
    ("BatchNorm1d", dict(num_features=3), (6, 3)),
    ("BatchNorm1d", dict(num_features=3, momentum=None), (4, 3, 5)),
    ("BatchNorm2d", dict(num_features=3, eps=1e-2, momentum=0.3), (4, 3, 2, 3)),
    ("BatchNorm2d", dict(num_features=3, affine=False), (4, 3, 2, 3)),
    ("BatchNorm2d", dict(num_features=3, track_running_stats=False), (4, 3, 2, 3)),
    ("BatchNorm3d", dict(num_features=2), (2, 2, 2, 3, 2)),
    ("InstanceNorm1d", dict(num_features=3, affine=True), (4, 3, 5)),
    ("InstanceNorm2d", dict(num_features=3, affine=True, track_running_stats=True), (4, 3, 2, 3)),
    ("InstanceNorm2d", dict(num_features=3), (3, 4, 4)),
    ("InstanceNorm3d", dict(num_features=2), (2, 2, 2, 3, 2)),
    ("LayerNorm", dict(normalized_shape=5), (2, 3, 5)),
    ("LayerNorm", dict(normalized_shape=(3, 5), eps=1e-2, bias=False), (2, 3, 5)),
    ("LayerNorm", dict(normalized_shape=(3, 5), elementwise_affine=False), (2, 3, 5)),
    ("GroupNorm", dict(num_groups=2, num_channels=6), (2, 6, 3, 2)),
    ("GroupNorm", dict(num_groups=3, num_channels=6, affine=False), (2, 6, 4)),
    ("LocalResponseNorm", dict(size=3, alpha=0.5, beta=0.6, k=2), (2, 5, 3, 3)),
    ("LocalResponseNorm", dict(size=2), (2, 4, 6)),
    ("ReLU", {}, (3, 4)), ("LeakyReLU", dict(negative_slope=0.2), (3, 4)), ("Tanh", {}, (3, 4)),
    ("Sigmoid", {}, (3, 4)),
    ("GELU", {}, (3, 4)), ("GELU", dict(approximate="tanh"), (3, 4)), ("SiLU", {}, (3, 4)),
    ("Softplus", dict(beta=2, threshold=3), (3, 4)), ("Softmax", dict(dim=1), (3, 4)),
    ("LogSoftmax", dict(dim=-1), (3, 4)), ("Softmin", dict(dim=1), (3, 4)),
    ("Softmax2d", {}, (2, 3, 2, 2)), ("ReLU6", {}, (3, 4)), ("PReLU", {}, (3, 4)),
    ("PReLU", dict(num_parameters=4, init=0.1), (3, 4)),
    ("Threshold", dict(threshold=1, value=9), (3, 4)),
    ("Hardtanh", dict(min_val=-2, max_val=0.5), (3, 4)),
    ("Hardswish", {}, (3, 4)), ("Hardshrink", dict(lambd=0.7), (3, 4)),
    ("Softshrink", dict(lambd=0.7), (3, 4)), ("ELU", dict(alpha=2.0), (3, 4)),
    ("CELU", dict(alpha=2.0), (3, 4)), ("SELU", {}, (3, 4)), ("Mish", {}, (3, 4)),
    ("LogSigmoid", {}, (3, 4)), ("Softsign", {}, (3, 4)), ("Tanhshrink", {}, (3, 4)),
    ("GLU", dict(dim=0), (4, 3)),
    ("RMSNorm", dict(normalized_shape=(3, 2)), (2, 3, 2)),
    ("RMSNorm", dict(normalized_shape=3, eps=0.1, elementwise_affine=False), (2, 3)),
    ("LPPool1d", dict(norm_type=2, kernel_size=3), (2, 3, 9)),
    ("LPPool2d", dict(norm_type=4, kernel_size=2, stride=1), (2, 3, 5, 4)),
    ("LPPool3d", dict(norm_type=2, kernel_size=2, ceil_mode=True), (1, 2, 4, 4, 4)),
    ("Upsample", dict(scale_factor=2), (1, 2, 3, 4)),
    ("Upsample", dict(size=(5, 7), mode="bicubic"), (1, 2, 3, 4)),
    ("Upsample", dict(scale_factor=(1.5, 2.5), mode="bilinear", align_corners=True), (1, 2, 4, 4)),
    ("UpsamplingNearest2d", dict(scale_factor=3), (1, 2, 3, 4)),
    ("UpsamplingBilinear2d", dict(size=6), (1, 2, 3, 4)),
    ("PixelShuffle", dict(upscale_factor=2), (2, 8, 3, 2)),
    ("PixelUnshuffle", dict(downscale_factor=2), (2, 2, 4, 6)),
    ("ChannelShuffle", dict(groups=2), (2, 6, 2, 2)),
    ("Unfold", dict(kernel_size=(2, 3), padding=1, stride=2), (2, 2, 5, 6)),
    ("Fold", dict(output_size=(4, 5), kernel_size=2, dilation=2), (2, 8, 6)),
    *[("Conv1d", dict(in_channels=2, out_channels=3, kernel_size=3, padding=2, padding_mode=mode),
       (2, 6)) for mode in ("zeros", "reflect", "replicate", "circular")],
]


def identify(layer):
    name, arguments, shape = layer
    return f"{name}({', '.join(f'{k}={v}' for k, v in arguments.items())}) on {shape}"


@pytest.mark.torch
@pytest.mark.parametrize("name, arguments, shape", LAYERS, ids=map(identify, LAYERS))
def test_a_layer_is_pytorchs(torch, rng, name, arguments, shape):
    """State names; in training and evaluation output, gradients, buffers; then weights go back."""
    theirs = getattr(torch.nn, name)(**arguments).double()
    ours = getattr(nn, name)(**arguments).double()
    for kind in ("weight", "bias"):                       # what starts as 1 and 0 would hide errors
        if getattr(theirs, kind, None) is not None:
            torch.nn.init.normal_(getattr(theirs, kind))
    state = theirs.state_dict()
    assert [(k, v.shape) for k, v in ours.state_dict().items()] == [
        (k, tuple(v.shape)) for k, v in state.items()]
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    ours.load_state_dict({k: v.numpy() for k, v in state.items()})
    for training in (True, True, False):      # twice: running statistics must follow both batches
        ours.train(training), theirs.train(training)
        compare_a_step(torch, rng, ours, theirs, shape)
    twin = getattr(torch.nn, name)(**arguments).double()
    twin.load_state_dict({k: torch.from_numpy(v.numpy()) for k, v in ours.state_dict().items()})


def compare_a_step(torch, rng, ours, theirs, shape):
    data = rng.standard_normal(shape) * 2 + 0.5
    x, z = tc.tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    y, expected = ours(x), theirs(z)
    close(y, expected)
    g = rng.standard_normal(y.shape)
    gradients = tc.grad(y, [x, *ours.parameters()], tc.tensor(g))
    others = torch.autograd.grad(expected, [z, *theirs.parameters()], torch.tensor(g))
    for a, b in zip(gradients, others, strict=True):
        close(a, b)
    for (_, a), (_, b) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert a.dtype == b.numpy().dtype
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-12)


def close(a, b):
    b = b.detach().numpy()
    assert a.shape == b.shape and a.dtype == b.dtype
    np.testing.assert_allclose(a.data, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in LAYERS}))
def test_a_layer_shows_itself_with_its_settings(name):
    arguments = next(arguments for other, arguments, _ in LAYERS if other == name)
    assert repr(getattr(nn, name)(**arguments)).startswith(name + "(")


@pytest.mark.torch
@pytest.mark.parametrize("name, arguments", [
    ("Linear", (3, 4)), ("Conv2d", (3, 4, 3)), ("Conv2d", (4, 4, 3, 2, 1, 1, 2, False)),
    ("ConvTranspose2d", (3, 4, 3, 2, 1, 1)), ("MaxPool2d", (2,)), ("AvgPool2d", (2,)),
    ("AdaptiveAvgPool2d", (1,)), ("Dropout", (0.2,)), ("Flatten", ()), ("ReLU", ()),
    ("SiLU", (True,)), ("GELU", ("tanh",)), ("Softmax", (1,)), ("ReLU6", (True,)), ("PReLU", (3,)),
    ("RReLU", ()), ("Threshold", (1, 2)), ("Hardtanh", (-2, 2, True)), ("Hardsigmoid", (True,)),
    ("Hardswish", ()), ("Hardshrink", ()), ("Softshrink", ()), ("ELU", ()), ("CELU", (2.0, True)),
    ("SELU", ()), ("Mish", (True,)), ("LogSigmoid", ()), ("Softsign", ()), ("Tanhshrink", ()),
    ("GLU", ()), ("Softmin", (1,)), ("Softmax2d", ()), ("AlphaDropout", (0.2,)),
    ("FeatureAlphaDropout", ()), ("RMSNorm", (3,)), ("Bilinear", (2, 3, 4)),
    ("Embedding", (5, 2, -1)), ("Embedding", (5, 2)), ("LPPool2d", (2, 3)), ("MaxUnpool2d", (2,)),
    ("Upsample", ((2, 3),)), ("Upsample", (None, 2, "bilinear")), ("UpsamplingNearest2d", (None, 2)),
    ("PixelShuffle", (2,)), ("PixelUnshuffle", (2,)), ("ChannelShuffle", (2,)), ("Unfold", (2,)),
    ("Fold", (4, 2)), ("CosineSimilarity", ()), ("PairwiseDistance", ()), ("HuberLoss", ()),
    ("BCELoss", ()), ("KLDivLoss", ())])
def test_a_layer_shows_itself_as_pytorchs_does(torch, name, arguments):
    assert repr(getattr(nn, name)(*arguments)) == repr(getattr(torch.nn, name)(*arguments))


# ---- batch norm, where most mistakes are made ----------------------------------------------------

def test_batch_norm_follows_the_mean_and_the_unbiased_variance():
    bn = nn.BatchNorm1d(1, momentum=0.5)
    bn(tc.tensor([[0.0], [2.0], [4.0]]))
    assert bn.running_mean.item() == 1 and bn.running_var.item() == 0.5 + 0.5 * 4
    assert bn.num_batches_tracked == 1
    bn.eval()(tc.tensor([[100.0]]))
    assert bn.running_mean.item() == 1 and bn.num_batches_tracked == 1
    for reset in (bn.reset_running_stats, bn.reset_parameters):
        reset()
        assert bn.running_mean.item() == 0 and bn.running_var.item() == 1
        assert bn.num_batches_tracked == 0
        bn.train()(tc.tensor([[0.0], [2.0]]))


def test_batch_norm_without_momentum_takes_the_mean_of_all_batches():
    bn = nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 2.0, 6.0):
        bn(tc.tensor([[value - 1], [value + 1]]))
    assert bn.running_mean.item() == pytest.approx(3)


def test_one_value_per_channel_in_training_is_an_error():
    with pytest.raises(ValueError, match="batch_norm"):
        nn.BatchNorm2d(3)(tc.randn(1, 3, 1, 1))
    nn.BatchNorm2d(3).eval()(tc.randn(1, 3, 1, 1))


@pytest.mark.parametrize("layer, shape", [
    (nn.BatchNorm1d, (2, 3, 4, 5)), (nn.BatchNorm2d, (2, 3, 4)), (nn.BatchNorm3d, (2, 3, 4, 5)),
    (nn.InstanceNorm2d, (2, 3))])
def test_an_input_of_the_wrong_rank_is_named(layer, shape):
    with pytest.raises(ValueError) as error:
        layer(3)(tc.randn(*shape))
    assert layer.__name__ in str(error.value) and str(shape) in str(error.value)


@pytest.mark.parametrize("layer", [
    nn.BatchNorm2d(4, bias=False), nn.InstanceNorm2d(4, affine=True, bias=False),
    nn.GroupNorm(2, 4, bias=False), nn.LayerNorm(4, bias=False)])
def test_a_normalisation_may_scale_without_shifting(layer):
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    layer.weight.data[...] = 3
    layer(tc.randn(2, 4, 4, 4)).sum().backward()
    layer.reset_parameters()
    assert (layer.weight.data == 1).all()


# ---- what has no counterpart in PyTorch, and what is refused -------------------------------------

def test_spatial_pyramid_pooling_makes_the_same_number_of_features_of_any_image():
    pool = nn.SpatialPyramidPool((1, 2, 4))
    for size in ((8, 8), (13, 21)):
        x = tc.randn(2, 3, *size)
        y = pool(x)
        assert y.shape == (2, 3 * (1 + 4 + 16))
        np.testing.assert_array_equal(y.data[:, :3], x.data.max((2, 3)))


@pytest.mark.parametrize("make, words", [
    (lambda: nn.Conv2d(3, 8, 3, groups=2),
     "Conv2d: in_channels should be a positive multiple of groups=2, got 3"),
    (lambda: nn.Conv2d(4, 7, 3, groups=2),
     "Conv2d: out_channels should be a positive multiple of groups=2, got 7"),
    (lambda: nn.Conv2d(3, 8, 0),
     "Conv2d: kernel_size should be a whole number ≥ 1 or 2 of them, got 0"),
    (lambda: nn.Conv2d(3, 8, (3, 3, 3)),
     "kernel_size should be a whole number ≥ 1 or 2 of them, got (3, 3, 3)"),
    (lambda: nn.Conv2d(3, 8, 3, padding=-1),
     "padding should be a whole number ≥ 0 or 2 of them, got -1"),
    (lambda: nn.Conv2d(3, 8, 3, padding="full"),
     "padding should be numbers, 'same' or 'valid', got 'full'"),
    (lambda: nn.Conv2d(3, 8, 3, 2, "same"), "padding='same' needs stride 1, got stride (2, 2)"),
    (lambda: nn.Conv1d(3, 8, 3, padding_mode="mirror"),
     "padding_mode should be one of zeros, reflect, replicate, circular, got 'mirror'"),
    (lambda: nn.ConvTranspose1d(3, 8, 3, padding_mode="reflect"),
     "only padding_mode='zeros' is defined"),
    (lambda: nn.GroupNorm(4, 6), "num_channels=6 should be a multiple of num_groups=4"),
    (lambda: nn.GroupNorm(2.0, 4), "GroupNorm: num_groups should be a whole number ≥ 1, got 2.0"),
    (lambda: nn.Linear(-1, 3), "Linear: in_features should be a whole number ≥ 0, got -1"),
    (lambda: nn.Linear(3, "4"), "Linear: out_features should be a whole number ≥ 0, got '4'"),
    (lambda: nn.Conv2d(0, 4, 3), "Conv2d: in_channels should be a whole number ≥ 1, got 0"),
    (lambda: nn.Conv2d(3, 4.0, 3), "Conv2d: out_channels should be a whole number ≥ 1, got 4.0"),
    (lambda: nn.Conv2d(3, 4, 3, groups=0), "Conv2d: groups should be a whole number ≥ 1, got 0"),
    (lambda: nn.BatchNorm2d(-3), "BatchNorm2d: num_features should be a whole number ≥ 1, got -3"),
    (lambda: nn.InstanceNorm1d(None), "InstanceNorm1d: num_features should be a whole number"),
    (lambda: nn.LayerNorm((3, 0)), "LayerNorm: normalized_shape should be a whole number ≥ 1"),
    (lambda: nn.LayerNorm(2.5), "LayerNorm: normalized_shape should be a whole number ≥ 1"),
    (lambda: nn.LocalResponseNorm(0), "LocalResponseNorm: size should be a whole number ≥ 1"),
    (lambda: nn.MaxPool2d(0), "MaxPool2d: kernel_size should be a whole number ≥ 1 or 2 of them"),
    (lambda: nn.MaxPool1d(2, stride=0), "MaxPool1d: stride should be a whole number ≥ 1, got 0"),
    (lambda: nn.MaxPool3d(2, padding=(1, 1)), "MaxPool3d: padding should be a whole number ≥ 0"),
    (lambda: nn.MaxPool2d(2, dilation=0.5), "MaxPool2d: dilation should be a whole number ≥ 1"),
    (lambda: nn.AvgPool2d((2, -2)), "AvgPool2d: kernel_size should be a whole number ≥ 1"),
    (lambda: nn.AdaptiveAvgPool2d((1, 2, 3)), "AdaptiveAvgPool2d: output_size should be a whole"),
    (lambda: nn.SpatialPyramidPool((1, 0)), "SpatialPyramidPool: level should be a whole number"),
    (lambda: nn.ReflectionPad2d((1, 2)),
     "ReflectionPad2d: padding should be a whole number or 4 of them, got (1, 2)"),
    (lambda: nn.ZeroPad1d(1.5), "ZeroPad1d: padding should be a whole number or 2 of them"),
    (lambda: nn.CircularPad2d(1)(tc.ones(3, 4)),
     "CircularPad2d: input should have 4 dimensions, (N, C, ...), or 3 without a batch, got shape"),
    (lambda: nn.ReflectionPad1d(3)(tc.ones(2, 3)), "pad: reflect padding (3, 3) is too wide"),
    (lambda: nn.Dropout("a"), "Dropout: p is a probability between 0 and 1, got 'a'")])
def test_settings_that_make_no_sense_are_refused(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert words in str(error.value)


# ---- a convolution and the batch norm after it ---------------------------------------------------

def normed(dims=2, **settings):
    """A convolution and a batch norm that has seen two batches, in evaluation; and an input."""
    tc.manual_seed(0)
    conv = getattr(nn, f"Conv{dims}d")(16, 32, 3, padding=1, **settings)
    norm = getattr(nn, f"BatchNorm{dims}d")(32)
    x = tc.randn(6, 16, *(8,) * dims)
    for _ in range(2):
        norm(conv(x * 2 + 1))
    with tc.no_grad():
        norm.weight.data[:], norm.bias.data[:] = tc.randn(32).data, tc.randn(32).data
    return conv.eval(), norm.eval(), x


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("settings", [{}, {"bias": False}, {"stride": 2}, {"groups": 2},
                                      {"padding_mode": "reflect"}])
def test_a_norm_after_a_convolution_gives_what_the_two_give(dims, settings):
    conv, norm, x = normed(dims, **settings)
    apart = norm(conv(x))
    a = tc.randn(*apart.shape)
    for relu in (False, True):
        for add in (None, a):
            with tc.no_grad():
                together = norm.after(conv, x, add=add, relu=relu)
            np.testing.assert_allclose(together.numpy(),
                                       norm(conv(x), add=add, relu=relu).detach().numpy(),
                                       rtol=1e-5, atol=1e-5)


def test_a_norm_after_a_convolution_records_trains_and_calls_hooks_as_the_two_do():
    conv, norm, x = normed()
    assert norm.after(conv, x).grad_fn is not None
    seen = []
    handle = conv.register_forward_hook(lambda module, args, y: seen.append(y.shape))
    with tc.no_grad():
        norm.after(conv, x)
        handle.remove()
        norm.after(conv, x)
        mean = norm.running_mean.copy()
        norm.train().after(conv, x)
    assert seen == [(6, 32, 8, 8)] and not np.array_equal(mean, norm.running_mean)


def test_a_norm_after_a_convolution_refuses_what_does_not_fit():
    conv, norm, x = normed()
    with tc.no_grad(), pytest.raises(ValueError, match="^conv2d: x has 3 channels"):
        norm.after(conv, tc.ones(2, 3, 8, 8))
    with tc.no_grad(), pytest.raises(ValueError, match="^batch_norm: add should have the input's"):
        norm.after(conv, x, add=tc.ones(6, 32, 8, 7))
    with tc.no_grad(), pytest.raises(TypeError, match="^conv2d: expected float32 or float64"):
        norm.after(conv, x.double())
    with tc.no_grad(), pytest.raises(ValueError, match="32"):
        nn.BatchNorm2d(3).eval().after(conv, x)


def test_a_norm_of_ones_own_keeps_its_forward():
    class Nothing(nn.BatchNorm2d):
        def forward(self, x, add=None, relu=False):
            return x * 0

    conv, _, x = normed()
    with tc.no_grad():
        assert not Nothing(32).eval().after(conv, x).numpy().any()


def test_a_convolution_that_is_called_in_ones_own_way_is_called_so():
    conv, norm, x = normed()
    with tc.no_grad():
        expected = norm(conv(x) * 0).numpy()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nn.Conv2d, "__call__", lambda conv, x: conv.forward(x) * 0, raising=False)
            assert np.array_equal(norm.after(conv, x).numpy(), expected)
        forward = conv.forward
        conv.forward = lambda x: forward(x) * 0
        assert np.array_equal(norm.after(conv, x).numpy(), expected)
