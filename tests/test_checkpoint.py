"""Checkpoints: what is written comes back, and whatever was done to a file is found and named."""
import hashlib
import json
import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from tinyconv import nn
from tinyconv.checkpoint import (CheckpointError, Damaged, NewerFormat, load_weights,
                                 read_checkpoint, save_checkpoint, save_weights, series)
from tinyconv.checkpoint.header import DTYPES, LONGEST, parse

STATE = {"step": 12, "name": "Größe", "none": None, "betas": [0.9, 0.999], "deep": [[{"a": True}]],
         "generator": np.random.default_rng(1).bit_generator.state,
         "model": {"fc.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
                   "count": np.array(7), "mask": np.array([True, False]),
                   "empty": np.zeros((0, 3)), "half": np.ones(3, np.float16)}}


def equal(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(a) is type(b) and a == b


@pytest.fixture
def small(tmp_path):
    """A checkpoint of 4 KB, as bytes, and the path it was read from."""
    path = tmp_path / "checkpoint"
    weight = np.random.default_rng(0).normal(size=(27, 29)).astype(np.float32)
    save_checkpoint(path, {"step": 3, "lr": 0.1, "seen": [1, 2], "model": {"weight": weight},
                           "generators": np.random.default_rng(1).bit_generator.state,
                           "optimizer": {"momentum": weight[0]}})
    content = path.read_bytes()
    assert 3900 < len(content) < 4200
    return path, content


# ---- there and back ------------------------------------------------------------------------------

def test_a_state_comes_back_as_it_was(tmp_path):
    save_checkpoint(tmp_path / "c", STATE)
    assert equal(read_checkpoint(tmp_path / "c"), STATE)


@given(st.dictionaries(st.text(max_size=5), st.one_of(
    st.none(), st.booleans(), st.integers(-2 ** 130, 2 ** 130), st.text(max_size=9),
    st.floats(allow_nan=False, allow_infinity=False),
    arrays_of.arrays(st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
                     arrays_of.array_shapes(min_dims=0, min_side=0, max_side=3))), max_size=4))
def test_any_state_comes_back_as_it_was(tmp_path_factory, state):
    path = tmp_path_factory.getbasetemp() / "any"
    try:
        save_checkpoint(path, state)
    except (UnicodeEncodeError, ValueError):
        assert any("\ud800" <= c <= "\udfff" for c in repr(state)) or "$array" in state
        return
    assert equal(read_checkpoint(path), state)


def test_the_same_state_makes_the_same_file(tmp_path):
    contents = []
    for name in "ab":
        save_checkpoint(tmp_path / name, STATE)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_the_safetensors_library_reads_a_checkpoint(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    save_checkpoint(tmp_path / "c", STATE)
    theirs = safetensors.load_file(tmp_path / "c")
    assert equal({name.removeprefix("model/"): a for name, a in theirs.items()}, STATE["model"])


def test_an_array_of_any_memory_layout_is_written_in_its_own_order(tmp_path):
    x = np.arange(24.0).reshape(2, 3, 4)
    state = {"f": np.asfortranarray(x), "t": x.transpose(2, 0, 1), "s": x[:, ::-1, ::2],
             "b": x.astype(">f8")}
    save_checkpoint(tmp_path / "c", state)
    for name, array in read_checkpoint(tmp_path / "c").items():
        np.testing.assert_array_equal(array, state[name])


@pytest.mark.parametrize("state, error, says", [
    ({"a": {"b": object()}}, TypeError, "at 'a/b' there is a object"),
    ({"a": float("nan")}, ValueError, "not JSON compliant"),
    ({"a": np.zeros(2, complex)}, ValueError, "'a' has the dtype complex128"),
    ({"a/b": np.zeros(2), "a": {"b": np.zeros(2)}}, ValueError, "two arrays .* 'a/b'"),
    ({"$array": 1}, ValueError, "is taken")])
def test_what_cannot_be_kept_is_refused_and_nothing_written(tmp_path, state, error, says):
    with pytest.raises(error, match=says):
        save_checkpoint(tmp_path / "c", state)
    assert not any(tmp_path.iterdir())


# ---- damage --------------------------------------------------------------------------------------

@pytest.mark.parametrize("change, says", [
    (lambda c: c[:-1], "the end is missing"), (lambda c: c + b"\0", "something was appended"),
    (lambda c: b"", "of 0 bytes, it has no header"), (lambda c: c[:300], "of 300 bytes"),
    (lambda c: c[:-9] + b"X" + c[-8:], r"the array 'optimizer/momentum' was altered|'model/weigh"),
    (lambda c: c.replace(b"seen", b"sewn"), "its header was altered"),
    (lambda c: c.replace(b'"tinyconv.sha256"', b'"tinyconv.sha255"'), "has no 'tinyconv.sha256'"),
    (lambda c: bytes(len(c)), "does not begin with"), (lambda c: b"\xff" * len(c), "not a whole")])
def test_what_was_done_to_a_file_is_said(small, change, says):
    path, content = small
    path.write_bytes(change(content))
    with pytest.raises(Damaged, match=says) as caught:
        read_checkpoint(path)
    assert str(caught.value).startswith(str(path))


def resealed(content, **changes):
    """A file with other metadata, its sums right."""
    n = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + n])
    header["__metadata__"] |= {"tinyconv.sha256": "0" * 64, **changes}
    text = json.dumps(header).encode()
    head = len(text).to_bytes(8, "little") + text
    digest = hashlib.sha256(head).hexdigest().encode()
    return head.replace(b"0" * 64, digest, 1) + content[8 + n:]


