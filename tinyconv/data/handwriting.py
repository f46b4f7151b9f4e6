"""How people write the ten digits: one function for each style, one entry for each digit.

A style is a recipe for a `Hand`, a class of n writers: it returns a drawing, the list of curves
between which the pen is lifted, in the unit square with y running down (see `curves`).  What
differs from writer to writer *within* a style is said here, in `between` and `near`; slant, size,
pen and wobble are common to all digits and are added in `digits`.
"""

from .curves import arc, bezier, first, join, last, lean, line, point, smooth


# --- 0 ------------------------------------------------------------------------------------------

def oval(hand):
    """A zero: once around from the top, counter-clockwise; it may overlap or stay a bit open."""
    start = hand.between(-1.0, 1.5)
    around = arc(hand.near(0.5, 0.5, 0.01), hand.between(0.24, 0.58), 0.5,
                 start, start - hand.between(11.0, 13.5), points=48)
    return [lean(around, hand.between(0, 0.4))]


def hasty_zero(hand):
    """A zero of uneven bows, pointed where its ends meet or cross, with a tail in or out."""
    half = hand.between(0.24, 0.56)
    top = point(0.5 + hand.between(-0.12, 0.16), 0)
    around = smooth(top + point(hand.between(-0.05, 0.08), hand.between(-0.04, 0.1)),
                    point(0.5 - 0.8 * half, hand.between(0.14, 0.3)),
                    point(0.5 - half, hand.between(0.5, 0.74)),
                    hand.near(0.47, 1.0, 0.06),
                    point(0.5 + half, hand.between(0.4, 0.76)),
                    point(0.5 + 0.8 * half, hand.between(0.1, 0.3)),
                    top + point(hand.between(-0.06, 0.03), hand.between(-0.04, 0.04)),
                    top + point(-hand.between(0.0, 0.24), hand.between(-0.04, 0.2)))
    return [lean(around, hand.between(0, 0.4))]


# --- 1 ------------------------------------------------------------------------------------------

def stick(hand):
    """A one that is nothing but a stroke, straight or bent a little."""
    bend = hand.between(-0.05, 0.05)
    return [bezier(hand.near(0.5, 0, 0.025), point(0.5 + bend, 0.33), point(0.5 + bend, 0.67),
                   hand.near(0.5, 1, 0.025))]


def flagged_one(hand):
    """A one with an upstroke at its head."""
    top = hand.near(0.55, 0, 0.025)
    flag = line(top + point(-hand.between(0.06, 0.24), hand.between(0.06, 0.26)), top)
    return [join(flag, line(top, hand.near(0.55, 1, 0.025)))]


def footed_one(hand):
    """A one with an upstroke at its head and a bar under its foot."""
    [stem] = flagged_one(hand)
    foot = last(stem)
    return [stem, line(foot + point(-hand.between(0.12, 0.34), hand.between(-0.02, 0.03)),
                       foot + point(hand.between(0.12, 0.34), hand.between(-0.03, 0.02)))]


# --- 2 ------------------------------------------------------------------------------------------

def _neck(hand):
    """The points of a two's neck: a hook at the upper left, over the top, down to the left."""
    drop = hand.between(0.1, 0.38)                          # how far the hook hangs down
    turn = hand.between(0.36, 0.6)                          # the height where the bow turns in
    out = hand.between(0.66, 0.9)
    return [point(hand.between(0.04, 0.24), drop), hand.near(0.3, 0.05, 0.05),
            hand.near(0.58, 0.0, 0.035), point(out, 0.48 * turn), point(out - 0.16, turn + 0.08)]


def cornered_two(hand):
    """A two with a sharp corner at its lower left and a flat foot."""
    neck = smooth(*_neck(hand), hand.near(0.36, 0.8, 0.05), hand.near(0.1, 0.96, 0.05))
    return [join(neck, line(last(neck), hand.near(0.92, 0.97, 0.08)))]


def waved_two(hand):
    """A two whose foot swings like a wave."""
    neck = smooth(*_neck(hand), hand.near(0.36, 0.8, 0.05), hand.near(0.1, 0.96, 0.05))
    return [join(neck, bezier(last(neck), hand.near(0.36, 0.8, 0.06), hand.near(0.6, 1.1, 0.07),
                              hand.near(1.0, 0.88, 0.08)))]


def looped_two(hand):
    """A two with a loop at its lower left, small or nearly as large as a zero."""
    left = hand.between(-0.08, 0.14)
    top = hand.between(0.58, 0.8)
    return [smooth(*_neck(hand), hand.near(0.34, 0.9, 0.05), point(left + 0.12, 1.0),
                   point(left, 0.5 * top + 0.48), point(left + hand.between(0.1, 0.2), top),
                   hand.near(0.46, 0.84, 0.06), hand.near(0.7, 0.97, 0.05),
                   hand.near(1.0, 0.92, 0.1))]


