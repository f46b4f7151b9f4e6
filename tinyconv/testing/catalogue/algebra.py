"""Matrix products and Einstein sums."""
import numpy as np

from .operation import Call, Operation

EQUATIONS = {"ij,jk->ik": [(2, 3), (3, 4)], "ij->ji": [(2, 3)], "ii->i": [(3, 3)], "ij->": [(2, 3)],
             "i,i->": [(4,), (4,)], "...ij,...jk->...ik": [(2, 2, 3), (3, 2)],
             "ij,jk,kl": [(2, 3), (3, 2), (2, 4)], "nchw,oc->nohw": [(2, 3, 2, 2), (4, 3)],
             "ij,ij->ij": [(2, 3), (1, 3)], "i,j": [(2,), (3,)]}


def _matmul(draw):
    """Vectors, matrices, stacks of them that broadcast; small ones, and ones of several tiles."""
    M, K, N = (draw.pick(draw.whole(1, 4), draw.whole(5, 40)) for _ in range(3))
    kind = draw.pick("matrices", "vector left", "vector right", "vectors", "stacks")
    a = draw.array((K,) if kind in ("vector left", "vectors") else (M, K))
    b = draw.array((K,) if kind in ("vector right", "vectors") else (K, N))
    if kind == "stacks":
        before = draw.broadcastable(2, max_dims=2, max_side=2)
        a, b = (draw.array((*shape, *x.shape)) for shape, x in zip(before, (a, b)))
    return Call(a, b)


def _linear(draw):
    ins, outs = (draw.pick(draw.whole(1, 4), draw.whole(5, 40)) for _ in range(2))
    x, w = draw.array((*draw.shape(0, 2, min_side=0), ins)), draw.array((outs, ins))
    return draw.pick(Call(x, w, draw.array((outs,))), Call(x, w))


def _einsum(draw):
    equation = draw.pick(*EQUATIONS)
    return Call(equation, *map(draw.array, EQUATIONS[equation]))


def _matrix(draw):
    return Call(np.asarray(draw.array(draw.shape(2, 2))))


OPERATIONS = [
    Operation("matmul", _matmul),
    Operation("linear", _linear),
    Operation("einsum", _einsum),
    Operation("t", _matrix),
]
