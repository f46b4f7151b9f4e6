"""The walk from a result back to what it was made from: `backward` and `grad`."""
from inspect import signature
from sys import getrefcount

import numpy as np

from .errors import ChangedError, FreedGraphError
from .primitive import add, cast, sum_to
from .recording import set_grad_enabled
from .tensor import Tensor, wrap
from .watching import watchers
from .writes import writes


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False,
         allow_unused=False):
    """∂(outputs · grad_outputs)/∂input for every input, as a tuple; no `.grad` is touched.

    `outputs` and `inputs` are a tensor or a sequence of tensors, `grad_outputs` the cotangents (1
    where an output has one element). With `create_graph` the results can be differentiated in turn;
    with `retain_graph` (default: `create_graph`) the graph may be walked again. An input the
    outputs do not depend on is an error, or None with `allow_unused`. Only what leads to the inputs
    is computed, and only that has to be as it was recorded: FreedGraphError if some of it was freed
    by an earlier walk, ChangedError if it was changed in place.
    """
    outputs, inputs = _as_list(outputs), _as_list(inputs)
    given = [None] * len(outputs) if grad_outputs is None else _as_list(grad_outputs)
    if len(given) != len(outputs):
        raise ValueError(f"grad: {len(outputs)} outputs need as many grad_outputs, "
                         f"got {len(given)}")
    for i, x in enumerate(inputs):
        if not (isinstance(x, Tensor) and x.requires_grad):
            raise RuntimeError(f"grad: input {i} does not require grad")
    cotangents = [_cotangent(y, g) for y, g in zip(outputs, given)]
    found = _walk(outputs, cotangents, set(inputs), retain_graph, create_graph)
    for i, x in enumerate(inputs):
        if x not in found and not allow_unused:
            raise RuntimeError(f"grad: the outputs do not depend on input {i} of shape {x.shape}; "
                               "pass allow_unused=True to get None for it")
    return tuple(found.get(x) for x in inputs)


def backward(self, gradient=None, retain_graph=None, create_graph=False):
    """Add ∂self/∂leaf to the `.grad` of every leaf that requires it (and of what `retain_grad`s).

    `gradient` is the cotangent ∂L/∂self; a tensor with one element may leave it out (1). With
    `create_graph` the gradients can be differentiated in turn; with `retain_graph` (default:
    `create_graph`) the graph may be walked again. Raises FreedGraphError if the graph was freed by
    an earlier walk, ChangedError if what an operation read or made was changed in place since.
    """
    found = _walk([self], [_cotangent(self, gradient)], None, retain_graph, create_graph)
    with set_grad_enabled(create_graph):
        for leaf, g in found.items():
            leaf.grad = g if leaf.grad is None else add(leaf.grad, g)


Tensor.backward = backward


def _walk(roots, cotangents, targets, retain_graph, create_graph):
    """Carry cotangents from the roots back to the targets (None: leaves): {target: gradient}.

    Why the order matters: in  b = a + a;  c = b + b  the gradient of b has two parts, and b may
    pass its gradient on to a only when both have arrived. Youngest first guarantees it, and every
    node is visited once. (Following paths instead would visit a four times here, and 2ⁿ times in a
    chain of n.)
    """
    retain_graph = create_graph if retain_graph is None else retain_graph
    gradients, found = {}, {}
    history = _history(roots, targets)
    wanted = None if targets is None else _leading_to(targets, history)
    if history and writes.newest > history[0].grad_fn.birth:
        _check_unchanged(history, wanted)
    pull_back = _watched(roots, history, wanted) if watchers else _pull_back
    with set_grad_enabled(create_graph):
        for root, g in zip(roots, cotangents):
            _collect(gradients, root, g)
        while history:
            y = history.pop()          # popped, not iterated over: memory is freed on the way
            g = gradients.pop(y, None)
            if g is None:
                continue
            if y._hooks:
                g = _through_hooks(y, g)
            if y in targets if targets is not None else y._retains_grad:
                found[y] = g
            walked = pull_back(y, g, wanted, gradients)
            if walked and not retain_graph:      # a target that leads nowhere may be walked later
                y.grad_fn.release()
        for leaf, g in gradients.items():
            if targets is None or leaf in targets:
                found[leaf] = _through_hooks(leaf, g)
        return _unshared(found, cotangents, create_graph)


