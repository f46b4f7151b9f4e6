"""Reading what an https address holds, with an end to the time and to the bytes it may take.

Python's own limit is for the silence between two bytes: a server that sends one byte of its headers
every few seconds, or a redirection with a text that never ends, would hold a program for ever.
"""
import io
import time
from functools import partial

SILENCE = 30                           # seconds that a server may be silent
PATIENCE = 60                          # seconds after which it must have been fast enough
SLOWEST = 4096                         # bytes of the file per second, on average, that are enough
HEADERS = 1 << 20                      # bytes beside the file


class Allowance:
    """What is left of the time and of the bytes for one file of at most `limit` bytes.

    All that happens on the way counts: connecting, headers, redirections. Only the bytes of the
    file itself, which the reader adds to `content`, make the time longer.
    """

    def __init__(self, limit):
        self.limit, self.content, self._received, self._start = limit, 0, 0, None

    def seconds(self):
        """For how long the next byte may be waited for; TimeoutError if that is over."""
        now = time.monotonic()
        if self._start is None:                  # connecting begins
            self._start = now
        gone = now - self._start
        left = max(PATIENCE, self.content / SLOWEST) - gone
        if left <= 0:
            raise TimeoutError(f"sent {self.content:,} bytes in {gone:.0f} s")
        return min(SILENCE, left)

    def receive(self, count):
        """Note so many bytes; ValueError if there are too many."""
        self._received += count
        if self._received > self.limit + HEADERS:
            raise ValueError(f"sends more than {self.limit:,} bytes")


class _Stream(io.RawIOBase):
    """What comes from a socket, as far as an Allowance goes."""

    def __init__(self, raw, socket, allowance):
        self._raw, self._socket, self._allowance = raw, socket, allowance

    def readable(self):
        return True

    def readinto(self, buffer):
        self._socket.settimeout(self._allowance.seconds())
        try:
            count = self._raw.readinto(buffer)
        except TimeoutError:
            self._allowance.seconds()            # says how much came, if it is over
            raise
        self._allowance.receive(count or 0)
        return count

    def close(self):
        self._raw.close()
        super().close()


def opener(allowance):
    """What opens https addresses and no others: a redirection to http fails, too."""
    import ssl
    from urllib import request

    import certifi
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())      # where the system brings no certificates
    opener = request.OpenerDirector()
    for handler in (request.ProxyHandler(),
                    patient(request.HTTPSHandler(context=context), allowance),
                    request.HTTPRedirectHandler(), request.HTTPDefaultErrorHandler(),
                    request.HTTPErrorProcessor(), request.UnknownHandler()):
        opener.add_handler(handler)
    opener.addheaders = [("User-Agent", "tinyconv")]    # some hosts turn Python's own away
    return opener


def patient(handler, allowance):
    """A handler of urllib that opens addresses, bound to an Allowance."""
    handler.do_open = partial(_open, handler.do_open, allowance)
    return handler


def _open(do_open, allowance, connection, asked, **options):
    """`do_open` of urllib's handlers, with connections whose answers are read from a `_Stream`."""
    def connected(*args, **more):
        made = connection(*args, **more)
        made.response_class = partial(_answer, made.response_class, allowance)
        return made
    asked.timeout = allowance.seconds()
    return do_open(connected, asked, **options)


def _answer(response, allowance, socket, **options):
    answer = response(socket, **options)
    answer.fp = io.BufferedReader(_Stream(answer.fp.detach(), socket, allowance))
    return answer
