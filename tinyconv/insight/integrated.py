"""Integrated gradients: the difference that an image makes to a score, shared out to its pixels.

Sundararajan, Taly & Yan, "Axiomatic attribution for deep networks", ICML 2017,
https://arxiv.org/abs/1703.01365. On the straight way from a baseline b to the image x,

    A = (x − b) ∫₀¹ ∂F/∂x (b + t (x − b)) dt,     Σ A = F(x) − F(b)     ("completeness").

The sum is exact for the integral, not for what one computes. But along any piece of the way the
integral of ⟨x − b, ∂F/∂x⟩ is a difference of two scores, F at its end less F at its beginning. So
one sees *where* the quadrature errs, for a ReLU network at its kinks, and makes the pieces there
smaller.
"""
import warnings
from typing import NamedTuple

import numpy as np

from ..core import Tensor, no_grad
from .asking import as_images, resolved, score, score_and_gradient, undisturbed

WHO = "integrated_gradients"


class Integrated(NamedTuple):
    """What `integrated_gradients` found.

    attribution    like x (N, C, H, W): what each pixel adds to the score
    difference     (N,) F(x) − F(baseline), which the attributions sum up to
    gap            (N,) how far they are from it: Σ attribution − difference
    points         (N,) at how many points of the way the gradient was taken
    """
    attribution: np.ndarray
    difference: np.ndarray
    gap: np.ndarray
    points: np.ndarray


def integrated_gradients(model, x, target=None, baseline=0.0, steps=16, tolerance=1e-3,
                         most=2048, batch_size=32):
    """The integrated gradients of the score of `target` at x (N, C, H, W), an `Integrated`.

    `baseline` is a number or an array that broadcasts to x: the image that says nothing, by
    default 0, which in normalised images is the mean colour. The way is divided into `steps`
    pieces, the gradient of each is that at its middle. The pieces with the greatest errors are
    halved until the sum of the errors, and twice the root of the sum of their squares (lest they
    cancel by chance), are at most `tolerance` · |F(x) − F(baseline)|; where the two scores are
    nearly the same, a tenth of how much F goes up and down on the way stands for it. A warning says
    so if that needs more than `most` points. With a `tolerance` of None nothing is halved.
    """
    target = resolved(WHO, model, x, target)
    x = as_images(WHO, model, x).data
    start = np.broadcast_to(np.asarray(baseline, x.dtype), x.shape)
    if steps < 1:
        raise ValueError(f"{WHO}: steps should be at least 1, got {steps}")
    found = [_Way(model, start[n], x[n], target if callable(target) else target[n], batch_size)
             .integrated(steps, tolerance, most) for n in range(len(x))]
    attribution, difference, points = zip(*found) if found else ((), (), ())
    attribution = np.array(attribution, x.dtype).reshape(x.shape)
    difference = np.array(difference, float)
    gap = attribution.reshape(len(x), -1).sum(1, dtype=float) - difference
    return Integrated(attribution, difference, gap, np.array(points, int))


class _Way:
    """The way from a baseline to an image, both (C, H, W), and the score along it."""

    def __init__(self, model, start, image, target, batch_size):
        self.model, self.start, self.step = model, start, image - start
        self.target, self.batch_size = target, batch_size

    def at(self, ts):
        """The points b + t (x − b) of the way, an array (T, C, H, W)."""
        return np.stack([self.start + self.step * self.step.dtype.type(t) for t in ts])

    def scores(self, ts):
        """F at the points ts, a list of numbers."""
        found = []
        with undisturbed(self.model), no_grad():
            for i in range(0, len(ts), self.batch_size):
                y = self.model(Tensor(self.at(ts[i:i + self.batch_size])))
                found += score(WHO, y, self._target(len(y))).data.tolist()
        return found

    def _target(self, count):
        return self.target if callable(self.target) else np.full(count, self.target)

    def pieces(self, ends, known):
        """A `_Piece` for each pair (a, b) of ends; `known` are the scores at all of them."""
        found = []
        for i in range(0, len(ends), self.batch_size):
            part = ends[i:i + self.batch_size]
            middles = [(a + b) / 2 for a, b in part]
            s, g = score_and_gradient(WHO, self.model, self.at(middles), self._target(len(part)))
            known.update(zip(middles, s.tolist()))
            found += [_Piece(a, b, gi * self.step, known) for (a, b), gi in zip(part, g)]
        return found

    def integrated(self, steps, tolerance, most):
        """The attribution (C, H, W), the difference it shares out, the number of points."""
        ts = np.linspace(0, 1, steps + 1).tolist()
        known = dict(zip(ts, self.scores(ts)))
        pieces = self.pieces(list(zip(ts, ts[1:])), known)
        difference = known[1.0] - known[0.0]
        while tolerance is not None:
            there = np.array([known[t] for t in sorted(known)])
            allowed = tolerance * max(abs(difference), np.abs(np.diff(there)).sum() / 10)
            pieces.sort(key=lambda piece: -abs(piece.gap))
            gaps = np.array([piece.gap for piece in pieces])
            error = max(abs(gaps.sum()), 2 * np.linalg.norm(gaps))
            if error <= allowed:
                break
            if len(pieces) >= most:
                warnings.warn(f"{WHO}: with {len(pieces)} points the error is about {error:.2g}, "
                              f"more than {allowed:.2g}", RuntimeWarning, stacklevel=4)
                break
            worst, pieces = pieces[:self.batch_size], pieces[self.batch_size:]
            halves = [half for p in worst for half in ((p.a, p.middle), (p.middle, p.b))]
            pieces += self.pieces(halves, known)
        total = np.zeros(self.step.shape)
        for piece in sorted(pieces, key=lambda piece: piece.a):
            total += (piece.b - piece.a) * piece.slope
        return total, difference, len(pieces)


class _Piece:
    """A piece a … b of the way with its slopes, (x − b) ∂F/∂x at its middle, like the image."""

    def __init__(self, a, b, slope, known):
        self.a, self.b, self.middle, self.slope = a, b, (a + b) / 2, slope
        self.gap = (b - a) * slope.sum(dtype=float) - (known[b] - known[a])
