"""What does a unit look for? An image is climbed towards its greatest activation.

Erhan, Bengio, Courville & Vincent, "Visualizing higher-layer features of a deep network", 2009:
activation maximisation. Alone it ends in noise that no camera takes. What keeps it to pictures:

* a penalty on the size of the values (Simonyan et al. 2013, https://arxiv.org/abs/1312.6034),
* a blur from time to time (Yosinski et al. 2015, https://arxiv.org/abs/1506.06579),
* jitter: every step looks at the image a few pixels aside (Mordvintsev et al. 2015; Olah,
  Mordvintsev & Schubert, "Feature visualization", Distill 2017).
"""
import numpy as np

from ..core import Tensor, grad
from .asking import undisturbed
from .layers import answer_of
from .receptive import usual_shape

WHO = "visualise"


def visualise(model, units, layer=None, shape=None, steps=200, lr=0.1, decay=0.01, blur=0.5,
              blur_every=4, jitter=None, seed=0):
    """An image (C, H, W) for each of the `units` that excites it, as an array (U, C, H, W).

    Units are channels of the outputs of `layer`, whose mean over all places is climbed, or classes
    of the model where it is None. Images begin with little noise, the same for the same `seed`, and
    are in normalised values. Each of the `steps` goes `lr` along the gradient, whose root mean
    square is made 1; then values shrink by `decay`. Every `blur_every` steps a normal blur of
    `blur` pixels is applied (0: never). `jitter` is by how many pixels the image is moved at random
    before each step, and back after it: by default a sixteenth of its side. `shape` (C, H, W) is
    that of the images, by default what the model is usually given.
    """
    shape = usual_shape(model) if shape is None else tuple(shape)
    units = np.atleast_1d(np.asarray(units))
    dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    generator = np.random.default_rng(seed)
    jitter = min(shape[1:]) // 16 if jitter is None else jitter
    images = (0.1 * generator.standard_normal((len(units), *shape))).astype(dtype)
    for step in range(1, steps + 1):
        shift = tuple(generator.integers(-jitter, jitter + 1, 2))
        _, g = excitement(model, np.roll(images, shift, (2, 3)), units, layer)
        g = np.roll(g, (-shift[0], -shift[1]), (2, 3))
        size = np.sqrt((g * g).mean((1, 2, 3), keepdims=True))
        images += (lr * g / np.where(size > 0, size, 1)).astype(dtype)
        images *= dtype.type(1 - decay)
        if blur and step % blur_every == 0:
            images = blurred(images, blur)
    return images


def excitement(model, images, units, layer=None):
    """The mean activation (U,) of unit u in image u, and its gradient, like `images`."""
    with undisturbed(model):
        x = Tensor(images, requires_grad=True)
        y = model(x) if layer is None else answer_of(WHO, model, layer, x)[0]
        U, O = len(units), y.shape[1] if y.ndim > 1 else 0
        if units.dtype.kind not in "iu" or units.ndim != 1 or not all(
                0 <= u < O for u in units.tolist()):
            raise ValueError(f"{WHO}: units should be channels 0 … {O - 1} of the output "
                             f"{y.shape}, got {units.tolist()!r:.80}")
        s = y[np.arange(U), units].reshape(U, -1).mean(1)
        (g,) = grad(s.sum(), [x])
        return s.data, g.data


def blurred(images, sigma):
    """Images (N, C, H, W) under a normal blur of `sigma` pixels; edges are mirrored."""
    reach = max(1, int(np.ceil(3 * sigma)))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    bell = (bell / bell.sum()).astype(images.dtype)
    for axis in (2, 3):
        n = images.shape[axis]
        widths = [(0, 0)] * 4
        widths[axis] = reach, reach
        wide = np.pad(images, widths, mode="symmetric")
        images = sum(b * wide.take(range(i, i + n), axis) for i, b in enumerate(bell))
    return images
