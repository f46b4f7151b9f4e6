"""The operations of `kernels/tile.py` in plain Python: a tile is an array (rows, width)."""
import numpy as np

from ..shapes import ONE


def height(shape):
    """The number of rows of a tile."""
    return shape.rows


def width(shape, array):
    """The number of columns of a tile for numbers like those of `array`."""
    return shape.width(array.itemsize)


def zeros(shape, array):
    """A tile of zeros for numbers like those of `array`."""
    return np.zeros((shape.rows, width(shape, array)), array.dtype)


def repeat(shape, b, j):
    """A tile whose rows are all b[j : j + width]."""
    return zeros(shape, b) + b[j:j + width(shape, b)]


def add_outer(tile, a, row, m, k, b, j):
    """tile[i, :] + a[row[m + i] + k] · b[j : j + width], for every row i

    A table may be a part that ends within the tile; what the rows beyond hold is of no use.
    """
    rows, tile = row[m:m + len(tile)], tile.copy()
    tile[:len(rows)] += np.outer(a[rows + k], b[j:j + tile.shape[1]])
    return tile


def store(tile, c, out, m, j, columns):
    """c[out[m + i] + j : … + columns] = tile[i, :columns] for every row i"""
    for i, line in enumerate(tile[:, :columns]):
        c[out[m + i] + j:][:len(line)] = line


def accumulate(tile, c, out, m, j, columns):
    """c[out[m + i] + j : … + columns] += tile[i, :columns]; a row named twice is added once."""
    lines = tile[:, :columns]
    sums = [c[out[m + i] + j:][:len(line)] + line for i, line in enumerate(lines)]
    store(np.array(sums), c, out, m, j, columns)


def load(a, i):
    """A vector a[i : i + lanes]."""
    return a[i:i + width(ONE, a)].reshape(1, -1).copy()


def save(vector, c, i):
    """c[i : i + lanes] = vector"""
    c[i:i + vector.size] = vector[0]


def prefetch(a, i):
    """Nothing: it is about time."""


def rectify(x):
    """max(x, 0), NaN staying NaN."""
    return np.where(x <= 0, x.dtype.type(0), x)
