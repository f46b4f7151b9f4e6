"""Compiled loops over plain arrays, no tensor in sight. Begin with the folder `reference`, which
states in plain NumPy what the others compute, and there with `convolution.py`."""
