"""What the walk promises: gradients complete, once, at linear cost, and nothing left behind."""
import gc
import threading
import time
import weakref

import numpy as np
import pytest

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import nn, optim
from tinyconv.core import defvjp, primitive
from tinyconv.core.writes import Writes, writes


def leaf(*values, dtype=np.float64):
    return tc.tensor(np.array(values if len(values) > 1 else values[0], dtype), requires_grad=True)


# ---- the walk ------------------------------------------------------------------------------------

def test_a_diamond_is_counted_once():
    a = leaf(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad.item() == 4


def test_every_node_is_visited_once_so_cost_is_linear_in_depth():
    calls = []

    @primitive
    def same(x):
        return x.copy()
    defvjp(same, lambda g, y, x: calls.append(1) or g)
    y = x = leaf(1.0)
    for _ in range(60):                            # 2⁶⁰ paths
        y = same(y)
        y = y + y
    y.backward()
    assert len(calls) == 60 and x.grad.item() == 2.0 ** 60


def test_time_is_linear_in_depth():
    def seconds(n):
        best = np.inf
        for _ in range(3):
            start = time.process_time()
            y = leaf(1.0)
            for _ in range(n):
                y = y + y
            y.backward()
            best = min(best, time.process_time() - start)
        return best
    assert seconds(900) < 30 * seconds(90)         # ten times as deep; quadratic would be a hundred


def test_a_tensor_used_a_thousand_times_receives_every_part():
    x = leaf(1.0)
    sum((x * k for k in range(1000)), start=tc.tensor(0.0)).backward()
    assert x.grad.item() == 999 * 1000 / 2


@pytest.mark.parametrize("walk", [True, False], ids=["walked back", "dropped"])
def test_a_chain_of_200_000_operations_runs_forward_and_backward_and_is_freed(walk):
    x = leaf(1.0)
    y, middle = x, None
    for i in range(200_000):
        y = y + 1.0
        if i == 100_000:
            middle = weakref.ref(y)
    gc.collect()
    gc.disable()
    try:
        assert y.item() == 200_001
        if walk:
            y.backward()
            assert x.grad.item() == 1
        del y
        assert middle() is None
    finally:
        gc.enable()


def test_a_graph_is_freed_as_the_walk_leaves_it_and_a_second_walk_says_so():
    x = leaf(2.0)
    y = x * x
    z = y * 3
    z.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        z.backward()
    with pytest.raises(RuntimeError, match="freed"):
        (y + 1).backward()
    assert x.grad.item() == 12


def test_memory_of_intermediate_results_is_returned_during_the_walk():
    x = leaf(1.0)
    alive = []

    @primitive
    def probe(x):
        return x.copy()
    defvjp(probe, lambda g, y, x: alive.append(later() is not None) or g)
    y = probe(x) * 2
    y2 = y * 3
    later = weakref.ref(y2)
    z = y2 * 4
    del y, y2
    z.backward()
    assert alive == [False]


def test_retain_graph_allows_another_walk_with_the_same_bits():
    x = leaf(1.5)
    y = (x * x).exp()
    y.backward(retain_graph=True)
    first, x.grad = x.grad, None
    y.backward()
    assert x.grad.item() == first.item()


def test_backward_adds_to_the_gradient_that_is_there():
    x = leaf(2.0)
    for expected in (3, 6):
        (x * 3).backward()
        assert x.grad.item() == expected


def test_create_graph_gives_gradients_that_can_be_differentiated():
    x = leaf(2.0)
    y = x * x * x * x
    for expected in (32, 48, 48, 24):
        (y,) = tc.grad(y, x, create_graph=True)
        assert y.item() == expected
    assert not tc.grad(x * x, x)[0].requires_grad
    (x * x * x).backward(create_graph=True)
    g, x.grad = x.grad, None
    assert tc.grad(g, x)[0].item() == 12


def test_grad_of_several_outputs_and_inputs_touches_no_grad():
    x, y = leaf(2.0), leaf(5.0)
    found = tc.grad([x * y, x * x], [x, y], [tc.tensor(1.0), tc.tensor(10.0)])
    assert [g.item() for g in found] == [5 + 40, 2]
    assert x.grad is None and y.grad is None and all(g.dtype == np.float64 for g in found)


def test_grad_with_respect_to_an_intermediate_result():
    x = leaf(3.0)
    y = x * x
    z = y * y
    assert tc.grad(z, [y, x], retain_graph=True)[0].item() == 18
    assert tc.grad(z, z)[0].item() == 1


def test_grad_names_an_input_that_is_not_used_or_returns_none():
    x, y = leaf(1.0), leaf([[2.0]])
    with pytest.raises(RuntimeError, match=r"input 1 of shape \(1, 1\).*allow_unused"):
        tc.grad(x * 2, [x, y])
    assert tc.grad(x * 2, [x, y], allow_unused=True)[1] is None


def test_grad_computes_only_what_leads_to_the_inputs():
    @primitive
    def expensive(x):
        return x.copy()
    defvjp(expensive, lambda g, y, x: pytest.fail("computed a gradient nobody asked for"))
    x, y = leaf(1.0), leaf(2.0)
    assert tc.grad(expensive(x) * y, y)[0].item() == 1


def test_grad_leaves_what_it_did_not_walk_for_later():
    x = leaf(3.0)
    y = x * x
    assert tc.grad(y * 2, y)[0].item() == 2
    y.backward()
    assert x.grad.item() == 6


def test_leaf_as_output_is_its_own_gradient():
    x = leaf(4.0)
    x.backward()
    assert x.grad.item() == 1 and tc.grad(x, x)[0].item() == 1


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_a_result_with_many_elements_needs_a_cotangent_of_its_shape(shape):
    x = tc.zeros(*shape).requires_grad_()
    with pytest.raises(RuntimeError, match="needs a gradient of that shape"):
        (x * 2).backward()
    with pytest.raises(ValueError, match="must have that shape"):
        (x * 2).backward(tc.zeros(5))
    (x * 2).backward(np.ones(shape))               # an array will do, and is narrowed
    assert x.grad.dtype == np.float32 and (x.grad.data == 2).all()
    assert tc.grad(x, x, tc.tensor(np.ones(shape)))[0].dtype == np.float32


def test_what_does_not_require_grad_cannot_be_walked():
    with pytest.raises(RuntimeError, match="does not require grad"):
        tc.tensor(1.0).backward()
    with pytest.raises(RuntimeError, match="input 0 does not require grad"):
        tc.grad(leaf(1.0) * 2, tc.tensor(1.0))
    with pytest.raises(ValueError, match="as many grad_outputs"):
        tc.grad(leaf(1.0) * 2, leaf(1.0), [None, None])


def test_retain_grad_keeps_the_gradient_of_an_intermediate_result():
    x = leaf(2.0)
    y = x * x
    z = y * 3
    y.retain_grad()
    z.backward()
    assert y.grad.item() == 3 and x.grad.item() == 12 and z.grad is None
    y = x * x
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.backward()
    assert y.grad.item() == 10                     # as it went on
    with pytest.raises(RuntimeError):
        tc.tensor(1.0).retain_grad()


# ---- values that changed since they were used ----------------------------------------------------

def constant_item(x, w):
    x[0] = 100.0


@tc.no_grad()
def parameter_minus(x, w):
    w -= 0.5


@tc.no_grad()
def parameter_item(x, w):
    w[0, 0] = 5.0


def optimiser_step(x, w):
    w.grad = tc.ones_like(w)
    optim.SGD([w], lr=0.1).step()


def loaded_state(x, w):
    net = nn.Linear(3, 3)
    net.weight = w
    net.load_state_dict(nn.Linear(3, 3).state_dict())


def by_hand(x, w):
    w.data *= 2
    w.touch()


@pytest.mark.parametrize("change, place", [
    (constant_item, 0), (parameter_minus, 1), (parameter_item, 1), (optimiser_step, 1),
    (loaded_state, 1), (lambda x, w: nn.init.normal_(w), 1), (by_hand, 1),
    (lambda x, w: nn.init.zeros_(x), 0)])
def test_an_argument_changed_between_forward_and_backward_is_named(change, place):
    x, w = tc.ones(3, 3), nn.Parameter(np.ones((3, 3), np.float32))
    loss = (x * w).sum()
    change(x, w)
    before = w.grad
    message = fr"argument {place} of mul, shape \(3, 3\), was changed in place after it was used"
    for walk in (loss.backward, lambda: tc.grad(loss, w)):
        with pytest.raises(RuntimeError, match=message):
            walk()
    assert w.grad is before
    (x * w).sum().backward()                       # made of the new values, it can be walked


# ---- memory that several tensors look into -------------------------------------------------------

def through_a_detached_tensor(w):
    w.detach()[0, 0] = 5.0


@tc.no_grad()
def through_a_view(w):
    w[1][2] = 5.0


@tc.no_grad()
def through_a_view_of_a_view(w):
    w.reshape(-1)[3:6].T[1] = 5.0


def through_an_older_alias(w):
    tc.as_tensor(w.data)[2] = 5.0


@pytest.mark.parametrize("write", [through_a_detached_tensor, through_a_view,
                                   through_a_view_of_a_view, through_an_older_alias])
@pytest.mark.parametrize("used", [lambda w: w, lambda w: w.detach(), lambda w: w.detach().T])
def test_a_write_is_seen_through_whichever_tensor_the_memory_was_used_and_written(write, used):
    x, w = leaf(1.0, 2.0, 3.0), tc.ones(3, 3, requires_grad=True)
    with tc.debug(False):
        loss = (x * used(w)).sum()
        write(w)
        with pytest.raises(tc.ChangedError, match=r"argument 1 of mul, shape \(3, 3\), was changed"):
            loss.backward()
        (x * used(w)).sum().backward()             # made of the new values, it can be walked


def test_a_write_to_a_result_that_its_rule_reads_is_seen():
    x = leaf(0.5, 1.0)
    with tc.debug(False):
        y = tc.tanh(x)
        y.detach()[0] = 5.0
        z = (y * 2).sum()                          # uses the new values rightly; tanh does not
        with pytest.raises(tc.ChangedError, match=r"the result of tanh, shape \(2,\)"):
            z.backward()


def test_a_write_is_seen_through_windows_that_numpy_makes_of_the_memory():
    """They look into it over an object of NumPy's own that is no array."""
    array, w = np.arange(5.0), leaf(1.0, 2.0)
    with tc.debug(False):
        windows = tc.as_tensor(np.lib.stride_tricks.sliding_window_view(array, 2))
        loss = (windows * w).sum()
        tc.as_tensor(array)[4] = 7.0
        with pytest.raises(tc.ChangedError, match=r"argument 0 of mul, shape \(4, 2\)"):
            loss.backward()


def test_of_two_threads_that_write_at_once_the_later_write_counts(monkeypatch):
    numbers, begun = iter((5, 6)), threading.Event()

    class Numbers:
        """The first thread is interrupted when it has its number."""
        def __next__(self):
            number = next(numbers)
            if number == 5:
                begun.set()
                time.sleep(0.2)
            return number
    monkeypatch.setattr("tinyconv.core.writes.births", Numbers())
    noted, array = Writes(), np.zeros(2)
    slow = threading.Thread(target=noted.note, args=(array,))
    slow.start()
    begun.wait()
    noted.note(array[1:])
    slow.join()
    assert noted.newest == 6 and noted.since(5, array) and not noted.since(6, array)


def test_a_write_to_other_memory_or_to_memory_that_is_gone_harms_nothing():
    w = leaf(1.0, 2.0, 3.0)
    known = len(writes._last)
    with tc.debug(False):
        for _ in range(100):                       # some are made where another has just been
            kept = tc.ones(3)
            y = (w * tc.ones(3)).sum()
            tc.ones(3)[0] = 1.0
            kept[1] = 2.0
            y.backward()
    del kept
    assert len(writes._last) <= known and w.grad.tolist() == [100, 100, 100]


def test_a_change_before_the_use_or_of_a_copy_harms_nothing():
    x, w = tc.ones(3), leaf(1.0, 2.0, 3.0)
    x[0] = 5.0
    with tc.no_grad():
        w *= 2
    y = (x.clone() * w).sum()
    x[1] = 7.0
    y.backward()
    assert w.grad.tolist() == [5, 1, 1]


def test_a_change_of_what_is_not_walked_through_harms_nothing():
    x, w, v = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)
    h = x * w
    y = (h * v).sum()
    with tc.no_grad():
        w += 1
    assert tc.grad(y, [h, v], retain_graph=True)[0].tolist() == [5, 6]
    with pytest.raises(RuntimeError, match="argument 1 of mul"):
        y.backward()


