"""Weights may lie in memory in any order, those of layers lie as kernels read them, and neither can
be told from results, seeds or files."""
import copy

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import checkpoint, models, nn, optim
from tinyconv.kernels import convolution, neighbours, taps, winograd
from tinyconv.kernels.geometry import Geometry
from tinyconv.kernels.layout import as_it_lies, outputs_first, outputs_last
from tinyconv.kernels.memory import SMALL, empty
from tinyconv.kernels.tile import ONE
from tinyconv.nn import init
from tinyconv.optim import optimizer

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def aligned(array):
    """A copy in C order that begins at a cache line."""
    memory = empty((array.size + SMALL,), array.dtype)[:array.size].reshape(array.shape)
    memory[...] = array
    return memory


def spread(array):
    """The same numbers with gaps between them."""
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def read_only(array):
    copied = array.copy()
    copied.flags.writeable = False
    return copied


LAYOUTS = {
    "as layers have them": lambda w: outputs_first(aligned(outputs_last(w))),
    "the same, off the lines of the cache": lambda w: outputs_first(
        aligned(np.append(0, outputs_last(w)).astype(w.dtype))[1:].reshape(outputs_last(w).shape)),
    "as transposed layers have them": lambda w: outputs_first(
        aligned(outputs_last(w.swapaxes(0, 1)))).swapaxes(0, 1),
    "channels last": lambda w: aligned(w.transpose(0, 2, 3, 4, 1)).transpose(0, 4, 1, 2, 3),
    "Fortran's order": np.asfortranarray,
    "with gaps": spread,
    "backwards": lambda w: np.ascontiguousarray(w[::-1, :, ::-1])[::-1, :, ::-1],
    "read-only": read_only,
    "as layers have them, read-only": lambda w: outputs_first(read_only(outputs_last(w).copy())),
}


def sizes(side, kernel, stride=1, padding=None, depth=1):
    before = kernel // 2 if padding is None else padding
    return Geometry((depth, side, side), (min(depth, kernel), kernel, kernel), (1, stride, stride),
                    (0, before, before), (0, before, before), (1, 1, 1))


