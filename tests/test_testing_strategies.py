"""The strategies draw what they say, all of it, and nothing that has to be thrown away."""
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
