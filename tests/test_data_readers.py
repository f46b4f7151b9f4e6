"""A file of data is read whole or refused with one clear error; nothing in between."""

import contextlib
import gzip
import io
import lzma
import struct
import tarfile
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tinyconv.data import FormatError
from tinyconv.data.readers import read_archive, read_cifar, read_idx, read_plain, unpack

IDX_CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D,
             "float64": 0x0E}


def idx_bytes(array):
    """The IDX file of an array, written independently of the reader."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, IDX_CODES[array.dtype.name], array.ndim,
                         *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def tar_bytes(files):
    """A plain tar archive of the given name → bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


SMALL = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


# ---- IDX -----------------------------------------------------------------------------------------

@given(st.sampled_from(sorted(IDX_CODES)), st.lists(st.integers(1, 4), min_size=1, max_size=4),
       st.integers(0, 2 ** 32 - 1))
@settings(deadline=None)
def test_what_was_written_as_idx_is_read_back(dtype, shape, seed):
    array = np.random.default_rng(seed).integers(-100, 100, shape).astype(dtype)
    back = read_idx(idx_bytes(array))
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype and back.dtype.isnative


def test_every_truncation_of_an_idx_file_is_refused():
    whole = idx_bytes(SMALL)
    for length in range(len(whole)):
        with pytest.raises(FormatError):
            read_idx(whole[:length])


def test_an_idx_file_with_a_byte_too_many_is_refused_and_both_lengths_are_named():
    with pytest.raises(FormatError, match=r"digits: .*\(2, 3, 4\) has 40 bytes, this one has 41"):
        read_idx(idx_bytes(SMALL) + b"\0", "digits")