def _history(roots, targets):
    """All tensors with a node that the roots were made from, the roots included, oldest first.

    What an earlier walk freed is a dead end, and an error where a target may lie behind it.
    """
    seen, stack = set(), [y for y in roots if y.grad_fn is not None]
    while stack:
        y = stack.pop()
        if y in seen:
            continue
        seen.add(y)
        node = y.grad_fn
        if not node.args and _may_lead_to(targets, y):
            raise FreedGraphError(f"backward: the graph behind this result of {node.name}{node.at} "
                                  "was freed by an earlier backward; pass retain_graph=True to the "
                                  "earlier one to walk it again")
        for x in node.args:
            if isinstance(x, Tensor) and x.grad_fn is not None:
                stack.append(x)
    return sorted(seen, key=lambda y: y.grad_fn.birth)


def _may_lead_to(targets, y):
    """Whether a target may lie behind y, whose arguments are forgotten: none that is younger."""
    return targets is None or any(
        x.is_leaf or x.grad_fn.birth < y.grad_fn.birth for x in targets if x is not y)


def _leading_to(targets, history):
    """The tensors through which a target is reached: no other gradient is worth computing."""
    wanted = set(targets)
    for y in history:
        for x in y.grad_fn.args:
            if isinstance(x, Tensor) and x in wanted:
                wanted.add(y)
                break
    return wanted


def _check_unchanged(history, wanted):
    """Raise ChangedError if a value that the walk needs was overwritten since it was recorded."""
    walked = [y for y in history if any(_asked(x, wanted) for x in y.grad_fn.args)]
    for node in (y.grad_fn for y in walked):
        for i, x in enumerate(node.args):
            if isinstance(x, Tensor) and writes.since(node.birth, x.data):
                raise changed(node, f"argument {i}", x.shape)
    for y in walked:
        if writes.since(y.grad_fn.birth, y.data):
            raise changed(y.grad_fn, "the result", y.shape)


def changed(node, what, shape):
    """The error that an argument or the result of an operation is not what it was."""
    return ChangedError(
        f"backward: {what} of {node.name}, shape {shape}, was changed in place after it was used"
        f"{node.at}; compute the result again after the change, or change a copy (x.clone())")


def _watched(roots, history, wanted):
    """`_pull_back` as those want it who look on; they are told what will be walked."""
    pull_back = _pull_back
    results = [y for y in history if any(_asked(x, wanted) for x in y.grad_fn.args)]
    for watcher in watchers:
        watcher.begins(roots, results)
        pull_back = watcher.around(pull_back)
    return pull_back


def _asked(x, wanted):
    """Whether the gradient of x, an argument of a node, is asked for."""
    return isinstance(x, Tensor) and x.requires_grad and (wanted is None or x in wanted)


def _pull_back(y, g, wanted, gradients):
    """Hand the gradient g of y on to the arguments of the operation that made it.

    Returns whether any of them asked for it.
    """
    op, args, kwargs = y.grad_fn.op, y.grad_fn.args, y.grad_fn.kwargs
    walked, joint = False, None
    for i, x in enumerate(args):
        if not _asked(x, wanted):
            continue
        if op.joint_rule is not None:
            if joint is None:
                joint = _called(op, None, op.joint_rule, g, y, args, kwargs)
            gx = joint[i]
        elif i in op.onto and x in gradients:
            gradients[x] = _fitted(op.onto[i](gradients[x], g, y, *args, **kwargs), x, op, i)
            walked = True
            continue
        elif i in op.rules:
            rule = op.rules[i]
            gx = rule and _called(op, i, rule, g, y, args, kwargs)
        else:
            raise NotImplementedError(f"{op.__name__}: argument {i} has no derivative rule")
        if gx is not None:
            _collect(gradients, x, _fitted(gx, x, op, i))
            walked = True
    return walked


