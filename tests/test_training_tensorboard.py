"""Event files, read back by a reader that shares nothing with the writer, and by TensorBoard where
it is installed."""
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
from tinyconv import data, nn, training
from tinyconv.__main__ import main
from tinyconv.training import Recipe, TensorBoard, figures
from tinyconv.training.events import EventFile, histogram, masked_crc, text

SMALL = Recipe(epochs=2, batch_size=16, lr=0.05)         # 7 steps an epoch


def dataset(n=100, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (n, 1, 6, 6)).astype(np.uint8)
    return data.Dataset("noise", images, generator.integers(0, 3, n), ("a", "b", "c"))


def network():
    tc.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 3))


def fit(folder, **options):
    options = {"recipe": SMALL, "callbacks": [TensorBoard(folder)], **options}
    model = network()
    return model, training.fit(model, dataset(), test=dataset(40, 1), progress=False, seed=0,
                               **options)


# ---- a reader ------------------------------------------------------------------------------------

def crc32c(data):
    """The definition: division by the polynomial 0x1EDC6F41, bit by bit, all of it reflected."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def unmasked(masked):
    rotated = (masked - 0xa282ead8) % 2 ** 32
    return (rotated >> 17 | rotated << 15) % 2 ** 32


def records(path):
    """The data of each record of a file, every sum checked."""
    content, at = path.read_bytes(), 0
    while at < len(content):
        length, sum_of_length = struct.unpack_from("<QI", content, at)
        assert unmasked(sum_of_length) == crc32c(content[at:at + 8])
        data = content[at + 12:at + 12 + length]
        assert len(data) == length, "the file ends within a record"
        assert unmasked(struct.unpack_from("<I", content, at + 12 + length)[0]) == crc32c(data)
        yield data
        at += 16 + length


def fields(message):
    """A message of protobuf: {field: [values]}, numbers or bytes."""
    found, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
            if byte < 128:
                return value
    while at < len(message):
        key = varint()
        kind, length = key & 7, {1: 8, 5: 4}.get(key & 7)
        if kind == 0:
            value = varint()
        else:
            length = varint() if kind == 2 else length
            value = message[at:at + length]
            assert len(value) == length
            if kind != 2:
                value, = struct.unpack({1: "<d", 5: "<f"}[kind], value)
            at += length
        found.setdefault(key >> 3, []).append(value)
    return found


def events(folder):
    """All events of the files in a folder, (step, what): what is a dictionary of the values by tag,
    or the word "version" or "start"."""
    found = []
    for path in sorted(Path(folder).glob("events.out.tfevents.*")):
        for number, data in enumerate(records(path)):
            event = fields(data)
            step = event.get(2, [0])[0]
            assert event[1][0] > 1.7e9                                   # seconds since 1970
            if number == 0:
                assert event[3] == [b"brain.Event:2"]
                found.append((step, "version"))
            elif 7 in event:
                assert fields(event[7][0]) == {1: [1]}                   # SessionLog.START
                found.append((step, "start"))
            else:
                values = [fields(value) for value in fields(event[5][0])[1]]
                found.append((step, {value[1][0].decode(): value for value in values}))
    return found


def numbers(folder, tag):
    """[(step, value)] of what TensorBoard shows: what a start makes void is left out."""
    shown = []
    for step, what in events(folder):
        if what == "start":
            shown = [(s, value) for s, value in shown if s < step]
        elif what != "version" and tag in what:
            shown.append((step, what[tag][2][0]))
    return shown


# ---- bytes ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("data, crc", [                  # RFC 3720, appendix B.4
    (b"123456789", 0xe3069283), (bytes(32), 0x8a9136aa), (b"\xff" * 32, 0x62a8ab43),
    (bytes(range(32)), 0x46dd794e), (b"", 0)])
def test_sums_are_the_published_ones(data, crc):
    assert unmasked(masked_crc(data)) == crc == crc32c(data)


@given(st.binary(max_size=300))
def test_sums_are_those_of_the_definition(data):
    assert unmasked(masked_crc(data)) == crc32c(data)


@given(st.integers(0, 2 ** 63 - 1), st.dictionaries(st.text(min_size=1),
                                                    st.floats(width=32), min_size=1))
def test_what_is_written_is_read(tmp_path_factory, step, values):
    folder = tmp_path_factory.mktemp("events")
    file = EventFile(folder)
    file.add(step, values)
    file.close()
    (_, version), (read, found) = events(folder)
    assert version == "version" and read == step
    got = {tag: value[2][0] for tag, value in found.items()}
    assert got.keys() == values.keys()
    np.testing.assert_array_equal([got[tag] for tag in values], list(values.values()))


def test_an_altered_byte_is_noticed_by_this_reader(tmp_path):
    file = EventFile(tmp_path)
    file.add(3, {"a": 1.0})
    file.close()
    content = file.path.read_bytes()
    for place in range(len(content)):
        file.path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1:])
        with pytest.raises((AssertionError, struct.error)):
            list(records(file.path))


def test_a_histogram_counts_what_is_finite(rng):
    x = rng.normal(size=(40, 30)).astype(np.float32)
    x[0, :3] = np.nan, np.inf, -np.inf
    found = fields(fields(histogram(x))[5][0])
    finite = x[np.isfinite(x)].astype(np.float64)
    low, high, count, total, squares = (found[i][0] for i in range(1, 6))
    assert (low, high, count) == (finite.min(), finite.max(), 1197)
    assert total == pytest.approx(finite.sum()) and squares == pytest.approx((finite ** 2).sum())
    limits, buckets = (np.frombuffer(found[i][0], "<f8") for i in (6, 7))
    assert len(limits) == len(buckets) and limits[-1] == high and (np.diff(limits) > 0).all()
    below = [(finite < limit).sum() for limit in limits[:-1]]
    np.testing.assert_array_equal(np.cumsum(buckets), [*below, 1197])
    assert histogram(np.full(3, np.nan)) is None
    assert fields(fields(histogram(np.zeros(4)))[5][0])[3] == [4.0]


# ---- a run ---------------------------------------------------------------------------------------

def test_the_numbers_of_every_epoch_are_there(tmp_path):
    model, history = fit(tmp_path / "logs")
    for key, tag in (("train_loss", "loss/train"), ("test_loss", "loss/test"),
                     ("train_accuracy", "accuracy/train"), ("test_accuracy", "accuracy/test"),
                     ("lr", "learning_rate/epoch"), ("images_per_second", "images_per_second")):
        expected = [(7 * (i + 1), float(np.float32(value)))
                    for i, value in enumerate(history[key])]
        assert numbers(tmp_path / "logs", tag) == expected


def test_the_losses_of_the_steps_average_to_that_of_the_epoch(tmp_path):
    _, history = fit(tmp_path)
    steps = numbers(tmp_path, "loss/batch")
    assert [step for step, _ in steps] == list(range(1, 15))
    sizes = [16] * 6 + [4]                               # 100 images
    for i, record in enumerate(history):
        losses = [loss for _, loss in steps[7 * i:7 * i + 7]]
        assert np.average(losses, weights=sizes) == pytest.approx(record["train_loss"], rel=1e-6)
    rates = [rate for _, rate in numbers(tmp_path, "learning_rate/batch")]
    assert max(rates) <= 0.0501 and rates[-1] < rates[7] and rates[0] < max(rates)


def test_weights_and_gradients_have_a_histogram_each_epoch(tmp_path):
    model, _ = fit(tmp_path)
    last = events(tmp_path)[-1][1]
    for name, parameter in model.named_parameters():
        for kind, array in (("weights", parameter.data), ("gradients", parameter.grad.data)):
            found = fields(last[f"{kind}/{name}"][5][0])
            assert (found[1][0], found[2][0]) == (array.min(), array.max())
            assert sum(np.frombuffer(found[7][0], "<f8")) == array.size


def test_what_is_trained_how_stands_there_as_text(tmp_path):
    fit(tmp_path, callbacks=[TensorBoard(tmp_path, {"a|b": "two\nlines"})])
    (_, first), (step, values) = events(tmp_path)[:2]
    tensor = fields(values["run"][8][0])
    assert step == 0 and tensor[1] == [7]                                # DT_STRING
    assert fields(fields(values["run"][9][0])[1][0])[1] == [b"text"]     # the plug-in
    markdown = tensor[8][0].decode()
    assert "| batch_size | 16 |" in markdown and "| data | noise |" in markdown
    assert "| a\\|b | two lines |" in markdown


class Killed(BaseException):
    """Stands for a process that ends without a further word."""


def test_a_run_that_goes_on_voids_what_was_lost_and_shows_each_step_once(tmp_path, monkeypatch):
    for name in ("curves", "confusion"):
        monkeypatch.setattr(figures, name, lambda *_: b"")

    def die(event, run):
        if event == "step" and run.step == 12:
            raise Killed
    fit(tmp_path / "whole")
    logs, kept = tmp_path / "logs", {"checkpoint_every": 9}
    with pytest.raises(Killed):
        fit(logs, callbacks=[TensorBoard(logs), die], out=tmp_path / "run", **kept)
    training.fit(network(), dataset(), test=dataset(40, 1), progress=False,
                 resume=tmp_path / "run", callbacks=[TensorBoard(logs)])
    found = events(logs)
    assert [what for _, what in found].count("version") == 2
    assert [step for step, what in found if what == "start"] == [10]     # the checkpoint was at 9
    for tag in ("loss/batch", "learning_rate/batch", "loss/train", "accuracy/test"):
        assert numbers(logs, tag) == numbers(tmp_path / "whole", tag)


@pytest.mark.compiled
def test_the_command_writes_them_and_so_does_the_run_when_it_goes_on(tmp_path, monkeypatch,
                                                                     capsys):
    monkeypatch.chdir(tmp_path)
    quick = ["train", "mlp", "--limit", "60", "--epochs", "1", "--tensorboard", "--out", "a"]
    assert main(quick) == 0
    assert len(numbers("a", "loss/train")) == 1
    assert main(["train", "--resume", "a"]) == 0
    assert len(list(Path("a").glob("events.out.tfevents.*"))) == 2
    assert len(numbers("a", "loss/train")) == 1
    assert main(["train", "mlp", "--limit", "60", "--epochs", "1", "--out", "b"]) == 0
    assert not list(Path("b").glob("events*"))


# ---- TensorBoard itself --------------------------------------------------------------------------

def test_tensorboard_reads_all_of_it(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator",
                                 reason="TensorBoard is not installed (pip install tensorboard)")
    model, history = fit(tmp_path)
    file = EventFile(tmp_path, since=14)                 # the last epoch is told anew
    file.add(14, {"loss/train": 7.0, "more": text("*more*")})
    file.close()
    shown = reader.EventAccumulator(str(tmp_path), size_guidance={"tensors": 0, "scalars": 0})
    shown.Reload()
    tags = shown.Tags()
    for name, _ in model.named_parameters():
        assert {f"weights/{name}", f"gradients/{name}"} <= {*tags["tensors"], *tags["histograms"]}
    losses = [(e.step, e.tensor_proto.float_val[0] if hasattr(e, "tensor_proto") else e.value)
              for e in (shown.Tensors if "loss/train" in tags["tensors"] else shown.Scalars)(
                  "loss/train")]
    assert losses == [(7, np.float32(history[0]["train_loss"])), (14, 7.0)]
    assert b"| data | noise |" in shown.Tensors("run")[0].tensor_proto.string_val[0]
    assert shown.SummaryMetadata("run").plugin_data.plugin_name == "text"