def test_a_future_version_is_named_and_not_called_damaged(small):
    path, content = small
    path.write_bytes(resealed(content, **{"tinyconv.format": "2"}))
    with pytest.raises(NewerFormat, match="newer version of tinyconv: format '2', this one reads"):
        read_checkpoint(path)


@pytest.mark.parametrize("state, says", [
    ('{"a": {"$array": "nowhere"}}', "mentions an array 'nowhere', of"),
    ("{}", "does not mention the arrays"), ("[" * 100_000, "nested too deeply"),
    *(('{"a":' * deep + "1" + "}" * deep, "nested too deeply|not mention") for deep in
      range(300, 1100, 50)),                     # the parser's end of the stack is not ours
    ('{"a": 1, "a": 2}', "the name 'a' twice"), ('{"a": NaN}', "contains NaN"),
    ('{"a": %s}' % ("9" * 5000), "number of 5000 digits"), ("{", "not JSON"),
    ('{"a": {"$array": []}}', "mentions an array")])
def test_a_state_that_makes_no_sense_is_refused_even_with_the_right_sums(small, state, says):
    path, content = small
    path.write_bytes(resealed(content, state=state))
    with pytest.raises(Damaged, match=says):
        read_checkpoint(path)


def test_weights_are_no_checkpoint(tmp_path):
    save_weights(nn.Linear(2, 3), tmp_path / "w")
    with pytest.raises(Damaged, match="these are weights, not a checkpoint"):
        read_checkpoint(tmp_path / "w")
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file({"w": np.zeros(3)}, tmp_path / "f")
    with pytest.raises(Damaged, match="it has no sums, so it was not written by tinyconv"):
        read_checkpoint(tmp_path / "f")


def test_an_altered_bit_in_a_file_of_weights_is_found_too(tmp_path):
    model = nn.Linear(4, 3)
    save_weights(model, tmp_path / "w")
    content = bytearray((tmp_path / "w").read_bytes())
    before = model.weight.data.copy()
    content[-1] ^= 1
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(Damaged, match="the array 'weight' was altered|'bias' was altered"):
        load_weights(model, tmp_path / "w")
    np.testing.assert_array_equal(model.weight.data, before)


# ---- hostile headers -----------------------------------------------------------------------------