def test_a_second_walk_over_a_retained_graph_sees_what_changed_in_between():
    w = leaf(2.0)
    y = w * w
    for _ in range(2):
        y.backward(retain_graph=True)
    with tc.no_grad():
        w += 1
    with pytest.raises(RuntimeError, match="argument 0 of mul"):
        y.backward()
    assert w.grad.item() == 8


def test_clipped_gradients_that_are_in_a_graph_are_seen_as_changed():
    w = leaf(2.0)
    (w * w * w).backward(create_graph=True)
    penalty = w.grad * w.grad
    optim.clip_grad_norm_([w], 1.0)
    with pytest.raises(RuntimeError, match="argument 0 of mul"):
        penalty.backward()


def test_a_key_may_change_after_it_was_used():
    w, key = leaf(1.0, 2.0, 3.0), tc.tensor([0, 0])
    y = w[key].sum() + tc.take_along_dim(w, key, 0).sum()
    key[0] = 2
    y.backward()
    assert w.grad.tolist() == [4, 0, 0]


def test_training_goes_on_as_ever():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x, y = tc.randn(8, 3), tc.randint(2, (8,))
    for _ in range(3):
        optimizer.zero_grad()
        for part in (slice(0, 4), slice(4, 8)):    # gradients of two half batches add up
            F.cross_entropy(net(x[part]), y[part]).backward()
        optimizer.step()