def test_a_bit_flipped_in_an_idx_header_is_refused_or_still_names_the_same_bytes():
    whole = idx_bytes(SMALL)
    for bit in range(8 * 16):
        altered = bytearray(whole)
        altered[bit // 8] ^= 1 << bit % 8
        try:
            array = read_idx(bytes(altered))
        except FormatError:
            continue
        assert array.nbytes == SMALL.nbytes                 # e.g. int8 instead of uint8


def test_an_idx_header_that_promises_exabytes_is_refused_without_allocating_them():
    hostile = struct.pack(">BBBB3I", 0, 0, 8, 3, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1)
    with pytest.raises(FormatError, match="has 79,"):
        read_idx(hostile)


@pytest.mark.parametrize("rank", [0, 9, 65, 255])
def test_an_idx_file_of_too_many_dimensions_is_refused(rank):
    hostile = bytes([0, 0, 8, rank]) + b"\0\0\0\1" * rank + b"!"      # all of them 1: one byte
    with pytest.raises(FormatError, match=f"IDX file of {rank} dimensions, expected 1…8"):
        read_idx(hostile)


@given(st.binary(max_size=80))
@settings(deadline=None)
def test_arbitrary_bytes_are_an_array_or_a_format_error(content):
    for read in (read_idx, read_cifar):
        try:
            read(content)
        except FormatError:
            pass


# ---- CIFAR ---------------------------------------------------------------------------------------

def cifar_bytes(images, *label_columns):
    planes = images.reshape(len(images), -1)
    return np.concatenate([np.stack(label_columns, 1).astype(np.uint8), planes], 1).tobytes()


@given(st.integers(1, 5), st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_cifar_records_are_read_back_for_both_layouts(n, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)
    fine, coarse = rng.integers(0, 10, n), rng.integers(0, 10, n)
    for content, width in ((cifar_bytes(images, fine), 1), (cifar_bytes(images, coarse, fine), 2)):
        back, labels = read_cifar(content, label_bytes=width)
        np.testing.assert_array_equal(back, images)
        np.testing.assert_array_equal(labels, fine)
        assert back.transpose(0, 2, 3, 1).flags.c_contiguous and labels.dtype == np.int64


def test_a_cifar_label_out_of_range_is_named():
    images = np.zeros((3, 3, 32, 32), np.uint8)
    with pytest.raises(FormatError, match=r"record 1 has the label 10, expected 0…9 \(2 such"):
        read_cifar(cifar_bytes(images, [0, 10, 255]))


def test_a_cifar_file_that_ends_inside_a_record_is_refused():
    content = cifar_bytes(np.zeros((2, 3, 32, 32), np.uint8), [1, 2])
    for length in (0, 1, 3072, 3074, len(content) - 1, len(content) + 1):
        with pytest.raises(FormatError, match="records have 3073 bytes"):
            read_cifar((content + b"\0")[:length])


# ---- gzip, xz, tar -------------------------------------------------------------------------------

def hostile_gzip(content):
    whole = gzip.compress(content)
    yield from ((f"cut at {n}", whole[:n]) for n in range(len(whole)))
    yield "zero padding", whole + bytes(512)
    yield "a second stream", whole + gzip.compress(b"more")
    yield "an empty second stream", whole + gzip.compress(b"")
    yield "a flipped bit in the data", whole[:14] + bytes([whole[14] ^ 1]) + whole[15:]
    yield "a wrong checksum", whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:]
    yield "too long", gzip.compress(content + b"!")
    yield "too short", gzip.compress(content[:-1])
    yield "a bomb", gzip.compress(bytes(10 ** 7))


def test_a_damaged_gzip_file_is_refused_however_it_was_damaged(tmp_path):
    content = bytes(range(256))
    path = tmp_path / "file.gz"
    for what, packed in hostile_gzip(content):
        path.write_bytes(packed)
        with pytest.raises(FormatError, match="file.gz"):
            unpack(path, len(content))
            pytest.fail(f"{what} was taken for a whole file")
    path.write_bytes(gzip.compress(content))
    assert unpack(path, len(content)) == content


def test_a_plain_file_must_have_its_exact_length(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(b"12345")
    assert read_plain(path, 5) == b"12345"
    with pytest.raises(FormatError, match="labels: has 5 bytes, expected 6"):
        read_plain(path, 6)
    with pytest.raises(FormatError, match="labels: has more than 4 bytes, expected 4"):
        read_plain(path, 4)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_members_are_read_from_an_archive_and_nothing_is_written(tmp_path, pack):
    files = {"set/a.bin": b"a" * 1000, "../evil": b"x", "set/readme": b"?", "set/b.bin": b"b" * 70}
    path = tmp_path / "set.tar.gz"
    path.write_bytes(pack(tar_bytes(files)))
    wanted = {"set/a.bin": 1000, "set/b.bin": 70}
    assert read_archive(path, wanted) == {name: files[name] for name in wanted}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("what, files, wanted, complaint", [
    ("a missing member", {"a": b"1"}, {"a": 1, "b": 1}, "lacks b"),
    ("a member of another size", {"a": b"12"}, {"a": 1}, "a is there twice or has 2 bytes"),
    ("more than any such archive holds", {"z": bytes(3 << 20), "a": b"1"}, {"a": 1}, "more bytes"),
])
def test_an_archive_with_other_content_is_refused(tmp_path, what, files, wanted, complaint):
    path = tmp_path / "set.tar.gz"
    path.write_bytes(gzip.compress(tar_bytes(files)))
    with pytest.raises(FormatError, match=complaint):
        read_archive(path, wanted)


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_a_mutated_archive_gives_the_right_members_or_a_format_error(tmp_path_factory, data):
    plain = bytearray(tar_bytes({"a": b"1" * 600, "b": b"2" * 10}))
    for _ in range(data.draw(st.integers(1, 4))):
        plain[data.draw(st.integers(0, 2560))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "mutated.tar.gz"
    path.write_bytes(gzip.compress(bytes(plain), 1))
    try:
        found = read_archive(path, {"a": 600, "b": 10})
    except FormatError:
        return
    assert {name: len(content) for name, content in found.items()} == {"a": 600, "b": 10}


def tar_header(name, size, kind=b"0"):
    """A tar header of 512 bytes whose size is a base-256 number: it may be huge, or below 0."""
    header = bytearray(512)
    header[:len(name)] = name
    header[124:136] = size.to_bytes(12, "big", signed=True)
    header[124] |= 0x80
    header[156:157] = kind
    header[257:265] = b"ustar  \0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize("size", [2 ** 80, 2 ** 40, 10 ** 9, -1, -512, -2 ** 60])
@pytest.mark.parametrize("kind", [b"0", b"x", b"g", b"L", b"S", b"5"])
def test_a_tar_header_that_promises_more_than_there_is_does_not_hang(tmp_path, size, kind):
    path = tmp_path / "set.tar.gz"
    for name in (b"other", b"a"):
        for after in (b"", tar_bytes({"a": b"1"})):
            path.write_bytes(gzip.compress(tar_header(name, size, kind) + after))
            start = time.process_time()
            with contextlib.suppress(FormatError):          # a folder of that size is passed over
                assert read_archive(path, {"a": 1}) == {"a": b"1"}
            assert time.process_time() - start < 1


def test_an_archive_may_lack_the_blocks_of_zeros_at_its_end(tmp_path):
    path = tmp_path / "set.tar.gz"
    path.write_bytes(gzip.compress(tar_bytes({"a": b"1"})[:1024]))
    assert read_archive(path, {"a": 1}) == {"a": b"1"}
