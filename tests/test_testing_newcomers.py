"""What someone sees who checks an operation of their own for the first time, and gets it wrong."""
import inspect
import subprocess
import sys

import numpy as np
import pytest
from rules import operation

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv.testing import (GradientError, check_against_torch, check_grad, gradcheck,
                              gradgradcheck)
from tinyconv.testing.layouts import awkward

RANDOM = np.random.default_rng(5).standard_normal


# ---- complex steps where NumPy's function is not analytic ----------------------------------------

def gate_rule(g, y, x):
    return g * 2 * x / (1 + x.abs()) ** 3


squared_gate = operation(lambda x: (x / (1 + np.abs(x))) ** 2, gate_rule)


def test_a_right_rule_is_not_accused_where_numpys_function_is_not_analytic():
    x = np.array([0.3, -0.7, 1.9])
    check_grad(squared_gate, x)
    with pytest.raises(TypeError, match="planted cannot be checked with complex steps(.|\n)*"
                                        "abs, conj, real(.|\n)*method='central'"):
        check_grad(squared_gate, x, method="complex")


def test_a_wrong_rule_is_accused_whether_the_function_is_analytic_or_not():
    wrong = operation(lambda x: (x / (1 + np.abs(x))) ** 2, lambda g, y, x: 3 * gate_rule(g, y, x))
    with pytest.raises(GradientError, match="first derivative of planted is wrong"):
        check_grad(wrong, np.array([0.3, -0.7, 1.9]), method="complex")


# ---- arrays that a rule has kept -----------------------------------------------------------------

def silu_that_keeps_by_shape():
    kept = {}

    def sigmoid(x):
        if x.shape not in kept:
            kept[x.shape] = 1 / (1 + np.exp(-x.data))
        return tc.tensor(kept[x.shape])
    return operation(lambda x: x / (1 + np.exp(-x)),
                     lambda g, y, x: g * (sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x))))


A0 = np.linspace(-1, 1, 8)


@pytest.mark.parametrize("make", [
    silu_that_keeps_by_shape,
    lambda: operation(lambda x: x ** 3, lambda g, y, x: g * 3 * tc.tensor(A0) ** 2)])
@pytest.mark.parametrize("options", [{}, {"order": 1}, {"method": "complex", "order": 1}])
def test_an_array_kept_from_the_first_call_is_found_out(make, options):
    with pytest.raises(GradientError, match="first derivative of planted is wrong(.|\n)*"
                                            "wrong beside them(.|\n)*array kept from"):
        check_grad(make(), A0, **options)


@pytest.mark.parametrize("f, x", [
    (tc.relu, [1e-3, -1e-3, 2.0]), (tc.abs, [1e-9, 1.0]), (tc.asin, [1 - 1e-5, 0.1]),
    (tc.floor, [2 - 1e-3, 0.5]), (lambda x: tc.log(x).prod(), [1e-5, 1e5]),
    (lambda x: tc.maximum(x, 1.0), [1 + 1e-3, 0.99]), (lambda x: tc.amax(x), [2.0, 2.001])])
def test_what_lies_beside_the_inputs_never_makes_a_right_rule_wrong(f, x):
    for seed in range(20):
        check_grad(f, np.array(x), order=1, seed=seed)


def test_a_function_that_takes_only_these_numbers_is_checked_at_these():
    x = np.array([0.25, 0.75])

    def picky(p):
        if abs(p.data.sum() - 1) > 1e-3:
            raise ValueError("these are no probabilities")
        return p * p
    check_grad(picky, x)
    check_grad(lambda x, k: x * k, x, np.array([2, 3]))


# ---- the line to see it again --------------------------------------------------------------------

too_steep = operation(np.tanh, lambda g, y, x, *_: g * (1 - y * y) * 1.01)
bent = operation(np.tanh, lambda g, y, x: g * (1 - y.detach() * y.detach()))
SPECIAL = operation(lambda x, k: np.tanh(x), lambda g, y, x, k: g * 2 * (1 - y * y))


def failure(call):
    with pytest.raises(GradientError) as caught:
        call()
    return str(caught.value)


def line_of(message):
    *_, last = message.splitlines()
    label, line = last.split(maxsplit=1)
    assert label == "again"
    return line