# ---- what lies behind a freed node ---------------------------------------------------------------

def test_what_was_freed_behind_an_intermediate_result_is_no_matter_to_its_own_gradient():
    x = leaf(3.0)
    h = x * x
    (h * 2).backward()
    b = h * h
    assert tc.grad(b, [h], retain_graph=True)[0].item() == 18
    assert tc.grad(h, h)[0].item() == 1
    later = h * 5
    assert tc.grad(later + h, later)[0].item() == 1
    for walk in (b.backward, lambda: tc.grad(b, [h, x])):
        with pytest.raises(RuntimeError, match="freed"):
            walk()
    assert x.grad.item() == 12


def test_a_joint_rule_is_left_alone_where_nobody_asks_for_what_it_gives():
    @primitive
    def product(a, b):
        return a * b
    defvjp(product, joint=lambda g, y, a, b: pytest.fail("computed a gradient nobody asked for"))
    h = product(leaf(2.0), leaf(5.0))
    assert tc.grad(h * 3, h)[0].item() == 3


# ---- hooks ---------------------------------------------------------------------------------------

def test_hooks_see_the_complete_gradient_once_and_may_replace_it():
    x, seen = leaf(2.0), []
    y = x * 1
    handle = y.register_hook(lambda g: seen.append(g.item()))
    x.register_hook(lambda g: g * 10)
    (y * 3 + y * 4).backward(retain_graph=True)
    assert seen == [7] and x.grad.item() == 70
    handle.remove()
    handle.remove()
    (y * 5).backward()
    assert seen == [7] and x.grad.item() == 120


