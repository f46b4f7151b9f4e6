"""Other people's files of weights: they are read without PyTorch, and whatever they say, nothing
runs. Hostile files are written here byte by byte, in the instructions of a pickle stream."""
import io
import struct
import tracemalloc
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
from tinyconv import checkpoint, models, nn, random
from tinyconv.checkpoint import (CheckpointError, Damaged, Mismatch, Refused, load_weights,
                                 read_weights, save_weights)
from tinyconv.checkpoint.foreign import torch_stream, torch_writer

ENDINGS = ["safetensors", "npz", "pth", "pt", "th"]


@pytest.fixture
def model():
    random.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(4, 2))


def values(model):
    return {name: t.data.copy() for name, t in model.state_dict().items()}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype and a[name].shape == b[name].shape, name
        np.testing.assert_array_equal(a[name], b[name])


# ---- files by hand -------------------------------------------------------------------------------

def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def whole(number):
    return b"J" + struct.pack("<i", number)


def several(*parts):
    return b"(" + b"".join(parts) + b"t"


def tensor(key="0", kind="Float", count=4, offset=0, size=(4,), stride=(1,)):
    """The instructions for one tensor."""
    storage = several(text("storage"), f"ctorch\n{kind}Storage\n".encode(), text(key), text("cpu"),
                      whole(count)) + b"Q"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + several(
        storage, whole(offset), several(*map(whole, size)), several(*map(whole, stride)), b"\x89",
        b"ccollections\nOrderedDict\n)R") + b"R"


def dictionary(**entries):
    return b"}(" + b"".join(text(name) + value for name, value in entries.items()) + b"u"


def pth(path, stream, storages=None, compression=zipfile.ZIP_STORED):
    """A file of PyTorch's new form: instructions, and the bytes of the storages."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + stream + b".")
        for key, content in (storages or {"0": np.arange(4, dtype="<f4").tobytes()}).items():
            archive.writestr(f"a/data/{key}", content)
    return path


def legacy(path, stream, keys=("0",), storages=(struct.pack("<q", 4) + bytes(16),)):
    """A file of PyTorch's old form."""
    start = [b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", b"\x80\x02M\xe9\x03.",
             b"\x80\x02" + dictionary(little_endian=b"\x88") + b"."]
    path.write_bytes(b"".join([*start, b"\x80\x02", stream, b".", b"\x80\x02](",
                               *map(text, keys), b"e.", *storages]))
    return path


def test_a_file_by_hand_is_read_in_both_forms(tmp_path):
    for write in (pth, legacy):
        arrays, metadata = read_weights(write(tmp_path / "w.pth", dictionary(
            epoch=whole(3), w=tensor(size=(2, 2), stride=(1, 2)))))
        assert metadata == {"epoch": "3"} and arrays["w"].shape == (2, 2)
    np.testing.assert_array_equal(
        read_weights(pth(tmp_path / "w", dictionary(w=tensor(size=(2, 2), stride=(1, 2)))))[0]["w"],
        [[0, 2], [1, 3]])


# ---- what comes back -----------------------------------------------------------------------------

@pytest.mark.parametrize("ending", ENDINGS)
def test_weights_come_back_from_every_format_with_their_bits(model, tmp_path, ending):
    save_weights(model, tmp_path / f"w.{ending}")
    random.manual_seed(1)
    other = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(4, 2))
    load_weights(other, tmp_path / f"w.{ending}")
    assert_same(values(model), values(other))
    first = (tmp_path / f"w.{ending}").read_bytes()
    save_weights(model, tmp_path / f"w.{ending}")
    assert (tmp_path / f"w.{ending}").read_bytes() == first, "the same weights, the same file"


@pytest.mark.parametrize("ending", ["npz", "pth"])
def test_metadata_that_a_format_cannot_hold_are_not_dropped_in_silence(model, tmp_path, ending):
    with pytest.raises(ValueError, match="only a safetensors file can hold metadata"):
        save_weights(model, tmp_path / f"w.{ending}", {"epoch": 3})
    assert not list(tmp_path.iterdir())


def test_pytorch_loads_what_we_write(model, tmp_path, torch):
    save_weights(model, tmp_path / "w.pth")
    theirs = torch.load(tmp_path / "w.pth", weights_only=True)
    assert isinstance(theirs, OrderedDict)
    assert_same(values(model), {name: t.numpy() for name, t in theirs.items()})