def array(dtype="F32", shape=(1,), offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


def text(header):
    return header if isinstance(header, bytes) else json.dumps(header).encode()


@pytest.mark.parametrize("header, room, says", [
    ({"a": array(offsets=(0, 4)), "b": array(offsets=(2, 6))}, 6, "overlaps"),
    ({"a": array(), "b": array()}, 4, "overlaps"),
    ({"a": array(), "b": array(offsets=(8, 12))}, 12, "leaves a gap"),
    ({"a": array()}, 3, "the end is missing"), ({"a": array()}, 5, "something was appended"),
    ({"a": array(offsets=(4, 0))}, 4, "say -4"), ({"a": array(offsets=(-4, 0))}, 4, "begins and"),
    ({"a": array(offsets=(0, 4, 8))}, 4, "begins and"),
    ({"a": array(shape=(2 ** 62, 4), offsets=(0, 0))}, 0, "too large"),
    ({"a": array(shape=(0, 2 ** 62), offsets=(0, 0))}, 0, "too large"),
    ({"a": array(shape=(1,) * 33)}, 4, "up to 32 whole numbers"),
    ({"a": array(shape=(-1,))}, 4, "whole numbers of at least 0"),
    ({"a": array(shape=(1.0,))}, 4, "whole numbers"), ({"a": array(shape=(True,))}, 4, "whole"),
    (b'{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 4]}}', 4, "contains NaN"),
    (b'{"a": {"dtype": "F32", "shape": [1e999], "data_offsets": [0, 4]}}', 4, "whole numbers"),
    (b'{"a": {"dtype": "F32", "shape": [' + b"9" * 10_000 + b']}}', 4, "10000 digits"),
    ({"a": array(dtype="X9")}, 4, "dtype"), ({"a": array(dtype=["F32"])}, 4, "dtype"),
    ({"a": array(dtype="F8_E4M3", offsets=(0, 1))}, 1, "'F8_E4M3'"),
    ({"a": array(surprise=1)}, 4, "should have a dtype"), ({"a": []}, 4, "should have a dtype"),
    ({"a": "x" * 10 ** 6}, 4, "should have a dtype"), ({"__metadata__": {"a": 1}}, 0, "metadata"),
    ({"__metadata__": [1]}, 0, "metadata"), ([], 0, "does not begin with"),
    (b'{"a": 1, "a": 2}', 0, "the name 'a' twice"), (b"{" * 10 ** 6, 0, "not JSON|too deeply"),
    (b'{"a":' * 10 ** 5, 0, "nested too deeply"), (b"{} x", 0, "not JSON"), (b"{}\0", 0, "not JSON"),
    (b'\xef\xbb\xbf{}', 0, "does not begin with"), (b"{\xff}", 0, "is not text"),
    (b'{"\\ud800": {}}', 0, "is not text"),
    (b"{%s}" % b",".join(b'"%d":0' % i for i in [*range(200_000), 199_999]), 0,
     "the name '199999' twice")])
def test_a_hostile_header_is_refused_quickly_and_in_few_words(header, room, says):
    begin = time.process_time()
    with pytest.raises(Damaged, match=says) as caught:
        parse(text(header), room)
    assert len(str(caught.value)) < 400 and str(caught.value).isprintable()
    assert time.process_time() - begin < 1


def test_an_array_for_which_there_is_no_memory_is_named(tmp_path, monkeypatch):
    """A file with a hole in it may be larger than the disk it lies on."""
    class Full:
        def __getattr__(self, name):
            return getattr(np, name)

        def empty(self, *_):
            raise MemoryError
    save_checkpoint(tmp_path / "c", STATE)
    monkeypatch.setattr("tinyconv.checkpoint.file.np", Full())
    with pytest.raises(Damaged, match="takes [0-9]+ bytes, for which there is no memory"):
        read_checkpoint(tmp_path / "c")


def test_a_header_that_claims_to_be_huge_costs_no_memory(tmp_path):
    (tmp_path / "a").write_bytes(struct.pack("<Q", 2 ** 63) + b"{}")
    with open(tmp_path / "b", "wb") as file:                         # of 100 GB, with nothing in it
        file.write(struct.pack("<Q", LONGEST + 1) + b"{")
        file.truncate(100 * 10 ** 9)
    for name in "ab":
        with pytest.raises(Damaged, match="header"):
            read_checkpoint(tmp_path / name)


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5),
                              st.sampled_from(["F32", *DTYPES])),
                    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(
                        st.sampled_from(["dtype", "shape", "data_offsets", "__metadata__", "w"]),
                        inner, max_size=4)), max_leaves=20), st.integers(0, 9))
def test_any_json_is_a_header_or_is_refused_with_the_right_error(value, room):
    try:
        entries, _ = parse(text(value), room)
    except CheckpointError:
        return
    assert sum(entry.end - entry.begin for entry in entries) == room


# ---- the checkpoints of a run --------------------------------------------------------------------

def test_the_last_two_checkpoints_are_kept(tmp_path):
    (tmp_path / "checkpoint-x.safetensors").write_text("not ours")
    for step in (0, 5, 10, 100):
        series.save_next(tmp_path, step, {"step": step})
    assert series.steps(tmp_path) == [10, 100] and series.newest(tmp_path) == {"step": 100}
    assert len(list(tmp_path.iterdir())) == 3


def test_a_damaged_newest_checkpoint_is_set_aside_with_a_warning(tmp_path):
    for step in (5, 10):
        series.save_next(tmp_path, step, {"step": step})
    newest = tmp_path / "checkpoint-10.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="checkpoint-10.safetensors: .*; the run goes on from step"):
        assert series.newest(tmp_path) == {"step": 5}
    assert series.steps(tmp_path) == [5]
    assert (tmp_path / "checkpoint-10.safetensors.damaged").exists()


def test_without_a_whole_checkpoint_all_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        series.newest(tmp_path)
    for step in (5, 10):
        (tmp_path / f"checkpoint-{step}.safetensors").write_bytes(b"")
    with pytest.raises(Damaged, match="checkpoint-10.*checkpoint-5"):
        series.newest(tmp_path)
