"""3×3 convolution of stride 1 with 16 products where there were 36: Winograd's F(2×2, 3×3).

Two neighbouring outputs of a filter with three taps, y₀ = x₀w₀ + x₁w₁ + x₂w₂ and
y₁ = x₁w₀ + x₂w₁ + x₃w₂, take not six products but four:

    m₀ = (x₀ − x₂) w₀                        y₀ = m₀ + m₁ + m₂
    m₁ = (x₁ + x₂) (w₀ + w₁ + w₂) / 2        y₁ = m₁ − m₂ − m₃
    m₂ = (x₂ − x₁) (w₀ − w₁ + w₂) / 2
    m₃ = (x₁ − x₃) w₂

or, as matrices, y = Aᵀ[(G w) ⊙ (Bᵀ x)]. Applied to rows and columns it makes 2 × 2 outputs of a
*tile* of 4 × 4 inputs, Y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ x B)]A. The products at each of the 16 places, summed
over channels, are a matrix product: (tiles × C) · (C × O). The form Σ (G w) (Bᵀ x) (A g) is linear
in each of w, x and g, so the gradient of the weights is Gᵀ[(Bᵀ x B) ⊙ (A g Aᵀ)]G.

The price is rounding: the additions before and after lose a few more bits. With |·| of every
matrix, M = |A|ᵀ[(|G| |w| |G|ᵀ) ⊙ (|B|ᵀ |x| |B|)]|A| bounds the error as Σ |x| |w| bounds that of
a plain sum of K products: |error| ≤ (10 + log₂ K) u M for errors of random sign. On average it is
less than twice that of the plain sum. An infinity anywhere in a tile makes all of it NaN.

Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR 2016,
https://arxiv.org/abs/1509.09308. Arrays are channels-last; channels must fill whole tiles.
"""
import numpy as np
from numba import njit, prange

from .compile import kernel
from .geometry import whole_tiles
from .memory import CACHE_LINE, empty
from .product import best_shape, multiply_as, scratch
from .tile import NARROW, ONE, load, prefetch, put, width, zeros

PLACES = 16                            # products of a tile
PAD = 16                               # numbers from tile to tile: at distances of a power of two
                                       # everything would fall into the same few sets of the cache
TILES = 64                             # in a block: what they become stays in cache
TASKS = 16                             # pieces of work: a matter of the data, not of the threads
SUMS_BYTES = 1 << 19                   # of a weight gradient, for one task: they stay in cache


def fits(geometry, N, C, O, groups, dtype):
    """Whether the functions below can do this convolution, and faster than the plain sum."""
    unit = max(ONE.width(np.dtype(dtype).itemsize), NARROW.rows)
    return (geometry.kernel == (1, 3, 3) and geometry.stride == geometry.dilation == (1, 1, 1)
            and geometry.output[0] == 1 and groups == 1 and C % unit == 0 and O % unit == 0
            and _tiles(N, *geometry.output[1:]) >= TILES)