# --- 3 ------------------------------------------------------------------------------------------

def round_three(hand):
    """A three of two bows that meet in a cusp, which may reach far in or hardly at all."""
    waist = hand.between(0.36, 0.54)
    cusp = point(hand.between(0.26, 0.6), waist)
    upper, lower = hand.between(0.6, 0.84), hand.between(0.66, 0.92)        # how far they bulge
    above = smooth(point(hand.between(0.04, 0.26), hand.between(0.02, 0.26)),
                   hand.near(0.44, 0.0, 0.035), point(upper, 0.42 * waist),
                   point(upper - 0.08, 0.8 * waist), cusp)
    below = smooth(cusp, point(lower - 0.1, waist + 0.1), point(lower, 0.45 * waist + 0.55),
                   hand.near(0.5, 0.99, 0.035), point(hand.between(0, 0.34),
                                                     hand.between(0.78, 1.0)))
    return [join(above, below)]


def flat_three(hand):
    """A three with a flat top: a bar, a stroke back to the middle, and the lower bow."""
    left, right = hand.near(0.14, 0.03, 0.05), hand.near(0.78, 0.02, 0.05)
    middle = hand.near(0.42, 0.4, 0.05)
    lower = smooth(middle, hand.near(0.78, 0.5, 0.035), hand.near(0.84, 0.78, 0.05),
                   hand.near(0.46, 1.0, 0.025), hand.near(0.1, 0.88, 0.07))
    return [join(line(left, right), line(right, middle), lower)]


def curled_three(hand):
    """A three with a little loop where the bows meet."""
    middle = hand.near(0.5, 0.46, 0.035)
    upper = smooth(hand.near(0.14, 0.16, 0.07), hand.near(0.44, 0.0, 0.025),
                   hand.near(0.76, 0.18, 0.05), middle,
                   middle + point(-hand.between(0.08, 0.16), hand.between(-0.02, 0.04)),
                   middle + point(-0.06, -hand.between(0.05, 0.1)),
                   hand.near(0.74, 0.56, 0.035), hand.near(0.82, 0.8, 0.05),
                   hand.near(0.46, 1.0, 0.025), hand.near(0.1, 0.84, 0.07))
    return [upper]


# --- 4 ------------------------------------------------------------------------------------------

def open_four(hand):
    """A four in two strokes: a corner or a cup, and a stem that crosses it on the right."""
    height = hand.between(0.44, 0.64)
    corner = point(hand.between(0.02, 0.2), height)
    bar = line(corner, point(hand.between(0.72, 1.0), height + hand.between(-0.1, 0.04)))
    down = line(hand.near(0.24, 0.03, 0.07), corner)
    stem = line(hand.near(0.74, 0.04, 0.07), hand.near(0.66, 1.0, 0.06))
    return [join(down, bar), stem]


def cupped_four(hand):
    """A four whose left part is a round cup."""
    height = hand.between(0.46, 0.62)
    cup = smooth(hand.near(0.14, 0.02, 0.06), hand.near(0.1, 0.3, 0.05),
                 point(hand.between(0.18, 0.34), height), hand.near(0.5, 0.48, 0.05),
                 hand.near(0.74, 0.34, 0.06))
    stem = bezier(hand.near(0.78, 0.02, 0.06), hand.near(0.74, 0.35, 0.035),
                  hand.near(0.68, 0.7, 0.035), hand.near(0.64, 1.0, 0.06))
    return [cup, stem]


def closed_four(hand):
    """A four whose strokes meet at the top, in one line: a triangle on a stem."""
    top = hand.near(0.64, 0.02, 0.05)
    height = hand.between(0.5, 0.7)
    corner = point(hand.between(0.0, 0.14), height)
    bar = line(corner, point(hand.between(0.78, 1.0), height + hand.between(-0.05, 0.04)))
    stem = line(top + point(hand.between(-0.03, 0.05), 0), hand.near(0.62, 1.0, 0.06))
    return [join(line(top, corner), bar), stem]


# --- 5 ------------------------------------------------------------------------------------------

def capped_five(hand):
    """A five in two strokes: the stem with its belly, and a cap, which may stand off or rise."""
    top = hand.near(0.26, 0.08, 0.06)
    height = hand.between(0.34, 0.54)                       # where the belly begins
    knee = point(hand.between(0.12, 0.3), height)
    out = hand.between(0.62, 0.86)
    belly = smooth(knee, point(0.3 + 0.3 * out, height - hand.between(-0.02, 0.08)),
                   point(out, height + (1 - height) * hand.between(0.35, 0.55)),
                   hand.near(0.5, 0.97, 0.05), point(hand.between(-0.04, 0.3),
                                                      hand.between(0.76, 1.0)))
    cap = line(top + point(hand.between(-0.04, 0.12), hand.between(-0.06, 0.06)),
               point(hand.between(0.7, 1.2), hand.between(-0.1, 0.08)))
    return [join(line(top, knee), belly), cap]


