"""Weights in and out: whole files or none, other tools can read them, every mismatch is named."""
import errno
import json
import os
import stat
import struct

import numpy as np
import pytest

from tinyconv import checkpoint, models, nn, random
from tinyconv.atomic import write_atomically
from tinyconv.checkpoint import CheckpointError, load_weights, save_weights


@pytest.fixture
def model():
    random.manual_seed(0)
    return models.create("lenet5")


def other():
    random.manual_seed(1)
    return models.create("lenet5")


def values(model):
    return {name: t.data.copy() for name, t in model.state_dict().items()}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name], b[name])


def test_weights_come_back_with_their_bits_and_their_metadata(model, tmp_path):
    save_weights(model, tmp_path / "w.safetensors", {"epoch": 3})
    fresh = other()
    assert load_weights(fresh, tmp_path / "w.safetensors") == {"epoch": "3"}
    assert_same(values(model), values(fresh))


def test_the_same_weights_make_the_same_file(model, tmp_path):
    metadata = {name: name for name in "abcdefghij"}
    files = []
    for i in range(5):
        save_weights(model, tmp_path / f"{i}", metadata)
        files.append((tmp_path / f"{i}").read_bytes())
        assert checkpoint.read_weights(tmp_path / f"{i}")[1] == metadata
    assert len(set(files)) == 1


def test_buffers_and_numbers_without_dimensions_come_back_too(tmp_path):
    a, b = (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)) for _ in range(2))
    a[1].running_mean[...] = [1, 2, 3, 4]
    save_weights(a, tmp_path / "w")
    load_weights(b, tmp_path / "w")
    assert_same(values(a), values(b))


def test_an_array_in_another_memory_layout_is_written_in_the_right_order(model, tmp_path):
    weight = model.conv2.weight
    expected = weight.data.copy()
    weight.data = np.asfortranarray(weight.data)
    save_weights(model, tmp_path / "w")
    arrays, _ = checkpoint.read_weights(tmp_path / "w")
    np.testing.assert_array_equal(arrays["conv2.weight"], expected)


@pytest.mark.torch
def test_other_tools_read_the_file(model, tmp_path):
    pytest.importorskip("torch")
    from safetensors.torch import load_file
    save_weights(model, tmp_path / "w.safetensors")
    theirs = load_file(tmp_path / "w.safetensors")
    assert_same(values(model), {name: t.numpy() for name, t in theirs.items()})


def test_every_mismatch_is_listed_and_the_model_unchanged(model, tmp_path):
    from safetensors.numpy import save_file
    arrays = values(model)
    arrays["surplus"] = np.zeros(2, np.float32)
    del arrays["fc1.bias"]
    arrays["conv1.weight"] = np.zeros((6, 3, 5, 5), np.float32)
    save_file(arrays, tmp_path / "w")
    before = values(model)
    with pytest.raises(CheckpointError) as caught:
        load_weights(model, tmp_path / "w")
    for part in (str(tmp_path / "w"), "surplus", "fc1.bias", "conv1.weight", "(6, 3, 5, 5)"):
        assert part in str(caught.value)
    assert_same(values(model), before)


def header_of(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize("content", [
    b"", b"\x00" * 7, b"not a file of weights at all", struct.pack("<Q", 2**60) + b"{}",
    header_of(b"{"),
    header_of({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"1234"),
    header_of({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
    header_of({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
               "b": {"dtype": "F32", "shape": [1], "data_offsets": [2, 6]}}, b"123456"),
    header_of({"w": {"dtype": "X9", "shape": [1], "data_offsets": [0, 1]}}, b"1"),
    header_of({"w": {"dtype": "F8", "shape": [1], "data_offsets": [0, 1]}}, b"1")])
def test_a_damaged_file_is_refused(model, tmp_path, content):
    (tmp_path / "w").write_bytes(content)
    before = values(model)
    with pytest.raises(CheckpointError):
        load_weights(model, tmp_path / "w")
    assert_same(values(model), before)


def test_every_truncation_of_a_file_is_refused(tmp_path):
    small = nn.Linear(2, 3)
    save_weights(small, tmp_path / "w")
    whole = (tmp_path / "w").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "w").write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            load_weights(small, tmp_path / "w")


def test_a_missing_file_is_named(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_weights(model, tmp_path / "nowhere")


def test_a_missing_folder_is_named_and_not_the_temporary_file(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="cannot write 'w.safetensors'") as error:
        save_weights(model, tmp_path / "nowhere" / "w.safetensors")
    assert error.value.filename == str(tmp_path / "nowhere") and ".part" not in str(error.value)


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, call):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*args):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(call, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_cannot_be_forced_to_the_disk_does_not_stop_a_run(tmp_path, monkeypatch):
    """As on some network drives; the file itself was."""
    def fsync(handle, fsync=os.fsync):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(handle)
    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new" and os.listdir(tmp_path) == ["file"]


def test_a_written_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode
