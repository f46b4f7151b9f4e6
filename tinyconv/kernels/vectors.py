"""Vectors of a few channels, each with the place that it came from; see `tile.py`.

Where the channels of a pixel do not fill a register, a vector has fewer real lanes: `count` says
how many, and it may exceed what a register holds. The shape is `ONE`, a register, or `HALF` of one.

    x = load_some(shape, a, i, count, like)       a[i : i + count], in lanes for numbers `like`
    save_some(x, c, i, count)                     c[i : i + count] = x
    p = everywhere(place, x)                      the whole number `place` in every lane of x
    x, p = larger(x, p, y, q)                     of every lane the larger number, and its place
    z = at_place(x, p, q)                         x in every lane where p = q, else 0
    z = past_relu(g, y)                           g in every lane where y > 0 or is NaN, else 0

A place is a 32 bit number.
"""
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from .reference import vectors as plain
from .tile import Tile, Writer


def _places(x):
    """The type of the places of a vector."""
    return Tile(1, 1, x.lanes, types.int32)


def _wrapped(context, builder, tile, vector):
    value = ir.Constant(context.get_value_type(tile), ir.Undefined)
    return builder.insert_value(value, vector, 0)


@intrinsic
def load_some(typing, shape, a, i, count, like):
    """A vector a[i : i + count], the rest 0, with the lanes that the shape has for numbers `like`.
    """
    tile = Tile(1, 1, shape.tile(like.dtype).lanes, a.dtype)

    def generate(context, builder, signature, args):
        w = Writer(context, builder, tile)
        _, a, i, count, _ = args
        return _wrapped(context, builder, tile,
                        w.load_some(w.array(signature.args[1], a), i, count))
    return tile(shape, a, types.intp, types.intp, like), generate


@intrinsic
def save_some(typing, x, c, i, count):
    """c[i : i + count] = the first lanes of x"""
    def generate(context, builder, signature, args):
        w = Writer(context, builder, x)
        value, c, i, count = args
        w.store_some(builder.extract_value(value, 0), w.array(signature.args[1], c), i, count)
        return context.get_dummy_value()
    return types.void(x, c, types.intp, types.intp), generate


@intrinsic
def everywhere(typing, place, x):
    """A vector of places, all the same, for the lanes of x."""
    tile = _places(x)

    def generate(context, builder, signature, args):
        w = Writer(context, builder, tile)
        return _wrapped(context, builder, tile, w.splat(args[0]))
    return tile(types.int32, x), generate


@intrinsic
def larger(typing, x, p, y, q):
    """(x, p) in every lane where x > y or x is NaN, else (y, q)."""
    both = types.Tuple((x, p))

    def generate(context, builder, signature, args):
        x_, p_, y_, q_ = (builder.extract_value(value, 0) for value in args)
        nan = builder.fcmp_unordered("uno", x_, x_)
        takes = builder.or_(builder.fcmp_ordered(">", x_, y_), nan)
        return context.make_tuple(builder, both, (
            _wrapped(context, builder, x, builder.select(takes, x_, y_)),
            _wrapped(context, builder, p, builder.select(takes, p_, q_))))
    return both(x, p, y, q), generate


@intrinsic
def at_place(typing, x, p, q):
    """x in every lane where p = q, else 0."""
    def generate(context, builder, signature, args):
        x_, p_, q_ = (builder.extract_value(value, 0) for value in args)
        kept = builder.select(builder.icmp_signed("==", p_, q_), x_, ir.Constant(x_.type, None))
        return _wrapped(context, builder, x, kept)
    return x(x, p, q), generate


@intrinsic
def past_relu(typing, g, y):
    """g in every lane where y > 0 or is NaN, else 0."""
    def generate(context, builder, signature, args):
        g_, y_ = (builder.extract_value(value, 0) for value in args)
        zero = ir.Constant(g_.type, None)
        kept = builder.select(builder.fcmp_ordered("<=", y_, zero), zero, g_)
        return _wrapped(context, builder, g, kept)
    return g(g, y), generate


if config.DISABLE_JIT:
    load_some, save_some, everywhere, larger, at_place, past_relu = (
        plain.load_some, plain.save_some, plain.everywhere, plain.larger, plain.at_place,
        plain.past_relu)
