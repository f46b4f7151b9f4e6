"""What tests of commands have in common beside the fixtures `tinyconv` and `elsewhere`."""
from PIL import Image


def save_picture(path, pixels):
    """Write an array of bytes as a picture; returns where it is."""
    Image.fromarray(pixels).save(path)
    return path


def one_line(text):
    """Whether that is one line, as an error on standard error should be."""
    return text.count("\n") == 1 and text.endswith("\n")
