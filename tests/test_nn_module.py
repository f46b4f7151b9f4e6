"""A module is its attributes: what is found, saved, loaded, switched, hooked, shown and copied."""
import copy

import numpy as np
import pytest

import tinyconv as tc
from tinyconv import nn


class Net(nn.Module):
    def __init__(self):
        self.body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU())
        self.scale = nn.Parameter(np.ones(4, np.float32))
        self.mean = np.zeros(3, np.float32)
        self.head = nn.Linear(4, 2, bias=False)
        self.note = "no parameter"

    def forward(self, x):
        return self.head(self.body(x - self.mean) * self.scale)


NAMES = ["scale", "body.0.weight", "body.0.bias", "body.1.weight", "body.1.bias", "head.weight"]
BUFFERS = ["mean", "body.1.running_mean", "body.1.running_var", "body.1.num_batches_tracked"]


# ---- what is found -------------------------------------------------------------------------------

def test_parameters_buffers_and_children_are_found_by_walking_the_attributes_in_order():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [name for name, _ in net.named_buffers()] == BUFFERS
    assert [name for name, _ in net.named_children()] == ["body", "head"]
    assert [name for name, _ in net.named_modules()] == [
        "", "body", "body.0", "body.1", "body.2", "head"]
    assert [p.shape for p in net.parameters()] == [(4,), (4, 3), (4,), (4,), (4,), (2, 4)]
    assert list(net.children()) == [net.body, net.head]
    assert len(list(net.modules())) == 6 and len(list(net.buffers())) == 4
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert [name for name, _ in net.named_parameters(prefix="net", recurse=False)] == ["net.scale"]


def test_replacing_deleting_and_clearing_attributes_needs_no_ceremony():
    net = Net()
    net.head = nn.Linear(4, 7)
    net.scale = None
    del net.mean
    assert [name for name, _ in net.named_parameters()] == NAMES[1:] + ["head.bias"]
    assert [name for name, _ in net.named_buffers()] == BUFFERS[1:]


def test_a_shared_parameter_is_counted_once_but_saved_under_both_names():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_a_module_used_twice_is_counted_once():
    layer = nn.Linear(3, 3)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    assert len(list(net.parameters())) == 2
    assert len(net) == 3 and len(list(net.children())) == 2


def test_a_submodule_is_reached_by_its_dotted_name():
    net = Net()
    assert net.get_submodule("body.1") is net.body[1]
    assert net.get_submodule("") is net
    with pytest.raises(AttributeError, match=r"no module named 'body.7'.*body.1"):
        net.get_submodule("body.7")


def test_parameters_and_buffers_can_be_registered_by_name():
    net = nn.Module()
    net.register_parameter("w", nn.Parameter(np.ones(2, np.float32)))
    net.register_parameter("b", None)
    net.register_buffer("mean", tc.zeros(2))
    net.add_module("layer", nn.ReLU())
    assert list(net.state_dict()) == ["w", "mean"] and net.b is None
    for wrong in (lambda: net.register_buffer("w", tc.zeros(1)),
                  lambda: net.add_module("a.b", nn.ReLU()),
                  lambda: net.add_module("", nn.ReLU()),
                  lambda: net.add_module("forward", nn.ReLU())):
        with pytest.raises(KeyError):
            wrong()
    with pytest.raises(TypeError, match="should be a Parameter, got Tensor"):
        net.register_parameter("v", tc.zeros(2))


# ---- weights in and out --------------------------------------------------------------------------

def test_a_state_goes_out_and_comes_in_again():
    a, b = Net(), Net()
    a.body[1].running_mean[...] = 5
    a.body[1].num_batches_tracked[...] = 3
    state = a.state_dict()
    assert set(state) == set(NAMES + BUFFERS)
    assert all(isinstance(value, tc.Tensor) and not value.requires_grad for value in state.values())
    assert b.load_state_dict(state) == ([], [])
    for name, value in b.state_dict().items():
        assert value.dtype == state[name].dtype
        np.testing.assert_array_equal(value.data, state[name].data)
        assert not np.shares_memory(value.data, state[name].data)
    assert b.body[1].num_batches_tracked.dtype == np.int64


def test_loading_keeps_the_parameters_themselves_and_their_dtype():
    net = Net().double()
    before = list(net.parameters())
    net.load_state_dict(Net().state_dict())
    assert all(p is q and p.dtype == np.float64 for p, q in zip(before, net.parameters()))


def test_all_mismatches_are_listed_at_once_and_nothing_is_changed():
    net = Net()
    before = {name: value.data.copy() for name, value in net.state_dict().items()}
    state = {name: np.full(value.shape, 9.0) for name, value in before.items()}
    del state["mean"], state["head.weight"]
    state["body.0.weight"] = np.zeros((4, 5))
    state["body.0.bias"] = np.array(["a", "b", "c", "d"])
    state["extra"] = np.zeros(1)
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(state)
    for words in ("missing mean", "missing head.weight", "unexpected extra", "unchanged",
                  "body.0.weight has shape (4, 3) here but (4, 5) there",
                  "body.0.bias should be numbers"):
        assert words in str(error.value)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.data, before[name])


