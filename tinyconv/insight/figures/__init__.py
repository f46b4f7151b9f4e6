"""The pictures of what was looked at: functions from arrays to a PNG, as bytes.

    explained(pictures, captions, columns)   images in rows, methods in columns
    draw(axis, kind, values, picture)        one of these, on an axis of your own
    drawn_filters(weights)                   the kernels of a convolution
    drawn_maps(maps, picture)                what a layer answers to an image
    drawn_images(images, names)              images that excite units
    drawn_fields(fields, names)              effective receptive fields beside the theoretical
    drawn_spread(spread)                     histograms of outputs or gradients by depth
    drawn_plane(plane, labels, classes)      images as points
    drawn_between(places, losses)            the loss between two sets of weights
    drawn_confused(confused, classes)        which classes are taken for each other
    drawn_wrong(images, wrong, classes)      the images that were most wrong
"""
from .between import drawn_between
from .depth import drawn_spread
from .explained import draw, explained
from .fields import drawn_fields
from .mistakes import drawn_confused, drawn_wrong
from .mosaics import drawn_filters, drawn_images, drawn_maps, mosaic
from .plane import drawn_plane
