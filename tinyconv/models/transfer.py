"""A network that has learned one thing, made ready to learn another.

A network for images is a body, which turns pixels into features, and a head, a linear layer that
weighs them for each class. Features serve for more than what they were learned for: Yosinski et al.
2014, "How transferable are features in deep neural networks?", arXiv 1411.1792.
"""
import numpy as np

from .. import nn


def head_of(model):
    """The name and the layer of the head: the last layer with weights, linear or a convolution.

    ValueError if it is anything else, as the distances at the end of LeNet-5 of 1998.
    """
    layers = [(name, layer) for name, layer in model.named_modules()
              if [*layer.parameters(recurse=False)]]
    own = [value for value in vars(model).values()
           if isinstance(value, (nn.Module, nn.Parameter, np.ndarray))]
    name, last = layers[-1] if layers else ("", model)
    if own and not isinstance(own[-1], nn.Module):           # what comes after the last layer
        name, last = "", own[-1]
    if not name or not isinstance(last, (nn.Linear, nn.Conv2d)):
        raise ValueError(f"the head of {type(model).__name__} should be its last layer with "
                         "weights, an nn.Linear or nn.Conv2d below it, but the last it has is a "
                         f"{type(last).__name__}")
    return name, last


def replace_head(model, num_classes):
    """Give `model` a new head for `num_classes` classes, with fresh weights; returns the model."""
    if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 1:
        raise ValueError("replace_head: num_classes should be a positive whole number, "
                         f"got {num_classes!r}")
    name, old = head_of(model)
    bias = old.bias is not None
    if isinstance(old, nn.Linear):
        new = nn.Linear(old.in_features, num_classes, bias)
    else:
        new = nn.Conv2d(old.in_channels, num_classes, old.kernel_size, old.stride, old.padding,
                        old.dilation, old.groups, bias, old.padding_mode)
    new.to(old.weight.dtype)
    new.training = old.training
    path, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(path), attribute, new)
    return model


def stages(model):
    """The model from its first layers to its head, as a list of lists of modules.

    A stage is a child of the model that has parameters. The last one is taken apart until only the
    head is left of it, and normalisation goes with the stage before it. Of ResNet-20: [conv1, bn1],
    [layer1], [layer2], [layer3], [linear].
    """
    _, head = head_of(model)
    parts = [model]
    while parts[-1] is not head:
        parts[-1:] = [child for child in parts[-1].children() if [*child.parameters()]]
    found = []
    for part in parts:
        if found and max(p.ndim for p in part.parameters()) < 2:         # only scales and shifts
            found[-1].append(part)
        else:
            found.append([part])
    return found


def train_only(model, count):
    """Freeze all but the last `count` stages of the model, which are trained; returns the model.

    One is the head alone. With one more every few epochs a model is unfrozen gradually: Howard &
    Ruder 2018, arXiv 1801.06146.
    """
    parts = stages(model)
    if count >= len(parts):
        return nn.unfreeze(model)
    nn.freeze(model)
    for stage in parts[len(parts) - count:]:
        for module in stage:
            nn.unfreeze(module)
    return model


def layerwise(model, lr, decay):
    """Parameter groups for an optimiser: the head learns with `lr`, each stage before it slower.

        lr of stage i of n  =  lr · decay^(n − 1 − i)

    What a network learns first, edges and colours, is what another task needs least to be changed.

        optim.SGD(models.layerwise(model, lr=0.1, decay=0.5), lr=0.1)

    Howard & Ruder 2018, arXiv 1801.06146.
    """
    if not 0 < decay <= 1:
        raise ValueError(f"layerwise: decay must be a number in (0, 1], got {decay!r}")
    groups = [[p for module in stage for p in module.parameters()] for stage in stages(model)]
    within = {p for group in groups for p in group}
    groups[0] += [p for p in model.parameters() if p not in within]      # as a token of the model
    return [{"params": group, "lr": lr * decay ** (len(groups) - 1 - i)}
            for i, group in enumerate(groups)]
