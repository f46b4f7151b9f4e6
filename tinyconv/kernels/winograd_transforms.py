"""The transformations of Winograd's F(4×4, 3×3), on vectors of channels; see `winograd.py`.

Each is made of one that acts on a line of three, four or six numbers, applied to all columns and
then to all rows; `lines` is room for what lies between. A number here is a vector: one register
full of channels.
"""
import numpy as np

from .compile import part
from .memory import CACHE_LINE
from .product import gather
from .tile import ONE, load, prefetch, rectify, save, width, zeros

SIDE = 4                               # of a tile, in outputs
WINDOW = SIDE + 2                      # the inputs they are made of
PLACES = WINDOW ** 2                   # products of a tile
PAD = 16                               # numbers from tile to tile: at distances of a power of two
                                       # everything would fall into the same few sets of the cache
P = 3 / 4                              # the points are 0, ±P, ±2P and ∞
P2, P3, P4 = P ** 2, P ** 3, P ** 4


# ---- of one line ---------------------------------------------------------------------------------
# Values at P and −P differ in the sign of the odd powers, so both come from two sums.

@part
def _bt(x0, x1, x2, x3, x4, x5):
    """Bᵀ x"""
    even, odd = x4 - x2 * (4 * P2), (x3 - x1 * (4 * P2)) * P
    even_2, odd_2 = x4 - x2 * P2, (x3 - x1 * P2) * (2 * P)
    return (x0 * (4 * P4) - x2 * (5 * P2) + x4, even + odd, even - odd, even_2 + odd_2,
            even_2 - odd_2, x1 * (4 * P4) - x3 * (5 * P2) + x5)


@part
def _at(m0, m1, m2, m3, m4, m5):
    """Aᵀ m"""
    even, odd, even_2, odd_2 = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return (m0 + even + even_2, (odd + odd_2 * 2.0) * P, (even + even_2 * 4.0) * P2,
            (odd + odd_2 * 8.0) * P3 + m5)


@part
def _a(g0, g1, g2, g3):
    """A g"""
    even, odd = g0 + g2 * P2, g1 * P + g3 * P3
    even_2, odd_2 = g0 + g2 * (4 * P2), g1 * (2 * P) + g3 * (8 * P3)
    return g0, even + odd, even - odd, even_2 + odd_2, even_2 - odd_2, g3


@part
def _g(w0, w1, w2):
    """G w"""
    even, odd = (w0 + w2 * P2) * (-1 / (6 * P4)), w1 * (-P / (6 * P4))
    even_2, odd_2 = (w0 + w2 * (4 * P2)) * (1 / (24 * P4)), w1 * (2 * P / (24 * P4))
    return (w0 * (1 / (4 * P4)), even + odd, even - odd, even_2 + odd_2, even_2 - odd_2, w2)


@part
def _gt(s0, s1, s2, s3, s4, s5):
    """Gᵀ s"""
    even, odd = (s1 + s2) * (-1 / (6 * P4)), (s1 - s2) * (-P / (6 * P4))
    even_2, odd_2 = (s3 + s4) * (1 / (24 * P4)), (s3 - s4) * (2 * P / (24 * P4))
    return (s0 * (1 / (4 * P4)) + even + even_2, odd + odd_2,
            even * P2 + even_2 * (4 * P2) + s5)


@part
def _three(x, i, step):
    return load(x, i), load(x, i + step), load(x, i + 2 * step)


@part
def _four(x, i, step):
    return load(x, i), load(x, i + step), load(x, i + 2 * step), load(x, i + 3 * step)


@part
def _six(x, i, step):
    return (load(x, i), load(x, i + step), load(x, i + 2 * step), load(x, i + 3 * step),
            load(x, i + 4 * step), load(x, i + 5 * step))


@part
def _save_three(values, x, i, step):
    save(values[0], x, i)
    save(values[1], x, i + step)
    save(values[2], x, i + 2 * step)


@part
def _save_four(values, x, i, step):
    _save_three(values[:3], x, i, step)
    save(values[3], x, i + 3 * step)


@part
def _save_six(values, x, i, step):
    _save_three(values[:3], x, i, step)
    _save_three(values[3:], x, i + 3 * step, step)


# ---- of a block of tiles, all channels -----------------------------------------------------------

@part
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
                if inside:
                    save(load(flat, start + c), patch, (i * size + j) * columns + c)
                else:
                    save(zeros(ONE, x), patch, (i * size + j) * columns + c)


