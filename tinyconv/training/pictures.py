"""A picture from a file, brought into the form of the images a model was trained on."""
import numpy as np

from ..data import read_image

DIGITS = ("digits", "mnist")           # white ink on black, fitted into a box and centred by mass
INKED = (*DIGITS, "fashion-mnist")     # light on black
BOX = 20                               # pixels of the box, in images of 28
FAINT = 0.2                            # what is lighter than this part of the darkest ink is paper


def read_like(path, about):
    """The picture at `path` as uint8 (C, H, W), like the images a model was trained on.

    `about` describes their data set; it is the entry "data" of a run's configuration: "name" and
    "shape". For digits and garments a picture with a light border is inverted. A digit that is not
    of the right size already is then cut out, fitted into a box of 20 of 28 pixels and moved so
    that its centre of mass is in the middle, as LeCun et al. made MNIST. Other pictures: the
    largest square in the middle, scaled. Raises FormatError for a file that is no picture.
    """
    C, H, W = about["shape"]
    mode = "grey" if C == 1 else "rgb"
    if about["name"] not in INKED or C != 1:
        return read_image(path, H, mode)
    image = read_image(path, None, mode)[0]                              # (height, width)
    if np.median(_border(image)) > 127:
        image = 255 - image
    if image.shape != (H, W):
        image = centred(image, H) if about["name"] in DIGITS else _scaled(image, H, W)
    return image[None]


def centred(image, size):
    """The light ink of a grey image, fitted and centred as in MNIST: uint8 (size, size)."""
    paper = np.median(_border(image))
    ink = np.clip(image.astype(float) - paper, 0, None)
    ink *= 255 / max(ink.max(), 1)
    ink[ink < 255 * FAINT] = 0
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    result = np.zeros((size, size), np.uint8)
    if not len(rows):
        return result                                                    # a blank sheet
    ink = ink[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1].astype(np.uint8)
    scale = size * BOX / 28 / max(ink.shape)
    ink = _scaled(ink, *(max(1, round(side * scale)) for side in ink.shape))
    places = []
    for axis, side in enumerate(ink.shape):              # the centre of mass comes to the middle
        mass = ink.sum(axis=1 - axis, dtype=float)
        centre = mass @ np.arange(side) / mass.sum()
        places.append(int(np.clip(round((size - 1) / 2 - centre), 0, size - side)))
    top, left = places
    result[top:top + ink.shape[0], left:left + ink.shape[1]] = ink
    return result


def _border(image):
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _scaled(image, height, width):
    from PIL import Image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
