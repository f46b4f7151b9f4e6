"""What the elements of a tensor see of the input, followed through changes of shape.

Each spatial dimension of the input is spread along one axis of the tensor, as a `Field`, or it is
seen in the same way by all elements. An axis can consist of several parts, as (N, C, H · W) does
once an image was flattened: so it is known which dimension is which when they are parted again.
"""
import math
from typing import NamedTuple

import numpy as np

from .field import PIXEL, Field, everywhere, hull, merged, repeated, table, windows


class Place(NamedTuple):
    """A dimension of the input lies along part `part` of axis `axis`."""
    axis: int
    part: int
    field: Field


class Seen(NamedTuple):
    """parts: the lengths that each axis is the product of; dims: for each dimension of the input
    its Place, or the (first, last) that all elements see."""
    parts: tuple
    dims: dict

    @property
    def shape(self):
        return tuple(map(math.prod, self.parts))

    def fields(self):
        """For each dimension of the input its Field; of one seen by all alike one of stride 0."""
        return tuple(repeated(d.field, self._after(d)) if isinstance(d, Place) else Field((d,), 0)
                     for d in self.dims.values())

    def _after(self, place):
        """How many elements in a row see the same: those of the parts after this one."""
        parts = self.parts[place.axis][place.part + 1:]
        others = [d.part - place.part - 1 for d in self.dims.values() if isinstance(d, Place)
                  and d.axis == place.axis and d.part > place.part]
        return math.prod(parts[:min(others, default=len(parts))])


def of_input(shape):
    """An input (N, C, *size) sees itself."""
    return Seen(tuple((n,) for n in shape),
                {d: Place(d + 2, 0, PIXEL) for d in range(len(shape) - 2)})


def settled(seen, axes=None):
    """Along these axes (None: all) all elements together see what each of them saw."""
    dims = {d: everywhere(place.field, seen.parts[place.axis][place.part]).period[0]
            if isinstance(place, Place) and (axes is None or place.axis in axes) else place
            for d, place in seen.dims.items()}
    return Seen(seen.parts, dims)


def plain(seen, shape):
    """A tensor of this shape each of whose elements may see all that `seen` saw."""
    return Seen(tuple((n,) for n in shape), settled(seen).dims)


def permuted(seen, order):
    """The axes in another order."""
    order = [axis % len(seen.parts) for axis in order]
    return Seen(tuple(seen.parts[axis] for axis in order),
                {d: place._replace(axis=order.index(place.axis)) if isinstance(place, Place)
                 else place for d, place in seen.dims.items()})