@part
def _fetch(x, start, size):
    """Ask for x[start : start + size]: the pixels of a tile that will come a block later (or, where
    tiles reach beyond the image, pixels near them).

    A core reads ahead along straight lines only; without being asked it waits for each of these
    lines of memory, which counts where few channels leave little to compute.
    """
    for i in range(start, start + size, CACHE_LINE // x.itemsize):
        prefetch(x, i)


@part
def _input_tile(d, start, row, C, v, at, lines):
    """v[at + place · C + c] = Bᵀ d B, where the next row of d begins `row` numbers further on."""
    lanes = width(ONE, v)
    for c in range(0, C, lanes):
        for j in range(WINDOW):
            _save_six(_bt(*_six(d, start + j * C + c, row)), lines, j * lanes, WINDOW * lanes)
        for i in range(WINDOW):
            _save_six(_bt(*_six(lines, i * WINDOW * lanes, lanes)), v, at + i * WINDOW * C + c, C)


@part
def from_input(x, first, count, y, before, v, patch, lines):
    """v[t, place, c] = Bᵀ d B for `count` tiles d of the outputs y, from number `first` on."""
    _, H, W, C = x.shape
    flat = x.reshape(-1)
    n, up, across = _tile(first, y)
    for t in range(count):
        top, left = up - before[0], across - before[1]
        at = t * (PLACES * C + PAD)
        if top < 0 or left < 0 or top + WINDOW > H or left + WINDOW > W:
            _window(x, n, top, left, WINDOW, 0, C, patch)
            _input_tile(patch, 0, WINDOW * C, C, v, at, lines)
        else:
            _input_tile(flat, ((n * H + top) * W + left) * C, W * C, C, v, at, lines)
        _fetch(flat, SIDE * SIDE * (first + count + t) * C, SIDE * SIDE * C)
        n, up, across = _next(n, up, across, y)


@part
def to_output(m, line, y, first, count, column, scale, shift, addend, relu, lines):
    """y[…, column : column + line] = Aᵀ m A for `count` tiles m[t, place, line], and then finished:

    relu(y · scale + shift + addend), where addend is as large as y or empty.
    """
    _, H, W, O = y.shape
    flat, columns, lanes = y.reshape(-1), min(line, O - column), width(ONE, m)
    n, top, left = _tile(first, y)
    for t in range(count):
        start, row = ((n * H + top) * W + left) * O + column, W * O
        for c in range(0, columns, lanes):
            at = t * PLACES * line + c
            for j in range(WINDOW):
                _save_four(_at(*_six(m, at + j * line, WINDOW * line)), lines, j * lanes,
                           WINDOW * lanes)
            s, h = load(scale, column + c), load(shift, column + c)
            for i in range(min(SIDE, H - top)):
                y0, y1, y2, y3 = _at(*_six(lines, i * WINDOW * lanes, lanes))
                to = start + i * row + c
                _finish(y0 * s + h, addend, relu, flat, to)
                if left + 1 < W:
                    _finish(y1 * s + h, addend, relu, flat, to + O)
                if left + 2 < W:
                    _finish(y2 * s + h, addend, relu, flat, to + 2 * O)
                if left + 3 < W:
                    _finish(y3 * s + h, addend, relu, flat, to + 3 * O)
        n, top, left = _next(n, top, left, y)


@part
def _finish(value, addend, relu, y, i):
    """(One call for each case: a vector that depends on a branch would have to go by memory.)"""
    if addend.size and relu:
        save(rectify(value + load(addend, i)), y, i)
    elif addend.size:
        save(value + load(addend, i), y, i)
    elif relu:
        save(rectify(value), y, i)
    else:
        save(value, y, i)


@part
def _gradient_tile(d, start, row, pixel, columns, m, at, line, lines):
    """m[at + place · line + o] = A d Aᵀ for so many columns o."""
    lanes = width(ONE, m)
    for c in range(0, columns, lanes):
        for j in range(SIDE):
            _save_six(_a(*_four(d, start + j * pixel + c, row)), lines, j * lanes, SIDE * lanes)
        for i in range(WINDOW):
            _save_six(_a(*_four(lines, i * SIDE * lanes, lanes)), m, at + i * WINDOW * line + c,
                      line)


@part
def from_gradient(g, first, count, column, m, line, patch, lines):
    """m[t, place, line] = A g Aᵀ of g[…, column : column + line] for `count` tiles."""
    _, H, W, O = g.shape
    flat, columns = g.reshape(-1), min(line, O - column)
    n, top, left = _tile(first, g)
    for t in range(count):
        at = t * PLACES * line
        if top + SIDE > H or left + SIDE > W:
            _window(g, n, top, left, SIDE, column, columns, patch)
            _gradient_tile(patch, 0, SIDE * columns, columns, columns, m, at, line, lines)
        else:
            _gradient_tile(flat, ((n * H + top) * W + left) * O + column, W * O, O, columns, m, at,
                           line, lines)
        if column == 0:                          # once for all columns
            _fetch(flat, SIDE * SIDE * (first + count + t) * O, SIDE * SIDE * O)
        n, top, left = _next(n, top, left, g)


@part
def tile_count(y):
    """How many tiles make up all images of y (N, H, W, O)."""
    return y.shape[0] * ((y.shape[1] + SIDE - 1) // SIDE) * ((y.shape[2] + SIDE - 1) // SIDE)


@part
def _tile(number, y):
    """(image, first row, first column) of the outputs of a tile."""
    down, across = (y.shape[1] + SIDE - 1) // SIDE, (y.shape[2] + SIDE - 1) // SIDE
    return number // (down * across), number // across % down * SIDE, number % across * SIDE


@part
def _next(n, top, left, y):
    """The tile after that one, without a division."""
    left += SIDE
    if left >= y.shape[2]:
        left, top = 0, top + SIDE
    if top >= y.shape[1]:
        top, n = 0, n + 1
    return n, top, left


# ---- the weights ---------------------------------------------------------------------------------

@part
def from_weights(w, steps, turned, O, c0, channels, panel, u):
    """u[panel, place, c, o] = G w[o, c] Gᵀ for some channels c from c0 on, and O outputs o.

    In w outputs, channels and taps lie so many `steps` apart. `turned`: of w by half a turn.
    """
    _, _, C, columns = u.shape
    (step_o, step_c, step_t), first = steps, panel * columns
    start, step_k = first * step_o + c0 * step_c, step_t
    if turned:
        start, step_k = start + 8 * step_t, -step_t
    lines = np.empty(3 * WINDOW * width(ONE, w), w.dtype)
    if step_o == 1 and first + columns <= O:
        _kernel_tiles(w, start, step_c, step_k, c0, channels, panel, u, lines)
    else:
        taps = np.zeros((channels, 9, columns), w.dtype)
        for k in range(9):
            _gather_tap(w, start + k * step_k, step_o, step_c, taps[:, k, :O - first])
        _kernel_tiles(taps.reshape(-1), 0, 9 * columns, columns, c0, channels, panel, u, lines)


@part
def _gather_tap(w, first, step_o, step_c, tap):
    """tap[c, o] = w[first + c · step_c + o · step_o], in the order in which w lies."""
    channels, columns = tap.shape
    if step_c == 1:
        for o in range(columns):
            line = w[first + o * step_o:][:channels]
            for c in range(channels):
                tap[c, o] = line[c]
    else:
        for c in range(channels):
            gather(w, first + c * step_c, step_o, tap[c])


@part
def _kernel_tiles(w, start, step_c, step_k, c0, channels, panel, u, lines):
    """The part of `from_weights` where outputs lie side by side."""
    _, _, C, columns = u.shape
    flat, lanes, line = u.reshape(-1), width(ONE, w), C * columns
    for c in range(channels):
        for o in range(0, columns, lanes):
            at, k = (panel * PLACES * C + c0 + c) * columns + o, start + c * step_c + o
            for j in range(3):
                _save_six(_g(*_three(w, k + j * step_k, 3 * step_k)), lines, j * lanes, 3 * lanes)
            for i in range(WINDOW):
                _save_six(_g(*_three(lines, i * 3 * lanes, lanes)), flat, at + i * WINDOW * line,
                          line)


@part
def to_weights(sums, c, total, gw):
    """gw[:, c] = Gᵀ S G with S = Σ over the groups of sums[group, place, c, :].  gw (9, C, O)

    total (places, O) is room for S.
    """
    _, C, O = gw.shape
    s, flat, lanes = total.reshape(-1), gw.reshape(-1), width(ONE, gw)
    lines = np.empty(3 * WINDOW * lanes, gw.dtype)
    for place in range(PLACES):
        for o in range(O):
            total[place, o] = sums[0, place, c, o]
        for group in range(1, sums.shape[0]):
            for o in range(O):
                total[place, o] += sums[group, place, c, o]
    for o in range(0, O, lanes):
        for j in range(WINDOW):
            _save_three(_gt(*_six(s, j * O + o, WINDOW * O)), lines, j * lanes, WINDOW * lanes)
        for i in range(3):
            _save_three(_gt(*_six(lines, i * WINDOW * lanes, lanes)), flat,
                        (3 * i * C + c) * O + o, C * O)
