"""What is measured, on both sides: each process here does the work of one side and nothing else.

The work itself (`kernels`, `networks`, `epochs`, `dispatch`) is written once, in the names that
PyTorch and tinyconv share, and is handed a library: `ours` or `theirs`. This folder imports nothing
from outside itself, except in `ours` and `roofline`: PyTorch's processes take it for a
package of its own (`python -m sides.theirs`), so that they hold no byte of tinyconv or Numba.
"""
