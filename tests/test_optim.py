"""Optimisers and schedules: the same numbers as PyTorch's, in place, for any memory layout."""
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinyconv import optim
from tinyconv.core import Tensor, add
from tinyconv.optim import lr_scheduler

decays = st.sampled_from([0, 1e-4, 0.1])
rates = st.floats(1e-4, 0.3)
momenta = st.floats(0.05, 0.99)
seeds = st.integers(0, 2**32 - 1)

sgd = st.one_of(
    st.fixed_dictionaries(dict(lr=rates, momentum=st.sampled_from([0, 0.5, 0.9]),
                               dampening=st.floats(0, 0.9), weight_decay=decays,
                               maximize=st.booleans())),
    st.fixed_dictionaries(dict(lr=rates, momentum=momenta, weight_decay=decays,
                               nesterov=st.just(True))))
adam = st.fixed_dictionaries(dict(
    lr=rates, betas=st.tuples(momenta, st.floats(0.5, 0.999)), eps=st.floats(1e-9, 1e-2),
    weight_decay=decays, amsgrad=st.booleans(), maximize=st.booleans()))
rmsprop = st.fixed_dictionaries(dict(
    lr=rates, alpha=st.floats(0.5, 0.99), eps=st.floats(1e-9, 1e-2), weight_decay=decays,
    momentum=st.sampled_from([0, 0.9]), maximize=st.booleans()))
optimisers = st.one_of(st.tuples(st.just("SGD"), sgd), st.tuples(st.just("Adam"), adam),
                       st.tuples(st.just("AdamW"), adam), st.tuples(st.just("RMSprop"), rmsprop))

SHAPES = [(4, 3, 3, 2), (5,), ()]


def parameters(generator, dtype=np.float64):
    return [Tensor(generator.standard_normal(shape).astype(dtype), requires_grad=True)
            for shape in SHAPES]


def train(optimizer, params, gradients, steps, after=lambda: None):
    """Run some steps with given gradients; the parameter at place 1 now and then has none."""
    for t in range(steps):
        for i, p in enumerate(params):
            p.grad = None if i == 1 and t % 5 == 3 else Tensor(gradients[t][i])
        optimizer.step()
        after()


def gradients_of(generator, steps=50, dtype=np.float64):
    return [[generator.standard_normal(shape).astype(dtype) for shape in SHAPES]
            for _ in range(steps)]


def torch_train(name, params, gradients, settings, groups=None, schedule=None):
    torch = pytest.importorskip("torch")
    theirs = [torch.tensor(p.data.copy(), requires_grad=True) for p in params]
    given = theirs if groups is None else [{"params": theirs[:1]}, {"params": theirs[1:], **groups}]
    optimizer = getattr(torch.optim, name)(given, **settings)
    scheduler = schedule and schedule(torch.optim.lr_scheduler, optimizer)
    for t, gs in enumerate(gradients):
        for i, p in enumerate(theirs):
            p.grad = None if i == 1 and t % 5 == 3 else torch.tensor(gs[i])
        optimizer.step()
        if scheduler:
            scheduler.step()
    return [p.detach().numpy() for p in theirs]


def assert_close(ours, theirs, tolerance=1e-12):
    for p, q in zip(ours, theirs):
        np.testing.assert_allclose(p.data, q, rtol=tolerance, atol=tolerance)


# ---- the same as PyTorch -------------------------------------------------------------------------

@pytest.mark.torch
@example(("SGD", dict(lr=0.1, momentum=0.9, dampening=0.5, weight_decay=0.1, maximize=True)), 0)
@example(("Adam", dict(lr=0.1, weight_decay=0.1, amsgrad=True, maximize=True)), 0)
@given(optimisers, seeds)
def test_fifty_steps_in_float64_equal_those_of_pytorch(optimiser, seed):
    name, settings = optimiser
    generator = np.random.default_rng(seed)
    params, gradients = parameters(generator), gradients_of(generator)
    expected = torch_train(name, params, gradients, settings)
    train(getattr(optim, name)(params, **settings), params, gradients, 50)
    assert_close(params, expected)


