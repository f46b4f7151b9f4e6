"""`check_operation`: all that an operation of the catalogue has to keep, on many problems."""
import time
import zlib
from dataclasses import dataclass, field

import numpy as np

from ..core import Tensor, no_grad
from .comparison import compare_with_torch, equal
from .directional import check_grad
from .draws import Draw
from .errors import GradientError
from .points import bounded, gradients, leaf, outputs_of

SINGLE = 1e-4                          # by how much float32 may differ from float64, relatively


@dataclass
class Verdict:
    """What came out for one operation.

    worst : the worst relative error of the derivatives of each order, against central differences;
    complex : the worst against complex steps, torch : against PyTorch, both None if not compared.
    failure : what was wrong, None if nothing; `reproduction` is a command that finds it again.
    """
    name: str
    problems: int = 0
    worst: list = field(default_factory=list)
    complex: float | None = None
    torch: float | None = None
    seconds: float = 0.0
    failure: str | None = None
    reproduction: str | None = None


def check_operation(operation, problems=50, seed=0, complex=False, torch=False):
    """Check an `Operation` of the catalogue on random problems; returns a `Verdict`.

    On each: derivatives to second order against finite differences (`check_grad`, with all it looks
    after); every spelling gives the same bits; float32 stays float32, and its result and gradients
    are those of float64 up to round-off. With `complex` the derivatives are compared with complex
    steps, too, and with `torch` values, dtypes and gradients with PyTorch's, in float64 and
    float32. It stops at the first failure.
    """
    began, verdict = time.perf_counter(), Verdict(operation.name, worst=[0.0] * operation.order)
    flags = " --complex" * complex + " --torch" * torch
    for number in range(seed, seed + problems):
        call = "the problem could not be made"
        try:
            call = problem(operation, number)
            errors = _check_alone(operation, call, number)
            verdict.worst = [max(pair) for pair in zip(verdict.worst, errors)]
            if complex:
                error = max(check_grad(call.of(operation.spellings[0]), *call.floats, seed=number,
                                       order=operation.order, method="complex",
                                       name=operation.name))
                verdict.complex = max(error, verdict.complex or 0.0)
            if torch and operation.torch != "":
                error = _check_with_torch(operation, call, number)
                verdict.torch = max(error, verdict.torch or 0.0)
        except Exception as error:               # whatever it is, it is the operation's failure
            verdict.failure = f"{type(error).__name__}: {error}\n  called with {call}"
            verdict.reproduction = (f"tinyconv check {operation.name} --seed {number} --problems 1"
                                    + flags)
            break
        finally:
            verdict.seconds = time.perf_counter() - began
        verdict.problems += 1
    return verdict


def problem(operation, seed):
    """The problem of an operation with that seed."""
    return operation.problem(Draw.seeded(seed, zlib.crc32(operation.name.encode())))


def _check_alone(operation, call, seed):
    functions = [call.of(f) for f in operation.spellings]
    errors = check_grad(functions[0], *call.floats, order=operation.order, seed=seed,
                        name=operation.name)
    with no_grad():
        first, *others = ([y.data for y in outputs_of(f, list(map(Tensor, call.floats)))]
                          for f in functions)
    for other in others:
        for j, (a, b) in enumerate(zip(first, other, strict=True)):
            equal(b, a, f"result {j} of the method {operation.name}", 0, 0)
    _check_single(call, operation.spellings[0], seed)
    return errors


def _check_single(call, f, seed):
    """float32 stays float32, in results and gradients, and differs by round-off from float64."""
    wide = [y.astype(np.float32) for y in _everything(call, f, seed)]
    narrow = _everything(call.astype(np.float32), f, seed)
    for j, (a, b) in enumerate(zip(wide, narrow, strict=True)):
        scale = float(np.abs(a).max(initial=1.0))
        equal(b, a, f"in float32: number {j} of the results and gradients", SINGLE, SINGLE * scale)


def _everything(call, f, seed):
    """All floating point results, and the gradients of all inputs by random cotangents."""
    xs = [leaf(x) for x in call.floats]
    ys = outputs_of(call.of(f), xs)
    rng = np.random.default_rng(seed)
    vs = [Tensor(bounded(rng, y.shape).astype(y.dtype)) for y in ys]
    return [y.data for y in [*ys, *gradients(ys, xs, vs)]]


def _check_with_torch(operation, call, seed):
    """The error in float64."""
    import torch

    twin = operation.twin(torch)
    try:
        error = compare_with_torch(call, operation.spellings[0], twin, seed=seed,
                                   **({"rtol": operation.rough} if operation.rough else {}))
        compare_with_torch(call.astype(np.float32), operation.spellings[0], twin,
                           rtol=SINGLE, atol=SINGLE, seed=seed)
    except GradientError as failure:
        raise GradientError(f"not as PyTorch: {failure}") from failure
    return error