@pytest.mark.parametrize("f, inputs, options", [
    (too_steep, [RANDOM((3, 4))], {"order": 1}),
    (too_steep, [RANDOM((8, 8))], {"seed": 7, "directions": 3, "rtol": 1e-7, "atol": 0.0}),
    (too_steep, [np.asfortranarray(RANDOM((3, 4)))], {"method": "complex"}),
    (too_steep, [tc.tensor(RANDOM((2, 2)).astype(np.float32))], {"promote": True}),
    (lambda x: too_steep(x).sum(), [RANDOM((3, 3))], {"name": "steep"}),
    (bent, [RANDOM((3, 3))], {"jacobian": True}),
    (SPECIAL, [RANDOM(2), np.array([-3, 4], np.int16)], {}),
    (SPECIAL, [RANDOM(2), tc.tensor(np.array([True, False]))], {}),
    (SPECIAL, [RANDOM(2), (1, None, np.inf, [2.5, "valid", -np.inf, np.float32(np.nan)])], {}),
    (SPECIAL, [RANDOM(2), np.zeros((0, 3), bool)], {}),
    (operation(lambda x: x ** 3, lambda g, y, x: g * 3 * tc.tensor(A0) ** 2), [A0], {}),
    (tc.abs, [np.array([0.0, 1.0])], {}), (F.relu6, [np.array([6.0, 1.0])], {})])
def test_the_line_to_see_a_failure_again_can_be_pasted(f, inputs, options):
    said = failure(lambda: check_grad(f, *inputs, **options))
    scope = {"np": np, "tc": tc, "F": F, "check_grad": check_grad, "f": f, "planted": f}
    assert said == failure(lambda: exec(line_of(said), scope))


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize("options", [{}, {"eps": 1e-5, "atol": 1e-6, "rtol": 1e-4}])
def test_so_can_that_of_the_checks_by_pytorchs_names(check, options):
    f = operation(lambda x, k: np.tanh(x) * k, lambda g, y, x, k: g * k * (1.1 - y.detach() * y))
    x = tc.tensor(RANDOM((2, 3)), requires_grad=True)
    said = failure(lambda: check(f, (x, 2.0), **options))
    assert f"{check.__name__}: the Jacobian" in said
    scope = {"np": np, "tc": tc, check.__name__: check, "planted": f}
    assert said == failure(lambda: exec(line_of(said), scope))
    one = operation(np.tanh, lambda g, y, x: g * (1.1 - y.detach() * y))
    said = failure(lambda: check(one, x, **options))
    assert said == failure(lambda: exec(line_of(said), scope | {"planted": one}))


@pytest.mark.parametrize("f, x, missing", [
    (lambda x: too_steep(x), np.ones(2), "# f: the function you passed"),
    (too_steep, RANDOM((30, 30)), "# x0: the float64 array (30, 30) you passed"),
    (too_steep, awkward(np.ones((2, 2))), "x0: the float64 array (2, 2) with strides "),
    (too_steep, tc.tensor(RANDOM(65)), "# x0: the float64 tensor (65,) you passed")])
def test_the_line_says_what_it_cannot_hold(f, x, missing):
    said = failure(lambda: check_grad(f, x))
    assert missing in line_of(said)
    scope = {"check_grad": check_grad, "f": f, "planted": f, "np": np, "x0": x}
    assert said == failure(lambda: exec(line_of(said), scope))


def test_what_a_failure_says_stands_in_one_column():
    for f, x in ((too_steep, RANDOM(3)), (tc.abs, np.array([0.0, 1.0])), (tc.sqrt, np.array([1e-300])),
                 (operation(lambda x: x ** 3, lambda g, y, x: g * 3 * tc.tensor(A0) ** 2), A0)):
        _, *lines = failure(lambda: check_grad(f, x)).splitlines()
        assert len(lines) >= 3
        assert all(line[:2] == "  " and line[14] == " " != line[15] for line in lines), lines


# ---- NumPy applied to tensors, rules that do not fit ---------------------------------------------

def test_numpys_function_of_a_tensor_is_refused_with_what_to_write_instead():
    x = np.array([0.3, -0.7])
    rule = operation(np.tanh, lambda g, y, x: g * np.sign(x))
    for call, says in ((lambda: check_grad(rule, x), r"np.sign does not .* x.sign\(\)"),
                       (lambda: check_grad(lambda a: np.sin(a) * a, x), r"x\.sin\(\), or make an"),
                       (lambda: np.abs(tc.tensor(x)), r"np.absolute does not .* x\.abs\(\), or"),
                       (lambda: np.maximum(tc.tensor(x), 0), r"x\.maximum\(…\), or"),
                       (lambda: np.multiply(tc.tensor(x), x), r"x\.mul\(…\), or"),
                       (lambda: np.add(x, tc.tensor(x), out=np.ones(2)), r"x\.add\(…\)"),
                       (lambda: np.add.outer(x, tc.tensor(x)), "np.add does not take a tensor"),
                       (lambda: np.spacing(tc.tensor(x)), "gradient: make an .*@primitive")):
        with pytest.raises(TypeError, match=says):
            call()


