"""PyTorch's side: `python -m sides.theirs MODE THREADS`, run in the folder that `sides` lies in.

MODE is "eager", "channels-last" (eager, with images and weights in that layout) or "compile"
(torch.compile with its defaults).
"""
import sys

import torch
import torch.nn.functional as F

from . import shared_models, torch_models
from .dispatch import additions
from .epochs import epoch
from .kernels import batch_norm, conv, cross_entropy, linear, max_pool, mean_pool, sgd
from .networks import infer, train
from .worker import serve

WORKS = {f.__name__: f for f in (conv, max_pool, mean_pool, batch_norm, cross_entropy, linear, sgd,
                                 train, infer, epoch, additions)}


class Theirs:
    """PyTorch in one of its modes, as the works want it."""
    F, grad, no_grad = F, staticmethod(torch.autograd.grad), torch.inference_mode

    def __init__(self, mode):
        self.mode = mode
        self.layout = torch.channels_last if mode == "channels-last" else torch.contiguous_format

    def begin(self):
        """Before each work: nothing is left of the last one, and the same numbers come."""
        if self.mode == "compile":
            torch._dynamo.reset()
        torch.manual_seed(0)

    def tensor(self, array):
        tensor = torch.from_numpy(array)
        return self._laid_out(tensor) if tensor.ndim == 4 else tensor

    def weight(self, array):
        """An array as the weights of a layer: `model.to(memory_format=…)` lays them out, too."""
        return self.tensor(array)

    def like(self, p, array):
        """An array as a tensor that lies in memory as the parameter p does."""
        return torch.empty_like(p).copy_(torch.from_numpy(array))

    def _laid_out(self, images):
        return images.contiguous(memory_format=self.layout)

    def array(self, tensor):
        return tensor.detach().numpy()

    def buffer(self, C, value):
        return torch.full((C,), value)

    def compiled(self, f):
        return torch.compile(f, dynamic=False) if self.mode == "compile" else f

    def batch_norm(self, x, mean, var, w, b, add, relu):
        y = F.batch_norm(x, mean, var, w, b, training=True)
        y = y if add is None else y + add
        return F.relu(y) if relu else y

    def sgd(self, weights, lr):
        """The fused implementation: on a CPU the fastest of the three that PyTorch has."""
        return torch.optim.SGD(weights, lr=lr, momentum=0.9, weight_decay=1e-4, fused=True)

    def model(self, name):
        model = shared_models.build(torch.nn, name) or torch_models.build(name)
        return model.to(memory_format=self.layout)

    def loader(self, images, labels, N, augment):
        return Loader(images, labels, N, augment, self._laid_out)


class Loader:
    """Batches of tensors in a new order with every pass, each made by a few operations on it all.

    (`torch.utils.data.DataLoader` collects a batch image by image, which costs more than LeNet.)
    """

    def __init__(self, images, labels, N, augment, laid_out):
        self.images, self.labels = torch.from_numpy(images), torch.from_numpy(labels)
        pixels = self.images.double() / 255
        self.mean = pixels.mean((0, 2, 3), keepdim=True).float()
        self.std = pixels.std((0, 2, 3), keepdim=True).float()
        self.N, self.augment, self.laid_out = N, augment, laid_out

    def __iter__(self):
        for chosen in torch.randperm(len(self.images)).split(self.N):
            x = self.images[chosen]
            if self.augment:
                x = self._augmented(x)
            yield self.laid_out((x.float() / 255 - self.mean) / self.std), self.labels[chosen]

    @staticmethod
    def _augmented(x):
        N, C, H, W = x.shape
        windows = F.pad(x, (4, 4, 4, 4)).unfold(2, H, 1).unfold(3, W, 1)     # (N, C, 9, 9, H, W)
        top, left = torch.randint(9, (2, N))
        x = windows[torch.arange(N), :, top, left]
        return torch.where(torch.rand(N, 1, 1, 1) < 0.5, x.flip(3), x)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[2]))
    serve(Theirs(sys.argv[1]), WORKS)