def test_pytorch_loads_every_dtype_shape_and_name_that_we_write(tmp_path, torch):
    arrays = {f"{code} {shape}": np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(code)
              for code in ("f2", "f4", "f8", "i1", "u1", "i2", "i4", "i8", "?")
              for shape in ((), (0, 3), (300,), (2, 3, 1, 2))}
    (tmp_path / "w.pth").write_bytes(torch_writer.encode(arrays))
    theirs = torch.load(tmp_path / "w.pth", weights_only=True)
    assert_same(arrays, {name: t.numpy() for name, t in theirs.items()})
    assert_same(arrays, read_weights(tmp_path / "w.pth")[0])


def odd_tensors(torch):
    """Tensors of every dtype, and such as share memory or do not lie in order."""
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    plain = {str(dtype): torch.arange(-3, 5).to(dtype).reshape(2, 4) for dtype in (
        torch.float16, torch.float32, torch.float64, torch.bfloat16, torch.int8, torch.uint8,
        torch.int16, torch.int32, torch.int64, torch.bool)}
    return {**plain, "transposed": base.t(), "strided": base[1:, ::2], "row": base[2], "base": base,
            "repeated": torch.ones(1, 3).expand(5, 3), "number": torch.tensor(2.5),
            "empty": torch.zeros(0, 7), "channels_last": torch.randn(2, 3, 4, 5).to(
                memory_format=torch.channels_last), "parameter": torch.nn.Parameter(base * 2)}


@pytest.mark.parametrize("old", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_every_tensor_pytorch_saves_is_read(tmp_path, torch, old, protocol):
    tensors = odd_tensors(torch)
    torch.save(tensors, tmp_path / "w.pth", _use_new_zipfile_serialization=not old,
               pickle_protocol=protocol)
    arrays, _ = read_weights(tmp_path / "w.pth")
    expected = {name: t.detach().float().numpy() if t.dtype == torch.bfloat16 else
                t.detach().numpy() for name, t in tensors.items()}
    assert_same(expected, arrays)
    assert np.shares_memory(arrays["base"], arrays["row"]), "as in PyTorch"


def test_bfloat16_in_safetensors_becomes_float32(tmp_path, torch):
    from safetensors.torch import save_file
    x = torch.randn(3, 4).to(torch.bfloat16)
    save_file({"x": x}, tmp_path / "w")
    np.testing.assert_array_equal(read_weights(tmp_path / "w")[0]["x"], x.float().numpy())


def test_numpys_own_files_are_read_and_it_reads_ours(model, tmp_path):
    arrays = values(model)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "w.npz", **arrays, fortran=np.asfortranarray(arrays["2.weight"]),
             swapped=np.arange(3, dtype=">i4"))
        found, metadata = read_weights(tmp_path / "w.npz")
        assert metadata == {} and found.pop("swapped").tolist() == [0, 1, 2]
        np.testing.assert_array_equal(found.pop("fortran"), arrays["2.weight"])
        assert_same(arrays, found)
    save_weights(model, tmp_path / "ours.npz")
    with np.load(tmp_path / "ours.npz") as theirs:
        assert_same(arrays, dict(theirs))


# ---- what people wrap around a state dict --------------------------------------------------------