def test_a_gradient_is_copied_unless_it_alone_knows_its_memory():
    kept = []

    @primitive
    def same(x, make):
        return x.copy()
    defvjp(same, lambda g, y, x, make: tc.as_tensor(make(g.data)))

    def keeping(g):
        kept.append(g.copy())
        return kept[-1][:]

    for copied, make in ((False, lambda g: (g * 1)[:]), (False, lambda g: g * 1), (True, keeping),
                         (True, lambda g: np.broadcast_to(g[:1], g.shape)),
                         (True, lambda g: np.repeat(g, 3)[::3]), (True, lambda g: g[:])):
        x = leaf(1.0, 2.0)
        same(x, make=make).backward(tc.tensor(np.array([3.0, 3.0])))
        assert x.grad.tolist() == [3, 3]
        assert (x.grad.data.base is None) == (copied or make(np.ones(2)).base is None)
        assert not any(np.shares_memory(x.grad.data, array) for array in kept)


def test_what_a_hook_has_seen_stays_the_users_own():
    x, seen = tc.ones(2).requires_grad_(), []
    y = x + 0.5
    y.register_hook(seen.append)
    (y * 2).sum().backward()
    x.grad.data[:] = 9
    assert seen[0].tolist() == [2, 2]


def test_what_a_hook_returns_stays_the_users_own():
    x, mine = tc.ones(2).requires_grad_(), tc.ones(2) * 5
    x.register_hook(lambda g: mine)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [5, 5] and not np.shares_memory(x.grad.data, mine.data)


