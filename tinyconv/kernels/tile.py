"""A block of the result that lives in vector registers: plain Python at the machine's peak.

A processor multiplies and adds whole *vectors* of numbers (16 floats with AVX-512), and is only
kept busy if the sums stay in registers instead of going to memory and back. A `Tile` is such a set
of sums, `rows` × (`cols` · lanes) numbers. Numba can hold one in a local variable once it is told
of a type for it, and a handful of operations is enough:

    height(SHAPE), width(SHAPE, c)                rows and columns of a tile
    tile = zeros(SHAPE, c)                        all sums 0
    tile = repeat(SHAPE, b, j)                    every row b[j : j + width]
    tile = add_outer(tile, a, row, m, k, b, j)    tile[i, :] += a[row[m + i] + k] · b[j : j + width]
    store(tile, c, out, m, j, columns)            c[out[m + i] + j : … + columns] = tile[i, :]
    accumulate(tile, c, out, m, j, columns)       c[out[m + i] + j : … + columns] += tile[i, :]

A tile of the shape ONE is a single vector, and with three more operations a language of vectors:

    x = load(a, i)                                a[i : i + lanes]
    x + y, x - y, x * y                           of two vectors, or a vector and a number
    rectify(x)                                    max(x, 0)
    save(x, c, i)                                 c[i : i + lanes] = x

The arrays are one-dimensional and nothing checks bounds: whoever makes the tables answers for them.
With NUMBA_DISABLE_JIT, which lets a debugger step through kernels, a tile is a NumPy array and the
operations are those of `reference/tile.py`.
"""
import operator

from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.imputils import lower_constant
from numba.extending import intrinsic, models, overload, register_model, typeof_impl

from .reference import tile as plain
from .shapes import NARROW, ONE, SHAPES, SLIM, VECTOR_BYTES, WIDE, Shape

INT32, INT64 = ir.IntType(32), ir.IntType(64)


# ---- the types -----------------------------------------------------------------------------------

