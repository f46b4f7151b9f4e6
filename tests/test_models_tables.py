"""The table at the top of each model's file tells the truth: layers, outputs and parameters.

A table with the columns layer, what, output and parameters is read row by row. The layers it names
exist, have so many parameters, and give out what it says for the input of its first row.
"""
import importlib
import re

import numpy as np
import pytest

import tinyconv as tc
from tinyconv import models

DESCRIBED = {                                                # file: the model of its table
    "alexnet": "alexnet", "alexnet_2012": "alexnet_2012", "convnext": "convnext_tiny",
    "densenet": "densenet121", "detector": "detector", "efficientnet": "efficientnet_b0",
    "fcn": "fcn_resnet50", "googlenet": "googlenet", "lenet": "lenet5", "mlp": "mlp",
    "mobilenet": "mobilenet_v2", "resnet_cifar": "resnet20", "resnet_preact": "preresnet110",
    "resnext": "resnext50_32x4d", "squeezenet": "squeezenet1_1", "unet": "unet", "vgg": "vgg11",
    "vit": "vit_b_16", "wide_resnet": "wrn_28_10"}
OTHERWISE = {"lenet_1998", "resnet"}                         # of other columns


def rows(doc):
    """The rows (layers, output, parameters) of the table with these columns."""
    lines = iter(doc.splitlines())
    for line in lines:
        if line.startswith("| layer | what | output | parameters"):
            break
    next(lines, None)
    for line in lines:
        if not line.startswith("|"):
            return
        layers, _, output, parameters = (cell.strip(" *") for cell in line.strip("|").split("|"))
        yield re.split(", *", layers) if layers else [], output, parameters.replace(" ", "")


def file_of(name):
    return models.find(name).__module__.rpartition(".")[2]


def at(model, path):
    """The module or parameter of that dotted name."""
    owner, _, name = path.rpartition(".")
    return getattr(model.get_submodule(owner), name)


def parameters_of(part):
    return part.numel() if isinstance(part, tc.nn.Parameter) else sum(
        p.numel() for p in part.parameters())


def test_every_file_has_a_table_that_is_tested():
    assert {file_of(name) for name in models.list()} == {*DESCRIBED} | OTHERWISE
    for file, name in DESCRIBED.items():
        assert file_of(name) == file


@pytest.mark.compiled
@pytest.mark.parametrize("file, name", DESCRIBED.items())
def test_the_table_is_true(undrawn, file, name):
    doc = importlib.import_module(f"tinyconv.models.{file}").__doc__
    (_, image, _), *table, (_, _, total) = rows(doc)
    model = models.create(name).eval()
    assert int(total) == parameters_of(model)
    counted, outputs = 0, {}
    for layers, output, parameters in table:
        parts = [at(model, layer) for layer in layers]
        count = sum(map(parameters_of, parts))
        assert count == int(parameters or 0), f"{layers} have {count:,} parameters"
        counted += count
        if parts and isinstance(parts[-1], tc.nn.Module):
            parts[-1].register_forward_hook(
                lambda module, args, y, last=layers[-1]: outputs.__setitem__(last, y.shape[1:]))
    assert counted == int(total), "the rows do not add up"
    shape = tuple(map(int, image.split("×")))
    with tc.no_grad():
        model(tc.tensor(np.zeros((1, *shape), np.float32)))
    for layers, output, _ in table:
        if layers and layers[-1] in outputs:
            shape = "×".join(map(str, outputs[layers[-1]]))
            assert re.sub("×1×1$", "", shape) == re.sub("×1×1$", "", output), layers
    assert len(outputs) >= 3
