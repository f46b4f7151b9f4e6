"""Every network is PyTorch's: weights copied by their names, the same outputs and gradients.

The definitions to compare with stand in `torch_zoo.py`; LeNet-5 and ResNet-20 are compared in
`test_models_training_step.py`. Networks are as narrow, as shallow and the images as small as their
architecture allows. In float32 results agree to 1e-4 of the largest element of each array, on
batches that rounding pushes across no kink (`kinks.py`), and in float64 to 1e-10.

What lies before a batch norm has a gradient that is zero, or nearly: a shift or a scale that is
taken away again. It is the small difference of large terms, so 8 units in the last place of the
largest gradient of the network are allowed on top.
"""
from functools import partial

import numpy as np
import pytest
from kinks import a_batch, assert_close

import tinyconv as tc
from tinyconv import models, nn
from tinyconv.models import lenet_1998, resnet, resnet_preact, resnext, wide_resnet
from tinyconv.models.googlenet import Inception

pytestmark = pytest.mark.torch

FIRES_1_0 = ("M", (16, 64), (16, 64), (32, 128), "M", (32, 128), (48, 192), (48, 192), (64, 256),
             "M", (64, 256))
FIRES_1_1 = ("M", (16, 64), (16, 64), "M", (32, 128), (32, 128), "M", (48, 192), (48, 192),
             (64, 256), (64, 256))
MOBILE = ((1, 8, 1, 1), (6, 8, 2, 2), (6, 8, 3, 2), (6, 16, 4, 2), (6, 24, 3, 1), (6, 40, 3, 2),
          (6, 80, 1, 1))                                     # a quarter of the width
EFFICIENT = ((1, 3, 1, 8, 1), (6, 3, 2, 16, 1), (6, 5, 2, 24, 1), (6, 3, 2, 40, 2),
             (6, 5, 1, 56, 2), (6, 5, 2, 96, 2), (6, 3, 1, 160, 1))    # half as wide, half as deep

# name: our model, PyTorch's (called with the module torch_zoo), shape of the batch
PAIRS = {
    "mlp": (lambda: models.MLP(32, (9, 6), 7), lambda z: z.mlp(32, 9, 6, 7), (4, 2, 4, 4)),
    "lenet5_1998": (models.LeNet51998, lambda z: z.lenet5_1998(
        lenet_1998.CONNECTIONS, lenet_1998.codes()), (2, 1, 28, 28)),
    "alexnet": (lambda: models.AlexNet(7, hidden=16), lambda z: z.alexnet(16, 7), (2, 3, 63, 63)),
    "alexnet_2012": (lambda: models.AlexNet2012(7, hidden=16, widths=(12, 16, 16, 16, 12)),
                     lambda z: z.alexnet_2012((12, 16, 16, 16, 12), 16, 7), (1, 3, 224, 224)),
    "vgg11": (lambda: models.VGG((1, 1, 2, 2, 2), False, 7, 3, 16, widths=(4, 6, 8, 8, 10)),
              lambda z: z.vgg((4, "M", 6, "M", 8, 8, "M", 8, 8, "M", 10, 10, "M"), False, 16, 7),
              (2, 3, 32, 32)),
    "vgg13_bn": (lambda: models.VGG((2,) * 5, True, 7, 3, 16, widths=(4, 6, 8, 8, 10)),
                 lambda z: z.vgg((4, 4, "M", 6, 6, "M", 8, 8, "M", 8, 8, "M", 10, 10, "M"), True,
                                 16, 7), (4, 3, 64, 64)),
    "resnet, basic": (lambda: models.ResNet(resnet.BasicBlock, (2, 1, 1, 1), 7),
                      lambda z: z.resnet(z.basic, (2, 1, 1, 1), 1, 7), (2, 3, 48, 48)),
    "resnet, bottleneck": (lambda: models.ResNet(resnet.Bottleneck, (2, 1, 1, 1), 7),
                           lambda z: z.resnet(z.bottleneck, (2, 1, 1, 1), 4, 7), (2, 3, 48, 48)),
    "resnext": (lambda: models.ResNet(resnext.Bottleneck32x4d, (1, 1, 1, 1), 7),
                lambda z: z.resnet(partial(z.bottleneck, groups=32, base=4), (1,) * 4, 4, 7),
                (2, 3, 48, 48)),
    "wide_resnet50": (lambda: models.ResNet(wide_resnet.WideBottleneck, (1, 1, 1, 1), 7),
                      lambda z: z.resnet(partial(z.bottleneck, base=128), (1,) * 4, 4, 7),
                      (2, 3, 48, 48)),
    "preresnet": (lambda: models.PreActResNet(resnet_preact.PreActBlock, 2, 1, 7),
                  lambda z: z.preact(2, 1, False, 7), (2, 3, 16, 16)),
    "preresnet, bottleneck": (lambda: models.PreActResNet(resnet_preact.PreActBottleneck, 2, 1, 7),
                              lambda z: z.preact(2, 1, True, 7), (2, 3, 16, 16)),
    "wrn": (lambda: wide_resnet.wide_resnet(10, 2, 7), lambda z: z.preact(1, 2, False, 7),
            (2, 3, 16, 16)),
    "googlenet": (lambda: models.GoogLeNet(7, aux_logits=True, width_mult=1 / 8),
                  lambda z: z.googlenet(8, 7), (2, 3, 64, 64)),
    "inception": (lambda: Inception(6, 4, 5, 6, 3, 4, 2),
                  lambda z: z.inception(6, 4, 5, 6, 3, 4, 2), (2, 6, 9, 9)),
    "squeezenet1_0": (lambda: models.SqueezeNet("1_0", 7),
                      lambda z: z.squeezenet(FIRES_1_0, 96, 7, 7), (2, 3, 48, 48)),
    "squeezenet1_1": (lambda: models.SqueezeNet("1_1", 7),
                      lambda z: z.squeezenet(FIRES_1_1, 64, 3, 7), (2, 3, 48, 48)),
    "mobilenet_v2": (lambda: models.MobileNetV2(7, width_mult=0.25),
                     lambda z: z.mobilenet_v2(MOBILE, 8, 1280, 7), (4, 3, 64, 64)),
    "densenet": (lambda: models.DenseNet(8, (2, 3, 2), 16, num_classes=7),
                 lambda z: z.densenet(8, (2, 3, 2), 16, 7), (4, 3, 48, 48)),
    "efficientnet": (lambda: models.EfficientNet(0.5, 0.5, 7),
                     lambda z: z.efficientnet(EFFICIENT, 16, 7), (4, 3, 64, 64)),
    "convnext": (lambda: models.ConvNeXt((1, 1, 2, 1), (16, 24, 32, 40), 7),
                 lambda z: z.convnext((1, 1, 2, 1), (16, 24, 32, 40), 7), (2, 3, 64, 64)),
    "vit": (lambda: models.VisionTransformer(16, 4, 3, 4, 24, 48, num_classes=7),
            lambda z: z.ViT(16, 4, 3, 4, 24, 48, 7), (2, 3, 16, 16)),
    "fcn": (lambda: models.FCN(7, aux_loss=True, depths=(1, 1, 2, 2)),
            lambda z: z.fcn((1, 1, 2, 2), 7), (2, 3, 32, 32)),
    "unet": (lambda: models.UNet(7, width=4, depth=3), lambda z: z.unet(4, 3, 7), (2, 3, 32, 32)),
    "detector": (lambda: models.Detector(3, boxes=2, widths=(4, 6, 8)),
                 lambda z: z.detector((4, 6, 8), 16), (4, 3, 32, 32))}