@pytest.mark.torch
@given(seeds, st.booleans())
def test_centred_rmsprop_equals_that_of_pytorch(seed, with_momentum):
    generator = np.random.default_rng(seed)
    params, gradients = parameters(generator), gradients_of(generator)
    settings = dict(lr=0.01, alpha=0.9, eps=1e-2, centered=True, momentum=0.9 * with_momentum)
    # v − mean² cancels while few gradients have come in: round-off there is magnified by the square
    # root
    expected = torch_train("RMSprop", params, gradients, settings)
    train(optim.RMSprop(params, **settings), params, gradients, 50)
    assert_close(params, expected, 1e-10)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_defaults_are_those_of_pytorch(name):
    generator = np.random.default_rng(0)
    params, gradients = parameters(generator), gradients_of(generator)
    expected = torch_train(name, params, gradients, {})
    train(getattr(optim, name)(params), params, gradients, 50)
    assert_close(params, expected)


@pytest.mark.torch
@pytest.mark.parametrize("name, settings, group", [
    ("SGD", dict(lr=0.1, momentum=0.9), dict(lr=0.01, weight_decay=0.1)),
    ("AdamW", dict(lr=0.1), dict(betas=(0.5, 0.9), amsgrad=True))])
def test_groups_have_hyperparameters_of_their_own(name, settings, group):
    generator = np.random.default_rng(1)
    params, gradients = parameters(generator), gradients_of(generator)
    expected = torch_train(name, params, gradients, settings, group)
    groups = [{"params": params[:1]}, {"params": params[1:], **group}]
    train(getattr(optim, name)(groups, **settings), params, gradients, 50)
    assert_close(params, expected)


whole = st.integers(1, 20)
schedules = st.one_of(*(st.tuples(st.just(name), st.fixed_dictionaries(arguments))
                        for name, arguments in {
    "StepLR": dict(step_size=whole, gamma=st.floats(0.1, 1)),
    "MultiStepLR": dict(milestones=st.lists(st.integers(0, 60), max_size=4)),
    "LinearLR": dict(start_factor=st.floats(0.01, 1), total_iters=whole),
    "CosineAnnealingLR": dict(T_max=st.integers(50, 70), eta_min=st.floats(0, 0.01)),
    "OneCycleLR": dict(max_lr=rates, total_steps=st.integers(50, 80),
                       pct_start=st.floats(0.1, 0.45),
                       three_phase=st.booleans(), cycle_momentum=st.booleans(),
                       anneal_strategy=st.sampled_from(["cos", "linear"]),
                       div_factor=st.floats(1, 30))}.items()))


@pytest.mark.torch
@example(("MultiStepLR", dict(milestones=[3, 7, 7])), "SGD")
@given(schedules, st.sampled_from(["SGD", "Adam"]))
def test_schedules_equal_those_of_pytorch(schedule, optimiser):
    name, arguments = schedule
    generator = np.random.default_rng(0)
    params, gradients = parameters(generator), gradients_of(generator)
    settings = dict(lr=0.1, **({"momentum": 0.9} if optimiser == "SGD" else {}))

    def schedule_of(module, optimizer):
        return getattr(module, name)(optimizer, **arguments)
    expected = torch_train(optimiser, params, gradients, settings, schedule=schedule_of)
    optimizer = getattr(optim, optimiser)(params, **settings)
    train(optimizer, params, gradients, 50, after=schedule_of(lr_scheduler, optimizer).step)
    assert_close(params, expected, 1e-11)


@pytest.mark.torch
@given(st.integers(1, 20), st.integers(21, 40), rates)
def test_schedules_in_sequence_equal_those_of_pytorch(first, second, lr):
    torch = pytest.importorskip("torch")

    def rates_of(module, optimizer):
        schedule = module.SequentialLR(optimizer, [
            module.LinearLR(optimizer, 0.1, total_iters=first),
            module.CosineAnnealingLR(optimizer, T_max=50),
            module.LambdaLR(optimizer, lambda t: 0.95 ** t)], milestones=[first, second])
        seen = []
        for _ in range(50):
            seen.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        return seen

    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    with warnings.catch_warnings():              # PyTorch's warns of its own way of stepping
        warnings.simplefilter("ignore")
        expected = rates_of(torch.optim.lr_scheduler, theirs)
    ours = rates_of(lr_scheduler, optim.SGD([Tensor(np.zeros(1), requires_grad=True)], lr=lr))
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


# ---- in place, whatever the layout ---------------------------------------------------------------

