"""Mutated files of every kind that tinyconv reads, and the judgement of what it makes of them.

Case n of a kind is always the same file: a good sample, altered in one to four places, sometimes
with the checksums put right again, so that the alteration gets past them. What may happen then:

    refused     an error of the one right kind, and nothing changed
    valid       read, and rightly so: the alteration did not matter, or made another valid file

Anything else is a failure, which `judge` returns as a text.
"""
import functools
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import struct
import tarfile
import tempfile
import time
import warnings
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from alterations import alter
from PIL import Image

from tinyconv import checkpoint, data, nn
from tinyconv.data import catalogue, files
from tinyconv.data.readers import read_archive, read_cifar, read_idx, unpack

LIMIT = 1.0                            # seconds of the processor that one file may take
SUM = "tinyconv.sha256"                # what the sums of a checkpoint are called


class Wrong(Exception):
    """A file was read as something that it is not."""


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    samples     good files (bytes)
    read        function of a path and a sample that reads the file and raises Wrong if the result
                is not what the file says
    refuses     the exception that is right for a file that is not
    mend        function of (bytes, random.Random) that puts checksums right, or wraps the content
    head        how many bytes at the beginning are altered more often
    spots       function of a sample: the positions of sizes and kinds, altered more often, too
    """
    samples: tuple
    read: object
    refuses: type
    mend: object = lambda content, rng: content
    head: int = 64
    spots: object = lambda sample: ()


# ---- mutants and their judgement -----------------------------------------------------------------

def mutant(name, number, seed=0):
    """Case `number` of a kind: the file (bytes) and the sample that it was made of."""
    kind, rng = KINDS[name], random.Random(f"{seed} {name} {number}")
    sample = rng.choice(kind().samples)
    content, spots = bytearray(sample), kind().spots(sample)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        alter(content, kind().head, spots, rng)
    return kind().mend(bytes(content), rng), sample


def judge(name, number, path, seed=0):
    """What comes of a case: ("refused", "valid" or what is wrong, seconds of the processor)."""
    kind = KINDS[name]()
    content, sample = mutant(name, number, seed)
    path.write_bytes(content)
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")                  # nothing is to be said beside the error
            kind.read(path, sample)
        outcome = "valid"
    except Wrong as error:
        outcome = f"wrong: {error}"
    except kind.refuses as error:
        outcome = "refused" if str(error).strip() else f"no reason given: {error!r}"
    except Exception as error:
        outcome = f"wrong kind of error: {type(error).__name__}: {error}"
    seconds = time.process_time() - start
    if seconds > LIMIT:
        outcome = f"slow, {seconds:.1f} s: {outcome}"
    return outcome, seconds


def expect(condition, what):
    if not condition:
        raise Wrong(what)


# ---- IDX, CIFAR, compressed files and archives ---------------------------------------------------

def _idx_bytes(array, code):
    return (struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
            + array.astype(array.dtype.newbyteorder(">")).tobytes())


@functools.cache
def idx():
    rng = np.random.default_rng(0)
    codes = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}

    def read(path, sample):
        content = path.read_bytes()
        array = read_idx(content, path.name)
        rest = array.astype(array.dtype.newbyteorder(">")).tobytes()
        sizes = struct.pack(f">{array.ndim}I", *array.shape)
        expect(content[3:] == bytes([array.ndim]) + sizes + rest, "another array than in the file")

    shapes = (7,), (4, 6, 6), (1, 1, 2, 3)
    return Kind(tuple(_idx_bytes(rng.integers(0, 100, shape).astype(dtype), code)
                      for dtype, code in codes.items() for shape in shapes), read, data.FormatError, head=16)


@functools.cache
def cifar():
    rng = np.random.default_rng(1)

    def sample(columns):
        records = rng.integers(0, 256, (3, columns + 3072), dtype=np.uint8)
        records[:, :columns] = rng.integers(0, 10, (3, columns))
        return records.tobytes()

    def read(path, sample):
        content, columns = path.read_bytes(), len(sample) // 3 - 3072
        images, labels = read_cifar(content, path.name, columns)
        expect((labels < 10).all() and (labels >= 0).all(), "a label out of range")
        records = np.concatenate([np.frombuffer(content, np.uint8)[columns - 1::columns + 3072,
                                                                   None],
                                  images.reshape(len(images), -1)], 1)
        rows = np.frombuffer(content, np.uint8).reshape(len(images), -1)[:, columns - 1:]
        expect((records == rows).all(), "other pixels than in the file")
        expect((labels == rows[:, 0]).all(), "other labels than in the file")

    return Kind((sample(1), sample(2)), read, data.FormatError, head=2)


@functools.cache
def compressed():
    plain = np.random.default_rng(2).integers(0, 16, 3000, dtype=np.uint8).tobytes()
    named = io.BytesIO()
    with gzip.GzipFile("name", "wb", 9, named, mtime=1) as file:
        file.write(plain)

    def read(path, sample):
        expect(unpack(path, len(plain)) == plain, "other content")

    return Kind((gzip.compress(plain, 1), gzip.compress(plain, 0, mtime=0), named.getvalue(),
                 lzma.compress(plain), lzma.compress(plain, preset=0, check=lzma.CHECK_SHA256)),
                read, data.FormatError, head=24)


@functools.cache
def archive():
    members = {"set/" + "a" * 120 + ".bin": b"1" * 700, "set/b.bin": b"2" * 40}

    def sample(form):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as file:
            for name, content in {"set/read me": b"?", **members}.items():
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(content), 1.5
                file.addfile(info, io.BytesIO(content))
        end = -(-len(out.getvalue().rstrip(b"\0")) // 512) * 512
        return out.getvalue()[:end + 1024]                  # not all the zeros

    def mend(content, rng):
        content = bytearray(content)
        for at in range(0, len(content) - 511, 512):
            if content[at + 257:at + 262] == b"ustar" and rng.random() < 0.7:
                content[at + 148:at + 156] = b" " * 8
                content[at + 148:at + 156] = b"%06o\0 " % sum(content[at:at + 512])
        packed = gzip.compress(content, 1, mtime=0)
        return packed if rng.random() < 0.9 else packed[:rng.randrange(len(packed))]

    def read(path, sample):
        sizes = {name: len(content) for name, content in members.items()}
        found = {name: len(content) for name, content in read_archive(path, sizes).items()}
        expect(found == sizes, "members of other sizes")

    return Kind((sample(tarfile.PAX_FORMAT), sample(tarfile.GNU_FORMAT)), read, data.FormatError,
                mend, 4096, lambda sample: [
                    header + field for header in range(0, len(sample) - 511, 512)
                    if sample[header + 257:header + 262] == b"ustar"
                    for field in (0, 100, 124, 124, 124, 135, 148, 156, 156, 257, 263, 345, 386)])


# ---- a whole data set, checked by sha256 ---------------------------------------------------------

@functools.cache
def dataset():
    """MNIST with 9 images; whatever is altered in a file is noticed."""
    rng = np.random.default_rng(3)
    plain = dict(zip((*catalogue.MNIST.train, *catalogue.MNIST.test), (
        _idx_bytes(a, 8) for n in (9, 4) for a in (rng.integers(0, 256, (n, 28, 28), np.uint8),
                                                   np.arange(n, dtype=np.uint8)))))
    packed = {name: gzip.compress(content, mtime=0) for name, content in plain.items()}
    known = replace(catalogue.MNIST, packages=tuple(
        catalogue.Package(name + ".gz", hashlib.sha256(packed[name]).hexdigest(), (catalogue.Member(
            name, len(content), hashlib.sha256(content).hexdigest()),), ())
        for name, content in plain.items()))
    samples = {content: name for some in (plain, packed) for name, content in some.items()}

    def read(path, sample):
        folder, content = path.parent / "mnist", path.read_bytes()
        if not folder.is_dir():
            folder.mkdir()
            for name, good in packed.items():
                (folder / f"{name}.gz").write_bytes(good)
        altered = folder / (samples[sample] + ("" if sample in plain.values() else ".gz"))
        altered.write_bytes(content)
        os.environ["TINYCONV_DATA"], before = str(path.parent), os.environ.get("TINYCONV_DATA")
        cache, files.cache_folder = files.cache_folder, lambda: path.parent / "cache"
        catalogue.PUBLISHED["mnist"] = known
        try:
            data.load_both("mnist")
        finally:
            catalogue.PUBLISHED["mnist"], files.cache_folder = catalogue.MNIST, cache
            os.environ.pop("TINYCONV_DATA")
            if before is not None:
                os.environ["TINYCONV_DATA"] = before
            altered.unlink()                                # a plain file is there beside the .gz
            (folder / f"{samples[sample]}.gz").write_bytes(packed[samples[sample]])
        expect(content == sample, "an altered file was taken for the right one")

    return Kind(tuple(samples), read, data.DataError, head=24)


# ---- checkpoints ---------------------------------------------------------------------------------

@functools.cache
def weights():
    """A file of weights: whatever is altered is noticed.

    Unless the sums are made anew, as a hostile author would: then it must fit, or be refused and
    leave the model unchanged.
    """
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    before = {name: np.arange(t.data.size).reshape(t.shape).astype(t.data.dtype)    # not by chance
              for name, t in model.state_dict().items()}
    model.load_state_dict(before)
    sample = _saved(lambda path: checkpoint.save_weights(model, path, {"epoch": "1"}))

    def read(path, sample):
        try:
            checkpoint.load_weights(model, path)
        except checkpoint.CheckpointError:
            expect(all(np.array_equal(t.data, before[name], equal_nan=True)
                       for name, t in model.state_dict().items()), "refused, but the model changed")
            raise
        finally:
            model.load_state_dict(before)
        _expect_sums(path)

    return Kind((sample,), read, checkpoint.CheckpointError, _with_sums_now_and_then,
                head=8 + int.from_bytes(sample[:8], "little"))


@functools.cache
def state():
    """The checkpoint of a run."""
    sample = _saved(lambda path: checkpoint.save_checkpoint(path, {
        "step": 12, "model": {"weight": np.arange(6, dtype=np.float32).reshape(2, 3)},
        "optimizer": [{"lr": 0.1, "momentum": [np.ones(3), None, True]}],
        "generator": {"state": 2 ** 100, "name": "PCG64"}}))

    def read(path, sample):
        found = checkpoint.read_checkpoint(path)
        expect(isinstance(found, dict), f"the state is a {type(found).__name__}")
        _expect_sums(path)

    return Kind((sample,), read, checkpoint.CheckpointError, _with_sums_now_and_then,
                head=8 + int.from_bytes(sample[:8], "little"))


def _saved(save):
    """The content of the file that a function writes."""
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "file")
        return (Path(folder) / "file").read_bytes()


def _expect_sums(path):
    content = path.read_bytes()
    expect(_with_new_sums(content) == content, "an altered file was taken for a whole one")


def _with_sums_now_and_then(content, rng):
    return content if rng.random() < 0.5 else _with_new_sums(content)


def _with_new_sums(content):
    """The file with the length of its header and all its sums put right, as far as they go."""
    text, rest = content[8:], b""
    try:
        header, end = json.JSONDecoder().raw_decode(text.decode("latin-1"))
        text, rest = text[:end], text[end:].lstrip(b" ")
        sums = header["__metadata__"]
        for name, about in header.items():
            if f"{SUM}.{name}" in sums:
                begin, end = about["data_offsets"]
                sums[f"{SUM}.{name}"] = hashlib.sha256(rest[begin:end]).hexdigest()
        sums[SUM] = "0" * 64
        text = json.dumps(header, separators=(",", ":")).encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass                           # it is no longer such a header: the length will do
    text += b" " * (-len(text) % 8)
    head = len(text).to_bytes(8, "little") + text
    return head.replace(b"0" * 64, hashlib.sha256(head).hexdigest().encode(), 1) + rest


# ---- pictures ------------------------------------------------------------------------------------

@functools.cache
def picture():
    pixels = np.random.default_rng(4).integers(0, 256, (9, 12, 4), np.uint8)
    smooth = Image.fromarray(pixels).resize((40, 30))
    rgb, grey = smooth.convert("RGB"), smooth.convert("L")
    exif = Image.Exif()
    exif[0x0112] = 6
    film = {"save_all": True, "append_images": [grey.convert("RGB")]}

    def saved(image, form, **options):
        out = io.BytesIO()
        image.save(out, form, **options)
        return out.getvalue()

    samples = (
        saved(rgb, "PNG"), saved(smooth, "PNG"), saved(grey.convert("1"), "PNG"),
        saved(rgb.quantize(16), "PNG", transparency=3), saved(grey.convert("I;16"), "PNG"),
        saved(rgb, "PNG", exif=exif, **film), saved(rgb, "JPEG"), saved(grey, "JPEG", exif=exif),
        saved(rgb, "JPEG", progressive=True), saved(rgb.convert("CMYK"), "JPEG"),
        saved(rgb, "BMP"), saved(grey, "BMP"), saved(smooth, "BMP"),
        saved(grey.convert("1"), "BMP"),
        saved(rgb, "GIF", **film), saved(grey, "GIF"), saved(rgb, "WEBP"),
        saved(smooth, "WEBP", lossless=True), saved(rgb, "WEBP", **film), saved(rgb, "PPM"),
        saved(grey, "PPM"), saved(grey.convert("I;16"), "PPM"))

    def mend(content, rng):
        return _with_new_crcs(content) if rng.random() < 0.7 else content

    def read(path, sample):
        size, mode = (None, 5, 16)[sample[-1] % 3], ("grey", "rgb")[len(sample) % 2]
        image = data.read_image(path, size, mode)
        expect(image.dtype == np.uint8 and image.ndim == 3, "not an array of bytes")
        expect(image.shape[0] == {"grey": 1, "rgb": 3}[mode], "another number of channels")
        expect(size is None or image.shape[1:] == (size, size), "another size")

    def spots(sample):
        """Where height and width of a JPEG and the first picture of a GIF stand."""
        frame = max(sample.find(b"\xff\xc0"), sample.find(b"\xff\xc2"))
        if sample[:3] == b"GIF":
            frame = sample.find(b",\0\0\0\0")
        return range(frame + 5, frame + 9) if frame >= 0 else ()

    return Kind(samples, read, data.FormatError, mend, 120, spots)


def _with_new_crcs(content):
    """A PNG whose chunks have the right checksums, as far as they can be followed."""
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        return content
    content, at = bytearray(content), 8
    while at + 12 <= len(content):
        end = at + 8 + int.from_bytes(content[at:at + 4], "big")
        if end + 4 > len(content):
            break
        content[end:end + 4] = zlib.crc32(content[at + 4:end]).to_bytes(4, "big")
        at = end + 4
    return bytes(content)


KINDS = {"IDX": idx, "CIFAR": cifar, "gzip and xz": compressed, "tar": archive,
         "data set": dataset, "weights": weights, "checkpoint": state, "picture": picture}
