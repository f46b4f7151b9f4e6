"""What the outputs along one dimension see of one dimension of the input.

Output o sees the pixels first(o) … last(o). For every layer these are periodic,

    first(o + p) = first(o) + shift,      last(o + p) = last(o) + shift,

with p = 1 for convolution and pooling, and p = 2, say, after an image was enlarged twice: then odd
and even pixels see differently. One period therefore says it all, beyond the edges too, where a
padded layer looks. (In between there may be pixels that are not seen, as those between the taps of
a dilated kernel.) The arithmetic: Araujo, Norris & Sim, "Computing receptive fields of
convolutional neural networks", Distill 2019, here also for layers that enlarge.
"""
from fractions import Fraction
from math import gcd, inf, lcm
from typing import NamedTuple

NOTHING = (inf, -inf)                        # what an output sees that no input reaches


class Field(NamedTuple):
    """One period of (first, last), and how far a period moves."""
    period: tuple
    shift: int

    @property
    def size(self):
        """How many pixels from the first to the last that an output sees, at most."""
        return max(0, *(last - first + 1 for first, last in self.period))

    @property
    def stride(self):
        """How far the field moves from one output to the next, on average."""
        step = Fraction(self.shift, len(self.period))
        return int(step) if step.denominator == 1 else step

    @property
    def offset(self):
        """Where the field of output 0 begins; negative if in the padding."""
        return self.at(0)[0]

    def at(self, o):
        """The pair (first, last) of output o, which may be any whole number."""
        turns, o = divmod(o, len(self.period))
        first, last = self.period[o]
        return first + turns * self.shift, last + turns * self.shift


PIXEL = Field(((0, 0),), 1)                  # every pixel of the input sees itself


def hull(pairs):
    """The least (first, last) that contains all of these."""
    pairs = [NOTHING, *pairs]
    return min(first for first, _ in pairs), max(last for _, last in pairs)


def everywhere(field, n):
    """A field for all outputs alike: of all n together."""
    return Field((hull(map(field.at, range(n))),), 0)


def windows(field, kernel, stride, padding, dilation):
    """Output o reads stride · o − padding + dilation · k for k < kernel: convolution, pooling."""
    p = len(field.period)
    outputs = p // gcd(p, stride)            # after so many the windows begin anew
    return _shortest([
        hull(field.at(stride * o - padding + dilation * k) for k in range(kernel))
        for o in range(outputs)], field.shift * stride * outputs // p)


def spread(field, kernel, stride, padding, dilation):
    """Output o reads i wherever o + padding = stride · i + dilation · k: transposed convolution."""
    places = [[(o + padding - dilation * k) for k in range(kernel)]
              for o in range(stride * len(field.period))]
    return _shortest([hull(field.at(i // stride) for i in met if i % stride == 0)
                      for met in places], field.shift)


def table(field, first, last):
    """Output o reads first[o] … last[o], two lists: interpolation, padding by reflection.

    The period is looked for in the middle half: what happens at the edges is left out.
    """
    n = len(first)
    middle, quarter = n // 2, n // 4
    for p in range(1, quarter + 1):
        move = first[middle + p] - first[middle] if middle + p < n else 0
        inner = range(quarter, n - quarter - p)
        if len(inner) >= p and move % len(field.period) == 0 and all(
                t[o + p] - t[o] == move for t in (first, last) for o in inner):
            break
    else:
        return Field((hull(field.at(i) for ends in zip(first, last) for i in ends),), 0)
    turns = move // len(field.period)
    start = quarter + -quarter % p           # a period that begins at a multiple of itself
    found = [hull(field.at(i) for i in range(first[o], last[o] + 1))
             for o in range(start, start + p)]
    back = start // p * turns * field.shift
    return _shortest([(a - back, b - back) for a, b in found], turns * field.shift)


def repeated(field, times):
    """Output o is what was o // times."""
    return _shortest([pair for pair in field.period for _ in range(times)], field.shift)


def merged(a, b, n):
    """What is made of both, where there are n outputs."""
    if a.stride != b.stride:
        return merged(everywhere(a, n), everywhere(b, n), n)
    p = lcm(len(a.period), len(b.period))
    return _shortest([hull((a.at(o), b.at(o))) for o in range(p)], a.shift * p // len(a.period))


def _shortest(pairs, shift):
    """The field with the shortest period that says the same."""
    n = len(pairs)
    for p in range(1, n):
        field = Field(tuple(pairs[:p]), shift * p // n)
        if n % p == 0 and shift * p % n == 0 and all(
                field.at(o) == pairs[o] for o in range(n)):
            return field
    return Field(tuple(pairs), shift)
