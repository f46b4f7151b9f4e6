"""What can happen to a file in one place, by accident or by intent.

Each alteration is a function of a bytearray, a position in it and a random.Random.
"""


def alter(content, head, spots, rng):
    """Alter a bytearray in one place: anywhere, or in its head, or at one of the spots."""
    if spots and rng.random() < 0.3:
        at = min(rng.choice(spots), max(0, len(content) - 1))
    else:
        at = rng.randrange(max(1, min(len(content), head if rng.random() < 0.5 else len(content))))
    rng.choice(ALTERATIONS)(content, at, rng)


def _flip(content, at, rng):
    if content:
        content[at] ^= 1 << rng.randrange(8)


def _set(content, at, rng):
    content[at:at + 1] = bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))])


def _number(content, at, rng):
    """A number that sizes and offsets do not expect."""
    width = rng.choice((2, 4, 8))
    value = rng.choice((0, 1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1,
                        rng.randrange(2 ** (8 * width)), 50_000 % 2 ** (8 * width)))
    content[at:at + width] = value.to_bytes(width, rng.choice(("big", "little")))


def _digits(content, at, rng):
    """Another number in place of one that is written in digits, the nearest one after `at`."""
    begin = next((i for i in range(at, len(content)) if 48 <= content[i] < 58), None)
    if begin is not None:
        end = next((i for i in range(begin, len(content)) if not 48 <= content[i] < 58),
                   len(content))
        content[begin:end] = rng.choice((b"0", b"-1", b"1e9", b"NaN", b"9" * 18, b"9" * 400, b"7",
                                         b"7" * (end - begin), b"[" * 50, b"null", b"0.5"))


def _cut(content, at, rng):
    del content[at:]


def _drop(content, at, rng):
    del content[at:at + rng.choice((1, 2, 4, 16, 512))]


def _insert(content, at, rng):
    content[at:at] = rng.choice((rng.randbytes(rng.randrange(1, 32)), bytes(512), b"{", b'"', b"["))


def _repeat(content, at, rng):
    content[at:at] = content[at:at + rng.choice((1, 4, 16, 64, 512))]


def _blank(content, at, rng):
    length = min(rng.choice((2, 8, 64, 512)), len(content) - at)
    content[at:at + length] = bytes([rng.choice((0, 0xFF, 0x20))]) * length


def _move(content, at, rng):
    to = rng.randrange(len(content) + 1)
    part = content[at:at + rng.choice((4, 32, 512))]
    content[to:to + len(part)] = part


def _append(content, at, rng):
    content += rng.choice((b"\0", bytes(512), rng.randbytes(20), bytes(content[:at])))


ALTERATIONS = (_flip, _flip, _flip, _set, _set, _number, _number, _digits, _cut, _drop, _insert,
               _repeat, _blank, _move, _append)
