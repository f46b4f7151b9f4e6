"""Modules that hold modules: order, names, indexing, and what they refuse."""
from collections import OrderedDict

import numpy as np
import pytest

import tinyconv as tc
from tinyconv import nn


def test_sequential_applies_one_after_another():
    a, b = nn.Linear(2, 3), nn.Linear(3, 1)
    net = nn.Sequential(a, nn.ReLU(), b)
    x = tc.randn(4, 2)
    np.testing.assert_array_equal(net(x).data, b(a(x).relu()).data)
    assert list(net) == [a, net[1], b] and len(net) == 3 and net[-1] is b
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_an_empty_sequential_is_the_identity():
    x = tc.randn(3)
    assert nn.Sequential()(x) is x


def test_sequential_takes_names_from_a_dictionary():
    net = nn.Sequential(OrderedDict([("fc", nn.Linear(2, 3)), ("act", nn.ReLU())]))
    assert net.fc is net[0] and list(net.state_dict()) == ["fc.weight", "fc.bias"]
    assert list(net[:1].state_dict()) == ["fc.weight", "fc.bias"]


def test_sequential_can_be_cut_extended_and_changed():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    tail = net[1:]
    assert isinstance(tail, nn.Sequential) and list(tail.state_dict()) == ["2.weight", "2.bias"]
    assert net.append(nn.Tanh()) is net and isinstance(net[3], nn.Tanh)
    net[1] = nn.Sigmoid()
    assert [type(m).__name__ for m in net] == ["Linear", "Sigmoid", "Linear", "Tanh"]


def test_sequential_refuses_what_is_not_a_module():
    with pytest.raises(TypeError, match="Sequential: an item should be a Module, got function"):
        nn.Sequential(lambda x: x)
    with pytest.raises(IndexError, match="index 3 is out of range for 1 items"):
        nn.Sequential(nn.ReLU())[3]


def test_module_list_is_a_list_whose_parameters_are_found():
    layers = nn.ModuleList(nn.Linear(i + 1, 1) for i in range(3))
    layers.append(nn.Linear(4, 1)).extend([nn.Linear(5, 1)])
    assert len(layers) == 5 and [m.in_features for m in layers] == [1, 2, 3, 4, 5]
    assert [m.in_features for m in layers[::2]] == [1, 3, 5]
    assert layers[-1].in_features == 5 and "4.weight" in layers.state_dict()
    layers[0] = nn.Linear(9, 1)
    assert layers[0].in_features == 9
    with pytest.raises(NotImplementedError):
        layers(tc.ones(1))


def test_module_dict_is_a_dictionary_whose_parameters_are_found():
    heads = nn.ModuleDict({"digits": nn.Linear(2, 10), "letters": nn.Linear(2, 26)})
    assert heads.keys() == ["digits", "letters"] == list(heads) and len(heads) == 2
    assert heads["letters"] is heads.values()[1] and "digits" in heads and "keys" not in heads
    heads["digits"] = nn.Linear(2, 5)
    assert heads.keys() == ["digits", "letters"] and heads["digits"].out_features == 5
    del heads["digits"]
    assert list(heads.state_dict()) == ["letters.weight", "letters.bias"]
    with pytest.raises(KeyError, match="no module 'digits'; there are letters"):
        heads["digits"]
    with pytest.raises(KeyError, match="already has an attribute 'keys'"):
        heads["keys"] = nn.ReLU()


def test_parameter_list_makes_parameters():
    weights = nn.ParameterList([tc.zeros(2), np.ones(3, np.float32)])
    assert [p.shape for p in weights.parameters()] == [(2,), (3,)]
    assert all(isinstance(p, nn.Parameter) for p in weights)
    assert list(weights.state_dict()) == ["0", "1"]
    assert "(1): Parameter of float32 and shape (3,)" in repr(weights)
