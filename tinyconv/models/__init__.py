"""The networks, one a file: `models.list()` names them, `models.create(name)` builds one."""
import difflib
import inspect
from fnmatch import fnmatchcase

from .alexnet import AlexNet, alexnet
from .alexnet_2012 import AlexNet2012, alexnet_2012
from .convnext import ConvNeXt, convnext_tiny
from .densenet import DenseNet, densenet121
from .detector import Detector, detector
from .efficientnet import EfficientNet, efficientnet_b0, efficientnet_b1
from .fcn import FCN, fcn_resnet50
from .googlenet import GoogLeNet, googlenet
from .lenet import LeNet5, lenet5
from .lenet_1998 import LeNet51998, lenet5_1998
from .mlp import MLP, mlp
from .mobilenet import MobileNetV2, mobilenet_v2
from .pretrained import load_pretrained
from .resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnet152
from .resnet_cifar import (ResNetCIFAR, plain20, plain32, plain44, plain56, plain110,
                           resnet20, resnet32, resnet44, resnet56, resnet110)
from .resnet_preact import PreActResNet, preresnet20, preresnet56, preresnet110, preresnet164
from .resnext import resnext50_32x4d
from .squeezenet import SqueezeNet, squeezenet1_0, squeezenet1_1
from .transfer import head_of, layerwise, replace_head, stages, train_only
from .unet import UNet, unet
from .vgg import VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
from .vit import VisionTransformer, vit_b_16, vit_cifar
from .wide_resnet import wide_resnet50_2, wrn_16_2, wrn_16_4, wrn_28_10, wrn_40_4

_TASKS = {
    "classification": (
        mlp, lenet5_1998, lenet5,
        alexnet_2012, alexnet, vgg11, vgg13, vgg16, vgg19, vgg11_bn, vgg13_bn, vgg16_bn, vgg19_bn,
        googlenet, resnet18, resnet34, resnet50, resnet101, resnet152,
        plain20, plain32, plain44, plain56, plain110,
        resnet20, resnet32, resnet44, resnet56, resnet110,
        preresnet20, preresnet56, preresnet110, preresnet164,
        wrn_16_2, wrn_16_4, wrn_40_4, wrn_28_10, wide_resnet50_2, resnext50_32x4d,
        squeezenet1_0, squeezenet1_1, mobilenet_v2, densenet121, efficientnet_b0, efficientnet_b1,
        convnext_tiny, vit_b_16, vit_cifar),
    "segmentation": (fcn_resnet50, unet),
    "detection": (detector,)}
_MODELS = {f.__name__: f for builders in _TASKS.values() for f in builders}


def list(include="*", task=None):
    """The names of the models, sorted: of those that match a pattern such as "resnet*".

    `task` is "classification", "segmentation" or "detection".
    """
    if task is not None and task not in _TASKS:
        raise ValueError(f"list: task should be one of {', '.join(_TASKS)}, got {task!r}")
    builders = _MODELS.values() if task is None else _TASKS[task]
    return sorted(f.__name__ for f in builders if fnmatchcase(f.__name__, include))


def find(name):
    """The function that builds the model of that name; ValueError names those that are near."""
    if name not in _MODELS:
        close = difflib.get_close_matches(str(name), _MODELS, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(list())}"
        raise ValueError(f"unknown model {name!r}; {hint}")
    return _MODELS[name]


def create(name, num_classes=None, in_channels=None, image_size=None, pretrained=False, **options):
    """A new model by its name, with fresh weights from the default generator.

    With `pretrained` the weights are those shipped in the package, if there are: see
    `pretrained.py`.

    What is None keeps the model's own default: 10 classes of 1×28×28 for LeNet, 1000 of 3×224×224
    for ResNet-50. `image_size`, the side in pixels, matters only to models with a layer that is
    made for one size (`mlp`, `lenet5`, `vit_cifar`); the others take any. `options` are those of
    the model, such as `stem="cifar"`.
    """
    build = find(name)
    given = {"num_classes": num_classes, "in_channels": in_channels, "image_size": image_size}
    given = {key: value for key, value in given.items() if value is not None}
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"create {name}: {key} should be a positive whole number, "
                             f"got {value!r}")
    if "image_size" not in inspect.signature(build).parameters:
        given.pop("image_size", None)
    model = build(**given, **options)
    if pretrained:
        load_pretrained(model, name)
    return model
