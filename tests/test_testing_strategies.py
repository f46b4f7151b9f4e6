"""The strategies draw what they say, all of it, and nothing that has to be thrown away."""
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyconv.nn.functional as F
from tinyconv.testing import strategies as s
from tinyconv.testing.layouts import LAYOUTS, lay_out


@given(st.sampled_from(LAYOUTS), s.shapes(min_side=0), st.sampled_from(s.FLOATS))
def test_every_layout_keeps_shape_dtype_and_values(layout, shape, dtype):
    array = s.fill(np.random.default_rng(0), shape, "integers", dtype)
    laid = lay_out(array, layout)
    assert laid.shape == shape and laid.dtype == dtype
    if layout != "broadcast":
        assert np.array_equal(laid, array)


@pytest.mark.parametrize("layout, holds", [
    ("contiguous", lambda a: a.flags.c_contiguous),
    ("fortran", lambda a: a.flags.f_contiguous),
    ("channels_last", lambda a: np.moveaxis(a, 1, -1).flags.c_contiguous),
    ("reversed", lambda a: all(s < 0 for s in a.strides)),
    ("strided", lambda a: not a.flags.forc and min(a.strides) == 2 * a.itemsize),
    ("broadcast", lambda a: 0 in a.strides),
    ("read_only", lambda a: not a.flags.writeable)])
def test_every_layout_is_what_it_is_called(layout, holds):
    assert holds(lay_out(np.zeros((2, 3, 4, 5)), layout))


def test_an_unknown_layout_or_kind_of_values_is_named():
    with pytest.raises(ValueError, match="fortran.*'diagonal'"):
        lay_out(np.zeros(3), "diagonal")
    with pytest.raises(ValueError, match="integers.*'prime'"):
        s.fill(np.random.default_rng(0), (3,), "prime")


@given(s.tensors(values=[v for v in s.VALUES if v != "nonfinite"], dtype=s.FLOATS))
def test_tensors_are_finite_leaves(t):
    assert np.isfinite(t.data).all() and t.requires_grad and t.is_leaf


@given(s.arrays(values="integers", dtype=np.float32))
def test_integers_are_whole_and_small(a):
    assert (a == np.round(a)).all() and (np.abs(a) <= 4).all()


@given(s.arrays(values="distinct"))
def test_distinct_values_keep_their_distance_from_each_other_and_from_zero(a):
    values = np.sort(np.append(a.ravel(), 0.0))
    assert a.size == 0 or np.diff(values).min() > 0.01


@given(s.arrays(values="positive"))
def test_positive_values_lie_between_a_half_and_two(a):
    assert ((a >= 0.5) & (a <= 2)).all()


@given(st.sampled_from(s.VALUES).flatmap(lambda kind: st.tuples(st.just(kind), s.values(kind))))
def test_values_are_plain_arrays_of_the_kind_asked_for(drawn):
    kind, a = drawn
    assert a.flags.c_contiguous and a.flags.writeable and a.dtype == np.float64
    assert np.isfinite(a).all() or kind == "nonfinite"
    assert kind != "integers" or (a == np.round(a)).all()


@given(s.broadcastable(count=3, min_side=0))
def test_broadcastable_shapes_broadcast(shapes):
    np.broadcast_shapes(*shapes)


@given(s.conv_problems())
def test_conv_problems_have_the_sizes_they_claim(p):
    assert p.dims in (1, 2, 3) and len(p.x_shape) == len(p.w_shape) == p.dims + 2
    assert p.C % p.groups == p.O % p.groups == 0
    assert min(p.size) >= 1 and min(p.out) >= 1
    for n, k, pad, d in zip(p.size, p.kernel, p.padding, p.dilation):
        assert d * (k - 1) + 1 <= n + 2 * pad


@given(s.conv_problems())
@settings(max_examples=10)
def test_conv_problems_agree_with_pytorch_about_the_output(torch, p):
    conv = getattr(torch.nn.functional, f"conv{p.dims}d")
    assert conv(torch.zeros(p.x_shape), torch.zeros(p.w_shape), **p.options).shape == p.y_shape


@given(s.pool_problems())
def test_pool_problems_are_ones_that_pytorch_takes(torch, p):
    x = torch.zeros(p.x_shape)
    getattr(torch.nn.functional, f"max_pool{p.dims}d")(x, **p.max_options)
    if p.dims < 3 or all(n >= k for n, k in zip(p.size, p.kernel)):    # avg_pool3d forgets padding
        getattr(torch.nn.functional, f"avg_pool{p.dims}d")(x, **p.avg_options)


def test_every_combination_turns_up():
    """Kernel and stride against one another, padding, dilation, groups, remainders, empty batch."""
    seen = set()

    @settings(max_examples=600, derandomize=True, database=None)
    @given(s.conv_problems())
    def collect(p):
        k, st_, pad, d = p.kernel[0], p.stride[0], p.padding[0], p.dilation[0]
        left = (p.size[0] + 2 * pad - d * (k - 1) - 1) % st_
        seen.update({f"{p.dims}d", f"stride {'>' if st_ > k else '<' if st_ < k else '='} kernel",
                     f"padding {pad > 0}", f"dilation {d > 1 and k > 1}", f"groups {p.groups > 1}",
                     f"remainder {left > 0}", f"empty {p.N == 0}",
                     f"all {st_ > 1 and pad > 0 and d > 1 and k > 1 and p.groups > 1}",
                     f"anisotropic {len(set(zip(p.kernel, p.stride, p.padding))) > 1}",
                     f"depthwise {p.groups == p.C > 1}"})
    collect()
    assert seen == {"1d", "2d", "3d", *(f"stride {c} kernel" for c in "<>="),
                    *(f"{w} {b}" for b in (True, False) for w in (
                        "padding", "dilation", "groups", "remainder", "empty", "all",
                        "anisotropic", "depthwise"))}


