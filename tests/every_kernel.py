"""Every kernel with arrays on which it takes all its ways: what other tests run as a process.

    python every_kernel.py threads           prints the cases whose bits change with their number
    python every_kernel.py pages before      prints case after case, each array directly after …
    python every_kernel.py pages behind      … or directly before memory that must not be touched
"""
import ctypes
import faulthandler
import itertools
import mmap
import sys

import numba
import numpy as np

from tinyconv.kernels import (convolution, cross_entropy, elementwise, images, layout, matrix,
                              memory, neighbours, normalization, pooling, special, sums, taps,
                              turning, updates, winograd)
from tinyconv.kernels.convolution import Finish
from tinyconv.kernels.geometry import Geometry
from tinyconv.kernels.pooling import Range
from tinyconv.kernels.product import panels
from tinyconv.kernels.tile import ONE, WIDE

ONES, NONE = (1, 1, 1), (0, 0, 0)


# ---- the cases -----------------------------------------------------------------------------------

def cases(dtype):
    """(name, function, arrays): the function takes the arrays, and returns or changes some."""
    rng = np.random.default_rng(0)

    def draw(*shape):
        """Images, and what else has several dimensions, lie channels-last in memory."""
        x = rng.standard_normal((shape[0], *shape[2:], *shape[1:2])).astype(dtype)
        return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1)) if x.ndim > 2 else x.reshape(shape)

    for group in (_convolutions, _products, _pooling, _normalization, _losses, _elements, _images):
        yield from group(draw, rng, dtype)


