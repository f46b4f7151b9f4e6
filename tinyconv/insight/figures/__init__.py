"""The pictures of what was looked at: functions from arrays to a PNG, as bytes.

    explained(pictures, captions, columns)   images in rows, methods in columns
    drawn_filters(weights)                   the kernels of a convolution
    drawn_maps(maps, picture)                what a layer answers to an image
    drawn_images(images, names)              images that excite units
    drawn_fields(fields, names)              effective receptive fields beside the theoretical
"""
from .explained import explained
from .fields import drawn_fields
from .mosaics import drawn_filters, drawn_images, drawn_maps, mosaic