def test_a_hook_that_comes_after_another_has_gone_takes_nobodys_place():
    x = leaf(1.0)
    handle = x.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: g * 3)
    handle.remove()
    x.register_hook(lambda g: g * 5)
    (x * 1).backward()
    assert x.grad.item() == 15


def test_hooks_run_in_order_and_a_wrong_shape_is_refused():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: g + 1)
    (x * 1).sum().backward()
    assert x.grad.tolist() == [3, 3]
    x.register_hook(lambda g: g.sum())
    with pytest.raises(ValueError, match="shape"):
        (x * 1).sum().backward()
    with pytest.raises(RuntimeError):
        tc.tensor(1.0).register_hook(print)


# ---- memory --------------------------------------------------------------------------------------

@pytest.mark.parametrize("f", [
    lambda a, b: a + b, lambda a, b: (a + b).reshape(6), lambda a, b: a - (-b),
    lambda a, b: tc.cat([a, b]), lambda a, b: tc.stack([a, b]).transpose(0, 1),
    lambda a, b: (a.T + b.T)[::-1]])
@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_share_memory_with_nothing_and_cotangents_are_left_alone(f, create_graph):
    a, b = (tc.tensor(np.full((2, 3), v), requires_grad=True) for v in (1.0, 2.0))
    y = f(a, b)
    v = tc.tensor(np.ones(y.shape))
    y.backward(v, create_graph=create_graph)
    arrays = [a.data, b.data, v.data, a.grad.data, b.grad.data]
    for i, p in enumerate(arrays):
        assert not any(np.may_share_memory(p, q) for q in arrays[:i])
    assert all(g.data.flags.writeable for g in (a.grad, b.grad)) and (v.data == 1).all()


def test_gradients_of_broadcast_tensors_can_be_written_to():
    x = leaf(1.0, 2.0)
    x.sum().backward()
    x.grad.data *= 0
    assert x.grad.tolist() == [0, 0]


def test_a_gradient_lies_in_memory_as_its_leaf_does_also_where_it_had_to_be_copied():
    x = tc.as_tensor(np.ones((2, 4, 5, 3)).transpose(0, 3, 1, 2)).requires_grad_()
    x.sum().backward()                             # one number, repeated
    assert x.grad.data.strides == x.data.strides


def test_no_reference_cycle_keeps_a_graph_alive():
    gc.collect()
    gc.disable()
    try:
        x = tc.tensor(np.ones((3, 3)), requires_grad=True)
        y = tc.softmax((x @ x).exp().reshape(9)[2:], 0)
        z = (y * y.sum()).mean()
        watched = [weakref.ref(t) for t in (y, z)]
        (g,) = tc.grad(z, x, create_graph=True)
        (gg,) = tc.grad((g * g).sum(), x)
        watched += [weakref.ref(t) for t in (g, gg)]
        z = x.sum()
        z.backward()
        watched.append(weakref.ref(z))
        del y, z, g, gg
        assert [w() for w in watched] == [None] * len(watched)
    finally:
        gc.enable()


