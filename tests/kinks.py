"""Batches on which float32 can be compared: no rounding error decides a ReLU or a maximum.

A gradient jumps where the input of a ReLU crosses zero, or where one element of a window overtakes
another. Among the many activations of a network some lie so close to that that the last bit of
float32 decides, and then two correct programs differ by 1 % (so do PyTorch in float32 and in
float64). Batches with such an activation are therefore passed over.
"""
import copy
from contextlib import contextmanager

import numpy as np

NEAREST = 5e-6                                               # relative to the mean of |activations|


def distance_from_kinks(torch, model, x):
    """The least distance of any activation from its kink, relative to the mean of them all."""
    with watched(torch) as distances, torch.no_grad():
        copy.deepcopy(model).double()(torch.tensor(x))
    return min(distances)


@contextmanager
def watched(torch):
    """PyTorch's functions that have kinks, each replaced by one that notes how near it came."""
    f, distances = torch.nn.functional, [np.inf]
    names = "relu", "leaky_relu", "hardtanh", "max_pool2d"
    originals = {name: getattr(f, name) for name in names}

    def note(distance, scale):
        if distance.numel():
            distances.append((distance.min() / scale).item())

    def watch(name):
        def function(x, *args, **kwargs):
            if name == "max_pool2d":
                note(gaps(torch, x, *args, **kwargs), x.abs().mean())
            else:
                ends = (args or (-1.0, 1.0))[:2] if name == "hardtanh" else (0.0,)
                note(torch.stack([(x - end).abs() for end in ends]), x.abs().mean())
            return originals[name](x, *args, **kwargs)
        return function
    try:
        for name in names:
            setattr(f, name, watch(name))
        yield distances
    finally:
        for name in names:
            setattr(f, name, originals[name])


def gaps(torch, x, kernel_size, stride=None, padding=0, *_, ceil_mode=False, **__):
    """By how much each maximum exceeds the next largest element; of equal ones the first wins."""
    f, stride = torch.nn.functional, stride or kernel_size
    more = stride if ceil_mode else 0
    x = f.pad(x, (padding, padding + more) * 2, value=-np.inf)
    windows = f.unfold(x, kernel_size, stride=stride).reshape(*x.shape[:2], kernel_size ** 2, -1)
    first, second = windows.topk(2, dim=2).values.unbind(2)
    return (first - second)[first > second]


def a_batch(torch, model, shape):
    """Images without an activation that rounding could push across a kink; and their generator."""
    for seed in range(100):
        generator = np.random.default_rng(seed)
        x = generator.standard_normal(shape).astype(np.float32).astype(np.float64)
        if distance_from_kinks(torch, model, x) > NEAREST:
            return x, generator
    raise AssertionError(f"every batch has an activation within {NEAREST} of a kink")


def assert_close(name, ours, theirs, tolerance, unseen=0.0):
    """The largest difference, relative to the largest element; what is `unseen` small is passed."""
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype, name
    error = max(np.abs(ours - theirs).max() - unseen, 0) / max(np.abs(theirs).max(), 1e-12)
    assert error <= tolerance, f"{name}: relative error {error:.2e} > {tolerance:.0e}"
