"""Single operations, forward and backward, as they occur in the layers of a network."""
from .work import Work, classes, normal, sizes


def conv(lib, part, N, C, O, size, kernel, stride=1, padding=0):
    """One convolution (N, C, size, size) → (N, O, …), or one of its gradients.

    part is "forward", "input" or "weight": y, or ∂L/∂x or ∂L/∂w from a graph that is kept.
    """
    x, w = lib.tensor(normal((N, C, size, size))), lib.weight(normal((O, C, kernel, kernel), 1))

    def forward():
        return lib.F.conv2d(x, w, stride=stride, padding=padding)

    if part == "forward":
        def step():
            with lib.no_grad():
                return forward()
    else:
        wanted = x if part == "input" else w
        wanted.requires_grad_()
        y = forward()
        g = lib.tensor(normal(tuple(y.shape), 2))

        def step():
            return lib.grad(y, [wanted], g, retain_graph=True)[0]
    return Work({part: step}, lambda: sizes(lib, [step()]))


def max_pool(lib, N, C, size, kernel):
    """Max pooling with windows that do not overlap."""
    return _both_ways(lib, lambda x: lib.F.max_pool2d(x, kernel), [normal((N, C, size, size))])


def mean_pool(lib, N, C, size):
    """The mean over the image: (N, C, size, size) → (N, C)."""
    return _both_ways(lib, lambda x: x.mean((2, 3)), [normal((N, C, size, size))])


def batch_norm(lib, N, C, size, relu=False, add=False):
    """Batch norm in training; with `add` another tensor is added, with `relu` ReLU is applied."""
    shape = (N, C, size, size)
    mean, var = lib.buffer(C, 0.0), lib.buffer(C, 1.0)

    def f(x, w, b, *others):
        return lib.batch_norm(x, mean, var, w, b, add=others[0] if others else None, relu=relu)
    return _both_ways(lib, f, [normal(shape), normal(C, 1), normal(C, 2),
                               *([normal(shape, 3)] if add else [])])


def cross_entropy(lib, N, K):
    """Softmax and cross-entropy of N images and K classes."""
    labels = lib.tensor(classes(N, K))
    return _both_ways(lib, lambda x: lib.F.cross_entropy(x, labels), [normal((N, K))])


def linear(lib, N, I, O):
    """A fully connected layer (N, I) → (N, O)."""
    return _both_ways(lib, lib.F.linear, [normal((N, I)), normal((O, I), 1), normal(O, 2)])


def _both_ways(lib, f, arrays):
    """f of the arrays, and its gradients with respect to all of them."""
    tensors = [lib.tensor(a).requires_grad_() for a in arrays]
    f = lib.compiled(f)
    g = lib.tensor(normal(tuple(f(*tensors).shape), 9))

    def step():
        y = f(*tensors)
        return y, *lib.grad(y, tensors, g)
    return Work({"step": step}, lambda: sizes(lib, step()))


def sgd(lib, model):
    """One step of SGD with momentum on the weights of a model."""
    weights = list(lib.model(model).parameters())
    for i, p in enumerate(weights):
        p.grad = lib.like(p, normal(tuple(p.shape), i))
    optimizer = lib.sgd(weights, lr=1e-6)
    step = lib.compiled(optimizer.step)
    return Work({"step": step}, lambda: [sum(p.numel() for p in weights)])
