"""The transformations of Winograd's F(2×2, 3×3), on vectors of channels; see `winograd.py`.

Each is made of one that acts on a line of two, three or four numbers, applied to all columns and
then to all rows. A number here is a vector: one register full of channels.
"""
import numpy as np

from .compile import part
from .memory import CACHE_LINE
from .tile import ONE, load, prefetch, rectify, save, width, zeros

PLACES = 16                            # products of a tile
PAD = 16                               # numbers from tile to tile: at distances of a power of two
                                       # everything would fall into the same few sets of the cache


# ---- of one line ---------------------------------------------------------------------------------

@part
def _bt(x0, x1, x2, x3):
    """Bᵀ x"""
    return x0 - x2, x1 + x2, x2 - x1, x1 - x3


@part
def _at(m0, m1, m2, m3):
    """Aᵀ m"""
    return m0 + m1 + m2, m1 - m2 - m3


@part
def _a(g0, g1, zero):
    """A g"""
    return g0, g0 + g1, g0 - g1, zero - g1


@part
def _g(w0, w1, w2, half):
    """G w"""
    outer = (w0 + w2) * half
    return w0, outer + w1 * half, outer - w1 * half, w2


@part
def _gt(s0, s1, s2, s3, half):
    """Gᵀ s"""
    inner = (s1 + s2) * half
    return s0 + inner, (s1 - s2) * half, inner + s3


# ---- of a block of tiles, all channels -----------------------------------------------------------

@part
def _four(x, i, step):
    return load(x, i), load(x, i + step), load(x, i + 2 * step), load(x, i + 3 * step)