class ShapeType(types.Opaque):
    """Numba's type of a `Shape`: each shape has its own, so that a kernel is compiled for it."""

    def __init__(self, rows, cols, bytes):
        self.rows, self.cols, self.bytes = rows, cols, bytes
        super().__init__(f"Shape({rows}x{cols}x{bytes})")

    def tile(self, dtype):
        """The type of a tile of this shape for numbers of this type."""
        return Tile(self.rows, self.cols, self.bytes // (dtype.bitwidth // 8), dtype)


class Tile(types.Type):
    """Numba's type of a block of sums in registers."""

    def __init__(self, rows, cols, lanes, dtype):
        self.rows, self.cols, self.lanes, self.dtype = rows, cols, lanes, dtype
        super().__init__(f"Tile({rows}x{cols}x{lanes} {dtype})")


@typeof_impl.register(Shape)
def _typeof_shape(shape, context):
    return ShapeType(shape.rows, shape.cols, shape.bytes)


register_model(ShapeType)(models.OpaqueModel)


@lower_constant(ShapeType)
def _constant_shape(context, builder, shape, value):
    return context.get_dummy_value()


ELEMENTS = {types.float32: ir.FloatType(), types.float64: ir.DoubleType(), types.int32: INT32}


def vector_of(tile):
    """LLVM's type of each of the vectors that a tile is made of."""
    return ir.VectorType(ELEMENTS[tile.dtype], tile.lanes)


@register_model(Tile)
class TileModel(models.PrimitiveModel):
    """How LLVM holds a tile: as an array of vectors, which it puts into registers."""

    def __init__(self, manager, tile):
        super().__init__(manager, tile, ir.ArrayType(vector_of(tile), tile.rows * tile.cols))


# ---- what the operations are made of -------------------------------------------------------------

class Writer:
    """Writes LLVM instructions for one operation on a tile."""

    def __init__(self, context, builder, tile):
        self.context, self.builder, self.tile, self.vector = context, builder, tile, vector_of(tile)

    def array(self, array_type, value):
        return self.context.make_array(array_type)(self.context, self.builder, value).data

    def plus(self, i, constant):
        return self.builder.add(i, ir.Constant(INT64, constant))

    def number(self, data, i):
        return self.builder.load(self.builder.gep(data, [i]))

    def pointer(self, data, i):
        return self.builder.bitcast(self.builder.gep(data, [i]), self.vector.as_pointer())

    def load(self, data, i):
        load = self.builder.load(self.pointer(data, i))
        load.align = self.alignment().constant
        return load

    def store(self, value, data, i):
        self.builder.store(value, self.pointer(data, i)).align = self.alignment().constant

    def splat(self, x, vector=None):
        vector = vector or self.vector
        undefined = ir.Constant(vector, ir.Undefined)
        first = self.builder.insert_element(undefined, x, ir.Constant(INT32, 0))
        lane_0 = ir.Constant(ir.VectorType(INT32, vector.count), None)     # for every lane
        return self.builder.shuffle_vector(first, undefined, lane_0)

    def multiply_add(self, x, y, z):
        """x y + z, rounded once where the processor can.

        (`llvm.fma` would be a slow library call where it cannot.)
        """
        bits = "f32" if self.tile.dtype == types.float32 else "f64"
        signature = ir.FunctionType(self.vector, [self.vector] * 3)
        fma = cgutils.get_or_insert_function(self.builder.module, signature,
                                             f"llvm.fmuladd.v{self.tile.lanes}{bits}")
        return self.builder.call(fma, [x, y, z])

    def load_some(self, data, i, count):
        """The first `count` lanes of the vector at i, the rest zero; none if count is negative."""
        return self._masked("load", self.vector, self.pointer(data, i), self.alignment(),
                            self._first(count), ir.Constant(self.vector, None))

    def store_some(self, value, data, i, count):
        """The first `count` lanes of a vector to i; none if count is negative."""
        self._masked("store", ir.VoidType(), value, self.pointer(data, i), self.alignment(),
                     self._first(count))

    def _first(self, count):
        vector, most = ir.VectorType(INT32, self.tile.lanes), ir.Constant(INT64, self.tile.lanes)
        some = self.builder.icmp_signed("<", count, most)
        count = self.builder.trunc(self.builder.select(some, count, most), INT32)
        lanes = ir.Constant(vector, list(range(self.tile.lanes)))
        return self.builder.icmp_signed("<", lanes, self.splat(count, vector))

    def _masked(self, name, result, *args):
        bits = {types.float32: "f32", types.float64: "f64", types.int32: "i32"}[self.tile.dtype]
        function = cgutils.get_or_insert_function(
            self.builder.module, ir.FunctionType(result, [a.type for a in args]),
            f"llvm.masked.{name}.v{self.tile.lanes}{bits}.p0")
        return self.builder.call(function, args)

    def alignment(self):
        """All that is known of where a vector begins: at a number."""
        return ir.Constant(INT32, self.tile.dtype.bitwidth // 8)

    def keep_loops_small(self):
        """Ask LLVM not to unroll the loops of this function: no registers are left for the copies.

        (They would be spilled to a stack that need not be aligned: 75 instead of 100 GFLOP/s, by
        chance.)
        """
        self.builder.function.attributes.add("optsize")
        self.builder.function.attributes.add("noinline")

    def cells(self):
        """(row, first column, position in the tile) of every register."""
        for m in range(self.tile.rows):
            for q in range(self.tile.cols):
                yield m, q * self.tile.lanes, m * self.tile.cols + q


# ---- the operations ------------------------------------------------------------------------------

@intrinsic
def height(typing, shape):
    """The number of rows of a tile."""
    return types.intp(shape), lambda context, builder, sig, args: ir.Constant(INT64, shape.rows)


@intrinsic
def width(typing, shape, array):
    """The number of columns of a tile for numbers like those of `array`."""
    columns = shape.cols * shape.tile(array.dtype).lanes
    return types.intp(shape, array), lambda context, builder, sig, args: ir.Constant(INT64, columns)


@intrinsic
def zeros(typing, shape, array):
    """A tile of zeros for numbers like those of `array`."""
    tile = shape.tile(array.dtype)

    def generate(context, builder, signature, args):
        return ir.Constant(context.get_value_type(tile), None)
    return tile(shape, array), generate


@intrinsic
def repeat(typing, shape, b, j):
    """A tile whose rows are all b[j : j + width]."""
    tile = shape.tile(b.dtype)

    def generate(context, builder, signature, args):
        w = Writer(context, builder, tile)
        b, j = w.array(signature.args[1], args[1]), args[2]
        line = [w.load(b, w.plus(j, q * tile.lanes)) for q in range(tile.cols)]
        value = ir.Constant(context.get_value_type(tile), ir.Undefined)
        for i, q, at in w.cells():
            value = builder.insert_value(value, line[q // tile.lanes], at)
        return value
    return tile(shape, b, types.intp), generate


@intrinsic
def add_outer(typing, tile, a, row, m, k, b, j):
    """tile[i, :] + a[row[m + i] + k] · b[j : j + width], for every row i"""
    def generate(context, builder, signature, args):
        w = Writer(context, builder, tile)
        value, _, _, m, k, _, j = args
        w.keep_loops_small()
        a, row, b = (w.array(signature.args[i], args[i]) for i in (1, 2, 5))
        line = [w.load(b, w.plus(j, q * tile.lanes)) for q in range(tile.cols)]
        for i in range(tile.rows):
            x = w.splat(w.number(a, builder.add(w.number(row, w.plus(m, i)), k)))
            for q in range(tile.cols):
                at = i * tile.cols + q
                total = w.multiply_add(x, line[q], builder.extract_value(value, at))
                value = builder.insert_value(value, total, at)
        return value
    return tile(tile, a, row, types.intp, types.intp, b, types.intp), generate


@intrinsic
def store(typing, tile, c, out, m, j, columns):
    """c[out[m + i] + j : … + columns] = tile[i, :columns] for every row i

    `columns` may exceed the width.
    """
    def generate(context, builder, signature, args):
        w = Writer(context, builder, tile)
        _write(w, args[0], *_places(w, signature, args))
        return context.get_dummy_value()
    return types.void(tile, c, out, types.intp, types.intp, types.intp), generate


@intrinsic
def accumulate(typing, tile, c, out, m, j, columns):
    """c[out[m + i] + j : … + columns] += tile[i, :columns] for every row i

    A row that is named twice is added once.
    """
    def generate(context, builder, signature, args):
        w = Writer(context, builder, tile)
        _write(w, args[0], *_places(w, signature, args), adding=True)
        return context.get_dummy_value()
    return types.void(tile, c, out, types.intp, types.intp, types.intp), generate


@intrinsic
def load(typing, a, i):
    """A vector a[i : i + lanes]."""
    vector = ShapeType(ONE.rows, ONE.cols, ONE.bytes).tile(a.dtype)

    def generate(context, builder, signature, args):
        w = Writer(context, builder, vector)
        value = ir.Constant(context.get_value_type(vector), ir.Undefined)
        return builder.insert_value(value, w.load(w.array(signature.args[0], args[0]), args[1]), 0)
    return vector(a, types.intp), generate


@intrinsic
def save(typing, vector, c, i):
    """c[i : i + lanes] = vector"""
    def generate(context, builder, signature, args):
        w = Writer(context, builder, vector)
        w.store(builder.extract_value(args[0], 0), w.array(signature.args[1], args[1]), args[2])
        return context.get_dummy_value()
    return types.void(vector, c, types.intp), generate


@intrinsic
def prefetch(typing, a, i):
    """Ask for the cache line of a[i], which will be needed soon; there need be no such element."""
    def generate(context, builder, signature, args):
        w = Writer(context, builder, ShapeType(ONE.rows, ONE.cols, ONE.bytes).tile(a.dtype))
        at = builder.bitcast(builder.gep(w.array(signature.args[0], args[0]), [args[1]]),
                             ir.IntType(8).as_pointer())
        signature_ = ir.FunctionType(ir.VoidType(), [at.type, INT32, INT32, INT32])
        function = cgutils.get_or_insert_function(builder.module, signature_, "llvm.prefetch.p0")
        builder.call(function, [at] + [ir.Constant(INT32, n) for n in (0, 3, 1)])
        return context.get_dummy_value()
    return types.void(a, types.intp), generate


@intrinsic
def rectify(typing, x):
    """max(x, 0), NaN staying NaN, for a tile."""
    def generate(context, builder, signature, args):
        value, zero = args[0], ir.Constant(vector_of(x), None)
        for at in range(x.rows * x.cols):
            lane = builder.extract_value(value, at)
            negative = builder.fcmp_ordered("<=", lane, zero)
            value = builder.insert_value(value, builder.select(negative, zero, lane), at)
        return value
    return x(x), generate


def _elementwise(sign, instruction):
    """Let `sign` between two tiles, or a tile and a number, mean LLVM's instruction of this name.

    `contract` allows x · y + z to be rounded once.
    """
    @intrinsic
    def operation(typing, x, y):
        def generate(context, builder, signature, args):
            value, other = args
            if x != y:
                w = Writer(context, builder, x)
                number = w.splat(context.cast(builder, other, y, x.dtype))
            for at in range(x.rows * x.cols):
                pair = (builder.extract_value(value, at),
                        builder.extract_value(other, at) if x == y else number)
                result = getattr(builder, instruction)(*pair, flags=["contract"])
                value = builder.insert_value(value, result, at)
            return value
        return x(x, y), generate

    @overload(sign)
    def of_tiles(x, y):
        if isinstance(x, Tile) and (x == y or isinstance(y, types.Float)):
            return lambda x, y: operation(x, y)


_elementwise(operator.add, "fadd")
_elementwise(operator.sub, "fsub")
_elementwise(operator.mul, "fmul")


def _places(w, signature, args):
    """c's memory, where in it every vector of the tile goes, and how many of its lanes."""
    _, _, _, m, j, columns = args
    c, out = (w.array(signature.args[i], args[i]) for i in (1, 2))
    starts = [w.plus(w.builder.add(w.number(out, w.plus(m, i)), j), q) for i, q, _ in w.cells()]
    return c, starts, [w.plus(columns, -q) for _, q, _ in w.cells()], columns


def _write(w, value, c, starts, counts, columns, adding=False):
    """Store (or add) every vector of a tile, whole or in part; all reads come before all writes."""
    vectors = [w.builder.extract_value(value, at) for _, _, at in w.cells()]
    full = w.builder.icmp_signed(">=", columns, ir.Constant(INT64, w.tile.cols * w.tile.lanes))
    with w.builder.if_else(full) as (whole, part):
        with whole:
            sums = [w.builder.fadd(w.load(c, i), v) if adding else v
                    for i, v in zip(starts, vectors)]
            for i, v in zip(starts, sums):
                w.store(v, c, i)
        with part:
            sums = [w.builder.fadd(w.load_some(c, i, n), v) if adding else v
                    for i, n, v in zip(starts, counts, vectors)]
            for i, n, v in zip(starts, counts, sums):
                w.store_some(v, c, i, n)


if config.DISABLE_JIT:
    height, width, zeros, repeat, add_outer = (
        plain.height, plain.width, plain.zeros, plain.repeat, plain.add_outer)
    store, accumulate, load, save, prefetch, rectify = (
        plain.store, plain.accumulate, plain.load, plain.save, plain.prefetch, plain.rectify)