def test_without_strict_the_rest_is_loaded_and_what_did_not_fit_is_returned():
    net = Net()
    keys = net.load_state_dict({"scale": np.full(4, 2.0), "extra": np.zeros(1)}, strict=False)
    assert "head.weight" in keys.missing_keys and keys.unexpected_keys == ["extra"]
    np.testing.assert_array_equal(net.scale.data, 2)
    with pytest.raises(RuntimeError, match="scale has shape"):
        net.load_state_dict({"scale": np.zeros(5)}, strict=False)


# ---- switches ------------------------------------------------------------------------------------

def test_train_and_eval_reach_every_module():
    net = Net()
    assert all(m.training for m in net.modules())
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())


def test_gradients_are_asked_for_stored_and_forgotten():
    net = Net()
    net(tc.randn(5, 3)).sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all((p.grad.data == 0).all() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert net.requires_grad_(False) is net and not any(p.requires_grad for p in net.parameters())
    assert not net(tc.randn(5, 3)).requires_grad


def test_conversion_reaches_floating_point_numbers_only():
    net = Net()
    net(tc.randn(5, 3)).sum().backward()
    assert net.double() is net
    assert {v.dtype for v in net.state_dict().values()} == {np.dtype("float64"), np.dtype("int64")}
    assert all(p.grad.dtype == np.float64 for p in net.parameters())
    assert net(tc.randn(5, 3).double()).dtype == np.float64
    assert {p.dtype for p in net.float().parameters()} == {np.dtype("float32")}
    with pytest.raises(TypeError, match="floating point dtype, got int64"):
        net.to(np.int64)
    assert net.cpu() is net.to("cpu") is net.to(device="cpu") is net
    assert {p.dtype for p in net.parameters()} == {np.dtype("float32")}
    assert {p.dtype for p in net.to("cpu", tc.float64).parameters()} == {np.dtype("float64")}
    assert {p.dtype for p in net.to(tc.ones(1)).parameters()} == {np.dtype("float32")}


def test_half_precision_is_computed_or_refused():
    x = tc.ones(2, 3).half()
    assert nn.Linear(3, 2).half()(x).dtype == np.float16
    with pytest.raises(TypeError, match="conv1d: expected float32 or float64"):
        nn.Conv1d(2, 1, 3).half()(x[None])


def test_apply_calls_children_first():
    seen = []
    net = Net()
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "BatchNorm1d", "ReLU", "Sequential", "Linear", "Net"]


# ---- hooks ---------------------------------------------------------------------------------------

def test_hooks_see_and_may_replace_arguments_and_output():
    layer = nn.Linear(2, 2)
    seen = []
    watch = layer.register_forward_hook(lambda m, args, y: seen.append((m, args[0].shape, y.shape)))
    x = tc.ones(3, 2)
    plain = layer(x).data
    assert seen == [(layer, (3, 2), (3, 2))]
    before = layer.register_forward_pre_hook(lambda m, args: args[0] * 0)
    after = layer.register_forward_hook(lambda m, args, y: y + 1)
    np.testing.assert_allclose(layer(x).data, np.tile(layer.bias.data, (3, 1)) + 1, rtol=1e-6)
    for handle in (watch, before, after):
        handle.remove()
    np.testing.assert_array_equal(layer(x).data, plain)
    assert len(seen) == 2


def test_a_hook_may_remove_itself_while_it_runs():
    layer = nn.ReLU()
    handle = layer.register_forward_hook(lambda m, args, y: handle.remove())
    layer(tc.ones(1))
    layer(tc.ones(1))


# ---- copies and pictures -------------------------------------------------------------------------

def test_a_deep_copy_shares_nothing():
    a = Net()
    b = copy.deepcopy(a)
    for (name, p), (other, q) in zip(a.state_dict().items(), b.state_dict().items(), strict=True):
        assert name == other and not np.shares_memory(p.data, q.data)
        np.testing.assert_array_equal(p.data, q.data)
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in b.parameters())
    x = tc.randn(4, 3)
    np.testing.assert_array_equal(a.eval()(x).data, b.eval()(x).data)
    b(x).sum().backward()
    assert all(p.grad is None for p in a.parameters())


def test_a_deep_copy_keeps_shared_parameters_shared():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    twin = copy.deepcopy(net)
    assert twin[1].weight is twin[0].weight is not net[0].weight


def test_a_shallow_copy_shares_parameters():
    a = Net()
    assert [id(p) for p in copy.copy(a).parameters()] == [id(p) for p in a.parameters()]


def test_a_module_shows_itself_as_a_tree():
    assert repr(Net()) == """Net(
  (body): Sequential(
    (0): Linear(in_features=3, out_features=4, bias=True)
    (1): BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
    (2): ReLU()
  )
  (head): Linear(in_features=4, out_features=2, bias=False)
)"""


def test_a_parameter_shows_itself():
    p = nn.Parameter(np.ones(2, np.float32))
    assert repr(p).startswith("Parameter containing:\ntensor([1., 1.]")
    with pytest.raises(TypeError, match="only floating point tensors have gradients"):
        nn.Parameter(np.ones(2, np.int64))


def test_a_module_without_forward_says_so():
    class Half(nn.Module):
        pass
    with pytest.raises(NotImplementedError, match="Half: a module has to define forward"):
        Half()(1)


def test_calling_super_init_is_allowed_and_not_needed():
    class Old(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(1, 1)
    assert len(list(Old().parameters())) == 2
