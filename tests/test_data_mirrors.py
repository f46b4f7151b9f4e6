"""A download is the right file or none: whatever a mirror sends, however often, and in any room.

The mirrors are a server in this process.  It speaks http, which users' downloads refuse: the tests
put the one part of urllib that understands it back, except where they show that it is missing.  And
it has the clock: time goes by only when it is slow.
"""
import contextlib
import errno
import gzip
import hashlib
import http.server
import io
import os
import re
import subprocess
import sys
import threading
import time
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from urllib import request, response

import numpy as np
import pytest
from test_data_files import files_of_at_most

from tinyconv.data import https, mirrors
from tinyconv.data.catalogue import Member, Package
from tinyconv.data.errors import DownloadError
from tinyconv.lock import shared

PLAIN = np.random.default_rng(0).bytes(200_000)
PACKED = gzip.compress(PLAIN, mtime=0)
ROOT = Path(__file__).parents[1]


DRIPS = {"drip status": b"", "drip headers": b"HTTP/1.0 200 OK\r\n",       # what comes before
         "drip redirection": b"HTTP/1.0 302 Found\r\nLocation: /good/file.gz\r\n\r\n"}


class Mirror(http.server.BaseHTTPRequestHandler):
    """/WHAT/file.gz: the right file, or what can go wrong with it."""

    protocol_version = "HTTP/1.0"      # what is sent ends with the connection

    def do_GET(self):
        what = self.path.split("/")[1].replace("%20", " ")
        self.server.asked.append(what)
        if what == "closed":
            return
        if what == "silent":
            self.server.over.wait(20)
            return
        if what in DRIPS:
            with contextlib.suppress(ConnectionError):
                self.drip(DRIPS[what])
            return
        length = {"short": len(PACKED), "huge": 10 ** 15, "good": len(PACKED)}.get(what)
        self.send_response({"forbidden": 403, "moved": 302, "circle": 302,
                            "endless redirection": 302}.get(what, 200))
        if length:
            self.send_header("Content-Length", str(length))
        if what in ("moved", "circle", "endless redirection"):
            self.send_header("Location", "/good/file.gz" if what != "circle" else self.path)
        self.end_headers()
        with contextlib.suppress(ConnectionError):          # the other side has seen enough
            for part in self.parts(what):
                self.wfile.write(part)

    def drip(self, begin):
        """Never an end, and never silence: a byte every 5 s."""
        self.wfile.write(begin)
        while not self.server.over.wait(0.01):
            self.server.now += 5
            self.wfile.write(b"x")

    def parts(self, what):
        if what in ("good", "unmeasured"):
            yield PACKED
        elif what in ("short", "half"):
            yield PACKED[:len(PACKED) // 2]
        elif what == "padded":
            yield PACKED + b"\0"
        elif what == "other":
            yield b"<html>Please log in</html>"
        elif what == "stopped":                             # half of it, and then nothing
            yield PACKED[:len(PACKED) // 2]
            self.server.over.wait()
        elif what in ("endless", "endless redirection", "slow"):
            while not self.server.over.wait(0.01 if what == "slow" else 0):
                self.server.now += 5 * (what == "slow")
                yield bytes(1 if what == "slow" else 1 << 16)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    """A server that notes what it is asked for."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.daemon_threads, server.asked, server.over = True, [], threading.Event()
        server.now = 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


@pytest.fixture
def download(server, tmp_path, monkeypatch):
    """Download the file from the named mirrors into an empty folder; returns (its path, asked)."""
    strict = https.opener

    def lenient(allowance):
        opener = strict(allowance)
        opener.add_handler(https.patient(request.HTTPHandler(), allowance))
        return opener

    monkeypatch.setattr(https, "opener", lenient)
    monkeypatch.setattr(https, "time", SimpleNamespace(monotonic=lambda: server.now))
    monkeypatch.setattr(https, "SILENCE", 2)
    server.asked.clear()

    def run(*names):
        return mirrors.download(package(server, *names), tmp_path), server.asked
    return run


def package(server, *names):
    address = f"http://127.0.0.1:{server.server_port}"
    return Package("file.gz", hashlib.sha256(PACKED).hexdigest(),
                   (Member("file", len(PLAIN), hashlib.sha256(PLAIN).hexdigest()),),
                   tuple(f"{address}/{name.replace(' ', '%20')}/" for name in names))


BAD = {"forbidden": "403", "closed": "", "silent": "timed out", "short": "hash", "half": "hash",
       "padded": "hash", "other": "hash", "huge": "offers 1,000,000,000,000,000 bytes",
       "endless": "sends more than 1,248,576 bytes", "slow": "sent [0-9]+ bytes in [6-9][05] s",
       "stopped": "timed out", "circle": "infinite loop", "drip status": "sent 0 bytes in [6-9][05] s",
       "drip headers": "sent 0 bytes in [6-9][05] s", "drip redirection": "sent 0 bytes in [6-9][05] s",
       "endless redirection": "sends more than 1,248,576 bytes"}


@pytest.mark.parametrize("bad", BAD)
def test_whatever_is_wrong_with_a_mirror_the_next_one_is_asked_soon(download, server, tmp_path,
                                                                      bad):
    begin = server.now
    path, asked = download(bad, "good", "other")
    assert path.read_bytes() == PACKED and server.now - begin <= 100
    assert os.listdir(tmp_path) == ["file.gz"]              # and nothing half done
    assert asked[0] == bad and asked[-1] == "good"


def test_when_all_fail_each_is_named_with_its_reason_and_nothing_is_left(download, tmp_path):
    with pytest.raises(DownloadError) as caught:
        download(*BAD)
    lines = str(caught.value).splitlines()
    for (name, reason), line in zip(BAD.items(), lines[1:-1], strict=True):
        assert f"/{name.replace(' ', '%20')}/: " in line
        assert re.search(reason, line), line
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["good", "unmeasured", "moved"])
def test_a_good_mirror_may_send_no_length_or_be_elsewhere(download, name):
    assert download(name)[0].read_bytes() == PACKED


def test_an_old_half_of_a_file_is_replaced_and_a_whole_one_is_not_fetched_again(download, tmp_path):
    (tmp_path / "file.gz").write_bytes(PACKED[:1000])
    assert download("good")[0].read_bytes() == PACKED
    path, asked = download("good")
    assert asked == ["good"]


# ---- https only ----------------------------------------------------------------------------------

def test_only_https_is_spoken(server, tmp_path):
    server.asked.clear()
    with pytest.raises(DownloadError, match="unknown url type: http"):
        mirrors.download(package(server, "good"), tmp_path)
    local = tmp_path / "folder"
    local.mkdir()
    (local / "file.gz").write_bytes(PACKED)
    for address in (local.as_uri() + "/", "ftp://127.0.0.1/", "data:,"):
        odd = Package("file.gz", "0" * 64, package(server).members, (address,))
        with pytest.raises(DownloadError, match="unknown url type"):
            mirrors.download(odd, tmp_path)
    assert server.asked == []


@pytest.mark.parametrize("kind", ["http", "ftp", "file"])
def test_a_redirection_away_from_https_is_not_followed(server, tmp_path, monkeypatch, kind):
    def redirect(self, asked):
        headers = Message()
        headers["Location"] = f"{kind}://127.0.0.1:{server.server_port}/good/file.gz"
        answer = response.addinfourl(io.BytesIO(), headers, asked.full_url, 302)
        answer.msg = "Found"
        return answer

    monkeypatch.setattr(request.HTTPSHandler, "https_open", redirect)
    server.asked.clear()
    safe = Package("file.gz", "0" * 64, package(server).members, ("https://mirror.example/",))
    with pytest.raises(DownloadError, match="unknown url type|is not allowed"):
        mirrors.download(safe, tmp_path)
    assert server.asked == []


# ---- several at once, and killed -----------------------------------------------------------------

PROCESS = """
import sys
from pathlib import Path
from urllib import request
from tinyconv.data import https, mirrors
from tinyconv.data.catalogue import Member, Package
strict = https.opener
def lenient(allowance):
    opener = strict(allowance)
    opener.add_handler(https.patient(request.HTTPHandler(), allowance))
    return opener
https.opener = lenient
https.SILENCE = https.PATIENCE = 600
address, sha256, folder = sys.argv[1:]
package = Package("file.gz", sha256, (Member("file", 200_000, ""),), (address,))
mirrors.download(package, Path(folder))
"""


def process(server, name, folder):
    one = package(server, name)
    return subprocess.Popen([sys.executable, "-c", PROCESS, *one.mirrors, one.sha256, folder],
                            env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
                            text=True)


def test_two_processes_fetch_at_once_while_a_third_is_killed(download, server, tmp_path):
    killed = process(server, "stopped", tmp_path)
    limit = time.monotonic() + 120
    while not any(path.stat().st_size == len(PACKED) // 2 for path in tmp_path.iterdir()):
        assert killed.poll() is None and time.monotonic() < limit
        time.sleep(0.01)
    others = [process(server, "good", tmp_path) for _ in range(2)]      # begun later: the third …
    for other in others:                                                # … would find their file
        assert other.wait(120) == 0, other.stderr.read()
    assert killed.poll() is None
    assert (tmp_path / "file.gz").read_bytes() == PACKED
    (tmp_path / "file.gz").unlink()
    half = mirrors.unfinished(tmp_path)
    killed.kill()
    killed.wait()
    assert not (tmp_path / "file.gz").exists()              # half a file never has the name
    assert half == list(tmp_path.iterdir())
    download("good")
    assert os.listdir(tmp_path) == ["file.gz"]              # nor does it stay for ever
    for one in (killed, *others):
        one.stderr.close()


@pytest.mark.skipif(os.name != "posix", reason="needs flock")
def test_what_others_are_writing_is_not_taken_for_what_the_dead_have_left(tmp_path):
    left = tmp_path / "tmp0123abcd"
    left.write_bytes(b"half of")
    (tmp_path / ".file.0123abcd.part").write_bytes(b"a third of")
    (tmp_path / "template").write_bytes(b"a file of its own")
    with shared(tmp_path, mirrors.unfinished):
        assert os.listdir(tmp_path) == ["template"]
        left.write_bytes(b"half of")                        # under way here …
        with shared(tmp_path, mirrors.unfinished):
            assert left.exists()                            # … while another begins
        with shared(tmp_path, mirrors.unfinished):
            assert left.exists()
    with shared(tmp_path, mirrors.unfinished):
        assert not left.exists()


def test_where_nothing_can_be_locked_nothing_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tinyconv.lock.fcntl", None)
    (tmp_path / "tmp0123abcd").write_bytes(b"half of")
    with shared(tmp_path, mirrors.unfinished):
        assert os.listdir(tmp_path) == ["tmp0123abcd"]


@pytest.mark.skipif(os.name != "posix", reason="needs flock")
def test_on_a_drive_that_knows_no_locks_files_are_written_all_the_same(tmp_path, monkeypatch):
    def flock(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")
    monkeypatch.setattr("tinyconv.lock.fcntl.flock", flock)
    (tmp_path / "tmp0123abcd").write_bytes(b"half of")
    with shared(tmp_path, mirrors.unfinished):
        assert os.listdir(tmp_path) == ["tmp0123abcd"]


# ---- no room -------------------------------------------------------------------------------------

def test_a_full_disk_ends_the_download_at_once_and_nothing_is_left(download, server, tmp_path):
    with files_of_at_most(70_001), pytest.raises(DownloadError) as caught:
        download("good", "good")
    assert "cannot write file.gz in" in str(caught.value) and "make room" in str(caught.value)
    assert server.asked == ["good"]                         # another mirror makes no room
    assert os.listdir(tmp_path) == []
