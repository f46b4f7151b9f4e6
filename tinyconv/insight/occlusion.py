"""Occlusion: how much lower is the score when a part of the image is hidden?

Zeiler & Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2,
https://arxiv.org/abs/1311.2901, who slid a grey square over photographs. It asks the network and
not its gradient, so nothing of it saturates, and it takes any network.
"""
import numpy as np

from ..core import Tensor, no_grad
from ..nn.arguments import per_dim
from .asking import as_images, resolved, score, undisturbed

WHO = "occlusion"


def occlusion(model, x, target=None, size=None, stride=None, value=0.0, batch_size=64):
    """By how much the score falls where x (N, C, H, W) is hidden: an array (N, H, W).

    A square of `size` pixels (a number or (height, width); default a quarter of the image's side)
    and of the colour `value` is moved in steps of `stride` (default half of its size); a last one
    ends at the image's edge. Each pixel has the mean over the squares that hide it of
    score(x) − score(x with the square). The value 0 is the mean colour of normalised images; it may
    be anything that broadcasts to (C, height, width). `target` is as in `attribution.py`.
    """
    target = resolved(WHO, model, x, target)
    x = as_images(WHO, model, x).data
    if x.ndim != 4:
        raise ValueError(f"{WHO}: expected images (N, C, H, W), got {x.shape}")
    image = x.shape[2:]
    size = per_dim(WHO, "size", [max(1, n // 4) for n in image] if size is None else size, 2, 1)
    stride = per_dim(WHO, "stride", [max(1, n // 2) for n in size] if stride is None else stride,
                     2, 1)
    if any(s > n for s, n in zip(size, image)):
        raise ValueError(f"{WHO}: a square of {size} is larger than the image {image}")
    if any(t > s for t, s in zip(stride, size)):
        raise ValueError(f"{WHO}: with a stride {stride} above the size {size} pixels between the "
                         "squares would never be hidden")
    rows, columns = (_beginnings(n, s, t) for n, s, t in zip(image, size, stride))
    squares = [(slice(r, r + size[0]), slice(c, c + size[1])) for r in rows for c in columns]
    total, count = np.zeros((len(x), *image)), np.zeros(image)
    for square in squares:
        count[square] += 1
    for n, picture in enumerate(x):
        fallen = _fallen(model, picture, target if callable(target) else target[n], squares, value,
                         batch_size)
        for square, drop in zip(squares, fallen):
            total[n][square] += drop
    return (total / count).astype(x.dtype)


def _beginnings(n, size, stride):
    """Where squares begin along n pixels: at every multiple of the stride, and at the end."""
    return sorted({*range(0, n - size + 1, stride), n - size})


def _fallen(model, picture, target, squares, value, batch_size):
    """score(picture) − score(picture without square) for all squares; picture is (C, H, W)."""
    scores = []
    with undisturbed(model), no_grad():
        hidden = [None, *squares]
        for i in range(0, len(hidden), batch_size):
            part = hidden[i:i + batch_size]
            batch = np.repeat(picture[None], len(part), 0)
            for image, square in zip(batch, part):
                if square is not None:
                    image[(slice(None), *square)] = value
            y = model(Tensor(batch))
            at = target if callable(target) else np.full(len(part), target)
            scores.append(score(WHO, y, at).data)
    scores = np.concatenate(scores)
    return scores[0] - scores[1:]