def drawn_five(hand):
    """A five in one stroke, from the right end of its cap."""
    cap = line(hand.near(0.95, 0.03, 0.12), hand.near(0.34, 0.05, 0.07))
    height = hand.between(0.32, 0.54)
    knee = point(hand.between(0.12, 0.34), height)
    out = hand.between(0.6, 0.86)
    belly = smooth(knee, point(0.3 + 0.3 * out, height - hand.between(-0.04, 0.06)),
                   point(out, height + (1 - height) * hand.between(0.35, 0.55)),
                   hand.near(0.48, 0.98, 0.05), point(hand.between(-0.04, 0.3),
                                                      hand.between(0.76, 1.0)))
    return [join(cap, line(last(cap), knee), belly)]


def snake_five(hand):
    """A five without corners, almost an S."""
    return [smooth(hand.near(0.92, 0.04, 0.07), hand.near(0.5, 0.04, 0.05),
                   hand.near(0.3, 0.2, 0.05), hand.near(0.34, 0.42, 0.035),
                   hand.near(0.66, 0.54, 0.05), hand.near(0.72, 0.8, 0.05),
                   hand.near(0.44, 0.99, 0.035), hand.near(0.08, 0.9, 0.07))]


# --- 6 ------------------------------------------------------------------------------------------

def round_six(hand):
    """A six: a bow from the upper right that ends in a loop, open or overshooting."""
    top = 1 - hand.between(0.26, 0.46)                      # where the loop begins
    right = hand.between(0.64, 0.92)
    return [smooth(hand.near(0.52, 0.0, 0.13), hand.near(0.28, 0.3, 0.06),
                   hand.near(0.14, 0.68, 0.035), hand.near(0.4, 1.0, 0.025),
                   point(right, 0.4 * top + 0.56),
                   point(0.5 * right + hand.between(0.1, 0.22), top),
                   point(hand.between(0.14, 0.42), hand.between(0.72, 0.9)))]


def straight_six(hand):
    """A six whose stem is a straight slope and whose loop is nearly a circle."""
    start = hand.between(8.2, 9.4)
    height = hand.between(0.15, 0.25)
    loop = arc(point(0.45, 1 - height), hand.between(0.2, 0.36), height,
               start, start - hand.between(9.5, 13.5))
    return [join(line(hand.near(0.5, 0.0, 0.14), first(loop)), loop)]


def upright_six(hand):
    """A six whose stem falls straight down on the left of a large open loop, like a b or a G."""
    top = hand.between(0.42, 0.66)
    stem = smooth(hand.near(0.2, 0.0, 0.1), hand.near(0.12, 0.4, 0.05), hand.near(0.16, 0.8, 0.035),
                  hand.near(0.44, 1.0, 0.025), hand.near(0.82, 0.84, 0.06),
                  point(hand.between(0.66, 0.84), top + 0.08), point(0.52, top),
                  point(hand.between(0.3, 0.46), 0.4 * top + 0.5))
    return [stem]


# --- 7 ------------------------------------------------------------------------------------------

def plain_seven(hand):
    """A seven: a bar and a sloping stem, straight or bent."""
    corner = hand.near(0.84, 0.05, 0.06)
    stem = bezier(corner, hand.near(0.66, 0.36, 0.06), hand.near(0.5, 0.62, 0.06),
                  hand.near(0.42, 1.0, 0.1))
    return [join(line(hand.near(0.1, 0.06, 0.07), corner), stem)]


def hooked_seven(hand):
    """A seven whose bar begins with a small downward hook and runs in a wave."""
    start = hand.near(0.1, 0.08, 0.05)
    corner = hand.near(0.86, 0.04, 0.06)
    hook = line(start + point(hand.between(-0.06, 0.04), hand.between(0.06, 0.34)), start)
    stem = bezier(corner, hand.near(0.66, 0.36, 0.06), hand.near(0.5, 0.62, 0.06),
                  hand.near(0.44, 1.0, 0.1))
    bar = bezier(start, hand.near(0.34, -0.02, 0.05), hand.near(0.6, 0.12, 0.05), corner)
    return [join(hook, bar, stem)]


def round_seven(hand):
    """A seven without a corner: its bar bends into the stem."""
    return [smooth(hand.near(0.08, 0.14, 0.07), hand.near(0.4, 0.04, 0.05),
                   hand.near(0.78, 0.06, 0.05), hand.near(0.8, 0.26, 0.05),
                   hand.near(0.62, 0.6, 0.05), hand.near(0.5, 1.0, 0.07))]


