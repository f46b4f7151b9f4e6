"""Graphs that are long, wide and knotted: does a walk back cost as much as the way there?

    python benchmarks/trust/graph.py

A chain of 200 000 operations and half of it, one tensor used 1 000 times, and 1 000 doublings
y = y + y, through which 2¹⁰⁰⁰ paths lead and which a walk passes node by node.
"""
import time

import numpy as np

import tinyconv as tc


def chain(length, link=lambda y, x: y + x):
    """(seconds back, seconds in all, gradient) of y = link(y, x), so many times."""
    x = tc.tensor(np.zeros(1), requires_grad=True)
    start, y = time.process_time(), x
    for _ in range(length):
        y = link(y, x)
    there = time.process_time()
    y.backward()
    end = time.process_time()
    return end - there, end - start, x.grad.item()


def doublings(length):
    """The same of y = (y + y) / 2: 2ⁿ paths, n diamonds, gradient 1."""
    return chain(length, lambda y, x: (y + y) * 0.5)


def main():
    from result import keep                      # which counts the seconds from here

    half, _, gradient_half = min(chain(100_000) for _ in range(3))
    back, whole, gradient = min(chain(200_000) for _ in range(3))
    *_, once = doublings(1000)
    x = tc.tensor(np.zeros(1), requires_grad=True)
    sum((x * k for k in range(1000)), start=tc.tensor(np.zeros(1))).backward()
    right = (gradient, gradient_half, once, x.grad.item()) == (200_001, 100_001, 1, 499_500)
    keep("graph", what="a graph of 200,000 operations, and half of it; 1,000 uses of one tensor; "
         "1,000 diamonds in a row",
         found=f"{whole:.2f} s forward and backward; the walk back takes {back / half:.2f} times "
               f"that of the half; {'every gradient exact' if right else 'WRONG GRADIENTS'}",
         good=right and back < 2.6 * half, details={"seconds": [half, back, whole]})


if __name__ == "__main__":
    main()
