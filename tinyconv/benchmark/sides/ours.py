"""Our side: `python -m tinyconv.benchmark.sides.ours`."""
import numpy as np

from ... import data, models, nn, optim
from ...core import Tensor, grad, no_grad
from ...kernels.layout import outputs_first, outputs_last
from ...nn import functional as F
from . import roofline, shared_models
from .dispatch import additions
from .epochs import epoch
from .kernels import batch_norm, conv, cross_entropy, linear, max_pool, mean_pool, sgd
from .networks import infer, train
from .worker import serve

WORKS = {f.__name__: f for f in (conv, max_pool, mean_pool, batch_norm, cross_entropy, linear, sgd,
                                 train, infer, epoch, additions,
                                 roofline.multiply_add, roofline.copy)}


class Ours:
    """tinyconv, as the works want it."""
    F, grad, no_grad = F, staticmethod(grad), no_grad

    def begin(self):
        """Before each work: nothing is left of the last one."""

    def tensor(self, array):
        """An array as a tensor; images lie channels-last, as the loader and the layers leave
        them."""
        if array.ndim == 4:
            array = np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        return Tensor(array)

    def weight(self, array):
        """An array (O, C, …) as the weights of a layer, which lie in memory as (…, C, O)."""
        return Tensor(outputs_first(np.ascontiguousarray(outputs_last(array))))

    def like(self, p, array):
        """An array as a tensor that lies in memory as the parameter p does, and its gradient."""
        laid_out = np.empty_like(p.data)
        laid_out[...] = array
        return Tensor(laid_out)

    def array(self, tensor):
        return tensor.data

    def buffer(self, C, value):
        return np.full(C, value, np.float32)

    def compiled(self, f):
        return f

    def batch_norm(self, x, mean, var, w, b, add, relu):
        return F.batch_norm(x, mean, var, w, b, training=True, add=add, relu=relu)

    def sgd(self, weights, lr):
        return optim.SGD(weights, lr=lr, momentum=0.9, weight_decay=1e-4)

    def model(self, name):
        return shared_models.build(nn, name) or models.create(
            name, num_classes=10, **({"stem": "cifar"} if name == "resnet18" else {}))

    def loader(self, images, labels, N, augment):
        """Batches of tensors, in a new order with every pass."""
        dataset = data.Dataset("benchmark", images, labels, tuple("0123456789"))
        changes = (data.RandomCrop(padding=4), data.RandomHorizontalFlip()) if augment else ()
        return Batches(data.Loader(dataset, N, shuffle=True, augment=changes,
                                   generator=np.random.default_rng(0)))


class Batches:
    """The batches of a loader as tensors."""

    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        return ((Tensor(x), Tensor(y)) for x, y in self.loader)


if __name__ == "__main__":
    serve(Ours(), WORKS)
