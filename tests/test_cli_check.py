"""`tinyconv check`: the table, what it says when something is wrong, and the way back to it."""
import json
import re
import shlex

import pytest

import tinyconv as tc
from tinyconv.__main__ import main
from tinyconv.testing.catalogue import OPERATIONS


@pytest.fixture
def check(capsys):
    """Run `tinyconv check …`; returns (status, standard output, standard error)."""
    def run(*argv):
        status = main(["check", *map(str, argv)])
        out, err = capsys.readouterr()
        return status, out, err
    return run


def test_the_table_has_a_row_for_each_operation(check):
    status, out, err = check("softmax", "conv1d", "--problems", 3)
    rows = out.splitlines()
    assert status == 0 and rows[0].split()[:3] == ["problems", "1st", "order"]
    assert re.fullmatch(r"softmax +3 +\d\.\de-\d+ +\d\.\de-\d+ +\d+\.\d\d", rows[1])
    assert rows[2].startswith("conv1d")
    assert rows[-1].startswith("2 of 2 operations right on 6 problems")


def test_with_torch_there_is_another_column(check, torch):
    status, out, err = check("neg", "conv_scaled", "--problems", 2, "--torch")
    assert status == 0 and "PyTorch" in out.splitlines()[0]
    assert "exact" in out.splitlines()[1] and "–" in out.splitlines()[2]


def test_programs_get_json(check):
    status, out, err = check("exp", "--problems", 2, "--seed", 5, "--json")
    (verdict,) = json.loads(out)
    assert status == 0 and verdict["name"] == "exp" and verdict["problems"] == 2
    assert len(verdict["worst"]) == 2 and verdict["failure"] is None


def test_the_list_names_every_operation(check):
    assert check("--list") == (0, "\n".join(OPERATIONS) + "\n", "")


def test_an_unknown_operation_is_answered_with_a_suggestion(check):
    status, out, err = check("conv2")
    assert status == 2 and "unknown operation 'conv2'; did you mean conv" in err
    assert "--list has all names" in check("zzz")[2]
    _, _, err = check("conv2", "exp", "maxpool2d")
    assert "'conv2'" in err and "'maxpool2d'; did you mean max_pool2d" in err and "'exp'" not in err


def test_what_is_wrong_is_shown_with_a_command_that_shows_it_again(check, monkeypatch):
    rule = tc.tanh.rules[0]
    monkeypatch.setitem(tc.tanh.rules, 0, lambda g, y, x: rule(g, y, x) * (1 + 1e-4))
    status, out, err = check("exp", "tanh", "--problems", 4)
    assert status == 1 and "WRONG" in out.splitlines()[2] and "1 of 2 operations right" in out
    (again,) = re.findall(r"^Again: (.*)$", out, re.M)
    assert again == "tinyconv check tanh --seed 0 --problems 1"
    second = check(*shlex.split(again)[2:])
    assert second[0] == 1 and "first derivative of tanh is wrong" in second[1]
    monkeypatch.undo()
    assert check(*shlex.split(again)[2:])[0] == 0