def _tiles(N, H, W):
    """How many tiles make N images of H × W outputs."""
    return N * -(-H // 2) * -(-W // 2)


# ---- the three transformations, of one line ------------------------------------------------------

@njit
def _bt(x0, x1, x2, x3):
    """Bᵀ x"""
    return x0 - x2, x1 + x2, x2 - x1, x1 - x3


@njit
def _at(m0, m1, m2, m3):
    """Aᵀ m"""
    return m0 + m1 + m2, m1 - m2 - m3


@njit
def _a(g0, g1, zero):
    """A g"""
    return g0, g0 + g1, g0 - g1, zero - g1


@njit
def _g(w0, w1, w2, half):
    """G w"""
    outer = (w0 + w2) * half
    return w0, outer + w1 * half, outer - w1 * half, w2


@njit
def _gt(s0, s1, s2, s3, half):
    """Gᵀ s"""
    inner = (s1 + s2) * half
    return s0 + inner, (s1 - s2) * half, inner + s3


# ---- of a block of tiles, all channels -----------------------------------------------------------

@njit
def _four(x, i, step):
    return load(x, i), load(x, i + step), load(x, i + 2 * step), load(x, i + 3 * step)


@njit
def _put_four(values, x, i, step):
    put(values[0], x, i)
    put(values[1], x, i + step)
    put(values[2], x, i + 2 * step)
    put(values[3], x, i + 3 * step)


@njit(nogil=True)
def _window(x, n, top, left, size, column, columns, patch):
    """patch = x[n, top : top + size, left : left + size, column : column + columns], zeros around
    the image."""
    _, H, W, C = x.shape
    flat = x.reshape(-1)
    for i in range(size):
        for j in range(size):
            inside = 0 <= top + i < H and 0 <= left + j < W
            start = ((n * H + top + i) * W + left + j) * C + column
            for c in range(0, columns, width(ONE, x)):
                put(load(flat, start + c) if inside else zeros(ONE, x),
                    patch, (i * size + j) * columns + c)


@njit(nogil=True)
def _from_input(x, first, count, down, across, before, v, patch):
    """v[t, place, c] = Bᵀ d B for `count` tiles d from number `first` on."""
    _, H, W, C = x.shape
    flat = x.reshape(-1)
    for t in range(count):
        n, i, j = _tile(first + t, down, across)
        top, left = 2 * i - before[0], 2 * j - before[1]
        d, start, row = flat, ((n * H + top) * W + left) * C, W * C
        if top < 0 or left < 0 or top + 4 > H or left + 4 > W:
            _window(x, n, top, left, 4, 0, C, patch)
            d, start, row = patch, 0, 4 * C
        for c in range(0, C, width(ONE, v)):
            a = _bt(*_four(d, start + c, row))
            b = _bt(*_four(d, start + c + C, row))
            e = _bt(*_four(d, start + c + 2 * C, row))
            f = _bt(*_four(d, start + c + 3 * C, row))
            at = t * (PLACES * C + PAD) + c
            _put_four(_bt(a[0], b[0], e[0], f[0]), v, at, C)
            _put_four(_bt(a[1], b[1], e[1], f[1]), v, at + 4 * C, C)
            _put_four(_bt(a[2], b[2], e[2], f[2]), v, at + 8 * C, C)
            _put_four(_bt(a[3], b[3], e[3], f[3]), v, at + 12 * C, C)


@njit(nogil=True)
def _to_output(m, line, bias, y, first, count, down, across, column):
    """y[…, column : column + line] = Aᵀ m A + bias for `count` tiles m[t, place, line]."""
    _, H, W, O = y.shape
    flat, columns = y.reshape(-1), min(line, O - column)
    for t in range(count):
        n, i, j = _tile(first + t, down, across)
        start, row = ((n * H + 2 * i) * W + 2 * j) * O + column, W * O
        right, below = 2 * j + 1 < W, 2 * i + 1 < H
        for c in range(0, columns, width(ONE, m)):
            at = t * PLACES * line + c
            a = _at(*_four(m, at, 4 * line))
            b = _at(*_four(m, at + line, 4 * line))
            e = _at(*_four(m, at + 2 * line, 4 * line))
            f = _at(*_four(m, at + 3 * line, 4 * line))
            add = load(bias, column + c)
            y00, y01 = _at(a[0], b[0], e[0], f[0])
            y10, y11 = _at(a[1], b[1], e[1], f[1])
            put(y00 + add, flat, start + c)
            if right:
                put(y01 + add, flat, start + c + O)
            if below:
                put(y10 + add, flat, start + c + row)
            if right and below:
                put(y11 + add, flat, start + c + row + O)


@njit(nogil=True)
def _from_gradient(g, first, count, down, across, column, m, line, patch):
    """m[t, place, line] = A g Aᵀ of g[…, column : column + line] for `count` tiles."""
    _, H, W, O = g.shape
    flat, none, columns = g.reshape(-1), zeros(ONE, g), min(line, O - column)
    for t in range(count):
        n, i, j = _tile(first + t, down, across)
        start, row, pixel, d = ((n * H + 2 * i) * W + 2 * j) * O + column, W * O, O, flat
        if 2 * i + 2 > H or 2 * j + 2 > W:
            _window(g, n, 2 * i, 2 * j, 2, column, columns, patch)
            d, start, row, pixel = patch, 0, 2 * columns, columns
        for c in range(0, columns, width(ONE, m)):
            a = _a(load(d, start + c), load(d, start + c + row), none)
            b = _a(load(d, start + c + pixel), load(d, start + c + pixel + row), none)
            at = t * PLACES * line + c
            _put_four(_a(a[0], b[0], none), m, at, line)
            _put_four(_a(a[1], b[1], none), m, at + 4 * line, line)
            _put_four(_a(a[2], b[2], none), m, at + 8 * line, line)
            _put_four(_a(a[3], b[3], none), m, at + 12 * line, line)


@njit
def _fetch(x, first, place, C):
    """Ask for a part of what `TILES` tiles are made of."""
    flat = x.reshape(-1)
    start = (4 * first + TILES * 4 // PLACES * place) * C
    for i in range(start, start + TILES * 4 // PLACES * C, 16):
        prefetch(flat, i)


@njit
def _tile(number, down, across):
    """(image, tile row, tile column) of a tile."""
    return number // (down * across), number // across % down, number % across


# ---- the weights ---------------------------------------------------------------------------------

@njit
def _three(w, i, step):
    return load(w, i), load(w, i + step), load(w, i + 2 * step)


@kernel(parallel=True)
def _transform_weights(w, turned, u):
    """u[panel, place, c, o] = G w[o, c] Gᵀ; `turned`: of w[c, o] by half a turn.  w (…, …, 9)"""
    P, _, C, lines = u.shape
    O, flat = w.shape[1 if turned else 0], u.reshape(-1)
    for task in prange(P * C):
        p, c = task // C, task % C
        taps = np.zeros(9 * lines, w.dtype)                          # (tap, o)
        half = load(np.full(width(ONE, w), 0.5, w.dtype), 0)
        for i in range(min(lines, O - p * lines)):
            o = p * lines + i
            for k in range(9):
                taps[k * lines + i] = w[c, o, 8 - k] if turned else w[o, c, k]
        for o in range(0, lines, width(ONE, w)):
            a = _g(*_three(taps, o, 3 * lines), half)
            b = _g(*_three(taps, o + lines, 3 * lines), half)
            e = _g(*_three(taps, o + 2 * lines, 3 * lines), half)
            at, step = (p * PLACES * C + c) * lines + o, C * lines
            _put_four(_g(a[0], b[0], e[0], half), flat, at, step)
            _put_four(_g(a[1], b[1], e[1], half), flat, at + 4 * step, step)
            _put_four(_g(a[2], b[2], e[2], half), flat, at + 8 * step, step)
            _put_four(_g(a[3], b[3], e[3], half), flat, at + 12 * step, step)


@njit
def _put_three(values, x, i, step):
    put(values[0], x, i)
    put(values[1], x, i + step)
    put(values[2], x, i + 2 * step)


@kernel(parallel=True)
def _weights_back(sums, gw):
    """gw[o, c] = Gᵀ S G with S = Σ over the tasks of sums[task, place, c, o].  gw (O, C, 9)"""
    O, C, _ = gw.shape
    for c in prange(C):
        total = sums[0, :, c, :].copy().reshape(-1)                  # (place, o)
        for task in range(1, sums.shape[0]):
            for place in range(PLACES):
                for o in range(O):
                    total[place * O + o] += sums[task, place, c, o]
        half, taps = load(np.full(width(ONE, gw), 0.5, gw.dtype), 0), scratch(9 * O, gw)
        for o in range(0, O, width(ONE, gw)):
            a = _gt(*_four(total, o, 4 * O), half)
            b = _gt(*_four(total, o + O, 4 * O), half)
            e = _gt(*_four(total, o + 2 * O, 4 * O), half)
            f = _gt(*_four(total, o + 3 * O, 4 * O), half)
            _put_three(_gt(a[0], b[0], e[0], f[0], half), taps, o, O)
            _put_three(_gt(a[1], b[1], e[1], f[1], half), taps, o + 3 * O, O)
            _put_three(_gt(a[2], b[2], e[2], f[2], half), taps, o + 6 * O, O)
        for o in range(O):
            for k in range(9):
                gw[o, c, k] = taps[k * O + o]


# ---- the kernels ---------------------------------------------------------------------------------

@kernel(parallel=True)
def _convolve(kind, width, parts, x, before, u, bias, row, out, y):
    """y = Aᵀ[u ⊙ (Bᵀ x B)]A + bias, a block of tiles after the other.

    A block may be shared out in `parts`: each makes the same Bᵀ x B and some of the columns.
    """
    C, (N, H, W, O), P = x.shape[3], y.shape, u.shape[0]
    down, across = (H + 1) // 2, (W + 1) // 2
    tiles, places = N * down * across, u.reshape(P * PLACES, C * width)
    off, none = np.arange(C), np.zeros(width, x.dtype)
    for task in prange((tiles + TILES - 1) // TILES * parts):
        first, part = task // parts * TILES, task % parts
        count = min(TILES, tiles - first)
        v, m, patch = _scratch(C, width, x)
        _from_input(x, first, count, down, across, before, v, patch)
        for p in range(part * P // parts, (part + 1) * P // parts):
            for place in range(PLACES):
                _fetch(x, first + TILES, place)
                _fetch(y, first, place)
                multiply_as(kind, v[place * C:], row[:count], off, places[p * PLACES + place],
                            width, 0, none, m[place * width:], out, width, False)
            _to_output(m, width, bias, y, first, count, down, across, p * width)


@kernel(parallel=True)
def _correlate(kind, width, parts, x, before, g, row, out, sums):
    """sums[group, place, c, o] = Σ (Bᵀ x B)[place, c] (A g Aᵀ)[place, o], by groups of blocks."""
    C, (N, H, W, O) = x.shape[3], g.shape
    down, across = (H + 1) // 2, (W + 1) // 2
    tiles, P, groups = N * down * across, (O + width - 1) // width, sums.shape[0]
    blocks = (tiles + TILES - 1) // TILES
    none = np.zeros(width, x.dtype)
    off = np.arange(TILES) * (PLACES * C + PAD)
    for task in prange(groups * parts):
        group, part = task // parts, task % parts
        v, m, patch = _scratch(C, width, x)
        begin = group * blocks // groups
        for block in range(begin, (group + 1) * blocks // groups):
            first = block * TILES
            count = min(TILES, tiles - first)
            _from_input(x, first, count, down, across, before, v, patch)
            for p in range(part * P // parts, (part + 1) * P // parts):
                _from_gradient(g, first, count, down, across, p * width, m, width, patch)
                for place in range(PLACES):
                    _fetch(x, first + TILES, place)
                    _fetch(g, first + TILES, place)
                    multiply_as(kind, v[place * C:], row, off[:count], m[place * width:],
                                PLACES * width, 0, none, sums[group, place].reshape(-1)[p * width:],
                                out, min(width, O - p * width), block > begin)


@njit
def _scratch(C, width, x):
    """For a block of tiles: what they become, their products, and one window of the image."""
    return (scratch(TILES * (PLACES * C + PAD), x), scratch(TILES * PLACES * width, x),
            scratch(PLACES * max(C, width), x))


@njit(nogil=True)
def _fetch(x, first, place):
    """Ask for one of the `PLACES` parts of what the `TILES` tiles from `first` on are made of.

    A core reads ahead along straight lines only; without being asked it waits for each of these
    lines of memory: a sixth of the time of 16 channels.
    """
    flat, pixels = x.reshape(-1), 4 * TILES // PLACES
    start = (4 * first + place * pixels) * x.shape[3]
    for i in range(start, start + pixels * x.shape[3], CACHE_LINE // x.itemsize):
        prefetch(flat, i)


# ---- the three operations ------------------------------------------------------------------------

def conv(x, w, bias, before, y):
    """y = x ∗ w + bias:  x (N, H, W, C), w (O, C, 3, 3), bias (O) or None; y (N, H′, W′, O)"""
    _run(x, w, False, bias, before, y)


def conv_input(g, w, before, x):
    """∂L/∂x for y = x ∗ w, itself a convolution: of g with the weights given half a turn."""
    _run(g, w, True, None, (2 - before[0], 2 - before[1]), x)


def _run(x, w, turned, bias, before, y):
    C, O = x.shape[3], y.shape[3]
    kind, rows, columns = best_shape(O, x.itemsize)
    panels = -(-O // columns)
    u = empty((panels, PLACES, C, columns), x.dtype)
    _transform_weights(np.ascontiguousarray(w).reshape(*w.shape[:2], 9), turned, u)
    blocks = -(-_tiles(*y.shape[:3]) // TILES)
    parts = 1 if blocks >= TASKS else min(panels, -(-TASKS // blocks))
    block = whole_tiles(np.arange(TILES), rows)
    _convolve(kind, columns, parts, x, np.array(before), u,
              np.zeros(O, x.dtype) if bias is None else bias,
              block * (PLACES * C + PAD), block * PLACES * columns, y)


def conv_weight(x, g, before):
    """∂L/∂w for y = x ∗ w:  x (N, H, W, C), g (N, H′, W′, O) → (O, C, 3, 3)"""
    C, O = x.shape[3], g.shape[3]
    kind, rows, columns = best_shape(O, x.itemsize)
    panels = -(-O // columns)
    blocks = -(-_tiles(*g.shape[:3]) // TILES)
    parts = min(panels, -(-PLACES * C * O * x.itemsize // SUMS_BYTES))
    groups = max(1, min(blocks, TASKS // parts))
    sums = np.empty((groups, PLACES, C, O), x.dtype)
    channels = whole_tiles(np.arange(C), rows)
    _correlate(kind, columns, parts, x, np.array(before), g, channels, channels * O, sums)
    gw = np.empty((O, C, 9), x.dtype)
    _weights_back(sums, gw)
    return gw.reshape(O, C, 3, 3)
