"""The networks, one a file: `models.list()` names them, `models.create(name)` builds one."""
import difflib
import inspect

from .lenet import LeNet5, lenet5
from .lenet_1998 import LeNet51998, lenet5_1998
from .mlp import MLP, mlp
from .pretrained import load_pretrained
from .resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnet152
from .resnet_cifar import (ResNetCIFAR, plain20, plain32, plain44, plain56, plain110,
                           resnet20, resnet32, resnet44, resnet56, resnet110)
from .transfer import head_of, layerwise, replace_head, stages, train_only

_MODELS = {f.__name__: f for f in (
    mlp, lenet5_1998, lenet5,
    plain20, plain32, plain44, plain56, plain110,
    resnet20, resnet32, resnet44, resnet56, resnet110,
    resnet18, resnet34, resnet50, resnet101, resnet152)}


def create(name, num_classes=None, in_channels=None, image_size=None, pretrained=False, **options):
    """A new model by its name, with fresh weights from the default generator.

    With `pretrained` the weights are those shipped in the package, if there are: see
    `pretrained.py`.

    What is None keeps the model's own default: 10 classes of 1×28×28 for LeNet, 1000 of 3×224×224
    for ResNet-50. `image_size`, the side in pixels, matters only to models with a fully connected
    layer over the image (`mlp`, `lenet5`); the others take any size. `options` are those of the
    model, such as `stem="cifar"`.
    """
    if name not in _MODELS:
        close = difflib.get_close_matches(str(name), _MODELS, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(_MODELS)}"
        raise ValueError(f"unknown model {name!r}; {hint}")
    given = {"num_classes": num_classes, "in_channels": in_channels, "image_size": image_size}
    given = {key: value for key, value in given.items() if value is not None}
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"create {name}: {key} should be a positive whole number, "
                             f"got {value!r}")
    if "image_size" not in inspect.signature(_MODELS[name]).parameters:
        given.pop("image_size", None)
    model = _MODELS[name](**given, **options)
    if pretrained:
        load_pretrained(model, name)
    return model


def list():
    """The names of all models."""
    return [*_MODELS]