@given(optimisers, st.permutations(range(4)), st.permutations(range(4)), seeds)
@settings(max_examples=30)
def test_the_memory_layout_does_not_matter(optimiser, order, gradient_order, seed):
    name, hyper = optimiser
    generator = np.random.default_rng(seed)
    plain, gradients = parameters(generator), gradients_of(generator, steps=4)
    array = plain[0].data

    def lying(x, order):
        return x.transpose(order).copy().transpose(np.argsort(order))

    strided = np.zeros((8, *array.shape[1:]))[::2]
    strided[...] = array
    others = [[Tensor(first, requires_grad=True),
               *(Tensor(p.data.copy(), requires_grad=True) for p in plain[1:])]
              for first in (lying(array, order), strided)]
    train(getattr(optim, name)(plain, **hyper), plain, gradients, 4)
    for params in others:
        before = params[0].data
        gs = [[lying(g[0], gradient_order), *g[1:]] for g in gradients]
        train(getattr(optim, name)(params, **hyper), params, gs, 4)
        assert params[0].data is before                  # changed in place, not replaced
        for p, q in zip(plain, params):
            np.testing.assert_array_equal(p.data, q.data)


def test_a_parameter_stays_float32_and_its_gradient_as_it_was():
    for name in ("SGD", "Adam", "AdamW", "RMSprop"):
        p = Tensor(np.ones(3, np.float32), requires_grad=True)
        p.grad = Tensor(np.full(3, 0.5, np.float32))
        optimizer = getattr(optim, name)([p], lr=0.1)
        optimizer.step()
        assert p.dtype == np.float32
        assert {m.dtype for m in optimizer.state[p].values() if isinstance(m, np.ndarray)} <= {
            np.dtype(np.float32)}
        np.testing.assert_array_equal(p.grad.data, 0.5)


def test_parameters_without_gradient_are_left_alone():
    p, q = (Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([p, q], lr=0.1, momentum=0.9, weight_decay=0.1)
    p.grad = Tensor(np.ones(3))
    optimizer.step()
    assert (p.data != 1).all() and (q.data == 1).all() and q not in optimizer.state


def test_zero_grad_forgets_gradients_or_fills_them_with_zeros():
    p = Tensor(np.ones(3), requires_grad=True)
    optimizer = optim.SGD([p])
    p.grad = Tensor(np.ones(3))
    optimizer.zero_grad(set_to_none=False)
    assert (p.grad.data == 0).all()
    optimizer.zero_grad()
    assert p.grad is None


def test_zero_grad_reaches_every_group():
    params = [Tensor(np.ones(3), requires_grad=True) for _ in range(3)]
    optimizer = optim.SGD([{"params": params[:1]}, {"params": params[1:]}])
    for p in params:
        p.grad = Tensor(np.ones(3))
    optimizer.zero_grad()
    assert [p.grad for p in params] == [None, None, None]


def test_step_returns_what_the_closure_returned():
    p = Tensor(np.ones(1), requires_grad=True)

    def closure():
        p.grad = Tensor(np.ones(1))
        return 42
    assert optim.SGD([p], lr=1).step(closure) == 42
    assert p.data == 0


# ---- clipping ------------------------------------------------------------------------------------

@pytest.mark.torch
@given(st.floats(1e-3, 1e3), st.sampled_from([1.0, 2.0, 3.5, float("inf")]), seeds)
def test_clipping_equals_that_of_pytorch(max_norm, norm_type, seed):
    torch = pytest.importorskip("torch")
    params = parameters(np.random.default_rng(seed))
    theirs = [torch.tensor(p.data, requires_grad=True) for p in params]
    for p, q in zip(params[1:], theirs[1:]):             # the first has none
        p.grad, q.grad = Tensor(p.data * 3), torch.tensor(p.data * 3)
    norm = optim.clip_grad_norm_(params, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert norm.item() == pytest.approx(expected.item())
    assert_close([p.grad for p in params[1:]], [q.grad.numpy() for q in theirs[1:]])
    assert params[0].grad is None


def test_clipping_does_not_overflow_and_can_refuse():
    p = Tensor(np.zeros(2, np.float32), requires_grad=True)
    p.grad = Tensor(np.array([3e30, 4e30], np.float32))
    assert optim.clip_grad_norm_(p, 1.0).item() == pytest.approx(5e30)
    np.testing.assert_allclose(p.grad.data, [0.6, 0.8], rtol=1e-6)
    p.grad = Tensor(np.array([np.nan, 1], np.float32))
    with pytest.raises(RuntimeError, match="norm of the gradients is nan"):
        optim.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)


# ---- saving and loading --------------------------------------------------------------------------

@given(optimisers, seeds)
@settings(max_examples=30)
def test_a_run_continued_from_state_dicts_has_the_same_bits(optimiser, seed):
    name, hyper = optimiser
    generator = np.random.default_rng(seed)
    unbroken, gradients = parameters(generator), gradients_of(generator, steps=10)
    broken = [Tensor(p.data.copy(), requires_grad=True) for p in unbroken]

    def begin(params):
        optimizer = getattr(optim, name)(params, **hyper)
        return optimizer, lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)

    optimizer, schedule = begin(unbroken)
    train(optimizer, unbroken, gradients, 10, after=schedule.step)
    optimizer, schedule = begin(broken)
    train(optimizer, broken, gradients[:5], 5, after=schedule.step)
    saved = optimizer.state_dict(), schedule.state_dict()
    optimizer, schedule = begin(broken)
    optimizer.load_state_dict(saved[0])
    schedule.load_state_dict(saved[1])
    train(optimizer, broken, gradients[5:], 5, after=schedule.step)
    for p, q in zip(unbroken, broken):
        np.testing.assert_array_equal(p.data, q.data)