def barred_seven(hand):
    """A seven with a bar through its stem."""
    [seven] = plain_seven(hand)
    height = hand.between(0.42, 0.58)
    slope = hand.between(-0.08, 0.08)
    return [seven, line(point(hand.between(0.26, 0.42), height + slope),
                        point(hand.between(0.72, 0.92), height - slope))]


# --- 8 ------------------------------------------------------------------------------------------

def crossed_eight(hand):
    """An eight in one line that crosses itself, begun at the upper right, closed or not."""
    waist = hand.between(0.36, 0.56)
    upper, lower = hand.between(0.16, 0.34), hand.between(0.16, 0.36)       # half widths
    return [smooth(hand.near(0.5 + upper, waist * 0.34, 0.04), hand.near(0.5, 0.0, 0.025),
                   hand.near(0.5 - upper, waist * 0.46, 0.03), hand.near(0.5, waist, 0.03),
                   hand.near(0.5 + lower, 0.5 * waist + 0.5, 0.03), hand.near(0.48, 1.0, 0.025),
                   hand.near(0.5 - lower, 0.5 * waist + 0.52, 0.03),
                   hand.near(0.5, waist + 0.04, 0.03),
                   hand.near(0.52 + upper, waist * 0.3, 0.06))]


def swung_eight(hand):
    """An eight that is an S and a nearly straight stroke back up; its top may stay open."""
    swing = smooth(hand.near(0.76, 0.12, 0.07), hand.near(0.46, 0.0, 0.035),
                   hand.near(0.24, 0.2, 0.06), hand.near(0.46, 0.46, 0.05),
                   hand.near(0.64, 0.76, 0.06), hand.near(0.4, 1.0, 0.035),
                   hand.near(0.24, 0.8, 0.06), hand.near(0.44, 0.54, 0.05))
    return [join(swing, line(last(swing), hand.near(0.84, 0.06, 0.08)))]


def stacked_eight(hand):
    """An eight of two ovals, one on the other."""
    waist = hand.between(0.36, 0.56)
    start = hand.between(5, 7)
    upper = arc(point(hand.between(0.46, 0.56), waist / 2), hand.between(0.18, 0.32), waist / 2,
                start, start + 12.4)
    lower = arc(point(hand.between(0.46, 0.54), (1 + waist) / 2), hand.between(0.2, 0.38),
                (1 - waist) / 2, hand.between(-1, 1), hand.between(11.6, 13))
    return [join(upper, lower)]


# --- 9 ------------------------------------------------------------------------------------------

def _head(hand):
    """The round head of a nine, begun on the right and closed there."""
    start = hand.between(1.5, 3)
    height = hand.between(0.2, 0.29)
    return arc(point(hand.between(0.42, 0.5), height), hand.between(0.24, 0.36), height,
               start, start - hand.between(10.5, 12.5))


def straight_nine(hand):
    """A nine with a straight stem, upright or sloping."""
    head = _head(hand)
    shoulder = hand.near(0.78, 0.12, 0.05)
    return [join(head, line(shoulder, hand.near(0.66, 1.0, 0.1)))]


def curved_nine(hand):
    """A nine whose stem bends to the left at its foot."""
    head = _head(hand)
    tail = bezier(hand.near(0.78, 0.14, 0.035), hand.near(0.84, 0.6, 0.06),
                  hand.near(0.74, 1.0, 0.06), hand.near(0.22, 0.96, 0.11))
    return [join(head, tail)]


def sloping_nine(hand):
    """A nine in one swing: the head closes at the top right and the stem falls from there."""
    return [smooth(hand.near(0.74, 0.1, 0.05), hand.near(0.42, 0.02, 0.035),
                   hand.near(0.16, 0.26, 0.05), hand.near(0.4, 0.46, 0.05),
                   hand.near(0.72, 0.22, 0.05), hand.near(0.68, 0.6, 0.05),
                   hand.near(0.56, 1.0, 0.08))]


# How often each style is used, by digit; the numbers of a digit are relative to one another.
STYLES = {
    0: {oval: 1, hasty_zero: 1},
    1: {stick: 7, flagged_one: 1, footed_one: 1},
    2: {cornered_two: 2, waved_two: 2, looped_two: 3},
    3: {round_three: 5, flat_three: 1, curled_three: 1},
    4: {open_four: 3, cupped_four: 3, closed_four: 2},
    5: {capped_five: 3, drawn_five: 3, snake_five: 2},
    6: {round_six: 4, straight_six: 2, upright_six: 1},
    7: {plain_seven: 3, hooked_seven: 2, round_seven: 2, barred_seven: 2},
    8: {crossed_eight: 4, swung_eight: 3, stacked_eight: 1},
    9: {straight_nine: 3, curved_nine: 2, sloping_nine: 3},
}