@pytest.mark.parametrize("old", [False, True], ids=["zip", "legacy"])
def test_a_training_checkpoint_of_a_wrapped_model_is_loaded(model, tmp_path, torch, old):
    theirs = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3),
                                 torch.nn.Linear(4, 2))
    optimizer = {"state": {0: {"momentum_buffer": torch.ones(3, 2, 3, 3)}, 1: {"step": None}},
                 "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1, 2]}]}
    torch.save({"epoch": 7, "arch": "small", "best": 0.5, "args": None,
                "state_dict": torch.nn.DataParallel(theirs).state_dict(),
                "optimizer": optimizer}, tmp_path / "w.pth.tar",
               _use_new_zipfile_serialization=not old)
    metadata = load_weights(model, tmp_path / "w.pth.tar")
    assert metadata == {"epoch": "7", "arch": "small", "best": "0.5"}
    assert_same(values(model), {name: t.numpy() for name, t in theirs.state_dict().items()})


@pytest.mark.parametrize("prefix", ["module.", "module._orig_mod.", "backbone."])
def test_a_prefix_of_all_names_is_left_out(model, tmp_path, prefix):
    expected = values(model)
    np.savez(tmp_path / "w.npz", **{prefix + name: array for name, array in expected.items()})
    for parameter in model.parameters():
        parameter.data[...] = 0
    load_weights(model, tmp_path / "w.npz")
    assert_same(expected, values(model))


def test_a_word_that_only_some_names_begin_with_is_not_left_out(model, tmp_path):
    arrays = {f"module.{name}": array for name, array in values(model).items()}
    np.savez(tmp_path / "w.npz", **arrays, other=np.zeros(1))
    with pytest.raises(Mismatch, match="unexpected module.0.weight"):
        load_weights(model, tmp_path / "w.npz")


def test_files_from_before_batch_norm_counted_are_loaded(model, tmp_path):
    arrays = values(model)
    model[1].num_batches_tracked[...] = 9
    np.savez(tmp_path / "w.npz", **{name: array for name, array in arrays.items()
                                    if not name.endswith("num_batches_tracked")})
    load_weights(model, tmp_path / "w.npz")
    assert model[1].num_batches_tracked == 0


def test_every_mismatch_of_a_foreign_file_is_listed_and_the_model_unchanged(model, tmp_path):
    stream = dictionary(**{"0.weight": tensor(), "surplus": tensor(), "2.bias": tensor()})
    before = values(model)
    with pytest.raises(Mismatch) as caught:
        load_weights(model, pth(tmp_path / "w.pth", stream))
    for part in ("w.pth", "missing 0.bias", "missing 1.running_mean", "unexpected surplus",
                 "0.weight has shape (3, 2, 3, 3) here", "2.bias has shape (2,) here"):
        assert part in str(caught.value)
    assert_same(values(model), before)


# ---- the published ResNet-20 ---------------------------------------------------------------------

def test_the_published_resnet20_answers_as_in_pytorch(realdata, torch, rng):
    path = realdata / "weights" / "resnet20-12fca82f.th"
    model = models.create("resnet20").eval()
    assert load_weights(model, path)["best_prec1"].startswith("91.78")
    theirs = torch.load(path, weights_only=True, map_location="cpu")["state_dict"]
    w = {name.removeprefix("module."): value for name, value in theirs.items()}
    conv, pad = torch.nn.functional.conv2d, torch.nn.functional.pad

    def norm(x, name):
        return torch.nn.functional.batch_norm(x, *(w[f"{name}.{part}"] for part in (
            "running_mean", "running_var", "weight", "bias")))

    x = torch.tensor(rng.standard_normal((8, 3, 32, 32)), dtype=torch.float32)
    y = torch.relu(norm(conv(x, w["conv1.weight"], padding=1), "bn1"))
    for stage in (1, 2, 3):
        for block in range(3):
            name, stride = f"layer{stage}.{block}", 1 + (stage > 1 and block == 0)
            z = torch.relu(norm(conv(y, w[f"{name}.conv1.weight"], None, stride, 1), f"{name}.bn1"))
            z = norm(conv(z, w[f"{name}.conv2.weight"], None, 1, 1), f"{name}.bn2")
            new = z.shape[1] - y.shape[1]
            y = torch.relu(z + pad(y[:, :, ::stride, ::stride], (0, 0, 0, 0, new // 2, new // 2)))
    expected = y.mean((2, 3)) @ w["linear.weight"].T + w["linear.bias"]
    np.testing.assert_allclose(model(tc.tensor(x.numpy())).data, expected.numpy(), atol=1e-4)


# ---- hostile files -------------------------------------------------------------------------------

HARMLESS = dictionary(w=tensor())


@pytest.mark.parametrize("stream, name", [
    (b"cos\nsystem\n" + several(text("touch hacked")) + b"R", "os.system"),
    (b"cposix\nsystem\n" + several(text("touch hacked")) + b"R", "posix.system"),
    (text("posix") + text("system") + b"\x93" + several(text("touch hacked")) + b"R",
     "posix.system"),
    (b"cbuiltins\neval\n" + several(text("open('hacked', 'w')")) + b"R", "builtins.eval"),
    (b"c__builtin__\nexec\n" + several(text("open('hacked', 'w')")) + b"R", "__builtin__.exec"),
    (b"csubprocess\nPopen\n" + several(text("touch hacked")) + b"R", "subprocess.Popen"),
    (b"ctorch.hub\nload\n" + several(text("a/b")) + b"R", "torch.hub.load"),
    (b"ctorch._utils\n_rebuild_tensor_v2.__globals__\n", "_rebuild_tensor_v2.__globals__"),
    (b"ccollections\nOrderedDict.fromkeys\n", "collections.OrderedDict.fromkeys"),
    (b"ctorchvision.models.resnet\nResNet\n)\x81", "torchvision.models.resnet.ResNet"),
    (b"(ios\nsystem\n", "instruction b'i'"),
    (b"(cos\nsystem\n" + text("touch hacked") + b"o", "os.system"),
    (b"\x82\x01", "instruction b'\\x82'"),
    (b"Pos.system\n", "instruction b'P'")])
@pytest.mark.parametrize("write", [pth, legacy])
def test_a_file_that_asks_for_a_function_is_refused_by_name(tmp_path, monkeypatch, stream, name,
                                                            write):
    monkeypatch.chdir(tmp_path)
    for whole_stream in (stream, dictionary(w=tensor(), x=stream)):
        with pytest.raises(Refused) as caught:
            read_weights(write(tmp_path / "w.pth", whole_stream))
        assert name in str(caught.value) and "w.pth" in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"w.pth"}, "nothing ran"


ORDERED, NESTED = b"ccollections\nOrderedDict\n", b"]" + b"q\x00](h\x00h\x00e" * 60


@pytest.mark.parametrize("stream", [
    text("print") + several(text("x")) + b"R",                       # a text is not a function
    tensor() + several() + b"R",
    ORDERED + text("abc") + b"R",                                    # arguments that are no tuple
    ORDERED + several(text("abc")) + b"R",
    ORDERED + several(*[b"N"] * 9) + b"R",
    b"}(" + several(text("a")) + b"Nu",                              # a tuple as a key
    b"}N" + b"Ns", b"](Nu", b"}(Ne", b"}(Nu", b"Na", b"s", b"e", b"u", b"t", b"\x86", b"R", b"b",
    b"Q", b"NQ", text("storage") + b"Q", several(*[text("storage")] * 5) + b"Q",
    b"h\x07", b"j\xff\xff\xff\xff", b"q\x00", b"NN", b"(N", b"", b"\x93", b"NN\x93", b"Nb", b"NNb",
    b"ctorch._utils\n_rebuild_tensor_v2\n" + several(b"N", b"N", b"N", b"N") + b"R",
    dictionary(w=tensor(count=-1)), dictionary(w=tensor(offset=-1)),
    dictionary(w=tensor(size=(-4,))), dictionary(w=tensor(size=(2, 2))),
    dictionary(w=tensor(stride=(-1,))), NESTED + NESTED + b"R", NESTED + b"N\x93",
    NESTED + b"h\x00Q", dictionary(a=tensor(), b=tensor(kind="Long")),
    dictionary(w=tensor(), x=tensor("1")),                           # there is no storage 1
    b"X\xff\xff\xff\x7fabc", b"T\xff\xff\xff\xff", b"\x8d" + b"\xff" * 8, b"X\x01\x00\x00\x00\xff",
    b"c" + b"a" * 5000, b"cos", b"N", text("no dictionary"), b"}", dictionary(epoch=whole(1)),
    dictionary(state_dict=dictionary(epoch=whole(1))), b"}q\x00(" + text("model") + b"h\x00u"])
@pytest.mark.parametrize("write", [pth, legacy])
def test_instructions_that_make_no_sense_are_refused(tmp_path, stream, write):
    with pytest.raises(CheckpointError):
        read_weights(write(tmp_path / "w.pth", stream))


@pytest.mark.parametrize("wrong", [
    {"size": (5,)}, {"offset": 1}, {"stride": (2,)}, {"size": (2, 3), "stride": (3, 1)},
    {"size": (1 << 30, 1 << 30), "stride": (0, 0)},                  # a bomb of repeated numbers
    {"size": (1 << 21,), "stride": (0,)}, {"size": (0,) + (1 << 30,) * 3, "stride": (0,) * 4},
    {"count": 5}, {"count": 3, "size": (3,)},
    {"kind": "Double"}, {"kind": "Half"}, {"key": "nowhere"}, {"kind": "Quantized"},
    {"size": (1,) * 70, "stride": (1,) * 70}])
@pytest.mark.parametrize("write", [pth, legacy])
def test_tensors_that_do_not_lie_within_their_storage_are_refused(tmp_path, wrong, write):
    with pytest.raises(CheckpointError):
        read_weights(write(tmp_path / "w.pth", dictionary(w=tensor(**wrong))))


@pytest.mark.parametrize("count", [0, 3, 5, 1 << 40, -1])
def test_a_storage_of_another_length_is_refused(tmp_path, count):
    with pytest.raises(Damaged, match="4 numbers"):
        read_weights(legacy(tmp_path / "w", HARMLESS,
                            storages=[struct.pack("<q", count) + bytes(16)]))
    with pytest.raises(Damaged, match="4 numbers"):
        read_weights(pth(tmp_path / "w", HARMLESS, {"0": bytes(4 * max(min(count, 99), 0))}))


@pytest.mark.parametrize("write", [pth, legacy])
def test_every_truncation_is_refused(tmp_path, write):
    content = write(tmp_path / "w", HARMLESS).read_bytes()
    for length in range(len(content)):
        (tmp_path / "w").write_bytes(content[:length])
        with pytest.raises(CheckpointError):
            read_weights(tmp_path / "w")


@given(at=st.integers(0, 10_000), byte=st.integers(0, 255), write=st.sampled_from([pth, legacy]))
def test_a_changed_byte_is_refused_or_gives_arrays(tmp_path_factory, at, byte, write):
    path = write(tmp_path_factory.getbasetemp() / "changed.pth", HARMLESS)
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    path.write_bytes(content)
    try:
        arrays, _ = read_weights(path)
    except CheckpointError:
        return
    assert all(isinstance(array, np.ndarray) and array.size <= 1 << 20 for array in arrays.values())


@given(st.binary(max_size=60))
def test_any_bytes_as_instructions_end_in_an_object_or_a_named_error(stream):
    try:
        torch_stream.run(b"\x80\x02" + stream)
    except CheckpointError:
        pass


def memory_of(path):
    """The most memory in bytes that an attempt to read a file took, and the error."""
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError) as caught:
            read_weights(path)
        return tracemalloc.get_traced_memory()[1], str(caught.value)
    finally:
        tracemalloc.stop()


def test_a_file_that_unpacks_to_much_more_than_it_is_is_refused_before_it_does(tmp_path):
    huge = {"0": bytes(1 << 25)}
    memory, error = memory_of(pth(tmp_path / "w", HARMLESS, huge, zipfile.ZIP_DEFLATED))
    assert memory < 1 << 22 and "members claim more bytes than" in error
    with zipfile.ZipFile(tmp_path / "w.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", bytes(1 << 25))
    memory, error = memory_of(tmp_path / "w.npz")
    assert memory < 1 << 22 and "claims to unpack to" in error


def test_a_member_that_lies_about_its_size_is_not_unpacked_beyond_it(tmp_path):
    size = struct.pack("<I", (1 << 25) + 12345)
    path = pth(tmp_path / "w", HARMLESS, {"0": bytes((1 << 25) + 12345)}, zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    assert content.count(size) == 2                      # at the member, and in the directory
    path.write_bytes(content.replace(size, struct.pack("<I", 16)))
    memory, _ = memory_of(path)
    assert memory < 1 << 22


def test_an_array_that_claims_a_shape_it_has_no_bytes_for_is_refused_before_room_is_made(tmp_path):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)})
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("w.npy", file.getvalue() + bytes(16))
    memory, error = memory_of(tmp_path / "w.npz")
    assert memory < 1 << 22 and "claims the shape" in error