@given(optimisers, seeds)
@settings(max_examples=30)
def test_a_loaded_memory_may_lie_otherwise_than_its_parameter(optimiser, seed):
    name, hyper = optimiser
    array, gradient = np.random.default_rng(seed).standard_normal((2, 4, 3))
    params = [Tensor(array.copy("F"), requires_grad=True) for _ in range(2)]
    unbroken, loaded = (getattr(optim, name)([p], **hyper) for p in params)
    for optimizer, p in zip((unbroken, loaded), params):
        train(optimizer, [p], [[gradient]], 1)
    state = loaded.state_dict()
    state["state"] = {0: {key: np.array(value, order="C") if isinstance(value, np.ndarray)
                          else value for key, value in state["state"][0].items()}}
    loaded.load_state_dict(state)
    for optimizer, p in zip((unbroken, loaded), params):
        train(optimizer, [p], [[gradient]] * 3, 3)
    np.testing.assert_array_equal(params[0].data, params[1].data)


@pytest.mark.torch
def test_the_state_of_a_pytorch_optimiser_can_be_loaded():
    torch = pytest.importorskip("torch")
    theirs = torch.ones(3, dtype=torch.float64, requires_grad=True)
    ours = Tensor(np.ones(3), requires_grad=True)
    a, b = torch.optim.Adam([theirs]), optim.Adam([ours])
    theirs.grad = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    a.step()
    state = a.state_dict()
    memory = {name: value.numpy() for name, value in state["state"][0].items()}
    b.load_state_dict({"state": {0: memory}, "param_groups": state["param_groups"]})
    ours.data[...] = theirs.detach().numpy()
    ours.grad = Tensor(theirs.grad.numpy())
    a.step(), b.step()
    np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-15)


def test_a_state_that_does_not_fit_is_refused_whole():
    def momentum_after_a_step(*shapes):
        params = [Tensor(np.ones(shape), requires_grad=True) for shape in shapes]
        optimizer = optim.SGD(params, lr=0.1, momentum=0.9)
        for p in params:
            p.grad = Tensor(np.ones(p.shape))
        optimizer.step()
        return optimizer

    optimizer = momentum_after_a_step(3, 4)
    before = {p: m["momentum_buffer"].copy() for p, m in optimizer.state.items()}
    with pytest.raises(ValueError, match=r"parameter 0 has shape \(5,\), expected \(3,\).*"
                                         r"parameter 1 has shape \(6,\)"):
        optimizer.load_state_dict(momentum_after_a_step(5, 6).state_dict())
    with pytest.raises(ValueError, match=r"hold \[2\] parameters, those saved \[1\]"):
        optimizer.load_state_dict(momentum_after_a_step(3).state_dict())
    state = optimizer.state_dict()
    with pytest.raises(ValueError, match="memory of parameter 7, but the groups hold 2"):
        optimizer.load_state_dict({**state, "state": {7: state["state"][0]}})
    for p, m in optimizer.state.items():
        np.testing.assert_array_equal(m["momentum_buffer"], before[p])