CASES = {                              # N, C, O, groups, geometry
    "one panel": (2, 3, 16, 1, sizes(9, 3)),
    "two panels": (1, 8, 64, 1, sizes(8, 3)),
    "two panels of many pixels": (1, 2, 64, 1, sizes(20, 3)),
    "a panel and a piece": (2, 5, 40, 1, sizes(7, 3)),
    "a stride": (2, 7, 32, 1, sizes(8, 3, stride=2)),
    "a stride, of the gradient of whole panels": (1, 32, 16, 1, sizes(8, 4, stride=2, padding=1)),
    "one pixel, of which a stride leaves some taps": (1, 64, 32, 1, sizes(1, 3, stride=2)),
    "groups": (2, 12, 96, 3, sizes(6, 3)),
    "one channel a group": (2, 32, 32, 32, sizes(6, 3)),
    "one tap": (2, 24, 32, 1, sizes(6, 1)),
    "three dimensions": (1, 4, 16, 1, sizes(5, 3, depth=4)),
    "pixels side by side": (8, 1, 3 * ONE.width(4) // 8, 1, sizes(28, 5)),     # so few for a vector
    "few channels": (2, 3, 16, 1, sizes(12, 5)),
    "Winograd": (4, 16, 48, 1, sizes(24, 3)),
    "tap by tap": (1, 40, 512, 1, sizes(2, 3)),
    "tap by tap, back": (1, 512, 40, 1, sizes(2, 3)),
}


def test_the_cases_go_all_ways():
    problems = {name: (g, N, C, O, groups, np.float32)
                for name, (N, C, O, groups, g) in CASES.items()}          # noqa: E741
    assert winograd.fits(*problems["Winograd"]) and taps.fits(*problems["tap by tap"])
    g, N, C, O, groups, dtype = problems["tap by tap, back"]              # noqa: E741
    assert taps.fits(g, N, O, C, groups, dtype)
    N, _, O, groups, g = CASES["pixels side by side"]                     # noqa: E741
    assert neighbours.number(g, N, O, groups, 4) > 1
    assert not winograd.fits(*problems["two panels"]) and not taps.fits(*problems["two panels"])


@DTYPES
@pytest.mark.parametrize("case", CASES)
def test_results_are_the_same_bit_for_bit_however_weights_lie(case, dtype):
    N, C, O, groups, geometry = CASES[case]                               # noqa: E741
    rng = np.random.default_rng(0)
    x, w, g = (rng.standard_normal(shape).astype(dtype) for shape in (
        (N, C, *geometry.size), (O, C // groups, *geometry.kernel), (N, O, *geometry.output)))
    y, gx = convolution.conv(x, w, None, geometry, groups), convolution.conv_input(
        g, w, geometry, groups)
    for layout in LAYOUTS.values():
        lying = layout(w)
        assert np.array_equal(lying, w)
        np.testing.assert_array_equal(convolution.conv(x, lying, None, geometry, groups), y)
        np.testing.assert_array_equal(convolution.conv_input(g, lying, geometry, groups), gx)
    assert not np.isnan(y).any() and not np.isnan(gx).any()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_elements_are_where_the_steps_say(layout):
    w = LAYOUTS[layout](np.arange(2 * 3 * 4 * 5 * 6, dtype=np.float32).reshape(2, 3, 4, 5, 6))
    line, steps = as_it_lies(w)
    assert line.flags.c_contiguous and line.flags.writeable
    for o, c, *tap in np.ndindex(w.shape):
        k = int(np.ravel_multi_index(tap, w.shape[2:]))
        assert line[o * steps[0] + c * steps[1] + k * steps[2]] == w[(o, c, *tap)]


# ---- layers --------------------------------------------------------------------------------------

LAYERS = {
    "one dimension": (lambda: nn.Conv1d(3, 16, 5), (2, 3, 12)),
    "LeNet's first": (lambda: nn.Conv2d(1, 6, 5, padding=2), (16, 1, 28, 28)),
    "a stride": (lambda: nn.Conv2d(16, 32, 3, stride=2, padding=1), (2, 16, 8, 8)),
    "Winograd": (lambda: nn.Conv2d(16, 16, 3, padding=1), (2, 16, 32, 32)),
    "groups": (lambda: nn.Conv2d(8, 16, 3, groups=4), (2, 8, 6, 6)),
    "one channel a group": (lambda: nn.Conv2d(8, 8, 3, groups=8), (2, 8, 6, 6)),
    "one tap": (lambda: nn.Conv2d(8, 16, 1), (2, 8, 6, 6)),
    "tap by tap": (lambda: nn.Conv2d(40, 512, 3, padding=1), (1, 40, 2, 2)),
    "three dimensions": (lambda: nn.Conv3d(2, 8, 3), (1, 2, 4, 5, 6)),
    "transposed, one dimension": (lambda: nn.ConvTranspose1d(3, 16, 5), (2, 3, 12)),
    "transposed": (lambda: nn.ConvTranspose2d(16, 8, 4, stride=2, groups=2), (2, 16, 5, 6)),
    "transposed, three dimensions": (lambda: nn.ConvTranspose3d(4, 2, 3), (1, 4, 3, 4, 5)),
}


def trained(layer, shape, make):
    """A layer after two steps of an optimiser."""
    x, o = tc.tensor(np.random.default_rng(0).standard_normal(shape).astype("f")), make(layer)
    for _ in range(2):
        o.zero_grad()
        (layer(x) ** 2).mean().backward()
        o.step()
    return layer


@pytest.mark.parametrize("layer", LAYERS)
def test_weights_gradients_and_memory_of_a_layer_are_walked_without_copies(layer, monkeypatch):
    def refuse(*_):
        raise AssertionError("an array lies otherwise than its parameter")
    monkeypatch.setattr(optimizer, "_run_rearranged", refuse)
    make, shape = LAYERS[layer]
    layer = trained(make(), shape, lambda m: optim.Adam(m.parameters(), lr=1e-3))
    w = layer.weight.data
    assert outputs_last(w).flags.c_contiguous
    assert outputs_last(layer.weight.grad.data).flags.c_contiguous


def test_memory_that_is_loaded_lies_as_its_parameter_does(monkeypatch):
    layer = nn.Conv2d(3, 8, 3)
    trained(layer, (2, 3, 8, 8), lambda m: optim.SGD(m.parameters(), lr=0.1, momentum=0.9))
    ours = optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    ours.step()
    state = ours.state_dict()
    state["state"] = {i: {k: np.array(a, order="C") for k, a in memory.items()}
                      for i, memory in state["state"].items()}
    resumed = optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    resumed.load_state_dict(state)
    monkeypatch.setattr(optimizer, "_run_rearranged", None)
    resumed.step()


@pytest.mark.parametrize("layer", LAYERS)
def test_training_is_the_same_where_the_weights_of_a_layer_lie_in_c_order(layer):
    make, shape = LAYERS[layer]
    tc.manual_seed(0)
    ours = make()
    plain = copy.deepcopy(ours)
    plain.weight.data = np.array(plain.weight.data, order="C")
    for one in ours, plain:
        trained(one, shape, lambda m: optim.SGD(m.parameters(), lr=0.1, momentum=0.9))
    assert plain.weight.data.flags.c_contiguous
    np.testing.assert_array_equal(ours.weight.data, plain.weight.data)


def test_copies_conversions_and_what_is_loaded_lie_as_the_layer_does():
    layer, other = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3)
    other.load_state_dict({name: np.array(a, order="C") for name, a in layer.state_dict().items()})
    for same in other, copy.deepcopy(layer), copy.deepcopy(layer).double():
        np.testing.assert_array_equal(same.weight.data, layer.weight.data)
        assert outputs_last(same.weight.data).flags.c_contiguous


@pytest.mark.parametrize("draw", [init.kaiming_normal_, init.uniform_, init.trunc_normal_,
                                  init.orthogonal_, init.dirac_])
def test_a_seed_gives_the_same_weights_however_they_lie(draw):
    plain, ours = tc.tensor(np.empty((8, 4, 3, 3), np.float32)), nn.Conv2d(4, 8, 3).weight
    for tensor in plain, ours:
        tc.manual_seed(3)
        draw(tensor)
    np.testing.assert_array_equal(plain.data, ours.data)


@pytest.mark.parametrize("ending", [".safetensors", ".npz", ".pth"])
def test_files_hold_weights_in_the_order_of_their_indices(tmp_path, ending):
    ours = models.create("lenet5")
    plain = copy.deepcopy(ours)
    for p in plain.parameters():
        p.data = np.array(p.data, order="C")
    for name, model in ("ours", ours), ("plain", plain):
        checkpoint.save_weights(model, tmp_path / (name + ending))
        checkpoint.save_checkpoint(tmp_path / name,
                                   {k: v.data for k, v in model.state_dict().items()})
    for end in ending, "":
        one, other = ((tmp_path / (name + end)).read_bytes() for name in ("ours", "plain"))
        assert one == other


def test_second_derivatives_do_not_depend_on_how_weights_lie():
    rng = np.random.default_rng(0)
    x, v = (tc.tensor(rng.standard_normal((2, 16, 24, 24))) for _ in range(2))
    w = rng.standard_normal((16, 16, 1, 3, 3))
    found = []
    for layout in LAYOUTS.values():
        weight = tc.tensor(layout(w)[:, :, 0], requires_grad=True)
        x.requires_grad_()
        g, = tc.grad((F.conv2d(x, weight, padding=1) ** 2).sum(), [weight], create_graph=True)
        gx, gw = tc.grad((g * g).sum() + (v * x).sum(), [x, weight])
        found.append((gx.data, gw.data))
    for gx, gw in found[1:]:
        np.testing.assert_allclose(gx, found[0][0], rtol=1e-12, atol=1e-9 * abs(gx).max())
        np.testing.assert_allclose(gw, found[0][1], rtol=1e-12, atol=1e-9 * abs(gw).max())