def test_objects_in_npz_are_refused(tmp_path):
    np.savez(tmp_path / "w.npz", w=np.array([{"a": 1}], dtype=object))
    with pytest.raises(Refused, match="only numbers are read"):
        read_weights(tmp_path / "w.npz")


def test_instructions_without_end_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(torch_stream, "MOST", 1000)
    with pytest.raises(Refused, match="more than 1,000 instructions"):
        read_weights(pth(tmp_path / "w", b"N" * 2000))


def test_a_list_of_entries_is_used_only_once(tmp_path):
    """Otherwise a short stream could fill the memory with copies of a long list."""
    pairs = b"](" + several(text("w"), tensor()) + b"eq\x00"
    call = ORDERED + b"h\x00\x85R"
    found, _, _ = torch_stream.run(b"(" + pairs + call + call + b"t.")
    assert list(found[1]) == ["w"] and found[2] == {}


def test_very_old_files_are_named(tmp_path):
    import tarfile
    with tarfile.open(tmp_path / "w.pth", "w") as archive:
        archive.addfile(tarfile.TarInfo("sys_info"))
    with pytest.raises(Refused, match="tar archive"):
        read_weights(tmp_path / "w.pth")


def test_the_kinds_of_errors_are_one_family():
    assert all(issubclass(kind, CheckpointError) for kind in (Damaged, Refused, Mismatch))
    assert issubclass(CheckpointError, ValueError) and checkpoint.Refused is Refused