def _convolutions(draw, rng, dtype):
    def all_three(*rest):
        return (lambda x, w, b, g: (convolution.conv(x, w, b, *rest),
                                    convolution.conv_input(g, w, *rest),
                                    convolution.conv_weight(x, g, *rest)))

    def finished(geometry, groups):
        return lambda x, w, scale, shift, a: [
            convolution.conv(x, w, shift, geometry, groups, Finish(scale, addend, relu))
            for addend, relu in itertools.product((None, a), (False, True))]

    padded = Geometry((2, 9, 9), (1, 3, 3), (1, 2, 1), (0, 1, 1), (0, 1, 2), (1, 1, 2))
    bare = Geometry((1, 5, 7), (1, 2, 3), ONES, NONE, NONE, ONES)
    pixels = Geometry((1, 4, 5), ONES, ONES, NONE, NONE, ONES)
    around = Geometry((1, 8, 7), (1, 3, 3), ONES, (0, 1, 1), (0, 1, 1), ONES)
    square, small = around._replace(size=(1, 16, 16)), around._replace(size=(1, 3, 2))
    problems = [("padded", padded, 1, 33, 9, 1), ("padded", padded, 5, 6, 34, 2),
                ("padded", padded, 35, 17, 17, 17), ("bare", bare, 3, 12, 7, 1),
                ("bare", bare, 20, 24, 40, 2), ("1 x 1", pixels, 18, 33, 65, 1),
                ("1 x 1", pixels, 2, 1, 1, 1), ("few channels", around, 20, 3, 21, 1),
                ("few channels", around, 1, 1, 6, 1), ("Winograd", around, 20, 32, 48, 1),
                ("Winograd in parts", square, 2, 128, 128, 1), ("neighbours", square, 5, 3, 4, 1),
                ("volumes", small, 12, 24, 40, 1), ("volumes", small, 12, 24, 40, 2),
                ("tap by tap", small, 7, 300, 8 * WIDE.width(4) + 7, 1)]
    for name, geometry, N, C, O, groups in problems:                  # noqa: E741
        itemsize = np.dtype(dtype).itemsize
        together = neighbours.number(geometry, N, O, groups, itemsize) > 1
        assert together == (name == "neighbours" and 2 * O <= ONE.width(itemsize)), name
        assert winograd.fits(geometry, N, C, O, groups, dtype) == name.startswith("Winograd"), name
        if not name.startswith("Winograd"):
            by_taps = taps.fits(geometry, N, C, O, groups, dtype)
            assert by_taps == (name == "tap by tap"), name
        x, w = draw(N, C, *geometry.size), rng.standard_normal((O, C // groups, *geometry.kernel))
        w, g = w.astype(dtype), draw(N, O, *geometry.output)
        yield f"convolution {name}", all_three(geometry, groups), (x, w, draw(O), g)
        yield (f"convolution {name}, finished", finished(geometry, groups),
               (x, w, draw(O), draw(O), g))


def _products(draw, rng, dtype):
    for M, K, N in ((300, 600, 33), (70, 9, 5), (3, 700, 500), (1, 5000, 130), (600, 3, 2)):
        a, b, bias = draw(M, K), draw(K, N), draw(N)
        for left, right in itertools.product((a, np.asfortranarray(a)), (b, np.asfortranarray(b))):
            yield f"product {M} x {K} x {N}", matrix.matmul, (left, right, bias)
    yield "panels", lambda b: [panels([b], 16)], (draw(7, 33),)
    for shape in ((5, 1000, 33), (1, 70_001, 1), (700, 49, 3)):
        x = rng.standard_normal(shape).astype(dtype)
        yield f"sums {shape}", sums.middle_sums, (x,)
        yield f"sums {shape} of all", lambda x: sums.sums(x, (0, 1, 2)), (x,)


def _pooling(draw, rng, dtype):
    def pool(windows):
        def run(x):
            y, where = pooling.window_max(x, windows, relu=True)
            mean = pooling.window_sum(x, windows, 1 / windows.counts)
            return (y, where, mean, pooling.window_spread(mean, windows, 1 / windows.counts))
        return run

    def move(windows):
        return lambda x, g, where: (pooling.take(x, where), pooling.put(g, where, windows.size),
                                    pooling.put(g, where, windows.size, windows),
                                    pooling.put(g, where, windows.size, windows, -g))

    steps, sliding = np.arange(0, 8, 2), np.arange(40) - 16
    large = Range(np.maximum(sliding, 0), np.minimum(sliding + 33, 40), 1)
    for name, size, ranges in (
            ("apart", (8, 8), [Range(steps, steps + 2, 1)] * 2),
            ("overlapping", (9, 8), [Range(steps, steps + 3, 2), Range(steps, steps + 2, 1)]),
            ("global", (2, 5, 3), [Range(np.array([0]), np.array([n]), 1) for n in (2, 5, 3)]),
            ("large", (40, 40), [large, large])):
        windows = pooling.windows(size, ranges)
        for N, C in ((9, 17), (1, 1), (3, 32)):
            x, g = draw(N, C, *size), draw(N, C, *windows.outputs)
            yield f"pooling, windows {name}", pool(windows), (x,)
            yield (f"pooling, places in windows {name}", move(windows),
                   (x, g, pooling.window_max(x, windows)[1]))


def _normalization(draw, rng, dtype):
    for M, C in ((5000, 33), (30_000, 3), (200, 1030), (7, 2)):
        x, g, y = (rng.standard_normal((M, C)).astype(dtype) for _ in range(3))
        vectors = [draw(C) for _ in range(5)]
        yield "moments", normalization.moments, (x,)
        for addend, relu in itertools.product(((), (y,)), (False, True)):
            yield ("normalize", lambda x, a, b, c, y=None, relu=relu: [
                normalization.normalize(x, a, b, c, y, relu)], (x, *vectors[:3], *addend))
        yield "sums of batch norm", normalization.sums, (g, x, *vectors[:2])
        yield "sums of batch norm, gated", normalization.sums, (g, x, *vectors[:4])
        yield "sums of batch norm, masked", normalization.masked_sums, (g, y, x, *vectors[:2])
        yield "pull of batch norm", normalization.pull, (g, x, *vectors)


def _losses(draw, rng, dtype):
    def both(x, t, g):
        y, stats = cross_entropy.losses(x, t)
        return y, *stats, cross_entropy.pull(g, x, t, stats)

    for M, C in ((7000, 10), (5, 3), (70, 1000)):
        yield "cross-entropy", both, (draw(M, C), rng.integers(0, C, M), draw(M))


def _elements(draw, rng, dtype):
    for size in (5, 3 * elementwise.BLOCK + 7):
        x, g = draw(size), draw(size)
        yield "relu", elementwise.relu, (x,)
        yield "gradient of relu", elementwise.relu_pull, (g, x)
        yield "erf", special.erf, (x,)
    for shape in ((70, 3, 100), (9, 200, 17)):
        yield "turned", turning.turned, (rng.standard_normal(shape).astype(dtype),)
    size = 3 * updates.BLOCK + 7
    for step, memories, numbers in ((updates.sgd, 1, (0.1, 0.01, 0.9, 0.7, True)),
                                    (updates.adam, 3, (0.01, 0.9, 0.99, 1e-8, 0.1, 0.99)),
                                    (updates.rmsprop, 3, (0.01, 0.9, 1e-8, 0.1, 0.9))):
        for f in (step, updates.IN_BLOCKS[step]):
            def run(*arrays, f=f, numbers=numbers):
                f(*arrays, *numbers)
                return arrays
            yield (f"a step of {step.py_func.__name__}", run,
                   [abs(draw(size)) + i for i in range(memories + 2)])


def _images(draw, rng, dtype):
    def run(x, top, left, chosen):
        return images.crop(x, top, left, (6, 8)), images.mirror(x, chosen)

    yield ("images", run, (draw(20, 3, 7, 9), *rng.integers(-4, 5, (2, 20)),
                           rng.integers(0, 2, 20).astype(bool)))
    x = rng.integers(0, 256, (20, 7, 9, 3), np.uint8).transpose(0, 3, 1, 2)
    yield "images in tables", images.look_up, (x, draw(3, 256))
    maps = np.array([1, 0, 0, 0, 1, 0]) + rng.standard_normal((20, 6))
    for smooth in (False, True):
        yield ("images warped", lambda x, y, maps, smooth=smooth: (
            images.warp(x, maps, smooth), images.warp(y, maps, smooth)), (x, draw(20, 3, 7, 9), maps))


# ---- threads -------------------------------------------------------------------------------------

def bits(results):
    results = results if isinstance(results, (tuple, list)) else [results]
    return [np.ascontiguousarray(y).tobytes() for y in results]


def threads():
    """Run each case on 1, 2, 3, 4 and 8 threads, and print the names of those that differ."""
    for dtype in (np.float32, np.float64):
        found = []
        for count in (1, 2, 3, 4, 8):
            numba.set_num_threads(count)
            found.append([(name, bits(f(*arrays))) for name, f, arrays in cases(dtype)])
        for runs in zip(*found, strict=True):
            if any(run != runs[0] for run in runs):
                print(np.dtype(dtype), runs[0][0])


# ---- pages that must not be touched --------------------------------------------------------------

PAGE = mmap.PAGESIZE


def room(size, behind):
    """So many bytes between two forbidden pages, directly at one of them."""
    pages = -(-size // PAGE)
    memory = np.frombuffer(mmap.mmap(-1, (pages + 2) * PAGE), np.uint8)
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for first in (0, (pages + 1) * PAGE):
        if protect(memory.ctypes.data + first, PAGE, 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    start = (pages + 1) * PAGE - size if behind else PAGE
    return memory[start:start + size]


def walled(x, behind):
    """x in such a place, its dimensions in the same order in memory."""
    flat = room(x.nbytes, behind).view(x.dtype)
    flat[:] = layout.in_memory_order(x)
    return np.lib.stride_tricks.as_strided(flat, x.shape, x.strides)


def pages(behind):
    """Run each case on walled arrays, and results too where they come from `memory`."""
    def empty(shape, dtype):
        return room(int(np.prod(shape)) * np.dtype(dtype).itemsize, behind).view(dtype).reshape(
            shape)

    for module in (memory, convolution, winograd, normalization, pooling, images):
        module.empty = empty
    numba.set_num_threads(1)
    for dtype in (np.float32, np.float64):
        for name, f, arrays in cases(dtype):
            print(np.dtype(dtype), name, [a.shape for a in arrays], flush=True)
            expected = bits(f(*(a.copy(order="K") for a in arrays)))
            found = bits(f(*(walled(a, behind) for a in arrays)))
            if expected != found:
                raise AssertionError("the result depends on where the arrays lie")
    print("passed")


if __name__ == "__main__":
    faulthandler.enable()
    if sys.argv[1] == "threads":
        threads()
    else:
        pages(sys.argv[2] == "behind")
