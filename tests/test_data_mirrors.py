"""A download is the right file or none: whatever a mirror sends, however often, and in any room.

The mirrors are a server in this process.  It speaks http, which users' downloads refuse: the tests
put the one part of urllib that understands it back, except where they show that it is missing.
"""
import contextlib
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
from urllib import request, response

import numpy as np
import pytest
from test_data_files import files_of_at_most

from tinyconv.data import mirrors
from tinyconv.data.catalogue import Member, Package
from tinyconv.data.errors import DownloadError

PLAIN = np.random.default_rng(0).bytes(200_000)
PACKED = gzip.compress(PLAIN, mtime=0)
ROOT = Path(__file__).parents[1]


class Mirror(http.server.BaseHTTPRequestHandler):
    """/WHAT/file.gz: the right file, or what can go wrong with it."""

    protocol_version = "HTTP/1.0"      # what is sent ends with the connection

    def do_GET(self):
        what = self.path.split("/")[1]
        self.server.asked.append(what)
        if what == "closed":
            return
        if what == "silent":
            self.server.over.wait(20)
            return
        length = {"short": len(PACKED), "huge": 10 ** 15, "good": len(PACKED)}.get(what)
        self.send_response({"forbidden": 403, "moved": 302, "circle": 302}.get(what, 200))
        if length:
            self.send_header("Content-Length", str(length))
        if what in ("moved", "circle"):
            self.send_header("Location", {"moved": "/good/file.gz"}.get(what, self.path))
        self.end_headers()
        with contextlib.suppress(ConnectionError):          # the other side has seen enough
            for part in self.parts(what):
                self.wfile.write(part)

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
            self.server.over.wait(20)
        elif what in ("endless", "dripping"):
            while not self.server.over.wait(0 if what == "endless" else 0.01):
                yield bytes(1 << 16 if what == "endless" else 1)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    """A server that notes what it is asked for."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.daemon_threads, server.asked, server.over = True, [], threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


@pytest.fixture
def download(server, tmp_path, monkeypatch):
    """Download the file from the named mirrors into an empty folder; returns (its path, asked)."""
    strict = mirrors._opener

    def lenient():
        opener = strict()
        opener.add_handler(request.HTTPHandler())
        return opener

    monkeypatch.setattr(mirrors, "_opener", lenient)
    monkeypatch.setattr(mirrors, "SILENCE", 0.3)
    monkeypatch.setattr(mirrors, "PATIENCE", 0.3)
    server.asked.clear()

    def run(*names):
        return mirrors.download(package(server, *names), tmp_path), server.asked
    return run


def package(server, *names):
    address = f"http://127.0.0.1:{server.server_port}"
    return Package("file.gz", hashlib.sha256(PACKED).hexdigest(),
                   (Member("file", len(PLAIN), hashlib.sha256(PLAIN).hexdigest()),),
                   tuple(f"{address}/{name}/" for name in names))


BAD = {"forbidden": "403", "closed": "", "silent": "time", "short": "hash", "half": "hash",
       "padded": "hash", "other": "hash", "huge": "offers 1,000,000,000,000,000 bytes",
       "endless": "sends more than 1,248,576 bytes", "dripping": "sent [0-9]+ bytes in",
       "stopped": "time", "circle": "infinite loop"}


@pytest.mark.parametrize("bad", BAD)
def test_whatever_is_wrong_with_a_mirror_the_next_one_is_asked(download, tmp_path, bad):
    path, asked = download(bad, "good", "other")
    assert path.read_bytes() == PACKED
    assert os.listdir(tmp_path) == ["file.gz"]              # and nothing half done
    assert asked[0] == bad and asked[-1] == "good"


def test_when_all_fail_each_is_named_with_its_reason_and_nothing_is_left(download, tmp_path):
    with pytest.raises(DownloadError) as caught:
        download(*BAD)
    lines = str(caught.value).splitlines()
    for (name, reason), line in zip(BAD.items(), lines[1:-1], strict=True):
        assert f"/{name}/: " in line
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
from tinyconv.data import mirrors
from tinyconv.data.catalogue import Member, Package
strict = mirrors._opener
def lenient():
    opener = strict()
    opener.add_handler(request.HTTPHandler())
    return opener
mirrors._opener = lenient
address, sha256, folder = sys.argv[1:]
package = Package("file.gz", sha256, (Member("file", 200_000, ""),), (address,))
mirrors.download(package, Path(folder))
"""


def process(server, name, folder):
    one = package(server, name)
    return subprocess.Popen([sys.executable, "-c", PROCESS, *one.mirrors, one.sha256, folder],
                            env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
                            text=True)


def test_two_processes_fetch_at_once_while_a_third_is_killed(server, tmp_path):
    server.asked.clear()
    killed, *others = [process(server, name, tmp_path) for name in ("stopped", "good", "good")]
    for other in others:
        assert other.wait(120) == 0, other.stderr.read()
    assert (tmp_path / "file.gz").read_bytes() == PACKED
    (tmp_path / "file.gz").unlink()
    limit = time.monotonic() + 120
    while not any(path.stat().st_size == len(PACKED) // 2 for path in tmp_path.iterdir()):
        assert killed.poll() is None and time.monotonic() < limit
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert not (tmp_path / "file.gz").exists()              # half a file never has the name
    for one in (killed, *others):
        one.stderr.close()


# ---- no room -------------------------------------------------------------------------------------

def test_a_full_disk_ends_the_download_at_once_and_nothing_is_left(download, server, tmp_path):
    with files_of_at_most(70_001), pytest.raises(DownloadError) as caught:
        download("good", "good")
    assert "cannot write file.gz in" in str(caught.value) and "make room" in str(caught.value)
    assert server.asked == ["good"]                         # another mirror makes no room
    assert os.listdir(tmp_path) == []
