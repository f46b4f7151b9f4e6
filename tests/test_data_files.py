"""Files are found, checked, fetched and kept, and a wrong one is never taken for a right one.

No network is used: the one function that downloads is replaced by a fake, or asks a server that
runs in this process.
"""

import contextlib
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinyconv import data
from tinyconv.data import catalogue, files, mirrors
from tinyconv.data.catalogue import CIFAR10, MNIST, PUBLISHED, Member, Package
from tinyconv.data.errors import ChecksumError, DataError, DownloadError, FormatError


@contextlib.contextmanager
def files_of_at_most(size):
    """Within it no file can grow beyond so many bytes, as on a disk that is nearly full."""
    resource = pytest.importorskip("resource", reason="only POSIX limits the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


def tar(contents):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def mini_mnist():
    """MNIST with 20 and 10 images: the Published record and its .gz files."""
    rng = np.random.default_rng(0)
    plain = {}
    for n, (images, labels) in zip((20, 10), (MNIST.train, MNIST.test)):
        plain[images] = idx(rng.integers(0, 256, (n, 28, 28), dtype=np.uint8))
        plain[labels] = idx((np.arange(n) % 10).astype(np.uint8))
    packed = {name + ".gz": gzip.compress(content, mtime=0) for name, content in plain.items()}
    packages = tuple(
        Package(name + ".gz", sha256(packed[name + ".gz"]),
                (Member(name, len(content), sha256(content)),), MNIST.packages[0].mirrors)
        for name, content in plain.items())
    return replace(MNIST, packages=packages, counts=(20, 10)), plain, packed


def mini_cifar():
    """CIFAR-10 with 5 images a file: the Published record, its .bin files and its .tar.gz."""
    rng = np.random.default_rng(1)
    plain = {}
    for member in CIFAR10.packages[0].members:
        records = rng.integers(0, 256, (5, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(5)
        plain[member.name] = records.tobytes()
    packed = gzip.compress(tar(plain), mtime=0)
    members = tuple(Member(name, len(c), sha256(c)) for name, c in plain.items())
    package = Package("cifar-10-binary.tar.gz", sha256(packed), members,
                      CIFAR10.packages[0].mirrors)
    return replace(CIFAR10, packages=(package,), counts=(25, 5)), plain, packed


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty cache and data folder, small sets under the real names, and a dead network."""
    monkeypatch.setattr(files, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("TINYCONV_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    monkeypatch.setitem(PUBLISHED, "mnist", mini_mnist()[0])
    monkeypatch.setitem(PUBLISHED, "cifar10", mini_cifar()[0])

    def no_network(url, path, package):
        raise ConnectionError("no network")

    monkeypatch.setattr(mirrors, "_retrieve", no_network)
    return tmp_path


def put(folder, contents):
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


# ---- finding -------------------------------------------------------------------------------------

@pytest.mark.parametrize("layout", ["data/mnist", "data/MNIST/raw", "cache/mnist"])
@pytest.mark.parametrize("packed", [True, False])
def test_mnist_is_found_gzipped_or_plain_in_the_usual_places(home, layout, packed):
    _, plain, gz = mini_mnist()
    put(home / layout, gz if packed else plain)
    train, test = data.load_both("mnist")
    assert (len(train), len(test)) == (20, 10) and train.shape == (1, 28, 28)
    assert train.images.tobytes() == plain["train-images-idx3-ubyte"][16:]
    assert len(files.where("mnist")) == 4
    assert [report.status for report in files.verify("mnist")] == ["ok"] * 4


@pytest.mark.parametrize("layout", ["archive", "repacked", "files", "files in folder"])
def test_cifar_is_found_as_an_archive_repacked_or_unpacked(home, layout):
    _, plain, packed = mini_cifar()
    folder = home / "data" / "cifar-10"
    if layout == "archive":
        put(folder, {"cifar-10-binary.tar.gz": packed})
    elif layout == "repacked":
        put(folder, {"cifar-10-binary.tar.xz": lzma.compress(tar(plain))})
    else:
        put(home / "data" if layout == "files" else folder, plain)
    train, test = data.load_both("cifar10")
    assert (len(train), len(test)) == (25, 5) and train.shape == (3, 32, 32)
    assert train.images[7].tobytes() == plain["cifar-10-batches-bin/data_batch_2.bin"][6147:9219]
    assert train.labels.tolist() == [0, 1, 2, 3, 4] * 5
    assert {report.status for report in files.verify("cifar10")} == {"ok"}


def test_what_an_archive_held_is_kept_so_that_it_is_unpacked_only_once(home, monkeypatch):
    put(home / "data/cifar-10", {"cifar-10-binary.tar.gz": mini_cifar()[2]})
    first = data.load("cifar10")
    monkeypatch.setattr(files, "read_archive", lambda *_: pytest.fail("unpacked again"))
    np.testing.assert_array_equal(data.load("cifar10").images, first.images)
    data.load("cifar10", "test")


def test_an_altered_kept_copy_is_noticed_and_replaced(home):
    put(home / "data/cifar-10", {"cifar-10-binary.tar.gz": mini_cifar()[2]})
    first = data.load("cifar10")
    kept = home / "cache/cifar-10/cifar-10-batches-bin/data_batch_3.bin"
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    np.testing.assert_array_equal(data.load("cifar10").images, first.images)
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_only_costs_time(home):
    put(home / "data/cifar-10", {"cifar-10-binary.tar.gz": mini_cifar()[2]})
    (home / "cache").write_text("a file where the folder should be")
    assert len(data.load("cifar10")) == 25


def test_a_data_folder_that_does_not_exist_is_named(home, monkeypatch):
    monkeypatch.setenv("TINYCONV_DATA", "/no/such/folder")
    with pytest.raises(DataError, match="TINYCONV_DATA is '/no/such/folder', which is not a fol"):
        data.load("mnist")


# ---- checking ------------------------------------------------------------------------------------

def test_a_file_that_is_much_too_long_is_refused_before_it_is_read(home, monkeypatch):
    put(home / "data/mnist", mini_mnist()[2])
    with open(home / "data/mnist/train-labels-idx1-ubyte.gz", "r+b") as file:
        file.truncate(10 ** 13)                             # a hole: it takes no room on the disk
    with pytest.raises(FormatError, match="has 10,000,000,000,000 bytes, expected at most 1,048,"):
        data.load("mnist")


@pytest.mark.parametrize("packed", [True, False])
def test_an_altered_file_of_the_users_is_named_with_both_checksums(home, packed):
    _, plain, gz = mini_mnist()
    put(home / "data/mnist", gz if packed else plain)
    name = "train-images-idx3-ubyte" + (".gz" if packed else "")
    path = home / "data/mnist" / name
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    with pytest.raises(ChecksumError) as caught:
        data.load("mnist")
    expected = sha256((gz if packed else plain)[name])
    for part in (str(path), sha256(content), expected):
        assert part in str(caught.value)
    reports = {report.path.name: report for report in files.verify("mnist")}
    assert reports[name].status == "altered" and expected in reports[name].detail
    assert sum(report.status == "ok" for report in reports.values()) == 3


def test_every_truncation_of_a_file_is_refused(home):
    _, plain, gz = mini_mnist()
    put(home / "data/mnist", gz)
    labels = home / "data/mnist/train-labels-idx1-ubyte.gz"
    whole = labels.read_bytes()
    for length in range(len(whole)):
        labels.write_bytes(whole[:length])
        with pytest.raises((ChecksumError, FormatError), match="train-labels-idx1-ubyte.gz"):
            data.load("mnist")


def test_a_member_altered_inside_a_repacked_archive_is_named(home):
    _, plain, _ = mini_cifar()
    name = "cifar-10-batches-bin/data_batch_4.bin"
    altered = plain | {name: plain[name][:-1] + bytes([plain[name][-1] ^ 1])}
    put(home / "data/cifar-10", {"cifar-10-binary.tar.xz": lzma.compress(tar(altered))})
    with pytest.raises(ChecksumError, match=r"cifar-10-binary.tar.xz \(.*data_batch_4.bin inside"):
        data.load("cifar10")


def test_a_file_that_the_system_will_not_read_is_not_called_altered(home, monkeypatch):
    put(home / "data/mnist", mini_mnist()[2])

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(files, "_sha256", refuse)
    assert {(r.status, r.detail) for r in files.verify("mnist")} == {
        ("unreadable", "Permission denied")}
    with pytest.raises(PermissionError, match="train-images-idx3-ubyte.gz"):
        data.load("mnist")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_and_a_cache_that_are_read_only_are_read(home):
    put(home / "data/cifar-10", {"cifar-10-binary.tar.gz": mini_cifar()[2]})
    (home / "cache").mkdir(mode=0o500)
    for folder in (home / "data/cifar-10", home / "data"):
        folder.chmod(0o500)
    try:
        assert len(data.load("cifar10")) == 25
        with pytest.raises(DownloadError, match="cannot write to .*cache.*Permission denied"):
            data.load("mnist")
    finally:
        for folder in (home / "data", home / "data/cifar-10"):
            folder.chmod(0o700)


def test_a_disk_without_room_to_keep_what_was_unpacked_only_costs_time(home):
    put(home / "data/cifar-10", {"cifar-10-binary.tar.gz": mini_cifar()[2]})
    with files_of_at_most(5000):                            # less than one member
        assert len(data.load("cifar10")) == 25
    assert not any(path.is_file() for path in (home / "cache").rglob("*"))


def test_missing_files_are_reported_as_missing(home):
    reports = files.verify("mnist")
    assert [report.status for report in reports] == ["missing"] * 4
    assert reports[0].path == home / "cache/mnist/train-images-idx3-ubyte.gz"
    assert files.where("mnist") == []


def test_the_embedded_digits_need_no_files(home):
    assert files.fetch("digits") == files.where("digits") == files.verify("digits") == []


# ---- fetching ------------------------------------------------------------------------------------

def test_mirrors_are_tried_in_turn_whatever_goes_wrong(home, monkeypatch):
    _, _, gz = mini_mnist()
    asked = []
    failures = iter([OSError("403 Forbidden"), ValueError("sha256"), EOFError(), KeyError()])

    def fake(url, path, package):
        asked.append(url)
        error = next(failures, None) if "fgnt" not in url else None
        if error:
            raise error
        path.write_bytes(gz[path.name])
        return path

    monkeypatch.setattr(mirrors, "_retrieve", fake)
    assert len(data.load("mnist")) == 20
    first, second, third = MNIST.packages[0].mirrors
    images, labels = (name + ".gz" for name in MNIST.train)
    assert asked == [first + images, second + images, third + images,
                     first + labels, second + labels, third + labels]
    asked.clear()
    assert len(data.load("mnist")) == 20 and not asked      # second time it is here


def test_when_no_mirror_helps_each_is_listed_with_its_reason_and_what_to_do(home):
    with pytest.raises(DownloadError) as caught:
        data.load("mnist")
    for mirror in MNIST.packages[0].mirrors:
        assert f"{mirror}: ConnectionError: no network" in str(caught.value)
    assert "TINYCONV_DATA" in str(caught.value)


def test_an_altered_download_in_the_cache_is_fetched_anew(home, monkeypatch):
    _, _, gz = mini_mnist()
    put(home / "cache/mnist", gz)
    broken = home / "cache/mnist/train-images-idx3-ubyte.gz"
    broken.write_bytes(gz[broken.name][:1000])              # half a download

    def fake(url, path, package):
        path.write_bytes(gz[path.name])
        return path

    monkeypatch.setattr(mirrors, "_retrieve", fake)
    assert len(data.load("mnist")) == 20
    assert broken.read_bytes() == gz[broken.name]


def test_a_mirror_that_gives_other_content_is_not_believed(home, monkeypatch):
    monkeypatch.setattr(mirrors, "_retrieve",
                        lambda url, path, package: path.write_bytes(b"?") and path)
    with pytest.raises(ChecksumError, match="train-images-idx3-ubyte.gz: altered or incomplete"):
        data.load("mnist")


def test_a_user_without_a_home_can_read_and_is_told_what_to_do_before_fetching(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setattr(files, "cache_folder", lambda: Path("~/.cache/tinyconv/data"))
    put(home / "data/cifar-10", {"cifar-10-binary.tar.gz": mini_cifar()[2]})
    assert len(data.load("cifar10")) == 25
    with pytest.raises(DownloadError, match="there is no home folder to keep train-images.*HOME"):
        data.load("mnist")
    assert not (home / "~").exists()


def test_an_unwritable_cache_is_named_with_the_way_out(home):
    (home / "cache").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="cannot write to .*cache/mnist .*TINYCONV_DATA"):
        files.fetch("mnist")


def test_two_that_fetch_at_once_both_get_whole_files(home, monkeypatch):
    put(home / "data/cifar-10", {"cifar-10-binary.tar.gz": mini_cifar()[2]})
    lengths = []
    threads = [threading.Thread(target=lambda: lengths.append(len(data.load("cifar10"))))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lengths == [25] * 4
    assert not list((home / "cache").rglob("*.part"))


# ---- the catalogue -------------------------------------------------------------------------------

def test_every_mirror_is_https_and_every_set_has_several():
    for known in (MNIST, CIFAR10, catalogue.FASHION_MNIST, catalogue.CIFAR100):
        for package in known.packages:
            assert len(package.mirrors) >= 2
            assert all(m.startswith("https://") and m.endswith("/") for m in package.mirrors)
            for checksum in (package.sha256, *(member.sha256 for member in package.members)):
                assert len(bytes.fromhex(checksum)) == 32
        assert set(known.train) | set(known.test) == set(known.members)


def real_folder(name):
    folder = os.environ.get("TINYCONV_DATA", "")
    if not folder or not (Path(folder) / name).is_dir():
        pytest.skip(f"needs the real {name} under $TINYCONV_DATA")


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
def test_the_real_sets_are_whole_and_have_the_stated_statistics(name):
    known = PUBLISHED[name]
    real_folder(known.folders[0])
    train, test = data.load_both(name)
    assert (len(train), len(test)) == known.counts and train.shape == known.shape
    assert (np.bincount(test.labels) > 800).all()
    mean, std = data.statistics(train.images)
    np.testing.assert_allclose((train.mean, train.std), (mean, std), atol=2e-6)
