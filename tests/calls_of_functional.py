"""Calls of functions of `F` beyond convolution, norms and pooling, for `test_calls_as_pytorch.py`.

`F` in a call is tinyconv's or PyTorch's. Arrays are given by their shapes (and filled with distinct
numbers), or as they are.
"""
import numpy as np

CLASSES = np.array([[2, 0, 1], [1, 1, 3]])
LOOK = np.array([[True, False, True], [False, False, False]])

CALLS = {
    # vectors compared
    "normalize": (lambda F, x: F.normalize(x), (2, 3, 2)),
    "normalize in another norm": (lambda F, x: F.normalize(x, p=1, dim=-1, eps=0.1), (2, 3)),
    "cosine_similarity": (lambda F, a, b: F.cosine_similarity(a, b), (2, 3), (2, 3)),
    "cosine_similarity broadcasts": (lambda F, a, b: F.cosine_similarity(a, b, dim=-1), (2, 1, 3),
                                     (4, 3)),
    "pairwise_distance": (lambda F, a, b: F.pairwise_distance(a, b), (2, 3), (2, 3)),
    "pairwise_distance of vectors": (lambda F, a, b: F.pairwise_distance(a, b, p=3, keepdim=True),
                                     (3,), (3,)),
    # tables
    "embedding": (lambda F, i, w: F.embedding(i, w), CLASSES, (4, 5)),
    "embedding with padding": (lambda F, i, w: F.embedding(i, w, padding_idx=-3), CLASSES, (4, 5)),
    "embedding of nothing": (lambda F, i, w: F.embedding(i, w), CLASSES[:0], (4, 5)),
    "bilinear": (lambda F, a, b, w, c: F.bilinear(a, b, w, c), (2, 3), (2, 4), (5, 3, 4), (5,)),
    "bilinear without bias": (lambda F, a, b, w: F.bilinear(a, b, w), (3,), (4,), (5, 3, 4)),
    # attention
    "attention": (lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v),
                  (2, 1, 4, 3), (2, 1, 5, 3), (2, 1, 5, 2)),
    "attention scaled": (lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3),
                         (4, 3), (5, 3), (5, 2)),
    "causal attention": (lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
                         (2, 4, 3), (2, 5, 3), (2, 5, 2)),
    "masked attention": (lambda F, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m),
                         (2, 2, 3), (2, 3, 3), (2, 3, 2), LOOK),
    "biased attention": (lambda F, q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m),
                         (1, 2, 3), (1, 3, 3), (1, 3, 2), (2, 3)),
    "attention in groups": (
        lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
        (1, 4, 2, 3), (1, 2, 3, 3), (1, 2, 3, 2)),
    "rms_norm": (lambda F, x: F.rms_norm(x, (3, 2)), (2, 3, 2)),
    "rms_norm with a weight": (lambda F, x, w: F.rms_norm(x, (3,), w, eps=1e-2), (2, 3), (3,)),
    # pixels, channels, patches
    "pixel_shuffle": (lambda F, x: F.pixel_shuffle(x, 2), (2, 8, 3, 2)),
    "pixel_shuffle unbatched": (lambda F, x: F.pixel_shuffle(x, 3), (9, 2, 1)),
    "pixel_unshuffle": (lambda F, x: F.pixel_unshuffle(x, 2), (2, 3, 4, 6)),
    "pixel_unshuffle of many": (lambda F, x: F.pixel_unshuffle(x, 2), (2, 2, 1, 4, 6)),
    "channel_shuffle": (lambda F, x: F.channel_shuffle(x, 3), (2, 6, 2, 3)),
    "unfold": (lambda F, x: F.unfold(x, 3), (2, 3, 5, 4)),
    "unfold with all": (lambda F, x: F.unfold(x, (2, 3), dilation=(2, 1), padding=(1, 2),
                                              stride=(1, 2)), (2, 2, 5, 6)),
    "unfold unbatched": (lambda F, x: F.unfold(x, 2, stride=2), (2, 4, 5)),
    "unfold of no images": (lambda F, x: F.unfold(x, 2), (0, 2, 3, 3)),
    "fold": (lambda F, x: F.fold(x, (4, 5), 2), (2, 12, 12)),
    "fold with all": (lambda F, x: F.fold(x, (5, 6), (2, 3), dilation=(2, 1), padding=(1, 2),
                                          stride=(1, 2)), (2, 12, 20)),
    "fold unbatched": (lambda F, x: F.fold(x, 4, 2, stride=2), (4, 4)),
    "padding of no images": (lambda F, x: F.pad(x, (1, 2, 2, 1), mode="reflect"), (0, 3, 6, 5)),
    # windows
    **{f"lp_pool2d {p}": (lambda F, x, p=p: F.lp_pool2d(x, p, (2, 3), stride=2), (2, 2, 5, 6))
       for p in (1, 2, 4.0, np.inf, -np.inf)},
    "lp_pool1d": (lambda F, x: F.lp_pool1d(x, 2, 3, ceil_mode=True), (2, 2, 7)),
    "lp_pool1d unbatched": (lambda F, x: F.lp_pool1d(x, 2, 3, 1), (2, 7)),
    "lp_pool3d": (lambda F, x: F.lp_pool3d(x, 2, 2, stride=(1, 2, 1)), (1, 2, 3, 4, 3)),
}