@pytest.mark.parametrize("operator", [
    "a + t", "a - t", "a * t", "a / t", "a ** t", "a // t", "a % t", "a @ t", "a == t", "a != t",
    "a < t", "a <= t", "a > t", "a >= t"])
@pytest.mark.parametrize("a", [np.array([1.5, 2.0, 3.0]), np.float64(1.5), np.float32(2)])
def test_an_array_on_the_left_of_an_operator_asks_the_tensor(operator, a):
    if "@" in operator and not a.ndim:
        return
    b = np.array([3.0, 2.0, 0.5])
    found = eval(operator, {"a": a, "t": tc.tensor(b, requires_grad=True)})
    assert isinstance(found, tc.Tensor)
    np.testing.assert_allclose(found.detach().numpy(), eval(operator, {"a": a, "t": b}))
    assert found.requires_grad == (operator[2] in "+-*/@%" and "//" not in operator)


@pytest.mark.parametrize("operator", ["&", "|", "^"])
def test_so_it_does_for_bits(operator):
    a, b = np.array([6, 5]), np.array([3, 4])
    found = eval(f"a {operator} t", {"a": a, "t": tc.tensor(b)})
    assert found.tolist() == eval(f"a {operator} b").tolist()


def test_an_array_to_which_a_tensor_is_added_becomes_a_tensor():
    a = kept = np.ones(2)
    a += tc.tensor(np.array([1.0, 2.0]), requires_grad=True)
    assert a.requires_grad and a.tolist() == [2, 3] and kept.tolist() == [1, 1]


def test_a_rule_with_other_arguments_is_told_what_a_rule_is_given():
    for f in (operation(np.tanh, lambda g, x: g), operation(np.tanh, joint=lambda g, x: (g,))):
        with pytest.raises(TypeError, match=r"planted: its (joint rule|rule of argument 0) takes "
                                            r"\(g, x\), but a rule is given \(g, y, \*args"):
            check_grad(f, np.ones(2))
    within = operation(np.tanh, lambda g, y, x: g * len(3))
    with pytest.raises(TypeError, match="object of type 'int' has no len"):
        check_grad(within, np.ones(2))


def test_a_rule_of_an_argument_that_is_not_there_is_refused_at_once():
    @tc.core.primitive
    def scaled(x, k=2, *, shift=0):
        return x * k + shift
    for rules, options in (([None, None, None], {}), ([None], {"argnums": (2,)})):
        with pytest.raises(TypeError, match="rule of argument 2, but scaled has only 2: x, k"):
            tc.core.defvjp(scaled, *rules, **options)
    assert not scaled.rules
    tc.core.defvjp(scaled, lambda g, y, x, k=2, shift=0: g * k)
    assert max(check_grad(lambda x: scaled(x, shift=3), np.ones(2))) < 1e-8


# ---- the rest of a first afternoon ---------------------------------------------------------------

@pytest.mark.parametrize("x, says", [(0.7, r"np.array\(0.7\)"),
                                     ([1.0, 2], r"np.array\(\[1.0, 2\]\)")])
def test_a_number_or_a_list_is_to_be_wrapped(x, says):
    with pytest.raises(TypeError, match=f"nothing to check; wrap .*{says}"):
        check_grad(tc.exp, x)


def test_without_pytorch_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"PyTorch is not installed \(pip install 'tinyconv\[be"):
        check_against_torch(tc.exp, "exp", np.ones(2))


def test_pytest_shows_the_message_and_none_of_the_checker(tmp_path):
    (tmp_path / "test_mine.py").write_text(inspect.cleandoc("""
        import numpy as np
        import tinyconv as tc
        from tinyconv.core import defvjp, primitive
        from tinyconv.testing import check_grad, gradcheck

        @primitive
        def mine(x):
            return np.tanh(x)
        defvjp(mine, lambda g, y, x: g)

        def test_directions():
            check_grad(mine, np.ones(2))

        def test_jacobian():
            gradcheck(mine, tc.ones(2, dtype=tc.float64, requires_grad=True))
    """))
    command = [sys.executable, "-m", "pytest", "-qrN", "-p", "no:cacheprovider", tmp_path]
    out = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path).stdout
    assert "2 failed" in out and out.count("again") == 2 and "raise " not in out
    assert len(out.splitlines()) < 50, out