def _called(op, i, rule, g, y, args, kwargs):
    """What the rule of argument i (None: of all) returns; TypeError if it takes something else."""
    try:
        return rule(g, y, *args, **kwargs)
    except TypeError:
        try:
            signature(rule).bind(g, y, *args, **kwargs)
        except ValueError:                       # (there is no signature to be had)
            pass
        except TypeError as misfit:
            which = "joint rule" if i is None else f"rule of argument {i}"
            raise TypeError(f"{op.__name__}: its {which} takes {signature(rule)}, but a rule is "
                            "given (g, y, *args, **kwargs): the gradient of the result, the result "
                            f"and all arguments, here {len(args)} ({misfit})") from None
        raise


def _fitted(g, x, op, i):
    """g in x's shape and dtype: what broadcasting repeated is summed, what was widened narrowed."""
    if not isinstance(g, Tensor):
        raise TypeError(f"{op.__name__}: the rule of argument {i} must return a tensor, "
                        f"it returned {type(g).__name__}")
    if g.data.shape != x.data.shape:
        extra = g.data.ndim - x.data.ndim
        if extra < 0 or any(n != m and n != 1 for n, m in zip(x.data.shape, g.data.shape[extra:])):
            raise ValueError(f"{op.__name__}: the rule of argument {i} returned shape {g.shape}, "
                             f"to which the argument's shape {x.shape} does not broadcast")
        g = sum_to(g, x.data.shape)
    return g if g.data.dtype == x.data.dtype else cast(g, dtype=x.data.dtype)


def _collect(gradients, x, g):
    """Add g to what has already arrived at x."""
    before = gradients.get(x)
    gradients[x] = g if before is None else add(before, g)


def _through_hooks(x, g):
    for hook in () if g is None or not x._hooks else list(x._hooks.values()):
        replaced = hook(g)                       # what it saw or returned is the user's own now
        g = cast(g if replaced is None else _cotangent(x, replaced), dtype=x.dtype)
    return g


def _unshared(found, cotangents, create_graph):
    """Give every gradient memory of its own: the rule of `a + b` hands the same array to both."""
    taken = {id(g.data) for g in cotangents}
    for x, g in found.items():
        if _is_lent(g.data) or id(g.data) in taken:
            found[x] = cast(g, dtype=g.dtype) if create_graph else wrap(_copied(g.data, x.data))
        taken.add(id(found[x].data))
    return found


def _copied(g, like):
    """A copy of g that lies in memory as `like` does."""
    copy = np.empty_like(like, dtype=g.dtype)
    copy[...] = g
    return copy


def _is_lent(array):
    """Whether an array looks into memory that others may see, too, or that is much larger.

    (Kernels lay their results out as views of memory that nobody else knows.)
    """
    if array.base is None:
        return False
    return not (isinstance(array.base, np.ndarray) and _references(array) == ALONE
                and array.flags.writeable and array.base.nbytes <= 2 * array.nbytes)


def _references(array):
    """How often the memory that an array looks into is referred to, counted in this way."""
    return getrefcount(array.base)


ALONE = _references(np.empty(2)[:1])


def _cotangent(y, g):
    """The cotangent of y: g, checked, or 1 for a tensor with one element."""
    if not isinstance(y, Tensor) or not y.requires_grad:
        raise RuntimeError("backward: this tensor does not require grad, "
                           "nothing it was made from does")
    if g is None:
        if y.data.size != 1:
            raise RuntimeError(f"backward: a result of shape {y.shape} needs a gradient of that "
                               "shape; only one with a single element has the default 1")
        return wrap(np.ones_like(y.data))
    g = g if isinstance(g, Tensor) else Tensor(g)
    if g.shape != y.shape:
        raise ValueError(f"backward: the gradient of a tensor of shape {y.shape} must have that "
                         f"shape, got {g.shape}")
    return g if g.dtype == y.dtype else cast(g, dtype=y.dtype)


def _as_list(tensors):
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)
