"""A reader of HTML that insists on order."""
import base64
import io
from html.parser import HTMLParser

import numpy as np
from PIL import Image

ALONE = {"meta", "img", "br"}                    # elements without an end


class Page(HTMLParser):
    """What a page consists of; raises AssertionError where an element is not closed as it should.

    elements  (tag, attributes) in order
    pieces    (tag, text) in order; text: those of each kind of element, and of the page, joined
    """

    def __init__(self, text):
        super().__init__()
        self.elements, self.pieces, self.text, self.open = [], [], {}, []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        assert len(dict(attributes)) == len(attributes), f"an attribute twice: {attributes}"
        if tag not in ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, text):
        self.pieces.append((self.open[-1] if self.open else "", text))
        for tag in {*self.open[-1:], "page"}:
            self.text[tag] = self.text.get(tag, "") + text

    def all(self, tag, key=None):
        """The attributes of all elements of a kind, or one of them."""
        found = [attributes for name, attributes in self.elements if name == tag]
        return [attributes.get(key) for attributes in found] if key else found


def pixels(uri):
    """The picture that stands in an address."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