def test_checking_gradients_does_not_need_hypothesis():
    code = "import sys, tinyconv.testing; assert 'hypothesis' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- what is promised is drawn -------------------------------------------------------------------

def seen(strategy, features, examples=600):
    """All features that turn up among so many draws."""
    found = set()

    @settings(max_examples=examples, derandomize=True, database=None)
    @given(strategy)
    def collect(drawn):
        found.update(features(drawn))
    collect()
    return found


def test_tensors_come_in_every_layout_shape_and_dtype():
    def features(t):
        a = t.data
        yield f"{a.dtype}"
        yield f"{a.ndim} dimensions"
        yield "empty" if a.size == 0 else "read-only" if not a.flags.writeable else "writeable"
        if a.size > 1 and min(a.shape) > 1:
            if 0 in a.strides:
                yield "broadcast"
            elif min(a.strides) < 0:
                yield "reversed"
            elif a.flags.c_contiguous:
                yield "contiguous"
            elif a.flags.f_contiguous:
                yield "fortran"
            elif a.ndim > 2 and np.moveaxis(a, 1, -1).flags.c_contiguous:
                yield "channels last"
            else:
                yield "strided"
    assert seen(s.tensors(s.shapes(min_side=0), dtype=s.FLOATS), features) == {
        "float32", "float64", *(f"{n} dimensions" for n in range(5)), "empty", "read-only",
        "writeable", "broadcast", "reversed", "contiguous", "fortran", "channels last", "strided"}


@pytest.mark.parametrize("values, wanted", [
    ("extreme", {"zero", "minus zero", "tiny", "huge", "large", "ordinary"}),
    ("nonfinite", {"nan", "inf", "-inf", "ordinary"}), ("unit", {"ordinary", "near the end"})])
def test_awkward_values_all_turn_up(values, wanted):
    def features(a):
        for x in a.ravel():
            yield ("nan" if np.isnan(x) else "inf" if x == np.inf else "-inf" if x == -np.inf else
                   "minus zero" if x == 0 and np.signbit(x) else "zero" if x == 0 else
                   "tiny" if abs(x) < 1e-20 else "huge" if abs(x) > 1e20 else
                   "large" if abs(x) > 1e3 else
                   "near the end" if values == "unit" and abs(x) > 0.85 else "ordinary")
    assert seen(s.arrays(values=values), features, 100) == wanted


@given(s.arrays(values="unit", dtype=s.FLOATS))
def test_unit_values_lie_within_nine_tenths(a):
    assert (np.abs(a) <= 0.9).all()


def test_every_kind_of_pooling_turns_up():
    def features(p):
        k, stride, pad, d = p.kernel[0], p.stride[0], p.padding[0], p.dilation[0]
        yield from (f"{p.dims}d", f"stride {'>' if stride > k else '<' if stride < k else '='}",
                    f"padding {pad > 0}", f"dilation {d > 1 and k > 1}", f"ceil {p.ceil_mode}",
                    f"empty {p.N == 0}", f"overlap {stride < k}",
                    f"all {stride > 1 and pad > 0 and d > 1 and p.ceil_mode}")
    assert seen(s.pool_problems(), features) == {
        "1d", "2d", "3d", "stride >", "stride <", "stride =",
        *(f"{w} {b}" for b in (True, False) for w in (
            "padding", "dilation", "ceil", "empty", "overlap", "all"))}


def test_shapes_that_broadcast_are_of_every_kind():
    def features(shapes):
        a, b = shapes
        yield "equal" if a == b else "different"
        yield "fewer dimensions" if len(a) != len(b) else "as many"
        if any(m == 1 != n for m, n in zip(a[::-1], b[::-1])):
            yield "stretched"
        if () in (a, b):
            yield "a number"
    assert seen(s.broadcastable(), features, 200) == {
        "equal", "different", "fewer dimensions", "as many", "stretched", "a number"}


@given(s.operands("positive", "distinct", "normal"))
def test_operands_are_arrays_that_broadcast(xs):
    assert len(xs) == 3 and np.broadcast_shapes(*(x.shape for x in xs)) is not None
    assert (xs[0] >= 0.5).all() and all(x.dtype == np.float64 for x in xs)


@pytest.mark.parametrize("problems, subject", [
    (s.norm_problems, s.normalization), (s.loss_problems, s.losses)])
def test_problems_of_a_subject_are_of_all_its_operations(problems, subject):
    def features(pair):
        operation, call = pair
        yield operation.name
        yield from call.kwargs
    found = seen(problems(), features, 1500)
    assert found >= {operation.name for operation in subject.OPERATIONS}
    assert found >= ({"weight", "bias", "training", "eps"} if subject is s.normalization else
                     {"weight", "reduction", "ignore_index", "label_smoothing", "margin"})


@given(s.norm_problems() | s.loss_problems())
def test_norms_and_losses_can_be_called_with_what_is_drawn(pair):
    operation, call = pair
    y = call.of(operation.spellings[0])(*call.floats)
    assert np.isfinite(y.data).all()


@given(s.calls("conv2d"))
def test_calls_are_arguments_of_the_operation(call):
    assert len(call.floats) in (2, 3) and call.of(F.conv2d)(*call.floats).ndim in (3, 4)
