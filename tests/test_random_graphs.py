"""Graphs that grow at random: every gradient is that of an engine of single numbers.

Hypothesis adds leaves and results of operations, forgets some, walks back from others with and
without keeping the graph, and compares after every walk. What goes wrong only after a certain
history (a gradient kept twice, a branch visited too early, memory freed too soon) shows here.
"""
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (RuleBasedStateMachine, initialize, invariant, precondition, rule,
                                 run_state_machine_as_test)

import tinyconv as tc
from scalars import Scalar, each, gradients, scalars, together, values

INDEX = st.integers(0, 3) | st.integers(0, 10_000)       # which tensor; counted round and round
SIDES = st.integers(1, 3)
SEED = st.integers(0, 2 ** 32 - 1)


@dataclass(eq=False)
class Pair:
    """A tensor, the same as single numbers, and the pairs it was made from."""
    tensor: tc.Tensor
    numbers: np.ndarray
    parents: list = field(default_factory=list)

    @property
    def history(self):
        """All results of operations that lead here, this one included if it is one."""
        found, stack = set(), [self]
        while stack:
            pair = stack.pop()
            if pair.parents and pair not in found:
                found.add(pair)
                stack += pair.parents
        return found


class Graphs(RuleBasedStateMachine):
    """Pairs of the same thing; `leaves` keep their gradients as the single numbers say."""

    def __init__(self):
        super().__init__()
        self.pairs, self.leaves = [], {}

    def pick(self, index):
        """Counted from the youngest: what was just made is used, and walked back from, most."""
        return self.pairs[-1 - index % len(self.pairs)]

    def add(self, tensor, numbers, *parents):
        """A result; one that has grown large is made small, so that round-off stays small."""
        parents = [p for p in parents if p.tensor.requires_grad]
        numbers = each(together(numbers), Scalar.moved)
        if numbers.size and np.abs(values(numbers)).max() > 10:
            tensor, numbers = tc.tanh(tensor), each(numbers, Scalar.tanh)
        self.pairs.append(Pair(tensor, numbers, parents if tensor.requires_grad else []))

    # ---- growing ---------------------------------------------------------------------------------

    @initialize(rows=SIDES, columns=SIDES, seed=SEED)
    def begin(self, rows, columns, seed):
        self.leaf(rows, columns, seed, True)

    @rule(rows=SIDES, columns=SIDES, seed=SEED, requires_grad=st.booleans())
    def leaf(self, rows, columns, seed, requires_grad):
        array = np.random.default_rng(seed).uniform(-1.5, 1.5, (rows, columns))
        pair = Pair(tc.tensor(array, requires_grad=requires_grad), scalars(array))
        self.pairs.append(pair)
        if requires_grad:
            self.leaves[pair] = None

    @rule(i=INDEX, j=INDEX, name=st.sampled_from(["__add__", "__sub__", "__mul__"]))
    def combine(self, i, j, name):
        a, b = self.pick(i), self.pick(j)
        try:
            np.broadcast_shapes(a.tensor.shape, b.tensor.shape)
        except ValueError:                       # a number goes with every shape
            b = self.total(b)
        self.add(getattr(a.tensor, name)(b.tensor), getattr(a.numbers, name)(b.numbers), a, b)

    @rule(i=INDEX)
    def squash(self, i):
        a = self.pick(i)
        self.add(tc.tanh(a.tensor), each(a.numbers, Scalar.tanh), a)

    @rule(i=INDEX, j=INDEX)
    def multiply_matrices(self, i, j):
        a, b = self.pick(i), self.pick(j)
        if a.tensor.ndim != 2 or b.tensor.ndim != 2 or a.tensor.shape[1] != b.tensor.shape[0]:
            a, b = self.matrix(a), self.matrix(a)
            self.add(a.tensor @ b.tensor.T, a.numbers @ b.numbers.T, a, b)
        else:
            self.add(a.tensor @ b.tensor, a.numbers @ b.numbers, a, b)

    def matrix(self, a):
        """a as a matrix with one row, unless it is a matrix."""
        if a.tensor.ndim == 2:
            return a
        return Pair(a.tensor.reshape(1, -1), a.numbers.reshape(1, -1), [a])

    @rule(i=INDEX, way=st.sampled_from(["turned", "flat", "column", "transposed"]))
    def reshape(self, i, way):
        a = self.pick(i)
        def change(x):
            return {"turned": lambda: x.reshape(x.shape[::-1]), "flat": lambda: x.reshape(-1),
                    "column": lambda: x.reshape(-1, 1), "transposed": lambda: x.T}[way]()
        self.add(change(a.tensor), change(a.numbers), a)

    @rule(i=INDEX, key=st.sampled_from([
        0, -1, slice(None, None, 2), slice(1), (..., 0), None, [0, 0, -1], (..., [0, -1, 0])]))
    def index(self, i, key):
        a = self.pick(i)
        if a.tensor.ndim:
            self.add(a.tensor[key], a.numbers[key], a)

    @rule(indices=st.lists(INDEX, min_size=1, max_size=3))
    def concatenate(self, indices):
        chosen = [self.pick(i) for i in indices]
        chosen = [a for a in chosen if a.tensor.ndim]
        if chosen:
            flat = [(a.tensor.reshape(-1), a.numbers.reshape(-1)) for a in chosen]
            tensors, numbers = zip(*flat)
            if sum(map(len, numbers)) <= 12:
                self.add(tc.cat(tensors), np.concatenate(numbers), *chosen)

    @rule(i=INDEX)
    def add_up(self, i):
        a = self.total(self.pick(i))
        self.add(a.tensor, a.numbers, *a.parents)

    def total(self, a):
        return Pair(a.tensor.sum(), together(sum(a.numbers.ravel(), Scalar(0))), [a])

    # ---- cutting ---------------------------------------------------------------------------------

    @rule(i=INDEX)
    def detach(self, i):
        a = self.pick(i)
        self.pairs.append(Pair(a.tensor.detach(), scalars(values(a.numbers))))

    @rule(i=INDEX)
    def compute_without_recording(self, i):
        a = self.pick(i)
        with tc.no_grad():
            y = tc.tanh(a.tensor * a.tensor)
        numbers = each(together(a.numbers * a.numbers), Scalar.tanh)
        self.pairs.append(Pair(y, scalars(values(numbers))))

    @precondition(lambda self: len(self.pairs) > 1)
    @rule(i=INDEX)
    def delete(self, i):
        self.pairs.pop(i % len(self.pairs))

    # ---- walking back ----------------------------------------------------------------------------

    @rule(i=INDEX, seed=SEED, retain=st.booleans())
    def backward(self, i, seed, retain):
        a = self.pick(i)
        if not a.tensor.requires_grad:
            return
        v = np.random.default_rng(seed).uniform(-1, 1, a.tensor.shape)
        a.tensor.backward(tc.tensor(v), retain_graph=retain)
        expected = gradients(a.numbers, np.asarray(v))
        for leaf in self.leaves:
            if leaf is a or leaf in _leaves_of(a):
                g = _gradient(expected, leaf)
                before = self.leaves[leaf]
                self.leaves[leaf] = g if before is None else before + g
        if not retain:                           # what shares a node with it cannot be walked again
            freed = a.history
            self.pairs = [p for p in self.pairs if not p.history & freed] or [self.fresh()]

    @rule(i=INDEX, j=INDEX, seed=SEED)
    def gradient_of_one_by_another(self, i, j, seed):
        y, x = self.pick(i), self.pick(j)
        if y.tensor.requires_grad and x.tensor.requires_grad:
            v = np.random.default_rng(seed).uniform(-1, 1, y.tensor.shape)
            (g,) = tc.grad(y.tensor, x.tensor, tc.tensor(v), retain_graph=True, allow_unused=True)
            expected = _gradient(gradients(y.numbers, np.asarray(v)), x)
            np.testing.assert_allclose(0.0 * expected if g is None else g.data, expected,
                                       rtol=1e-9, atol=1e-9)

    @rule()
    def forget_the_gradients(self):
        for leaf in self.leaves:
            leaf.tensor.grad, self.leaves[leaf] = None, None

    def fresh(self):
        self.leaf(2, 2, 0, True)
        return self.pairs[-1]

    # ---- what always holds -----------------------------------------------------------------------

    @invariant()
    def every_leaf_has_its_gradient(self):
        for leaf, expected in self.leaves.items():
            if expected is None:
                assert leaf.tensor.grad is None
            else:
                np.testing.assert_allclose(leaf.tensor.grad.data, expected, rtol=1e-9, atol=1e-9)

    @invariant()
    def every_tensor_has_its_value(self):
        for pair in self.pairs[-3:]:
            np.testing.assert_allclose(pair.tensor.data, values(pair.numbers), rtol=1e-9,
                                       atol=1e-9)


def _gradient(found, pair):
    return np.array([found.get(s, 0.0) for s in pair.numbers.ravel()]).reshape(pair.tensor.shape)


def _leaves_of(pair):
    return {p for step in pair.history for p in step.parents}


TestRandomGraphs = Graphs.TestCase


# ---- planted errors ------------------------------------------------------------------------------

@pytest.mark.parametrize("op, argument, change", [
    (tc.mul, 0, lambda g: g * 1.01), (tc.ops.arithmetic.sub, 1, lambda g: -g),
    (tc.tanh, 0, lambda g: g * 0), (tc.core.add, 1, lambda g: g + g)],
    ids=["mul", "sub", "tanh", "add"])
def test_a_planted_error_is_found(monkeypatch, op, argument, change):
    rule = op.rules[argument]
    monkeypatch.setitem(op.rules, argument, lambda *args, **kwargs: change(rule(*args, **kwargs)))
    hunt = settings(max_examples=300, phases=[Phase.generate], database=None, derandomize=True)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Graphs, settings=hunt)