# ---- bad arguments -------------------------------------------------------------------------------

@pytest.mark.parametrize("name, settings, says", [
    ("SGD", dict(lr=-1), "lr must be a number at least 0, got -1"),
    ("SGD", dict(lr=float("nan")), "lr must be"),
    ("SGD", dict(lr="0.1"), "lr must be a number at least 0, got '0.1'"),
    ("SGD", dict(momentum=-0.1), "momentum must be"),
    ("SGD", dict(weight_decay=-1e-4), "weight_decay must be"),
    ("SGD", dict(nesterov=True), "nesterov needs momentum > 0"),
    ("SGD", dict(nesterov=True, momentum=0.9, dampening=0.1), "nesterov .* and dampening = 0"),
    ("Adam", dict(betas=(1.0, 0.9)), r"betas\[0\] must be a number in \[0, 1\)"),
    ("Adam", dict(betas=0.9), "betas must be a pair"),
    ("AdamW", dict(eps=-1), "AdamW: eps must be"),
    ("RMSprop", dict(alpha=-1), "alpha must be")])
def test_bad_hyperparameters_are_named(name, settings, says):
    p = Tensor(np.ones(1), requires_grad=True)
    with pytest.raises(ValueError, match=says):
        getattr(optim, name)([p], **settings)
    with pytest.raises(ValueError, match=says):          # in a group of its own as well
        getattr(optim, name)([{"params": [p], **settings}])


def test_bad_parameters_are_named():
    p = Tensor(np.ones(2), requires_grad=True)
    with pytest.raises(TypeError, match=r"for a model pass model.parameters\(\)"):
        optim.SGD(p)
    with pytest.raises(ValueError, match="nothing to optimise"):
        optim.SGD([])
    with pytest.raises(TypeError, match="parameter 0 of group 0 must be a tensor, got ndarray"):
        optim.SGD([p.data])
    with pytest.raises(ValueError, match="is a result of add; only leaves"):
        optim.SGD([add(p, p)])
    with pytest.raises(ValueError, match="appears twice"):
        optim.SGD([p, p])
    with pytest.raises(ValueError, match="is in an earlier group already"):
        optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.raises(TypeError, match="must be float32 or float64, got int64"):
        optim.SGD([Tensor(np.arange(3))])


def test_a_gradient_of_another_shape_and_a_read_only_parameter_are_named():
    p = Tensor(np.ones((2, 3)), requires_grad=True)
    p.grad = Tensor(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"shape \(2, 3\) has a gradient of shape \(3, 2\)"):
        optim.SGD([p]).step()
    p.grad = Tensor(np.ones((2, 3)))
    p.data.setflags(write=False)
    with pytest.raises(ValueError, match="read-only"):
        optim.SGD([p]).step()


@pytest.mark.parametrize("make, says", [
    (lambda o: lr_scheduler.StepLR(o, 0), "step_size must be a whole number above 0, got 0"),
    (lambda o: lr_scheduler.CosineAnnealingLR(o, 1.5), "T_max must be"),
    (lambda o: lr_scheduler.LinearLR(o, 0), "start_factor must be"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1), "give total_steps"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10, pct_start=2), "pct_start"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10, anneal_strategy="sine"), "anneal_strategy"),
    (lambda o: lr_scheduler.LambdaLR(o, [abs, abs]), "must be one value or 1"),
    (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 1)], [3]),
     "0 milestones between them, got 1")])
def test_bad_schedules_are_named(make, says):
    with pytest.raises(ValueError, match=says):
        make(optim.SGD([Tensor(np.ones(1), requires_grad=True)]))


def test_one_cycle_refuses_a_step_beyond_its_end():
    optimizer = optim.SGD([Tensor(np.ones(1), requires_grad=True)], momentum=0.9)
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=3)
    for _ in range(3):
        schedule.step()
    with pytest.raises(ValueError, match="step 4 is beyond the 3 steps"):
        schedule.step()


def test_a_parameter_that_was_replaced_by_a_larger_one_is_refused():
    p = Tensor(np.zeros(4, np.float32)).requires_grad_()
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
    p.grad = Tensor(np.ones(4, np.float32))
    optimizer.step()
    p.data, p.grad = np.zeros(60_000, np.float32), Tensor(np.ones(60_000, np.float32))
    with pytest.raises(ValueError, match=r"state of shape \(4,\)"):
        optimizer.step()