@part
def _save_four(values, x, i, step):
    save(values[0], x, i)
    save(values[1], x, i + step)
    save(values[2], x, i + 2 * step)
    save(values[3], x, i + 3 * step)


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
    """Ask for x[start : start + size]: the four pixels of a tile that will come a block later (or,
    where images have odd sizes, pixels near them).

    A core reads ahead along straight lines only; without being asked it waits for each of these
    lines of memory, which counts where few channels leave little to compute.
    """
    for i in range(start, start + size, CACHE_LINE // x.itemsize):
        prefetch(x, i)


@part
def _input_tile(d, start, row, C, v, at):
    """v[at + place · C + c] = Bᵀ d B, where the next row of d begins `row` numbers further on."""
    for c in range(0, C, width(ONE, v)):
        a = _bt(*_four(d, start + c, row))
        b = _bt(*_four(d, start + c + C, row))
        e = _bt(*_four(d, start + c + 2 * C, row))
        f = _bt(*_four(d, start + c + 3 * C, row))
        _save_four(_bt(a[0], b[0], e[0], f[0]), v, at + c, C)
        _save_four(_bt(a[1], b[1], e[1], f[1]), v, at + c + 4 * C, C)
        _save_four(_bt(a[2], b[2], e[2], f[2]), v, at + c + 8 * C, C)
        _save_four(_bt(a[3], b[3], e[3], f[3]), v, at + c + 12 * C, C)


@part
def from_input(x, first, count, y, before, v, patch):
    """v[t, place, c] = Bᵀ d B for `count` tiles d of the outputs y, from number `first` on."""
    _, H, W, C = x.shape
    flat = x.reshape(-1)
    n, up, across = _tile(first, y)
    for t in range(count):
        top, left = up - before[0], across - before[1]
        at = t * (PLACES * C + PAD)
        if top < 0 or left < 0 or top + 4 > H or left + 4 > W:
            _window(x, n, top, left, 4, 0, C, patch)
            _input_tile(patch, 0, 4 * C, C, v, at)
        else:
            _input_tile(flat, ((n * H + top) * W + left) * C, W * C, C, v, at)
        _fetch(flat, 4 * (first + count + t) * C, 4 * C)
        n, up, across = _next(n, up, across, y)


@part
def to_output(m, line, y, first, count, column, scale, shift, addend, relu):
    """y[…, column : column + line] = Aᵀ m A for `count` tiles m[t, place, line], and then finished:

    relu(y · scale + shift + addend), where addend is as large as y or empty.
    """
    _, H, W, O = y.shape
    flat, columns = y.reshape(-1), min(line, O - column)
    n, top, left = _tile(first, y)
    for t in range(count):
        start, row = ((n * H + top) * W + left) * O + column, W * O
        right, below = left + 1 < W, top + 1 < H
        for c in range(0, columns, width(ONE, m)):
            at = t * PLACES * line + c
            a = _at(*_four(m, at, 4 * line))
            b = _at(*_four(m, at + line, 4 * line))
            e = _at(*_four(m, at + 2 * line, 4 * line))
            f = _at(*_four(m, at + 3 * line, 4 * line))
            y00, y01 = _at(a[0], b[0], e[0], f[0])
            y10, y11 = _at(a[1], b[1], e[1], f[1])
            s, h = load(scale, column + c), load(shift, column + c)
            _finish(y00 * s + h, addend, relu, flat, start + c)
            if right:
                _finish(y01 * s + h, addend, relu, flat, start + c + O)
            if below:
                _finish(y10 * s + h, addend, relu, flat, start + c + row)
            if right and below:
                _finish(y11 * s + h, addend, relu, flat, start + c + row + O)
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
def _gradient_tile(d, start, row, pixel, columns, m, at, line):
    """m[at + place · line + o] = A d Aᵀ for so many columns o."""
    none = zeros(ONE, m)
    for c in range(0, columns, width(ONE, m)):
        a = _a(load(d, start + c), load(d, start + c + row), none)
        b = _a(load(d, start + c + pixel), load(d, start + c + pixel + row), none)
        _save_four(_a(a[0], b[0], none), m, at + c, line)
        _save_four(_a(a[1], b[1], none), m, at + c + 4 * line, line)
        _save_four(_a(a[2], b[2], none), m, at + c + 8 * line, line)
        _save_four(_a(a[3], b[3], none), m, at + c + 12 * line, line)


@part
def from_gradient(g, first, count, column, m, line, patch):
    """m[t, place, line] = A g Aᵀ of g[…, column : column + line] for `count` tiles."""
    _, H, W, O = g.shape
    flat, columns = g.reshape(-1), min(line, O - column)
    n, top, left = _tile(first, g)
    for t in range(count):
        at = t * PLACES * line
        if top + 2 > H or left + 2 > W:
            _window(g, n, top, left, 2, column, columns, patch)
            _gradient_tile(patch, 0, 2 * columns, columns, columns, m, at, line)
        else:
            _gradient_tile(flat, ((n * H + top) * W + left) * O + column, W * O, O, columns, m, at,
                           line)
        if column == 0:                          # once for all columns
            _fetch(flat, 4 * (first + count + t) * O, 4 * O)
        n, top, left = _next(n, top, left, g)


@part
def tile_count(y):
    """How many tiles of 2 × 2 make up all images of y (N, H, W, O)."""
    return y.shape[0] * ((y.shape[1] + 1) // 2) * ((y.shape[2] + 1) // 2)


@part
def _tile(number, y):
    """(image, first row, first column) of the outputs of a tile."""
    down, across = (y.shape[1] + 1) // 2, (y.shape[2] + 1) // 2
    return number // (down * across), number // across % down * 2, number % across * 2


@part
def _next(n, top, left, y):
    """The tile after that one, without a division."""
    left += 2
    if left >= y.shape[2]:
        left, top = 0, top + 2
    if top >= y.shape[1]:
        top, n = 0, n + 1
    return n, top, left


# ---- the weights ---------------------------------------------------------------------------------

@part
def _three(w, i, step):
    return load(w, i), load(w, i + step), load(w, i + 2 * step)


@part
def from_weights(w, turned, c0, channels, panel, half, u):
    """u[panel, place, c, o] = G w[o, c] Gᵀ for some channels c from c0 on.  w (…, …, 9)

    `turned`: of w[c, o], by half a turn. The weights are read in the order in which they lie.
    """
    _, _, C, columns = u.shape
    flat, half = u.reshape(-1), load(half, 0)
    taps = np.zeros((channels, 9, columns), w.dtype)
    for o in range(min(columns, w.shape[1 if turned else 0] - panel * columns)):
        for c in range(channels):
            for k in range(9):
                taps[c, k, o] = (w[c0 + c, panel * columns + o, 8 - k] if turned else
                                 w[panel * columns + o, c0 + c, k])
    for c in range(channels):
        for o in range(0, columns, width(ONE, w)):
            i, step = c * 9 * columns + o, C * columns
            a = _g(*_three(taps.reshape(-1), i, 3 * columns), half)
            b = _g(*_three(taps.reshape(-1), i + columns, 3 * columns), half)
            e = _g(*_three(taps.reshape(-1), i + 2 * columns, 3 * columns), half)
            at = (panel * PLACES * C + c0 + c) * columns + o
            _save_four(_g(a[0], b[0], e[0], half), flat, at, step)
            _save_four(_g(a[1], b[1], e[1], half), flat, at + 4 * step, step)
            _save_four(_g(a[2], b[2], e[2], half), flat, at + 8 * step, step)
            _save_four(_g(a[3], b[3], e[3], half), flat, at + 12 * step, step)


@part
def _save_three(values, x, i, step):
    save(values[0], x, i)
    save(values[1], x, i + step)
    save(values[2], x, i + 2 * step)


@part
def to_weights(sums, c, half, total, taps, gw):
    """gw[:, c] = Gᵀ S G with S = Σ over the groups of sums[group, place, c, :].  gw (O, C, 9)

    total (16, O) and taps (9, O) are room for S and the result.
    """
    O, s, flat, half = gw.shape[0], total.reshape(-1), taps.reshape(-1), load(half, 0)
    for place in range(PLACES):
        for o in range(O):
            total[place, o] = sums[0, place, c, o]
        for group in range(1, sums.shape[0]):
            for o in range(O):
                total[place, o] += sums[group, place, c, o]
    for o in range(0, O, width(ONE, gw)):
        a = _gt(*_four(s, o, 4 * O), half)
        b = _gt(*_four(s, o + O, 4 * O), half)
        e = _gt(*_four(s, o + 2 * O, 4 * O), half)
        f = _gt(*_four(s, o + 3 * O, 4 * O), half)
        _save_three(_gt(a[0], b[0], e[0], f[0], half), flat, o, O)
        _save_three(_gt(a[1], b[1], e[1], f[1], half), flat, o + 3 * O, O)
        _save_three(_gt(a[2], b[2], e[2], f[2], half), flat, o + 6 * O, O)
    for o in range(O):
        for k in range(9):
            gw[o, c, k] = taps[k, o]
