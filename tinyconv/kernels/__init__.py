"""Compiled loops over plain arrays, no tensor in sight. Begin with `reference.py`, which states in
plain NumPy what the others compute."""
