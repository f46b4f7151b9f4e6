"""Matrix products, Einstein sums, diagonals and triangles, attention."""
import numpy as np

from .operation import Call, Constant, Operation

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
    return Call(draw.array(draw.shape(2, 2)))


def _product(left, right):
    """Shapes from letters: _product("bmk", "bkn")."""
    def problem(draw):
        sizes = {letter: draw.whole(1, 4) for letter in sorted({*left, *right})}
        return Call(*(draw.array([sizes[letter] for letter in term]) for term in (left, right)))
    return problem


def _addmm(draw):
    a, b = _product("mk", "kn")(draw).args
    M, N = len(a), b.shape[1]
    return Call(draw.array(draw.pick((M, N), (N,), (M, 1))), a, b, beta=draw.pick(1, 0.5),
                alpha=draw.pick(1, -2))


def _tensordot(draw):
    a, b = draw.array((2, 3, 4)), draw.array((3, 4, 2))
    return Call(a, b, draw.pick(2, ([1, 2], [0, 1]), ([0], [2]), 0))


def _part(draw):
    return Call(draw.array(draw.shape(2)), diagonal=draw.whole(-2, 2))


def _diagonal(draw):
    x = draw.array(draw.shape(2))
    return Call(x, draw.whole(-2, 2), *draw.pick((0, 1), (-1, 0), (1, 0)))


def _diag(draw):
    return Call(draw.array(draw.shape(1, 2)), draw.whole(-2, 2))


def _diag_embed(draw):
    return Call(draw.array(draw.shape(1, 2)), draw.whole(-2, 2), *draw.pick((-2, -1), (0, 1)))


def _bilinear(draw):
    shape, I, J, O = draw.shape(0, 2, max_side=3), *(draw.whole(1, 3) for _ in range(3))
    x1, x2, w = draw.array((*shape, I)), draw.array((*shape, J)), draw.array((O, I, J))
    return draw.pick(Call(x1, x2, w, draw.array((O,))), Call(x1, x2, w))


def _attention(draw):
    shape, (L, S, E, V) = draw.shape(0, 2, max_side=2), (draw.whole(1, 4) for _ in range(4))
    q, k, v = (draw.array((*shape, *s)) for s in ((L, E), (S, E), (S, V)))
    mask = draw.pick({}, {"is_causal": True}, {"attn_mask": Constant(draw.array((L, S)))},
                     {"attn_mask": draw.mask((L, S)) | (np.arange(S) == 0)}, {"scale": 0.5})
    return Call(q, k, v, **mask)


OPERATIONS = [
    Operation("matmul", _matmul),
    Operation("linear", _linear),
    Operation("einsum", _einsum),
    *(Operation(name, _matrix) for name in ("t", "trace")),
    Operation("mm", _product("mk", "kn")),
    Operation("bmm", _product("bmk", "bkn")),
    Operation("mv", _product("mk", "k")),
    Operation("dot", _product("k", "k")),
    Operation("outer", _product("m", "n")),
    Operation("addmm", _addmm),
    Operation("tensordot", _tensordot),
    *(Operation(name, _part) for name in ("tril", "triu")),
    Operation("diagonal", _diagonal),
    Operation("diag", _diag),
    Operation("diag_embed", _diag_embed),
    Operation("bilinear", _bilinear),
    Operation("scaled_dot_product_attention", _attention),
]