def reshaped(seen, shape):
    """The same elements in order, under another shape: parts are dealt out to the new axes.

    A part that has to be cut is seen by all of its elements alike.
    """
    places = {(place.axis, place.part): d for d, place in seen.dims.items()
              if isinstance(place, Place)}
    dims, parts = dict(settled(seen).dims), []
    queue = [(n, places.get((axis, i))) for axis, axis_parts in enumerate(seen.parts)
             for i, n in enumerate(axis_parts) if n != 1][::-1]
    for axis, n in enumerate(shape):
        own = []
        while n > 1 and queue:
            length, d = queue.pop()
            if n % length and length % n:
                return plain(seen, shape)
            if length > n:                       # cut: the rest stays for the next axis
                queue.append((length // n, None))
                length, d = n, None
            if d is not None:
                dims[d] = Place(axis, len(own), seen.dims[d].field)
            own.append(length)
            n //= length
        parts.append(tuple(own) if math.prod(own) == shape[axis] else (shape[axis],))
    return Seen(tuple(parts), dims)


def joined(seen, axis):
    """The axis as one part, where that can be said: its first part is repeated by what follows."""
    parts = seen.parts[axis]
    if len(parts) == 1:
        return seen
    rest, here = math.prod(parts[1:]), [d for d, place in seen.dims.items()
                                        if isinstance(place, Place) and place.axis == axis]
    dims = dict(settled(seen, (axis,)).dims)
    if len(here) == 1 and seen.dims[here[0]].part == 0:
        dims[here[0]] = Place(axis, 0, repeated(seen.dims[here[0]].field, rest))
    return Seen(seen.parts[:axis] + ((math.prod(parts),),) + seen.parts[axis + 1:], dims)


def along(seen, axis, change, n):
    """With the fields along an axis replaced by `change(field)`, and its length by n."""
    seen = joined(seen, axis)
    dims = {d: place._replace(field=change(place.field))
            if isinstance(place, Place) and place.axis == axis else place
            for d, place in seen.dims.items()}
    return Seen(seen.parts[:axis] + ((n,),) + seen.parts[axis + 1:], dims)


def dropped(seen, axes, keepdim=False):
    """Without these axes (or with length one), after all along them was taken together."""
    seen = settled(seen, axes)
    kept = [axis for axis in range(len(seen.parts)) if keepdim or axis not in axes]
    parts = tuple((1,) if axis in axes else seen.parts[axis] for axis in kept)
    return Seen(parts, {d: place._replace(axis=kept.index(place.axis))
                        if isinstance(place, Place) else place for d, place in seen.dims.items()})


def combined(several, shape):
    """What an element-wise operation of tensors that broadcast to `shape` sees."""
    several = [_broadcast(seen, shape) for seen in several]
    parts = list(several[0].parts)
    for axis in range(len(shape)):               # the finest division of each axis is kept
        parts[axis] = max((seen.parts[axis] for seen in several), key=len)
    dims = {}
    for d in sorted({d for seen in several for d in seen.dims}):
        found = [seen.dims[d] for seen in several if d in seen.dims]
        first = found[0]
        alike = all(isinstance(place, Place) and place[:2] == first[:2] for place in found) and all(
            seen.parts[first.axis] == parts[first.axis] for seen in several if d in seen.dims)
        if alike:
            field, n = first.field, parts[first.axis][first.part]
            for place in found[1:]:
                field = merged(field, place.field, n)
            dims[d] = first._replace(field=field)
        else:
            dims[d] = hull(settled(seen).dims[d] for seen in several if d in seen.dims)
    return Seen(tuple(parts), dims)


def _broadcast(seen, shape):
    """Aligned at the right with `shape`: what is repeated sees the same everywhere."""
    extra = len(shape) - len(seen.parts)
    seen = settled(seen, [axis for axis, n in enumerate(seen.shape) if n == 1])
    parts = tuple(own if math.prod(own) == n else (n,) for own, n in
                  zip(((1,),) * extra + seen.parts, shape))
    return Seen(parts, {d: place._replace(axis=place.axis + extra) if isinstance(place, Place)
                        else place for d, place in seen.dims.items()})


def indexed(seen, key, shape):
    """x[key], a result of `shape`: slices and whole numbers are followed, other keys are not."""
    key = key if isinstance(key, tuple) else (key,)
    arrays = [k for k in key if isinstance(k, np.ndarray)]
    if len(arrays) > 1 or any(k.dtype.kind not in "iu" or k.ndim != 1 for k in arrays):
        return plain(seen, shape)
    given = [k for k in key if k is not None and k is not Ellipsis]
    rest = [slice(None)] * (len(seen.parts) - len(given))
    at = next((i for i, k in enumerate(key) if k is Ellipsis), len(key))
    key, axis, gone = [*key[:at], *rest, *key[at + 1:]], 0, []
    for k in key:
        if k is None:
            continue
        n = math.prod(seen.parts[axis])
        places = np.arange(n)[k] if isinstance(k, slice) else np.atleast_1d(k) % max(n, 1)
        if not (isinstance(k, slice) and k == slice(None)):
            seen = _picked(seen, axis, places.tolist())
        if not isinstance(k, (slice, np.ndarray)):
            gone.append(axis)
        axis += 1
    return reshaped(dropped(seen, gone), shape)


def _picked(seen, axis, places):
    """With those places along an axis that a list names."""
    if not places:
        return along(seen, axis, lambda f: everywhere(f, 0), 0)
    step = places[1] - places[0] if len(places) > 1 else 1
    if step > 0 and places == list(range(places[0], places[-1] + 1, step)):
        return along(seen, axis, lambda f: windows(f, 1, step, -places[0], 1), len(places))
    return along(seen, axis, lambda f: table(f, places, places), len(places))
