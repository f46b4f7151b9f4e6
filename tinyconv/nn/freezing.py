"""Parts of a model that are to stay as they are while the rest is trained."""
from .layers.normalization import _Statistics


def freeze(module, bn_stats=True):
    """Leave the parameters of `module` as they are from now on; returns it.

    They ask for no gradient, so nothing is computed for them either. With `bn_stats` its batch
    norms also stay in evaluation mode, whatever `train()` says: otherwise their running means and
    variances would follow the new images, and frozen layers answer differently from day to day.
    """
    module.requires_grad_(False)
    module.zero_grad()                   # or an optimiser would take one more step
    if bn_stats:
        for layer in _with_statistics(module):
            layer.frozen, layer.training = True, False
    return module


def unfreeze(module):
    """Let the parameters and statistics of `module` be trained again; returns it.

    Its batch norms follow the batches from the next `train()` on.
    """
    for layer in _with_statistics(module):
        layer.frozen = False
    return module.requires_grad_(True)


def _with_statistics(module):
    return [layer for layer in module.modules() if isinstance(layer, _Statistics)]