# ---- broadcasting, and operations of one's own ---------------------------------------------------

@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (1, 3), (2, 3), (1, 1, 1), (4, 2, 3)])
def test_broadcasting_is_undone_on_the_edge(shape):
    x, y = tc.zeros(*shape).requires_grad_(), tc.ones(4, 2, 3)
    (x + y).sum().backward()
    assert x.grad.shape == shape and (x.grad.data == 24 / max(x.numel(), 1)).all()


def test_an_empty_broadcast_has_gradient_zero():
    x = tc.ones(1, 3).requires_grad_()
    (x + tc.zeros(0, 3)).sum().backward()
    assert x.grad.tolist() == [[0, 0, 0]]


def test_rules_may_be_stated_for_the_arguments_that_have_one():
    @primitive
    def times(n, x):
        return n * x
    defvjp(times, lambda g, y, n, x: n * g, argnums=[1])
    x = leaf(2.0)
    times(3.0, x).backward()
    assert x.grad.item() == 3


def test_an_operation_without_a_rule_says_so_when_it_is_walked():
    @primitive
    def mystery(x, y):
        return x + y
    defvjp(mystery, lambda g, y, a, b: g)
    with pytest.raises(NotImplementedError, match="mystery: argument 1"):
        mystery(leaf(1.0), leaf(2.0)).backward()


@pytest.mark.parametrize("rule, complaint", [
    (lambda g, y, x: g.data, "ndarray"),
    (lambda g, y, x: tc.ones(6), r"\(6,\).*\(2, 3\)"),
    (lambda g, y, x: tc.ones(2, 1), r"\(2, 1\).*\(2, 3\)")],
    ids=["an array", "another shape", "too few elements"])
def test_a_rule_that_returns_the_wrong_thing_is_named(rule, complaint):
    @primitive
    def odd(x):
        return x.copy()
    defvjp(odd, rule)
    with pytest.raises((TypeError, ValueError), match=f"odd.*{complaint}"):
        odd(tc.zeros(2, 3).requires_grad_()).sum().backward()


def test_a_joint_rule_gives_all_gradients_at_once():
    @primitive
    def product(a, b):
        return a * b
    defvjp(product, joint=lambda g, y, a, b: (g * b, g * a))
    a, b = leaf(2.0), leaf(5.0)
    assert [g.item() for g in tc.grad(product(a, b), [a, b])] == [5, 2]


def test_a_tensor_passed_by_keyword_is_not_lost_in_silence():
    a, b = leaf(2.0), leaf(5.0)
    try:
        y = tc.mul(a, b=b)
    except TypeError:
        return
    assert tc.grad(y, b)[0].item() == 2


def test_an_operation_may_add_its_gradient_to_one_that_has_arrived():
    """The sum is what it would be; where nothing has arrived the plain rule is asked."""
    asked = []

    @primitive
    def twice(x):
        return 2 * x
    defvjp(twice, lambda g, y, x: asked.append("alone") or 2 * g,
           onto={0: lambda s, g, y, x: asked.append("onto") or s + 2 * g})
    x = tc.tensor([1.0, 3.0], requires_grad=True)
    (gx,) = tc.grad((twice(x) * twice(x)).sum(), [x], create_graph=True)
    assert gx.data.tolist() == [8.0, 24.0] and asked == ["alone", "onto"]
    assert tc.grad(gx.sum(), [x])[0].data.tolist() == [8.0, 8.0]
    parts = [twice(x), twice(x)]
    tc.grad((parts[0] * parts[1]).sum(), [x])
    for part in parts:                           # whichever rule was asked, its graph is freed
        with pytest.raises(RuntimeError, match="twice .*was freed"):
            tc.grad(part.sum(), [x])
