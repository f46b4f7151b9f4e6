"""Graphs that are long, wide and knotted: does a walk back cost as much as the way there?

    python benchmarks/trust/graph.py

A chain of 200 000 operations and half of it, one tensor used 1 000 times, and 1 000 doublings
y = y + y, through which 2¹⁰⁰⁰ paths lead and which a walk passes node by node.
"""
import time

import numpy as np

import tinyconv as tc


def chain(length, link=lambda y, x: y + x):
    """(seconds, gradient) of forward and backward through y = link(y, x), so many times."""
    x = tc.tensor(np.zeros(1), requires_grad=True)
    start, y = time.process_time(), x
    for _ in range(length):
        y = link(y, x)
    y.backward()
    return time.process_time() - start, x.grad.item()


def doublings(length):
    """(seconds, gradient) of y = (y + y) / 2 so many times: 2ⁿ paths, n diamonds, gradient 1."""
    return chain(length, lambda y, x: (y + y) * 0.5)


def main():
    from result import keep                      # which counts the seconds from here

    half, gradient_half = min(chain(100_000) for _ in range(3))
    whole, gradient = min(chain(200_000) for _ in range(3))
    _, once = doublings(1000)
    x = tc.tensor(np.zeros(1), requires_grad=True)
    sum((x * k for k in range(1000)), start=tc.tensor(np.zeros(1))).backward()
    right = (gradient, gradient_half, once, x.grad.item()) == (200_001, 100_001, 1, 499_500)
    keep("graph", what="A graph of 200,000 operations, and half of it; 1,000 uses of one tensor; "
         "1,000 diamonds in a row",
         found=f"{whole:.2f} s forward and backward, {whole / half:.2f} times the half; "
               f"{'every gradient exact' if right else 'WRONG GRADIENTS'}",
         good=right and whole < 2.6 * half, details={"seconds": [half, whole]})


if __name__ == "__main__":
    main()