@pytest.fixture(scope="module")
def zoo(torch):
    """The module torch_zoo, which only those may import who have PyTorch."""
    import torch_zoo
    return torch_zoo


def stirred(model):
    """Nothing is dropped, and what begins at 0, at 1 or tiny becomes arbitrary.

    AlexNet of 2012 begins with weights so small that all activations are nearly equal to its biases
    of 1, and every maximum is a tie but for rounding: it gets larger ones.
    """
    for module in model.modules():
        if isinstance(module, (nn.Dropout, nn.StochasticDepth)):
            module.p = 0
        if isinstance(model, models.AlexNet2012) and isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
    rng = np.random.default_rng(1)
    for p in model.parameters():
        if p.ndim != 4 and (p.ndim != 2 or not p.data.any()):
            p.data += 0.1 * rng.standard_normal(p.shape).astype(np.float32)
    return model


def several(y):
    return y if isinstance(y, tuple) else (y,)


def results_and_gradients(ours, theirs, batch, dtype, torch):
    """Outputs, the gradients of the images and of all parameters, and buffers: two dictionaries."""
    ours.to(dtype), theirs.to(getattr(torch, dtype))
    ours.zero_grad(), theirs.zero_grad()
    x = tc.tensor(batch.astype(dtype), requires_grad=True)
    t = torch.tensor(batch.astype(dtype), requires_grad=True)
    results, expected = several(ours(x)), several(theirs(t))
    rng = np.random.default_rng(3)
    g = [rng.standard_normal(y.shape).astype(dtype) for y in results]
    sum((y * tc.tensor(a)).sum() for y, a in zip(results, g, strict=True)).backward()
    sum((z * torch.tensor(a)).sum() for z, a in zip(expected, g, strict=True)).backward()
    return [{**{f"output {i}": y for i, y in enumerate(outputs)}, "gradient of images": image.grad,
             **{f"gradient of {name}": p.grad for name, p in model.named_parameters()},
             **{name: b for name, b in model.named_buffers()}}
            for model, image, outputs in ((ours, x, results), (theirs, t, expected))]


@pytest.mark.compiled
@pytest.mark.parametrize("name", PAIRS)
def test_outputs_and_all_gradients_are_pytorchs(torch, zoo, name):
    tc.manual_seed(7)
    build, reference, shape = PAIRS[name]
    ours, theirs = stirred(build()), reference(zoo)
    state = {k: v.numpy().copy() for k, v in ours.state_dict().items()}
    assert sorted(state) == sorted(theirs.state_dict())
    theirs.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
    batch, _ = a_batch(torch, theirs, shape)
    for dtype, tolerance in (("float64", 1e-10), ("float32", 1e-4)):
        ours.load_state_dict(state)
        theirs.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
        here, there = results_and_gradients(ours, theirs, batch, dtype, torch)
        largest = max(g.abs().max().item() for key, g in there.items() if "gradient" in key)
        for key, value in there.items():
            y = here[key] if isinstance(here[key], np.ndarray) else here[key].data
            assert_close(key, y, value, tolerance, unseen=8 * np.finfo(dtype).eps * largest)


def test_what_is_finished_in_evaluation_is_pytorchs_too(torch, zoo):
    for name in ("googlenet", "densenet", "mobilenet_v2", "fcn", "unet", "preresnet"):
        build, reference, shape = PAIRS[name]
        ours, theirs = stirred(build()), reference(zoo)
        x = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
        ours(tc.tensor(x))                                   # moves the running statistics
        theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
        with tc.no_grad(), torch.no_grad():
            y, z = ours.eval()(tc.tensor(x)), several(theirs.eval()(torch.tensor(x)))[0]
        assert_close(name, y.data, z, 1e-4)
